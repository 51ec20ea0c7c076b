//! The executor hosts that an agent has started as processes of their own, and that outlive it.
//! They are found below the agent's state, as an agent finds them.

use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};

/// An executor host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostProcess {
    /// Whose host it is.
    pub framework: String,
    /// Its process.
    pub process: i32,
    /// When it started, so that nobody takes another process for it.
    started: String,
}

impl HostProcess {
    /// Those that live below the state directory of an agent.
    pub fn all(state: &Path) -> Vec<Self> {
        let entries = std::fs::read_dir(state.join("hosts")).into_iter().flatten().flatten();
        let read = |dir: &Path, name| std::fs::read_to_string(dir.join(name)).ok();
        let hosts = entries.filter_map(|entry| {
            let dir = entry.path();
            let (process, started) = read(&dir, "process")?.split_once(' ').map(own)?;
            let framework = read(&dir, "framework")?;
            Some(Self { framework, process: process.parse().ok()?, started })
        });
        hosts.filter(Self::is_alive).collect()
    }

    /// Whether it is still there.
    pub fn is_alive(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process));
        let stat = stat.unwrap_or_default();
        let mut fields = stat.rsplit_once(')').map_or("", |(_, it)| it).split_whitespace();
        let is_zombie = fields.next() == Some("Z");
        !is_zombie && fields.nth(18) == Some(self.started.as_str())
    }

    /// Sends it a signal, if it is still there.
    pub fn signal(&self, signal: Signal) {
        if let Some(process) = Pid::from_raw(self.process).filter(|_| self.is_alive()) {
            // It may have ended by itself just now.
            let _ = kill_process(process, signal);
        }
    }
}

fn own((process, started): (&str, &str)) -> (String, String) {
    (process.to_owned(), started.to_owned())
}
