//! The flags of `stoa executor` and `stoa inspect`. It never acts on them.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Destination, values};

/// `stoa executor`.
#[derive(Debug, Subcommand)]
pub enum Executor {
    /// Lists the executors that ship with Stoa.
    List,
    /// Writes an executor that ships to a file.
    Save(Save),
    /// Runs an executor here, without a cluster, as a script says, and prints what it sends.
    ///
    /// Exits with 0 if all was as the script expects, and with 1 otherwise.
    #[command(after_long_help = SCRIPT_HELP)]
    Test(Test),
    /// Makes an executor of a core module that carries its world.
    ///
    /// The module is one that wit-bindgen or the guest SDK has built for wasm32-unknown-unknown, or
    /// for wasm32-wasip1 as a library. What comes out is a component, checked to be an executor.
    Pack(Pack),
}

/// `stoa executor save`.
#[derive(Debug, Args)]
pub struct Save {
    /// Which: a name of `stoa executor list`.
    #[arg(value_name = "NAME")]
    pub name: String,
    /// The file to write.
    #[arg(short, long, value_name = "FILE", required = true, value_parser = values::file())]
    pub output: Destination,
}

/// `stoa executor test`.
#[derive(Debug, Args)]
pub struct Test {
    /// The executor: a component of the world stoa:executor.
    #[arg(value_name = "WASM")]
    pub executor: PathBuf,
    /// What happens to it, as JSON.
    #[arg(long, value_name = "FILE")]
    pub script: PathBuf,
}

/// `stoa executor pack`.
#[derive(Debug, Args)]
pub struct Pack {
    /// The core module.
    #[arg(value_name = "MODULE")]
    pub module: PathBuf,
    /// The component to write.
    #[arg(short, long, value_name = "FILE", required = true, value_parser = values::file())]
    pub output: Destination,
}

/// `stoa inspect`.
#[derive(Debug, Args)]
pub struct Inspect {
    /// Leaves out how long it takes to compile and how large its code is.
    #[arg(long)]
    pub no_compile: bool,
    /// The file.
    #[arg(value_name = "WASM")]
    pub file: PathBuf,
}

const SCRIPT_HELP: &str = r#"The script:
  {
    "executor": {                        how it is born; all of it may be left out
      "id": "test", "data": "…",         what it is told; or "data_base64"
      "memory": "64MiB",
      "programs": {"sort": "sort.wasm"}  what it may start; paths are relative to the script
    },
    "within": "10s",                     the longest that a wait may take
    "steps": [ … ]                       in their order, each one of the following
  }

  {"launch": {"task": "t1", "data": "…"}}
        and, as far as wanted: "data_base64", "name", "cpus", "memory", "disk", "fuel",
        "output_limit", "timeout", "programs", "environment": {"K": "V"}, "stdin",
        "directories": ["./data::/data:ro"], "network": ["HOST:PORT"]
  {"kill": {"task": "t1", "grace": "1s"}}
  {"message": {"text": "…"}}             or "base64"
  {"shutdown": {"grace": "1s"}}
  {"wait": {"update": {"task": "t1", "state": "RUNNING", "within": "5s", "expect": {…}}}}
        until the task is in this state, or over if none is named; "expect" may name "state",
        "reason", "message" (a part of it), "exit_code", "data" or "data_base64", "stdout", "stderr"
  {"wait": {"message": {"text": "…"}}}   until the executor sends this; nothing named is any
  {"wait": {"end": {"message": "…"}}}    until the executor has ended; a part of what is said
  {"wait": {"time": "100ms"}}

Every Update is acknowledged at once. After the last step all tasks must come to their ends."#;
