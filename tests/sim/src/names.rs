//! Who is who in a world. It never holds anything of theirs.

use std::fmt;

/// A process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Name {
    /// The one master.
    Master,
    /// An agent, by its place in the world. Shown from 1.
    Agent(usize),
    /// A scheduler, by its place in the world. Shown from 1.
    Scheduler(usize),
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Master => f.pad("master"),
            Self::Agent(at) => f.pad(&format!("a{}", at + 1)),
            Self::Scheduler(at) => f.pad(&format!("s{}", at + 1)),
        }
    }
}

/// One process from a start to its end: what was meant for an earlier one does not reach it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Life(pub u32);
