//! The bounds of the master's edge: each with what happens there.

use stoa_model::limits::WIRE_MESSAGE_BYTES_MAX;

/// Inputs that may wait for the core. Then streams are read no further, and their peers wait.
pub const INPUTS_WAITING_MAX: usize = 1_024;

/// Inputs that are applied before their records are made durable together.
pub const INPUTS_PER_ROUND_MAX: usize = 256;

/// Batches of events that one peer may leave unread. Then its stream is ended with the reason; it
/// reconnects and is told anew.
pub const BATCHES_UNREAD_MAX: usize = 1_024;

/// Events that travel as one message of a stream at most.
pub const EVENTS_PER_BATCH_MAX: usize = 256;

/// Watchers of events. More are refused.
pub const WATCHERS_MAX: usize = 64;

/// Events that one watcher may leave unread. Then its watch is ended with the reason.
pub const WATCHER_EVENTS_UNREAD_MAX: usize = 4_096;

/// Seconds between two pings on an idle connection; one that does not answer is closed.
pub const KEEPALIVE_SECONDS: u64 = 10;

/// Chunks of an artifact that may wait for a slow receiver. Then the file is read no further.
pub const CHUNKS_WAITING_MAX: usize = 4;

/// Bytes of one part of a backup. A longer one is damage: no record is so large.
pub const BACKUP_PART_BYTES_MAX: usize = 2 * WIRE_MESSAGE_BYTES_MAX;

/// Backups that are made at one time. More are refused: each keeps what it reads from being
/// overwritten.
pub const BACKUPS_MAX: usize = 2;

/// Bytes of a backup that travel as one message of its stream.
pub const BACKUP_CHUNK_BYTES: usize = 64 << 10;

/// Seconds that a backup waits for whoever receives it. Then it is ended.
pub const BACKUP_WAIT_SECONDS: u64 = 30;

/// Bytes that a peer may send before it must wait for the receiver. Source: HTTP/2 flow control,
/// whose default of 64 KiB makes every batch wait for a round trip.
pub const STREAM_WINDOW_BYTES: u32 = 4 << 20;

/// Bytes that are changed in etcd at once, as they are estimated: then the next transaction begins.
/// No record that is legal at the doors is longer, and etcd takes half as much again.
pub const COMMIT_BYTES_MAX: usize = 1 << 20;

/// Times that a commit is sent to etcd while nobody answers. Then it has failed, and the store with
/// it.
pub const COMMIT_ATTEMPTS_MAX: usize = 4;

/// Milliseconds between two of these.
pub const COMMIT_PAUSE_MS: u64 = 100;

/// Times that all of etcd is read anew because it has forgotten what was there at the beginning.
/// Then reading has failed.
pub const READS_MAX: usize = 3;

/// Questions of the election that may wait for etcd. One more is not asked: the election counts on
/// answers that do not come.
pub const QUESTIONS_WAITING_MAX: usize = 16;

/// Milliseconds after which the leader's key is read although nobody says that it has changed.
pub const LEADER_LOOK_MS: u64 = 3_000;

/// Milliseconds until the leader's key is watched anew after a watch has failed.
pub const LEADER_WATCH_PAUSE_MS: u64 = 500;
