//! An agent: what a machine gives to the cluster. It never says what is used of it.

use std::collections::BTreeMap;

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
