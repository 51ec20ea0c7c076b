//! The bounds of this executor, each with what happens there. It never enforces any of them.

/// Bytes of one shell line. A longer one is refused.
pub const LINE_BYTES_MAX: usize = 256 << 10;

/// Commands, substitutions and expansions within each other. A line that is deeper is refused.
pub const DEPTH_MAX: usize = 32;

/// Commands in one pipeline. A longer one is refused.
pub const PIPELINE_COMMANDS_MAX: usize = 32;

/// Parts of a shell that run at a time: subshells, substitutions and commands of pipelines. The
/// shell fails.
pub const STRANDS_MAX: usize = 128;

/// Bytes that the command substitutions of one shell hold at a time. The shell fails.
pub const CAPTURE_BYTES_MAX: usize = 1 << 20;

/// Bytes of all names and values of variables of one part of a shell. The shell fails.
pub const VARIABLES_BYTES_MAX: usize = 1 << 20;

/// Words, and bytes of them, that one command may become. The shell fails.
pub const WORDS_MAX: usize = 65_536;
/// See [`WORDS_MAX`].
pub const WORDS_BYTES_MAX: usize = 1 << 20;

/// Characters of a pattern. A longer one fits no file, and fails the shell elsewhere.
pub const PATTERN_CHARACTERS_MAX: usize = 1_024;

/// What expanding one command may cost, in characters looked at. The shell fails.
pub const EXPANSION_COST_MAX: usize = 4 << 20;

/// What one step costs, in the same unit, besides what it expands.
pub const STEP_COST: usize = 100;

/// What the steps of one shell in one event may cost. It goes on with the next tick.
pub const EVENT_COST_MAX: usize = 200_000;

/// Tasks that go on in one tick. Others go on with the next.
pub const TICK_TASKS_MAX: usize = 16;

/// Steps of one shell altogether: what it does itself costs its task no fuel. The shell fails.
pub const STEPS_MAX: u64 = 2_000_000;

/// Milliseconds after which a shell goes on that has used up its steps of an event, or whose
/// program did not take all of its input at once.
pub const TICK_MS: u64 = 1;

/// Bytes of text that are handed to a program at a time.
pub const STDIN_CHUNK_BYTES: usize = 64 << 10;
