//! The command line of `stoa`: every flag, with its meaning, its unit and its default. The only
//! file that reads flags and environment. It never acts on them.

use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use stoa_model::ids::{FrameworkId, TaskId};
use stoa_model::masters::Masters;
use stoa_model::operator::TaskName;
use stoa_model::resources::Resources;

mod executor;
mod host;
mod master;
mod new;
mod orders;
mod run;
mod sim;
mod values;

pub use executor::{Executor, Inspect, Pack, Save, Test};
pub use host::HostRun;
pub use master::{Backup, Master, MasterOrder, MasterRun, Restore};
pub use new::{Language, New, NewExecutor};
pub use orders::{Drain, Gone, Named, Order};
pub use run::Run;
pub use sim::Sim;
pub use values::{Directory, DownloadPair, NamedFile, bytes, cpus, grace_ms};

/// Where a master is looked for when nobody says: on this machine.
pub const MASTER_DEFAULT: &str = "127.0.0.1:5050";

/// Runs WebAssembly on a cluster: this machine, or many.
///
/// `stoa run FILE.wasm` runs one task and waits for it. Without a cluster it makes one inside its
/// own process for as long as the task takes.
#[derive(Debug, Parser)]
#[command(name = "stoa", version, max_term_width = 100)]
pub struct Arguments {
    /// How results are printed.
    #[arg(short, long, global = true, value_name = "FORMAT", default_value = "table",
          value_parser = values::format())]
    pub output: Destination,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What `-o` says: to most commands how results are printed, to those that write a file which one.
/// One type for both, as clap keeps both under one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination(std::ffi::OsString);

impl Destination {
    /// How results are printed.
    pub fn format(&self) -> Output {
        if self.0 == "json" { Output::Json } else { Output::Table }
    }

    /// The file that is to be written, for a command that writes one.
    pub fn path(&self) -> &std::path::Path {
        std::path::Path::new(&self.0)
    }
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// For people.
    Table,
    /// For programs: one JSON value, or one a line where results stream.
    Json,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Runs a wasm program as one task, waits for it and exits with its code.
    Run(Box<Run>),
    /// Runs a whole cluster in this process until Ctrl-C.
    Dev(Dev),
    /// Runs a master; with an order, such as `stoa master backup FILE`, saves or restores what one
    /// keeps.
    Master(Box<Master>),
    /// Runs an agent; with an order, such as `stoa agent drain AGENT`, wants something of one that
    /// runs.
    Agent(Agent),
    /// Lists tasks.
    Ps(Ps),
    /// Prints what a task has written.
    Logs(Logs),
    /// Ends a task.
    Kill(Kill),
    /// Freezes a task: it keeps what it holds and uses no cpu, and its time goes on.
    Pause(Pause),
    /// Lets a frozen task go on.
    Resume(Pause),
    /// Lists agents and what they hold.
    Agents(At),
    /// Lists frameworks.
    Frameworks(At),
    /// Lists outstanding offers.
    Offers(At),
    /// Prints what happens in the cluster.
    Events(Events),
    /// Prints all that is known of one thing, such as `task/words-1` or `agent/ID`.
    Describe(Describe),
    /// Says what a wasm file is: its kind and world, its imports and exports, what it will need.
    Inspect(Inspect),
    /// Executors: those that ship, and what helps to write others.
    #[command(subcommand)]
    Executor(Executor),
    /// Writes new projects.
    #[command(subcommand)]
    New(New),
    /// Plays whole clusters in which much goes wrong, and says whether an invariant did not hold.
    ///
    /// Nothing is started: network, disks, clocks and machines are simulated. Exits with 1 if an
    /// invariant did not hold, with the seed and the transcript that show it.
    Sim(Sim),
    /// Measures this installation.
    #[command(subcommand)]
    Bench(Bench),
    /// Runs an executor host; only agents start it.
    #[command(hide = true)]
    Host(HostRun),
    /// Prints the completions of a shell, to be sourced by it.
    Completions {
        /// For which shell.
        shell: clap_complete::Shell,
    },
}

/// Which cluster.
#[derive(Clone, Debug, Args)]
pub struct At {
    /// The master's address, or those of several, one of which leads; 127.0.0.1:5050 if none is
    /// given.
    #[arg(long, env = "STOA_MASTER", value_name = "HOST:PORT,…")]
    pub master: Option<String>,
}

