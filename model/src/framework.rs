//! A framework: who asks for resources. It never says what it holds; the master's core knows.

use crate::ids::Role;
use crate::task::Label;

/// What a scheduler says of its framework when it registers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameworkInfo {
    /// For people; need not be unique.
    pub name: String,
    /// For whom it acts; for people and, later, for access control.
    pub user: String,
    /// The roles its resources may be charged to; at least one.
    pub roles: Vec<Role>,
    /// How long its tasks live on without a connected scheduler, in milliseconds.
    pub failover_timeout_ms: u64,
    /// For people and schedulers.
    pub labels: Vec<Label>,
    /// Whether the framework is meant to go on alone: as long as no scheduler is connected the
    /// master takes in its Updates, and ends it once its last task is over.
    pub ends_alone: bool,
}

/// A week: time for people to notice that their scheduler is down, with its tasks still running.
/// Source: the value Mesos' documentation recommends, whose own default of 0 kills at once.
pub const FAILOVER_TIMEOUT_MS_DEFAULT: u64 = 7 * 24 * 3_600 * 1_000;

/// The role of a framework that names none.
pub const ROLE_DEFAULT: &str = "default";
