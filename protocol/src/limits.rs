//! Bounds of the wire beyond those of `stoa_model::limits`, each with what happens there. It never
//! enforces them: the doors do.

/// Bytes of a name for people: of a task, framework, user, machine or version. Longer ones are
/// refused at the door.
pub const NAME_BYTES_MAX: usize = 1_024;

/// Bytes of the key, and of the value, of a label or an attribute. Longer ones are refused.
pub const LABEL_BYTES_MAX: usize = 4_096;

/// Bytes of all labels of a framework, or of all attributes of an agent, with their keys. More are
/// refused at the door: what is said of one of them must fit in one transaction of a store.
pub const LABELS_BYTES_MAX: usize = 512 << 10;

/// Bytes of a path, as of Linux' PATH_MAX. Longer ones are refused at the door.
pub const PATH_BYTES_MAX: usize = 4_096;

/// Bytes of the name of a host, as of DNS. Longer ones are refused at the door.
pub const HOST_BYTES_MAX: usize = 253;

/// Ranges of ports in one amount of resources: as many as can be without touching. More are
/// refused at the door.
pub const PORT_RANGES_MAX: usize = 32_768;

/// Tasks, and executors, of one Reregister: more than an agent can hold or leave unacknowledged.
/// More are refused at the door.
pub const REREGISTER_ENTRIES_MAX: usize = 65_536;

/// Offers of one Offer or Rescind: more than a cluster has agents for one framework. More are
/// refused at the door.
pub const EVENT_OFFERS_MAX: usize = 65_536;

/// Bytes of each text of a gRPC error. The rest is cut: a peer refuses trailers over 16 KiB.
pub const ERROR_TEXT_BYTES_MAX: usize = 1_024;

/// Characters of a refused text that its refusal repeats. The rest is cut.
pub const SHOWN_CHARS_MAX: usize = 64;

/// Batches that may wait for a stream to be written. Then calls wait in the link, where its owner
/// bounds them.
pub const BATCHES_ON_THE_WAY_MAX: usize = 8;

/// Calls that travel as one message of a stream at most.
pub const SENT_PER_BATCH_MAX: usize = 256;

/// Bytes that a peer may send before it must wait for the receiver. Source: HTTP/2 flow control,
/// whose default of 64 KiB makes every batch wait for a round trip.
pub const STREAM_WINDOW_BYTES: u32 = 4 << 20;

/// Bytes of one frame between an agent and an executor host: room for a task with its data, its
/// environment and its labels at their bounds. A larger one ends the connection.
pub const HOST_FRAME_BYTES_MAX: usize = 16 << 20;

/// Seconds that the making of a connection may take.
pub const CONNECT_SECONDS: u64 = 5;

/// Seconds between two pings; a connection that does not answer is closed.
pub const KEEPALIVE_SECONDS: u64 = 10;

/// Seconds that a master may take to end a stream that the other side has ended.
pub const FINISH_SECONDS: u64 = 2;

/// Times that a master is believed that names another as leader, in one round of a search. Then the
/// list of masters goes on.
pub const HOPS_MAX: usize = 4;

/// Seconds that a master may take to say whether it leads.
pub const LEADER_SECONDS: u64 = 5;

/// The longest wait between the first two rounds of a search, in milliseconds; doubles each time.
pub const ROUND_WAIT_MS_MIN: u64 = 100;

/// The longest wait between two rounds of a search, in milliseconds.
pub const ROUND_WAIT_MS_MAX: u64 = 2_000;

/// Chunks of an artifact that may wait for a slow stream. Then the source is read no further.
pub const CHUNKS_ON_THE_WAY_MAX: usize = 4;
