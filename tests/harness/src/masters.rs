//! Several masters that share an etcd, with agents that know all of them, as real processes on
//! loopback. It never restarts anything by itself.

use std::path::PathBuf;

use rustix::process::Signal;
use serde_json::Value;

use crate::etcd::Etcd;
use crate::finished::Finished;
use crate::hosts::HostProcess;
use crate::invocation::Invocation;
use crate::place::Place;
use crate::process::Process;
use crate::waiting::wait_until;

/// How long the lease of a leader is in tests: short, so that nobody waits, and long enough for a
/// machine under load.
const LEASE: &str = "3s";

/// Several masters with their etcd and their agents.
#[derive(Debug)]
pub struct Masters {
    // Processes come before the place: what writes there ends before it is removed.
    agents: Vec<(PathBuf, Process)>,
    masters: Vec<Process>,
    /// Where they serve.
    addresses: Vec<String>,
    /// What they share.
    pub etcd: Etcd,
    place: Place,
}

impl Masters {
    /// Starts an etcd of so many members, so many masters and agents, and waits until one leads and
    /// every agent is registered.
    ///
    /// # Panics
    /// If one does not start.
    #[track_caller]
    pub fn start(members: usize, masters: usize, agents: usize) -> Self {
        let (etcd, place) = (Etcd::start(members), Place::new());
        let mut started =
            Self { agents: Vec::new(), masters: Vec::new(), addresses: Vec::new(), etcd, place };
        for index in 0..masters {
            let (process, address) = started.run_master(index, "127.0.0.1:0");
            started.masters.push(process);
            started.addresses.push(address);
        }
        started.wait_for_leader(0);
        for index in 0..agents {
            let state = started.place.path().join(format!("agent-{index}"));
            let dir = state.display().to_string();
            let list = started.list();
            let arguments = [
                "agent",
                "--master",
                &list,
                "--state",
                &dir,
                "--resources",
                "cpus=100;memory=100GiB;disk=100GiB",
            ];
            let mut process = started.place.stoa(&arguments).start();
            process.wait_for_line("registered ");
            started.agents.push((state, process));
        }
        started
    }

    #[track_caller]
    fn run_master(&self, index: usize, listen: &str) -> (Process, String) {
        let state = self.place.path().join(format!("master-{index}")).display().to_string();
        let store = self.etcd.url("stoa-test");
        let arguments = [
            "master",
            "--listen",
            listen,
            "--state",
            &state,
            "--store",
            &store,
            "--leader-lease",
            LEASE,
            "--heartbeat",
            "500ms",
        ];
        let mut process = self.place.stoa(&arguments).start();
        let address = process.wait_for_line("listening ");
        (process, address)
    }

    /// All addresses, as clients and agents are told.
    pub fn list(&self) -> String {
        self.addresses.join(",")
    }

    /// `stoa` with these arguments, about to be run on these masters.
    pub fn stoa(&self, arguments: &[&str]) -> Invocation<'_> {
        self.place.stoa(arguments).env("STOA_MASTER", &self.list())
    }

    /// Runs `stoa` on these masters to its end.
    ///
    /// # Panics
    /// If it takes too long.
    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> Finished {
        self.stoa(arguments).finish()
    }

    /// Waits until one of them leads under an epoch above `above`; answers which, and the epoch.
    ///
    /// # Panics
    /// If that takes too long.
    #[track_caller]
    pub fn wait_for_leader(&self, above: u64) -> (usize, u64) {
        wait_until("one of the masters leads", || {
            let said = self.run(&["master", "status", "-o", "json"]);
            let seen: Value = serde_json::from_slice(&said.stdout).unwrap_or_default();
            let leader = seen.as_array().into_iter().flatten().enumerate().find_map(|(at, it)| {
                let epoch = it["epoch"].as_u64().filter(|epoch| *epoch > above)?;
                (it["role"] == "leader").then_some((at, epoch))
            });
            leader.ok_or_else(|| said.to_string())
        })
    }

    /// Kills a master as `kill -9` does.
    pub fn kill(&mut self, index: usize) {
        self.masters[index].kill();
    }

    /// Sends a master a signal.
    ///
    /// # Panics
    /// If it has ended already.
    #[track_caller]
    pub fn signal(&mut self, index: usize, signal: Signal) {
        self.masters[index].signal(signal);
    }

    /// Starts a master again where it was.
    ///
    /// # Panics
    /// If it does not start.
    #[track_caller]
    pub fn restart(&mut self, index: usize) {
        let address = self.addresses[index].clone();
        let (process, back) = self.run_master(index, &address);
        assert_eq!(back, address);
        self.masters[index] = process;
    }

    /// What a master has written to its standard error.
    pub fn stderr(&self, index: usize) -> String {
        self.masters[index].stderr()
    }
}

impl Drop for Masters {
    /// Hosts outlive their agents, but not their test.
    fn drop(&mut self) {
        for (state, process) in &mut self.agents {
            process.kill();
            HostProcess::all(state).iter().for_each(|host| host.signal(Signal::KILL));
        }
    }
}