/// `stoa dev`.
#[derive(Debug, Args)]
pub struct Dev {
    /// How many agents; they share this machine's resources.
    #[arg(long, value_name = "N", default_value = "1", value_parser = count(64))]
    pub agents: u32,
    /// Where to keep state; a directory that is removed at the end if none is given.
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// The master's port on 127.0.0.1; 0 lets the system choose.
    #[arg(long, value_name = "P", default_value_t = 5050)]
    pub port: u16,
    /// Keeps the executor hosts in this process, as is done now in any case.
    #[arg(long)]
    pub in_process: bool,
}

/// `stoa agent`: runs one, or wants something of one that runs.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Agent {
    /// What is wanted; none runs an agent here.
    #[command(subcommand)]
    pub order: Option<Order>,
    /// How to run one.
    #[command(flatten)]
    pub run: AgentRun,
}

/// How to run an agent.
#[derive(Debug, Args)]
pub struct AgentRun {
    /// The master's address, or those of several, one of which leads.
    #[arg(long, env = "STOA_MASTER", value_name = "HOST:PORT,…", default_value = MASTER_DEFAULT)]
    pub master: Masters,
    /// Where to keep state; below the XDG state directory if none is given.
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// What to give to the cluster instead of what the machine has, such as
    /// `cpus=4;memory=8GiB`; what is not named stays as detected.
    #[arg(long, value_name = "RESOURCES")]
    pub resources: Option<Resources>,
    /// What schedulers may choose agents by.
    #[arg(long, value_name = "K=V", value_parser = values::attribute)]
    pub attribute: Vec<(String, String)>,
    /// The machine's name for people; detected if none is given.
    #[arg(long, value_name = "NAME")]
    pub hostname: Option<String>,
    /// A directory below which tasks may be granted directories; none if none is given.
    #[arg(long, value_name = "DIR")]
    pub allow_dir: Vec<PathBuf>,
    /// How many tasks may live at once.
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = count(10_000))]
    pub tasks_max: u32,
    /// Where the containers live: all in the agent's own process, or those of each framework in a
    /// process of their own, which outlives the agent and takes no other framework's tasks with it
    /// when it dies.
    #[arg(long, value_name = "WALL", default_value = "framework")]
    pub isolation: Isolation,
}

/// Where the containers of an agent live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Isolation {
    /// In the agent's own process.
    None,
    /// Those of each framework in a process of their own.
    Framework,
}

impl Isolation {
    /// As it is written on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Framework => "framework",
        }
    }
}

/// `stoa ps`.
#[derive(Debug, Args)]
pub struct Ps {
    /// Which cluster.
    #[command(flatten)]
    pub at: At,
    /// Also lists tasks that are over.
    #[arg(short, long)]
    pub all: bool,
}

/// `stoa logs`.
#[derive(Debug, Args)]
pub struct Logs {
    /// Which cluster.
    #[command(flatten)]
    pub at: At,
    /// The task: its id, or FRAMEWORK/ID.
    #[arg(value_name = "TASK", value_parser = task_name)]
    pub task: TaskName,
    /// Goes on until the task is over.
    #[arg(short, long)]
    pub follow: bool,
}

/// `stoa kill`.
#[derive(Debug, Args)]
pub struct Kill {
    /// Which cluster.
    #[command(flatten)]
    pub at: At,
    /// The task: its id, or FRAMEWORK/ID.
    #[arg(value_name = "TASK", value_parser = task_name)]
    pub task: TaskName,
    /// Time between the notice and the end, instead of the task's own.
    #[arg(long, value_name = "TIME", value_parser = values::grace_ms)]
    pub grace: Option<u64>,
}

/// `stoa pause` and `stoa resume`.
#[derive(Debug, Args)]
pub struct Pause {
    /// Which cluster.
    #[command(flatten)]
    pub at: At,
    /// The task: its id, or FRAMEWORK/ID.
    #[arg(value_name = "TASK", value_parser = task_name)]
    pub task: TaskName,
}

/// `stoa events`.
#[derive(Debug, Args)]
pub struct Events {
    /// Which cluster.
    #[command(flatten)]
    pub at: At,
    /// Goes on as things happen, until Ctrl-C.
    #[arg(short, long)]
    pub watch: bool,
}

/// `stoa describe`.
#[derive(Debug, Args)]
pub struct Describe {
    /// Which cluster.
    #[command(flatten)]
    pub at: At,
    /// What: task/ID, agent/ID, framework/ID or offer/ID.
    #[arg(value_name = "KIND/NAME")]
    pub what: String,
}

