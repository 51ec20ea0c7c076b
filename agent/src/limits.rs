//! The bounds of the agent's edge: each with what happens there.

use std::time::Duration;

/// Inputs that are applied before their records are made durable together.
pub const INPUTS_PER_ROUND_MAX: usize = 256;

/// Calls that may wait for a slow stream. Then it is given up, and the agent connects
/// anew and says again what matters.
pub const CALLS_WAITING_MAX: usize = 65_536;

/// Executor hosts in processes of their own at a time. Tasks of a framework that would need
/// another one fail.
pub const HOSTS_MAX: usize = 1_024;

/// Frames that may wait for an executor host. Then it is given up, and its tasks fail.
pub const HOST_FRAMES_WAITING_MAX: usize = 65_536;

/// What executor hosts say that may wait for the agent's loop. Then they are read no further.
pub const HOST_WORDS_WAITING_MAX: usize = 4_096;

/// Events of a host that the agent has not recorded yet. Then the host takes no more from its
/// executors, which wait.
pub const HOST_EVENTS_UNTAKEN_MAX: usize = 4_096;

/// Files and sockets that an executor host may have open at a time. A guest that would open more
/// is refused.
pub const HOST_OPEN_FILES_MAX: u64 = 65_536;

/// Milliseconds that a host may take to greet its agent. Then it is given up.
pub const HOST_GREETING_MS: u64 = 20_000;

/// Milliseconds between two questions to a host whether it lives.
pub const HOST_ASK_MS: u64 = 5_000;

/// Milliseconds without a word of a host, after which it is given up.
pub const HOST_SILENT_MS: u64 = 30_000;

/// Milliseconds that a host has to end when its framework has ended: what executors have to end,
/// and time to end itself. Then it is killed.
pub const HOST_END_MS: u64 = 10_000;

/// Milliseconds without anything that lives in a host, after which it ends: short, as each
/// `stoa run` is a framework of its own, and a new host takes some 20 ms to start.
pub const HOST_IDLE_MS: u64 = 10_000;

/// Milliseconds that a host waits for an agent to come back. Then it ends with all that it has.
/// Source: the recovery timeout of Mesos' agents, 15 minutes.
pub const HOST_ALONE_MS: u64 = 15 * 60 * 1_000;

/// Records of the checkpoint's journal. Beyond it the journal is rewritten.
pub const JOURNAL_RECORDS_MAX: u64 = 100_000;

/// Milliseconds before each further try to fetch an artifact whose master is away. After the last
/// the tasks that need it fail.
pub const FETCH_WAITS_MS: [u64; 3] = [200, 1_000, 5_000];

/// How long one attempt to move an artifact waits for a master that leads.
pub const LEADER_PATIENCE: Duration = Duration::from_secs(15);
