//! The flags of what operators want of agents: `stoa agent drain` and the like. It never acts on
//! them.

use clap::{Args, Subcommand};
use stoa_model::ids::AgentId;

use super::{At, values};

/// What is wanted of an agent that runs.
#[derive(Debug, Subcommand)]
pub enum Order {
    /// Gives an agent no more tasks, and ends those that it has, each by its own kill policy.
    Drain(Drain),
    /// Gives a drained agent tasks again. What was ended stays so.
    Undrain(Named),
    /// Gives an agent no more tasks; those that it has go on.
    Deactivate(Named),
    /// Gives a deactivated agent tasks again.
    Reactivate(Named),
    /// Gives an agent up for ever: its tasks are GONE, and it may never come back under its id.
    Gone(Gone),
    /// Lets the master give up the agents that it holds because too many are away.
    ResetBreaker(At),
}

/// One agent of a cluster.
#[derive(Debug, Args)]
pub struct Named {
    /// Which cluster.
    #[command(flatten)]
    pub at: At,
    /// The agent's id.
    #[arg(value_name = "AGENT")]
    pub agent: AgentId,
}

/// `stoa agent drain`.
#[derive(Debug, Args)]
pub struct Drain {
    /// Which agent.
    #[command(flatten)]
    pub named: Named,
    /// The longest time between the notice and the end of a task, whatever its own policy is.
    #[arg(long, value_name = "TIME", value_parser = values::grace_ms)]
    pub max_grace: Option<u64>,
    /// Waits until nothing is left on the agent.
    #[arg(long)]
    pub wait: bool,
}

/// `stoa agent gone`.
#[derive(Debug, Args)]
pub struct Gone {
    /// Which agent.
    #[command(flatten)]
    pub named: Named,
    /// Does not ask.
    #[arg(long)]
    pub yes: bool,
}
