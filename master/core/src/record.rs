//! What is durable at the master: who belongs to the cluster. It never holds tasks and offers,
//! which are rebuilt from what agents report.

use stoa_model::agent::{AgentDuty, AgentInfo};
use stoa_model::framework::FrameworkInfo;
use stoa_model::ids::{AgentId, FrameworkId};
use stoa_model::instant::Instant;

/// One fact. All of them in order give [`Recovered`](crate::Recovered).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// An agent was admitted, or says something else of itself than before.
    Agent {
        /// Which.
        id: AgentId,
        /// What it says of itself.
        info: AgentInfo,
    },
    /// An agent has not answered for too long.
    AgentUnreachable {
        /// Which.
        id: AgentId,
        /// Since when it counts as unreachable.
        since: Instant,
    },
    /// An unreachable agent is back.
    AgentReachable {
        /// Which.
        id: AgentId,
    },
    /// An agent has left the cluster, or has made room for another.
    AgentRemoved {
        /// Which.
        id: AgentId,
    },
    /// Something else is wanted of an agent than before.
    AgentDuty {
        /// Of which.
        id: AgentId,
        /// What.
        duty: AgentDuty,
    },
    /// An operator has said that an agent is gone; its id never comes back.
    AgentGone {
        /// Which.
        id: AgentId,
    },
    /// A framework was made, or says something else of itself than before.
    Framework {
        /// Which.
        id: FrameworkId,
        /// What its scheduler says of it.
        info: FrameworkInfo,
    },
    /// A framework's scheduler is gone.
    FrameworkDisconnected {
        /// Which.
        id: FrameworkId,
        /// When the framework is removed unless a scheduler takes it over.
        deadline: Instant,
    },
    /// A scheduler has taken the framework over.
    FrameworkConnected {
        /// Which.
        id: FrameworkId,
    },
    /// A framework is over; its id never comes back.
    FrameworkRemoved {
        /// Which.
        id: FrameworkId,
    },
}
