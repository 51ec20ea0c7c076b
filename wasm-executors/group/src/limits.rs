//! The bounds of this executor, each with what happens there. It never enforces any of them.

/// Bytes of the name of a group. Longer ones are refused.
pub(crate) const NAME_BYTES_MAX: usize = 200;

/// Members of one group: all of them are told something in one event, and Stoa takes 1 024 Updates
/// in one. Larger groups are refused.
pub(crate) const MEMBERS_MAX: usize = 256;

/// Programs of one task. More are refused.
pub(crate) const PROGRAMS_MAX: usize = 64;

/// Milliseconds a group has to become complete, if nothing else is asked for. Then its members
/// fail.
pub(crate) const WAIT_MS_DEFAULT: u64 = 60_000;

/// The longest of these times that may be asked for: a year. Longer ones are refused.
pub(crate) const WAIT_MS_MAX: u64 = 365 * 24 * 3_600 * 1_000;

/// What a task takes in memory, as a multiple of the bytes that describe it, and at least.
pub(crate) const TASK_BYTES: (u64, u64) = (4, 2 << 10);

/// The part of this executor's memory that its tasks may take: a half. More tasks are refused.
pub(crate) const TASKS_PART: u64 = 2;

/// Bytes of memory of one program: two pages. With less its task is refused.
pub(crate) const PROGRAM_MEMORY_BYTES_MIN: u64 = 128 << 10;

// Each member may come to run and end in the same event.
const _: () = assert!(2 * MEMBERS_MAX < 1_024);
