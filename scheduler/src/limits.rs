//! The bounds of a scheduler's session: each with what happens there.

/// First wait before the stream is opened again, in milliseconds. It doubles with each failure.
pub const RECONNECT_MS_MIN: u64 = 50;

/// The longest wait before the stream is opened again, in milliseconds.
pub const RECONNECT_MS_MAX: u64 = 15_000;

/// A master that says nothing for so many of its heartbeats is given up, and connected anew.
/// Source: Mesos' advice to schedulers, five missed heartbeats.
pub const HEARTBEATS_MISSED_MAX: u64 = 5;

/// The shortest heartbeat taken from a master; a shorter one is raised to it.
pub const HEARTBEAT_MS_MIN: u64 = 100;

/// The longest heartbeat taken from a master; a longer one is lowered to it.
pub const HEARTBEAT_MS_MAX: u64 = 3_600_000;

/// What the author may have waiting for the stream; the next call waits until there is room.
pub const CALLS_WAITING_MAX: usize = 4_096;

/// What the stream may have waiting for the author; then the stream is read no further, and the
/// master's own bound decides.
pub const EVENTS_WAITING_MAX: usize = 4_096;

/// Last Updates of tasks that are remembered after they were acknowledged, so that one whose
/// Acknowledge was lost is not told twice. Older ones would be told again.
pub const ENDS_REMEMBERED_MAX: usize = 16_384;

/// How long an author waits for a master to confirm Unregister, in milliseconds. Then it is told
/// that none has, and the framework lives on until its failover timeout.
pub const UNREGISTER_MS_MAX: u64 = 15_000;

/// Calls that travel as one message of the stream at most.
pub const CALLS_PER_BATCH_MAX: usize = 256;

const _: () = assert!(RECONNECT_MS_MIN < RECONNECT_MS_MAX);
