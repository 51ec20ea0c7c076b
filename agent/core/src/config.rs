//! What the edge decides before an agent starts. It never reads flags or files.

use std::collections::BTreeSet;

use stoa_model::agent::AgentInfo;
use stoa_model::ids::FrameworkId;

use crate::limits::{
    RECONNECT_MS_MAX, RECONNECT_MS_MIN, RESEND_MS_MAX, RESEND_MS_MIN, TASKS_MAX_DEFAULT,
};

/// Which executor hosts have outlived the agent's last process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostsFound {
    /// The host lived in the agent's process: everything that ran is gone with it.
    None,
    /// All of them.
    All,
    /// Those of these frameworks; each framework has its own.
    Of(BTreeSet<FrameworkId>),
}

/// How this agent behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// What the agent says of its machine; its resources bound what it admits.
    pub info: AgentInfo,
    /// Random at every start of the process: the upper half of every `UpdateId` it mints, and the
    /// seed of its jitter.
    pub incarnation: u64,
    /// Which executor hosts have outlived the agent's last process. The edge starts a new host only
    /// when the records of the first step are durable: else the next process could take that one
    /// for the host that had the tasks.
    pub hosts: HostsFound,
    /// What the machine calls its present start; nothing if it does not tell. In another start than
    /// the last everything that ran is gone, and the host with it.
    pub boot: Option<String>,
    /// Tasks that may live at once; a task above it is DROPPED. At most `TASKS_KEPT_MAX`.
    pub tasks_max: usize,
    /// Milliseconds until an Update is first sent again; doubles each time.
    pub resend_ms_min: u64,
    /// The longest time until an Update is sent again, in milliseconds.
    pub resend_ms_max: u64,
    /// Milliseconds until a broken stream is first opened again; doubles each time.
    pub reconnect_ms_min: u64,
    /// The longest time until a broken stream is opened again, in milliseconds.
    pub reconnect_ms_max: u64,
}

impl Config {
    /// The ordinary settings of an agent whose host lives in its own process.
    pub fn new(info: AgentInfo, incarnation: u64) -> Self {
        Self {
            info,
            incarnation,
            hosts: HostsFound::None,
            boot: None,
            tasks_max: TASKS_MAX_DEFAULT,
            resend_ms_min: RESEND_MS_MIN,
            resend_ms_max: RESEND_MS_MAX,
            reconnect_ms_min: RECONNECT_MS_MIN,
            reconnect_ms_max: RECONNECT_MS_MAX,
        }
    }
}
