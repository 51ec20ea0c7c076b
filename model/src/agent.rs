//! An agent: what a machine gives to the cluster, and what operators want of it. It never says what
//! is used of it.

use std::collections::BTreeMap;
use std::fmt;

use crate::resources::Resources;

/// What an agent says of its machine when it registers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentInfo {
    /// The machine's name, for people.
    pub hostname: String,
    /// All it gives to the cluster.
    pub resources: Resources,
    /// What schedulers may choose agents by, such as `zone=a`.
    pub attributes: BTreeMap<String, String>,
    /// The version of the program.
    pub version: String,
}

/// What operators want of an agent. Only an ACTIVE one is offered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AgentDuty {
    /// It takes tasks.
    #[default]
    Active,
    /// It takes no more tasks; those that it has go on.
    Deactivated,
    /// It takes no more tasks, and those that it has are ended.
    Draining {
        /// The longest grace of a kill, in milliseconds, whatever a task's own policy is.
        grace_max_ms: Option<u64>,
    },
    /// It takes no more tasks, and nothing is left on it.
    Drained,
}

impl AgentDuty {
    /// The duty in capitals.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Deactivated => "DEACTIVATED",
            Self::Draining { .. } => "DRAINING",
            Self::Drained => "DRAINED",
        }
    }

    /// Whether what runs on the agent is being ended.
    pub const fn is_draining(self) -> bool {
        matches!(self, Self::Draining { .. })
    }
}

impl fmt::Display for AgentDuty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
