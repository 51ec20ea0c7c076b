//! The bounds of what is said to etcd, each with what happens there.

/// Endpoints that may be named. More are refused.
pub const ENDPOINTS_MAX: usize = 9;

/// Bytes of a prefix. A longer one is refused.
pub const PREFIX_BYTES_MAX: usize = 200;

/// Operations in one branch of a transaction. More are refused before anything is sent. Source:
/// etcd, the default of `--max-txn-ops`.
pub const OPERATIONS_PER_TXN_MAX: usize = 128;

/// Bytes of a call. More are refused before anything is sent. Source: etcd, the default of
/// `--max-request-bytes`.
pub const CALL_BYTES_MAX: usize = 3 << 19;

/// Bytes of an answer. A longer one is an error that says so, and the caller asks for less.
pub const ANSWER_BYTES_MAX: usize = 32 << 20;

/// Keys of one page of a range.
pub const PAGE_KEYS_MAX: u32 = 1_000;

/// Milliseconds until a connection that does not come about is given up.
pub const CONNECT_MS: u64 = 1_000;

/// Milliseconds that one endpoint has for the answer to one call. Then the next one is asked, if
/// asking twice does no harm.
pub const CALL_MS: u64 = 2_000;

/// Milliseconds between two pings on a connection; one that is not answered for as long ends it.
pub const PING_MS: u64 = 3_000;
