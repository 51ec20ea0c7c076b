//! An offer: resources of one agent, held for one framework until it answers. It never outlives
//! its lease.

use std::collections::BTreeMap;

use crate::ids::{AgentId, FrameworkId, OfferId, Role};
use crate::resources::Resources;

/// Resources of one agent for one framework. Made by the master.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Its id.
    pub id: OfferId,
    /// Whom it is made to.
    pub framework: FrameworkId,
    /// Whose resources they are.
    pub agent: AgentId,
    /// The machine's name, for people.
    pub hostname: String,
    /// Whom the resources will be charged to.
    pub role: Role,
    /// What is offered; not empty.
    pub resources: Resources,
    /// The agent's attributes.
    pub attributes: BTreeMap<String, String>,
}

/// How long not to offer again what was declined or left over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filters {
    /// Milliseconds; 0 sets no filter.
    pub refuse_ms: u64,
}

/// Five seconds. Source: Mesos v1, `Filters.refuse_seconds`.
pub const REFUSE_MS_DEFAULT: u64 = 5_000;

impl Default for Filters {
    fn default() -> Self {
        Self { refuse_ms: REFUSE_MS_DEFAULT }
    }
}