/// `stoa bench`.
#[derive(Debug, Subcommand)]
pub enum Bench {
    /// Launches no-op tasks through a cluster of real processes and measures them.
    Launch(BenchLaunch),
    /// Has one warm function called, each call a task of the executor `map`, and measures them.
    Map(BenchMap),
    /// Kills a crowd of guests of several kinds, one after another, and measures each kill.
    Kill(BenchKill),
    /// Launches tasks that only wait, and measures the memory that they cost.
    Density(BenchDensity),
}

/// `stoa bench launch`.
#[derive(Debug, Args)]
pub struct BenchLaunch {
    /// How many tasks.
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = count(1_000_000))]
    pub tasks: u32,
    /// How many tasks may be on their way at once.
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = count(1_000))]
    pub in_flight: u32,
    /// What each task runs; the smallest module that does nothing if none is given.
    #[arg(long, value_name = "WASM")]
    pub program: Option<PathBuf>,
    /// Where the agent's containers live.
    #[arg(long, value_name = "WALL", default_value = "framework")]
    pub isolation: Isolation,
}

/// `stoa bench map`.
#[derive(Debug, Args)]
pub struct BenchMap {
    /// How many calls.
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = count(10_000_000))]
    pub calls: u32,
    /// How many calls may be on their way at once.
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = count(1_000))]
    pub in_flight: u32,
    /// How many of the machine's cores all processes of the measurement share; the function has an
    /// instance for each.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = count(64))]
    pub cores: u32,
    /// Where the agent's containers live.
    #[arg(long, value_name = "WALL", default_value = "framework")]
    pub isolation: Isolation,
}

/// `stoa bench kill`.
#[derive(Debug, Args)]
pub struct BenchKill {
    /// How many guests: a quarter each spins, sleeps, asks the host, and takes memory.
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = count(1_000))]
    pub tasks: u32,
}

/// `stoa bench density`.
#[derive(Debug, Args)]
pub struct BenchDensity {
    /// How many tasks at most; fewer if one is refused before.
    #[arg(long, value_name = "MAX", default_value_t = 10_000, value_parser = count(10_000))]
    pub tasks: u32,
}

/// A number from 1 to `max`.
fn count(max: i64) -> clap::builder::RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(1..=max)
}

fn percent() -> clap::builder::RangedU64ValueParser<u64> {
    clap::value_parser!(u64).range(1..=100)
}

fn task_name(text: &str) -> Result<TaskName, stoa_model::ids::IllegalId> {
    let (framework, task) = match text.split_once('/') {
        Some((framework, task)) => (Some(FrameworkId::new(framework)?), task),
        None => (None, text),
    };
    Ok(TaskName { framework, task: TaskId::new(task)? })
}

/// Which log lines are wanted: what `STOA_LOG` says, or `level` and above.
pub fn log_filter(level: &str) -> String {
    std::env::var("STOA_LOG").unwrap_or_else(|_| level.to_owned())
}

/// The name of the person at the keyboard, if the environment tells.
pub fn user_name() -> Option<String> {
    std::env::var("USER").ok().filter(|name| !name.is_empty())
}

/// Why there is nothing to do for a command line.
#[derive(Debug)]
pub enum Misuse {
    /// Help or the version was asked for: this is it.
    HelpWanted(String),
    /// The flags make no sense.
    Illegal {
        /// What was got and what is allowed.
        text: String,
        /// The command that was meant, as far as that can be read.
        command: Option<String>,
    },
}

/// Reads the command line of this process.
///
/// # Errors
/// [`Misuse`] if there is nothing to do.
pub fn parse() -> Result<Arguments, Misuse> {
    Arguments::try_parse().map_err(|error| {
        if !error.use_stderr() {
            return Misuse::HelpWanted(error.to_string());
        }
        let text = error.to_string();
        let text = text.trim_end().trim_end_matches("For more information, try '--help'.");
        let command = std::env::args().skip(1).find(|word| !word.starts_with('-'));
        Misuse::Illegal { text: text.trim_end().to_owned(), command }
    })
}

/// Prints the completions of a shell.
pub fn print_completions(shell: clap_complete::Shell) {
    clap_complete::generate(shell, &mut Arguments::command(), "stoa", &mut std::io::stdout());
}

/// The program that runs now, for those who start it again as another role.
///
/// # Errors
/// What the system answers if it cannot tell.
pub fn own_program() -> std::io::Result<PathBuf> {
    std::env::current_exe()
}
