//! `stoa host`: an executor host in a process of its own. Agents start it; people do not.

use std::path::PathBuf;

use clap::Args;

/// How the host is to be; its stdin is the socket that it listens on.
#[derive(Debug, Args)]
pub struct HostRun {
    /// Directory of the agent's artifacts.
    #[arg(long, value_name = "DIR")]
    pub artifacts: PathBuf,
    /// Directory of the sandboxes.
    #[arg(long, value_name = "DIR")]
    pub sandboxes: PathBuf,
    /// Directory of compiled code.
    #[arg(long, value_name = "DIR")]
    pub cache: PathBuf,
    /// A directory below which tasks may be granted directories.
    #[arg(long, value_name = "DIR")]
    pub allow_dir: Vec<PathBuf>,
    /// Threads that run guests.
    #[arg(long, value_name = "N")]
    pub guest_threads: usize,
    /// Instances that live at a time.
    #[arg(long, value_name = "N")]
    pub instances_max: u32,
    /// Milliseconds that one event of an executor may take.
    #[arg(long, value_name = "MS")]
    pub event_ms_max: u64,
}
