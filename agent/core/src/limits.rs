//! The bounds of what others can make an agent hold, and its times: each with what happens there.
//! It never enforces any of them.

/// Tasks that live at once, unless configured. One more is DROPPED with `AGENT_REFUSED`. About
/// what one process can hold. Source: `vm.max_map_count` of Linux, 65 530.
pub const TASKS_MAX_DEFAULT: usize = 10_000;

/// Tasks that live or whose Updates are not acknowledged. One more is DROPPED, and its Update is
/// sent once and not kept: if that is lost, the next Reregister shows that there is no such task.
pub const TASKS_KEPT_MAX: usize = 32_768;

/// Updates of one task that wait for acknowledgement. A further report of progress is dropped
/// with a warning; the end of the task never is.
pub const UPDATES_WAITING_MAX: usize = 64;

/// Frameworks' own executors. A task that needs one more is DROPPED with `AGENT_REFUSED`.
pub const EXECUTORS_MAX: usize = 1_024;

/// Sandboxes of tasks that are over. The oldest is removed.
pub const SANDBOXES_MAX: usize = 1_000;

/// Removed frameworks that are remembered, so that nothing of them starts again. The oldest is
/// forgotten.
pub const FRAMEWORKS_REMOVED_MAX: usize = 1_024;

/// Artifacts known to be in the agent's store. The least recently used is forgotten, and fetched
/// again when it is next needed, which is quick if the store has it still.
pub const ARTIFACTS_READY_MAX: usize = 4_096;

/// Artifacts that are being fetched. A task that needs one more is DROPPED with `AGENT_REFUSED`.
pub const FETCHES_MAX: usize = 4_096;

/// Pairs of a task and an artifact it waits for. A task that needs one more is DROPPED with
/// `AGENT_REFUSED`.
pub const FETCH_WAITS_MAX: usize = 65_536;

/// Questions for logs that wait or are being read. One more is answered with an error.
pub const LOG_REQUESTS_MAX: usize = 1_024;

/// Milliseconds that a question for a log waits for output; then what there is is answered.
pub const LOG_WAIT_MS: u64 = 5_000;

/// Times that downloads are brought to the master. After the last the Update goes out without
/// them and says so.
pub const PUBLISH_TRIES_MAX: u32 = 4;

/// Milliseconds until downloads are first tried again; doubles each time.
pub const PUBLISH_RETRY_MS: u64 = 1_000;

/// Milliseconds until an Update is first sent again. Source: Mesos waits 10 s; the master is near.
pub const RESEND_MS_MIN: u64 = 5_000;

/// The longest time until an Update is sent again. Source: Mesos, 10 min.
pub const RESEND_MS_MAX: u64 = 600_000;

/// Milliseconds until a broken stream is first opened again.
pub const RECONNECT_MS_MIN: u64 = 100;

/// The longest time until a broken stream is opened again.
pub const RECONNECT_MS_MAX: u64 = 15_000;

/// Milliseconds that opening a stream may take. Then it is given up.
pub const CONNECT_MS_MAX: u64 = 15_000;

/// Milliseconds between Register and Registered. Then the stream is given up.
pub const WELCOME_MS_MAX: u64 = 30_000;

/// Heartbeats of the master that may be missing. Then the stream is given up.
pub const HEARTBEATS_MISSED_MAX: u64 = 5;

/// The shortest heartbeat taken from a master; a shorter one is raised to it.
pub const HEARTBEAT_MS_MIN: u64 = 100;

/// The longest heartbeat taken from a master; a longer one is lowered to it.
pub const HEARTBEAT_MS_MAX: u64 = 3_600_000;

/// Milliseconds between the notice to an executor that is shut down and its end.
/// Source: Mesos, `executor_shutdown_grace_period`.
pub const SHUTDOWN_GRACE_MS: u64 = 5_000;

const _: () = assert!(TASKS_MAX_DEFAULT < TASKS_KEPT_MAX);
const _: () = assert!(RESEND_MS_MIN < RESEND_MS_MAX && RECONNECT_MS_MIN < RECONNECT_MS_MAX);
