//! Who is who in a cluster that is watched. It never holds anything of theirs.

use std::fmt;

/// A process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Name {
    /// A master, by its place. The first is shown as `master`, the others from 2.
    Master(usize),
    /// An agent, by its place. Shown from 1.
    Agent(usize),
    /// A scheduler, by its place. Shown from 1.
    Scheduler(usize),
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Master(0) => f.pad("master"),
            Self::Master(at) => f.pad(&format!("master{}", at + 1)),
            Self::Agent(at) => f.pad(&format!("a{}", at + 1)),
            Self::Scheduler(at) => f.pad(&format!("s{}", at + 1)),
        }
    }
}

/// One process from a start to its end: what was meant for an earlier one does not reach it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Life(pub u32);
