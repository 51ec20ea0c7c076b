//! The bounds of a script, each with what happens there. It never enforces any of them.

/// Bytes of a script. A longer one is refused.
pub(crate) const SCRIPT_BYTES_MAX: usize = 256 << 10;

/// Functions of a script. One with more is refused.
pub(crate) const FUNCTIONS_MAX: usize = 256;

/// Steps of the interpreter in one call, or when a script is set. The call fails.
pub(crate) const OPERATIONS_MAX: u64 = 10_000_000;

/// Milliseconds of one call, or for a script to be set: well below the deadline of the event it is
/// in. The call fails.
pub(crate) const CALL_MS_MAX: u64 = 2_000;

/// Steps of the interpreter between two looks at the clock.
pub(crate) const OPERATIONS_PER_LOOK: u64 = 1_000;

/// Functions that a script may be in at one time, one calling the other. The call fails.
pub(crate) const CALL_LEVELS_MAX: usize = 24;

/// Expressions within each other, outside functions and in each of them. A script with more is
/// refused. With [`CALL_LEVELS_MAX`] it keeps the interpreter within its stack.
pub(crate) const EXPRESSION_DEPTH_MAX: usize = 24;

/// Variables that are visible at one place. The call fails.
pub(crate) const VARIABLES_MAX: usize = 128;

/// Bytes of all strings in one value. The call fails.
pub(crate) const STRING_BYTES_MAX: usize = 1 << 20;

/// Elements of all arrays in one value. The call fails.
pub(crate) const ARRAY_ELEMENTS_MAX: usize = 10_000;

/// Properties of all maps in one value. The call fails.
pub(crate) const MAP_PROPERTIES_MAX: usize = 10_000;

/// Arrays and maps within each other in an answer. The call fails.
pub(crate) const ANSWER_DEPTH_MAX: usize = 64;

/// Lines that one call may print; the rest is left out, and a line says so.
pub(crate) const LINES_PRINTED_MAX: u32 = 32;
