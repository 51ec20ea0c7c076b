//! A master and an agent as processes of their own, for a measurement. They end with it.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::config::{Isolation, own_program};
use crate::failure::{Failure, code};

/// How many tasks the agent holds at least, as an agent does if nothing else is said.
const TASKS_MAX_LEAST: u32 = 1_000;

/// The processes, killed when this value is dropped.
pub struct Processes {
    /// Where the master listens.
    pub master_address: String,
    master: Child,
    agent: Child,
    agent_state: PathBuf,
}

impl Processes {
    /// Starts both with their state below `state`; the agent gives enough for `in_flight` tasks.
    ///
    /// # Errors
    /// [`Failure`] if one does not start.
    pub async fn start(
        state: &Path,
        in_flight: u32,
        isolation: Isolation,
    ) -> Result<Self, Failure> {
        let master_state = state.join("master").display().to_string();
        let (master, master_address) =
            start(&["master", "--listen", "127.0.0.1:0", "--state", &master_state]).await?;
        let agent_state = state.join("agent");
        let agent_dir = agent_state.display().to_string();
        let resources = format!("cpus={in_flight};memory={in_flight}GiB");
        let tasks_max = in_flight.max(TASKS_MAX_LEAST).to_string();
        let arguments = [
            "agent",
            "--master",
            &master_address,
            "--state",
            &agent_dir,
            "--isolation",
            isolation.name(),
            "--resources",
            &resources,
            "--tasks-max",
            &tasks_max,
        ];
        let (agent, _) = start(&arguments).await?;
        Ok(Self { master_address, master, agent, agent_state })
    }

    /// Microseconds of cpu time so far: of the master, of the agent with its executor hosts, of
    /// this process.
    ///
    /// # Errors
    /// What the system answers if it does not tell.
    pub fn cpu_us(&self) -> std::io::Result<[u64; 3]> {
        let pid = |child: &Child| child.id().map_or_else(String::new, |pid| pid.to_string());
        let mut agent_us = cpu_us(&pid(&self.agent))?;
        for host in self.hosts() {
            agent_us += cpu_us(&host.to_string())?;
        }
        Ok([cpu_us(&pid(&self.master))?, agent_us, cpu_us("self")?])
    }

    /// Resident memory of the agent with its executor hosts.
    ///
    /// # Errors
    /// What the system answers if it does not tell.
    pub fn agent_memory_bytes(&self) -> std::io::Result<u64> {
        let pid = self.agent.id().map_or_else(String::new, |pid| pid.to_string());
        let mut bytes = resident_bytes(&pid)?;
        for host in self.hosts() {
            bytes += resident_bytes(&host.to_string())?;
        }
        Ok(bytes)
    }

    /// Ends both and waits until they are gone.
    pub async fn end(&mut self) {
        for child in [&mut self.agent, &mut self.master] {
            // One that is gone already needs no end.
            let _ = child.kill().await;
        }
        self.end_hosts();
    }

    /// The agent's executor hosts, which would outlive it.
    fn hosts(&self) -> Vec<u32> {
        let dirs = std::fs::read_dir(self.agent_state.join("hosts")).into_iter().flatten();
        let process_of = |dir: std::fs::DirEntry| {
            let noted = std::fs::read_to_string(dir.path().join("process")).ok()?;
            noted.split_whitespace().next()?.parse().ok()
        };
        dirs.flatten().filter_map(process_of).collect()
    }

    fn end_hosts(&self) {
        let hosts = self.hosts().into_iter();
        for host in hosts.filter_map(|host| Pid::from_raw(host.try_into().ok()?)) {
            // One that is gone already needs no end.
            let _ = kill_process(host, Signal::KILL);
        }
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        let _ = self.agent.start_kill();
        self.end_hosts();
    }
}

/// Starts a role of this program; answers the address or name it announces when it is ready.
async fn start(arguments: &[&str]) -> Result<(Child, String), Failure> {
    let failed = |why: String| {
        Failure::new(code::FAILURE, format!("cannot start stoa {}: {why}", arguments[0]))
    };
    let program = own_program().map_err(|error| failed(error.to_string()))?;
    let mut child = Command::new(program)
        .args(arguments)
        .env("STOA_LOG", "warn")
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| failed(error.to_string()))?;
    let stdout = child.stdout.take().expect("standard output was piped");
    let line = BufReader::new(stdout).lines().next_line().await;
    let line = line.map_err(|error| failed(error.to_string()))?;
    let line = line.ok_or_else(|| failed("it ended at once".to_owned()))?;
    let who = line.split_whitespace().nth(1).unwrap_or_default().to_owned();
    Ok((child, who))
}

/// Source: proc(5), VmRSS of status, in KiB.
fn resident_bytes(pid: &str) -> std::io::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
    let kib = kib.ok_or_else(|| std::io::Error::other(format!("no VmRSS of process {pid}")))?;
    Ok(kib * 1024)
}

/// Source: proc(5), fields 14 and 15 of stat, in clock ticks.
fn cpu_us(pid: &str) -> std::io::Result<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: u64 = after_name
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<u64>().ok())
        .sum();
    Ok(ticks * 1_000_000 / rustix::param::clock_ticks_per_second())
}
