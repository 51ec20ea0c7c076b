//! The bounds of the agent's edge: each with what happens there.

use std::time::Duration;

/// Inputs that are applied before their records are made durable together.
pub const INPUTS_PER_ROUND_MAX: usize = 256;

/// Calls that may wait for a slow stream. Then it is given up, and the agent connects
/// anew and says again what matters.
pub const CALLS_WAITING_MAX: usize = 65_536;

/// Records of the checkpoint's journal. Beyond it the journal is rewritten.
pub const JOURNAL_RECORDS_MAX: u64 = 100_000;

/// Milliseconds before each further try to fetch an artifact whose master is away. After the last
/// the tasks that need it fail.
pub const FETCH_WAITS_MS: [u64; 3] = [200, 1_000, 5_000];

/// How long one attempt to move an artifact waits for a master that leads.
pub const LEADER_PATIENCE: Duration = Duration::from_secs(15);
