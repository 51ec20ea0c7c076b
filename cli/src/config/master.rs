//! The flags of `stoa master`: how to run one, and backups of one. It never acts on them.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use stoa_master::Place;
use stoa_model::epoch::Epoch;
use stoa_model::ids::Role;

use super::{At, MASTER_DEFAULT, percent, values};

/// `stoa master`: runs one, or wants something of one or of what it keeps.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Master {
    /// What is wanted; none runs a master here.
    #[command(subcommand)]
    pub order: Option<MasterOrder>,
    /// How to run one.
    #[command(flatten)]
    pub run: MasterRun,
}

/// What is wanted of a master, or of what it keeps.
#[derive(Debug, Subcommand)]
pub enum MasterOrder {
    /// Saves what a master keeps to a file: its agents, what is wanted of them, its frameworks.
    ///
    /// The master may run, and goes on. Tasks are not in it, as agents report them; programs
    /// neither, as they are uploaded again.
    Backup(Backup),
    /// Makes a state directory of a backup, for a master to be started with.
    Restore(Restore),
    /// Asks each master that `--master` names whether it leads.
    Status(At),
    /// Has the leader step down, so that another of several masters leads.
    StepDown(At),
}

/// `stoa master backup`.
#[derive(Debug, Args)]
pub struct Backup {
    /// The file to write.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Of which cluster.
    #[command(flatten)]
    pub at: At,
    /// The state directory of a master that does not run, instead of one that runs.
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    /// Writes over a file that is there.
    #[arg(long)]
    pub force: bool,
}

/// `stoa master restore`.
#[derive(Debug, Args)]
pub struct Restore {
    /// The backup.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The state directory to make; it must be empty if it is there.
    #[arg(long, value_name = "DIR")]
    pub state_dir: PathBuf,
}

/// How to run a master.
#[derive(Debug, Args)]
pub struct MasterRun {
    /// Where to listen; port 0 lets the system choose.
    #[arg(long, value_name = "IP:PORT", default_value = MASTER_DEFAULT)]
    pub listen: SocketAddr,
    /// Where to keep state; below the XDG state directory if none is given.
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// The etcd that several masters of one cluster share, such as
    /// `etcd://10.0.0.1:2379,10.0.0.2:2379,10.0.0.3:2379/stoa`. One of them leads, and when it is
    /// lost another does. Without it this master is alone, with a store in its own state directory.
    #[arg(long, value_name = "etcd://HOST:PORT,…[/PREFIX]", value_parser = values::etcd)]
    pub store: Option<Place>,
    /// Where the other masters send those who look for the leader while this one leads; where it
    /// listens if none is given.
    #[arg(long, value_name = "HOST:PORT", requires = "store")]
    pub advertise: Option<String>,
    /// How long the lease of the leader is: after so long without it another one leads.
    #[arg(
        long,
        value_name = "TIME",
        default_value = "10s",
        requires = "store",
        value_parser = values::duration_ms
    )]
    pub leader_lease: u64,
    /// The weight of a role; 1 if none is given.
    #[arg(long, value_name = "ROLE=N", value_parser = values::weight)]
    pub weight: Vec<(Role, u32)>,
    /// How long an offer may stay unanswered.
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = values::duration_ms)]
    pub offer_lease: u64,
    /// How long an agent may be silent before its tasks are unreachable.
    #[arg(long, value_name = "TIME", default_value = "75s", value_parser = values::duration_ms)]
    pub agent_timeout: u64,
    /// The least time between two agents whose tasks become unreachable.
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = values::duration_ms)]
    pub agent_loss_interval: u64,
    /// The share of all agents that may be away at once, in percent, at least three agents. If more
    /// are, none is given up until enough are back, or until `stoa agent reset-breaker`; 100 is no
    /// bound.
    #[arg(long, value_name = "PERCENT", default_value_t = 30, value_parser = percent())]
    pub agents_lost_max: u64,
    /// Lead under an epoch above this one: for a master whose state was lost while agents have
    /// obeyed epochs that it does not know.
    #[arg(long, value_name = "EPOCH", default_value = "0", value_parser = values::epoch)]
    pub epoch_above: Epoch,
    /// How often the master says that it lives.
    #[arg(long, value_name = "TIME", default_value = "15s", value_parser = values::duration_ms)]
    pub heartbeat: u64,
}
