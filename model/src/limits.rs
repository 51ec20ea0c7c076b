//! The bounds of what peers may send: each with what happens there. It never enforces any of
//! them: the doors (`from_proto`) and the cores do.

/// Bytes of an id. Longer ones are refused at the door; file systems end at 255.
pub const ID_BYTES_MAX: usize = 200;

/// Bytes of a human-readable message in a status. The agent cuts longer ones and says so.
pub const MESSAGE_BYTES_MAX: usize = 4_096;

/// Bytes of a task's or executor's opaque data, and of one Message. Larger ones are refused.
pub const DATA_BYTES_MAX: usize = 1 << 20;

/// Bytes of all arguments and environment variables of one program, as of `execve` elsewhere.
pub const ARGUMENT_BYTES_MAX: usize = 1 << 20;

/// Labels, attributes, grants or variables of one thing. More are refused at the door.
pub const ENTRIES_MAX: usize = 1_024;

/// Tasks of one Launch, offers of one Decline, roles of one Revive. More are refused at the door.
pub const BATCH_ENTRIES_MAX: usize = 16_384;

/// Bytes of one message on a stream. The transport refuses larger ones with a clear status.
pub const WIRE_MESSAGE_BYTES_MAX: usize = 16 << 20;

/// Bytes of one artifact. An upload is refused as soon as it passes this.
pub const ARTIFACT_BYTES_MAX: u64 = 256 << 20;

/// Bytes of one chunk of a log or an artifact on its way.
pub const CHUNK_BYTES_MAX: usize = 256 << 10;

/// The longest time a filter, timeout or grace period may ask for: 365 days.
pub const DURATION_MS_MAX: u64 = 365 * 24 * 3_600 * 1_000;

/// Masters of one cluster. A longer list is refused.
pub const MASTERS_MAX: usize = 16;
