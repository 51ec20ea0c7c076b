//! The bounds of this executor, each with what happens there. It never enforces any of them.

/// Bytes of one input and of one answer: Stoa's bound of a task's data. A larger input is refused;
/// an instance that gives a larger answer is killed.
pub(crate) const DATA_BYTES_MAX: usize = 1 << 20;

/// Instances of the function. Settings that ask for more are refused.
pub(crate) const INSTANCES_MAX: usize = 64;

/// Bytes before an answer that begins with its number: 20 digits and a space.
pub(crate) const NUMBER_BYTES_MAX: usize = 21;

/// Bytes of a wrong line that are shown to people. What is more is cut off.
pub(crate) const SHOWN_BYTES_MAX: usize = 64;

/// Milliseconds one call may take where the settings say nothing: a function that hangs gives its
/// instance back.
pub(crate) const CALL_MS: u64 = 30_000;

/// Milliseconds one call may be granted: a year. Settings that ask for more are refused.
pub(crate) const CALL_MS_MAX: u64 = 365 * 24 * 3_600 * 1_000;

/// Calls that are not over. More are refused.
pub(crate) const CALLS_MAX: usize = 65_536;

/// What a call takes in memory besides its input: its id, its deadline, and its
/// places in the queues.
pub(crate) const CALL_BYTES: usize = 512;

/// Calls in flight in one instance. Others wait for it or for another instance.
pub(crate) const IN_FLIGHT_MAX: usize = 256;

/// Bytes of the inputs in flight in one instance, unless it is a single one. Others wait.
pub(crate) const IN_FLIGHT_BYTES_MAX: usize = 128 << 10;

/// Bytes handed to an instance at once: as many as its stdin holds. The rest follows.
pub(crate) const WRITE_BYTES_MAX: usize = 64 << 10;

/// The part of the output granted to an instance that it may write: a half. Then it gets no further
/// calls, and is replaced by a new one when it has answered those it has.
pub(crate) const OUTPUT_PART: u64 = 2;

/// Milliseconds after which an instance that took no input is asked again: doubled each time, up
/// to the second figure.
pub(crate) const WRITE_AGAIN_MS: (u64, u64) = (1, 64);

/// Updates sent in one event: Stoa takes 1 024. The others follow with a tick.
pub(crate) const EVENT_UPDATES_MAX: usize = 1_000;

/// Updates that wait to be sent. No instance gets further calls as long as there are more.
pub(crate) const UPDATES_WAITING_MAX: usize = 4_096;

/// Times in a row that an instance may end without having answered a call. Then it is given up for
/// `GIVEN_UP_MS`; when all are, waiting calls fail.
pub(crate) const DEATHS_MAX: u32 = 5;

/// Milliseconds before an instance that ended without an answer is started again: doubled with
/// each such end.
pub(crate) const RESTART_MS: u64 = 50;

/// Milliseconds after which a call may start an instance that was given up.
pub(crate) const GIVEN_UP_MS: u64 = 60_000;

/// Bytes of a line of the function's stderr that go into the log. What is more is cut off.
pub(crate) const LOG_LINE_BYTES_MAX: usize = 1_024;

/// Bytes of memory that this executor keeps for itself at least: a quarter if that is more, and
/// half at most. The instances share what is left.
pub(crate) const OWN_MEMORY_BYTES_MIN: u64 = 8 << 20;

/// Bytes of memory of one instance: two pages. With less the settings are refused.
pub(crate) const INSTANCE_MEMORY_BYTES_MIN: u64 = 128 << 10;

const _: () = assert!(WRITE_BYTES_MAX <= IN_FLIGHT_BYTES_MAX);
const _: () = assert!(EVENT_UPDATES_MAX < UPDATES_WAITING_MAX);
