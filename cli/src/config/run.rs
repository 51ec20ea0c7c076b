//! The flags of `stoa run`: what to run, and what it may use and touch. It never acts on them.

use std::path::PathBuf;

use clap::Args;
use stoa_model::command::NetworkGrant;
use stoa_model::ids::{Role, TaskId};
use stoa_model::task::Label;

use super::At;
use super::values::{self, Directory, DownloadPair, NamedFile, UploadPair};

/// `stoa run`.
#[derive(Debug, Args)]
pub struct Run {
    /// Which cluster.
    #[command(flatten)]
    pub at: At,
    /// What the task may use and touch.
    #[command(flatten)]
    pub grants: Grants,
    /// A name for the task; its id is made of it.
    #[arg(long, value_name = "NAME")]
    pub name: Option<TaskId>,
    /// Whom the resources are charged to.
    #[arg(long, value_name = "ROLE", default_value = "default")]
    pub role: Role,
    /// A label of the task.
    #[arg(long, value_name = "K=V", value_parser = values::label)]
    pub label: Vec<Label>,
    /// Passes this command's standard input to the task.
    #[arg(short = 'i', long)]
    pub stdin: bool,
    /// Leaves the task in the cluster once it runs, and prints its name.
    #[arg(short, long, conflicts_with_all = ["stdin", "download"])]
    pub detach: bool,
    /// An executor that is handed `--data` as a task, instead of a program: a component's FILE, or
    /// the NAME of one that ships (`stoa executor list`); a file of such a name is reached as
    /// ./NAME.
    #[arg(long, value_name = "FILE|NAME", requires = "data", conflicts_with = "wasm")]
    pub executor: Option<PathBuf>,
    /// What the executor is handed as the task. What it answers when the task is finished is
    /// printed as it is.
    #[arg(long, value_name = "DATA", requires = "executor", conflicts_with = "wasm")]
    pub data: Option<String>,
    /// What the executor is told when it starts.
    #[arg(long, value_name = "DATA", requires = "executor", conflicts_with = "wasm")]
    pub executor_data: Option<String>,
    /// Memory of the executor itself and of what it starts for itself, on top of the task's; 64MiB
    /// if nothing else is said.
    #[arg(long, value_name = "SIZE", requires = "executor", conflicts_with = "wasm",
          value_parser = values::bytes)]
    pub executor_memory: Option<u64>,
    /// A program that the executor may start for the task, by its name.
    #[arg(long, value_name = "NAME=FILE", requires = "executor", conflicts_with = "wasm")]
    pub program: Vec<NamedFile>,
    /// A program that the executor may start for itself and for any task, by its name; `map`
    /// keeps its programs so.
    #[arg(long, value_name = "NAME=FILE", requires = "executor", conflicts_with = "wasm")]
    pub executor_program: Vec<NamedFile>,
    /// The wasm program: a WASI 0.2 command component or a wasip1 module.
    #[arg(value_name = "WASM", required_unless_present = "executor")]
    pub wasm: Option<PathBuf>,
    /// Arguments of the program; all after WASM is the task's.
    #[arg(value_name = "ARGS", trailing_var_arg = true, allow_hyphen_values = true)]
    pub arguments: Vec<String>,
}

/// What a task may use and touch. What is not named is denied.
#[derive(Debug, Args)]
pub struct Grants {
    /// Cpus, with at most three decimals.
    #[arg(long, value_name = "N", default_value = "1", value_parser = values::cpus)]
    pub cpus: u64,
    /// Memory, the sum of all linear memories and tables.
    #[arg(long, value_name = "SIZE", default_value = "256MiB", value_parser = values::bytes)]
    pub memory: u64,
    /// Units of fuel, about one per wasm instruction; no limit if not given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub fuel: Option<u64>,
    /// The longest time the task may run, such as 30s or 5m, also while it is paused; no limit if
    /// not given.
    #[arg(long, value_name = "TIME", value_parser = values::duration_ms)]
    pub timeout: Option<u64>,
    /// Disk for uploads, downloads and what the task writes there; 1GiB if there are any and
    /// nothing else is said.
    #[arg(long, value_name = "SIZE", value_parser = values::bytes)]
    pub disk: Option<u64>,
    /// Bytes of stdout and stderr together.
    #[arg(long, value_name = "SIZE", default_value = "64MiB", value_parser = values::bytes)]
    pub output_limit: u64,
    /// A directory of the agent's machine, seen by the task as GUEST; `:ro` makes it read-only.
    #[arg(long, value_name = "HOST::GUEST[:ro]")]
    pub dir: Vec<Directory>,
    /// A directory of this machine that travels with the task.
    #[arg(long, value_name = "DIR::GUEST")]
    pub upload: Vec<UploadPair>,
    /// A directory of the task that travels back when it ends.
    #[arg(long, value_name = "GUEST::DIR")]
    pub download: Vec<DownloadPair>,
    /// A variable of the task's environment, which is empty otherwise.
    #[arg(long, value_name = "K=V", value_parser = values::variable)]
    pub env: Vec<(String, String)>,
    /// A peer the task may connect to.
    #[arg(long, value_name = "HOST:PORT")]
    pub allow_net: Vec<NetworkGrant>,
}
