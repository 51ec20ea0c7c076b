//! A cluster of real processes: one master and its agents on loopback, each with a state directory
//! that outlives the process. It never restarts anything by itself.

use std::ops::Deref;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use rustix::process::Signal;
use serde_json::Value;

use crate::finished::Finished;
use crate::hosts::HostProcess;
use crate::invocation::Invocation;
use crate::place::Place;
use crate::process::Process;
use crate::waiting::wait_until;

/// What an agent gives if nobody says otherwise: far more than there is, so that no test waits for
/// another one's tasks.
const RESOURCES: &str = "cpus=100;memory=100GiB;disk=100GiB";

/// The directory of the cluster's place below which its agents may grant directories.
const ALLOWED: &str = "allowed";

/// How a cluster is to be started.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Flags of the master.
    pub master: Vec<&'static str>,
    /// Flags of each agent.
    pub agents: Vec<Vec<&'static str>>,
}

impl Plan {
    /// A master and so many agents without any flags.
    pub fn of_agents(count: usize) -> Self {
        Self { master: Vec::new(), agents: vec![Vec::new(); count] }
    }

    /// With these flags for the master.
    #[must_use]
    pub fn master(mut self, flags: &[&'static str]) -> Self {
        self.master = flags.to_vec();
        self
    }

    /// With these flags for each agent.
    #[must_use]
    pub fn each_agent(mut self, flags: &[&'static str]) -> Self {
        self.agents.iter_mut().for_each(|agent| *agent = flags.to_vec());
        self
    }
}

/// One agent of a cluster.
#[derive(Debug)]
struct Agent {
    flags: Vec<&'static str>,
    state: PathBuf,
    id: String,
    process: Process,
}

/// A master and its agents.
#[derive(Debug)]
pub struct Cluster {
    // Processes come before the place: what writes there ends before it is removed.
    agents: Vec<Agent>,
    master: Process,
    plan: Plan,
    address: String,
    place: Place,
}

impl Cluster {
    /// Starts all processes and waits until every agent is registered.
    ///
    /// # Panics
    /// If one does not start.
    #[track_caller]
    pub fn start(plan: Plan) -> Self {
        let place = Place::new();
        place.make_dir(ALLOWED);
        let mut master = start_master(&place, &plan.master, "127.0.0.1:0");
        let address = master.wait_for_line("listening ");
        let mut cluster = Self { agents: Vec::new(), master, plan, address, place };
        for (index, flags) in cluster.plan.agents.clone().into_iter().enumerate() {
            let state = cluster.place.path().join(format!("agent-{index}"));
            let (process, id) = cluster.start_agent_process(&state, &flags);
            cluster.agents.push(Agent { flags, state, id, process });
        }
        cluster
    }

    /// The cluster that tests share which cannot disturb each other; it ends with the last of them.
    ///
    /// # Panics
    /// If it does not start.
    #[track_caller]
    pub fn shared() -> Shared {
        static SHARED: Mutex<Weak<Cluster>> = Mutex::new(Weak::new());
        // A test that failed while it started the cluster has left nothing behind.
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cluster) = shared.upgrade() {
            return Shared(cluster);
        }
        let cluster = Arc::new(Self::start(Plan::of_agents(1)));
        *shared = Arc::downgrade(&cluster);
        Shared(cluster)
    }

    /// Where the master listens.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Where the cluster's files are.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// A new directory that the agents may grant to tasks.
    ///
    /// # Panics
    /// If the disk refuses.
    pub fn make_allowed_dir(&self, name: &str) -> PathBuf {
        self.place.make_dir(&format!("{ALLOWED}/{name}"))
    }

    /// The id of an agent.
    pub fn agent(&self, index: usize) -> &str {
        &self.agents[index].id
    }

    /// Where an agent keeps its state.
    pub fn agent_state(&self, index: usize) -> PathBuf {
        self.agents[index].state.clone()
    }

    /// `stoa` with these arguments, about to be run on this cluster.
    pub fn stoa(&self, arguments: &[&str]) -> Invocation<'_> {
        self.place.stoa(arguments).env("STOA_MASTER", &self.address)
    }

    /// Runs `stoa` on this cluster to its end.
    ///
    /// # Panics
    /// If it takes too long.
    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> Finished {
        self.stoa(arguments).finish()
    }

    /// Leaves a task running; answers its id.
    ///
    /// # Panics
    /// If it does not start.
    #[track_caller]
    pub fn detach(&self, arguments: &[&str]) -> String {
        let arguments = [&["run", "--detach"], arguments].concat();
        self.run(&arguments).succeeded().text().trim_end().to_owned()
    }

    /// Waits until the task whose `name` this is fulfils a condition; answers all that is known of
    /// it.
    ///
    /// # Panics
    /// If that takes too long.
    #[track_caller]
    pub fn wait_for_task(&self, name: &str, is_wanted: impl Fn(&Value) -> bool) -> Value {
        wait_until(&format!("task {name} is as wanted"), || {
            let tasks = self.run(&["ps", "--all", "-o", "json"]).succeeded().json();
            let found = tasks.as_array().into_iter().flatten().find(|task| task["name"] == name);
            match found {
                Some(task) if is_wanted(task) => Ok(task.clone()),
                _ => Err(tasks.to_string()),
            }
        })
    }

    /// Waits until a task is in this state.
    ///
    /// # Panics
    /// If that takes too long.
    #[track_caller]
    pub fn wait_for_state(&self, name: &str, state: &str) -> Value {
        self.wait_for_task(name, |task| task["state"] == state)
    }

    /// Kills the master as `kill -9` does.
    pub fn kill_master(&mut self) {
        self.master.kill();
    }

    /// Starts the master again, on the same state and port.
    ///
    /// # Panics
    /// If it does not start.
    #[track_caller]
    pub fn start_master(&mut self) {
        self.master = start_master(&self.place, &self.plan.master, &self.address);
        assert_eq!(self.master.wait_for_line("listening "), self.address);
    }

    /// Kills an agent as `kill -9` does.
    pub fn kill_agent(&mut self, index: usize) {
        self.agents[index].process.kill();
    }

    /// The executor hosts of an agent that are processes of their own.
    pub fn hosts(&self, index: usize) -> Vec<HostProcess> {
        HostProcess::all(&self.agents[index].state)
    }

    /// What an agent's process has written to its standard error.
    pub fn agent_stderr(&self, index: usize) -> String {
        self.agents[index].process.stderr()
    }

    /// Starts an agent again on the same state, and waits until it is registered.
    ///
    /// # Panics
    /// If it does not start, or comes back under another id.
    #[track_caller]
    pub fn start_agent(&mut self, index: usize) {
        let Agent { flags, state, id, .. } = &self.agents[index];
        let (process, back) = self.start_agent_process(state, flags);
        assert_eq!(&back, id, "the agent came back as another one");
        self.agents[index].process = process;
    }

    #[track_caller]
    fn start_agent_process(&self, state: &std::path::Path, flags: &[&str]) -> (Process, String) {
        let state = state.display().to_string();
        let allowed = self.place.path().join(ALLOWED).display().to_string();
        let mut arguments = vec!["agent", "--master", &self.address, "--state", &state];
        arguments.extend(["--allow-dir", &allowed]);
        if !flags.contains(&"--resources") {
            arguments.extend(["--resources", RESOURCES]);
        }
        arguments.extend(flags);
        let mut process = self.place.stoa(&arguments).start();
        let registered = process.wait_for_line("registered ");
        let suffix = format!(" at {}", self.address);
        let id = registered.strip_suffix(&suffix).unwrap_or_else(|| {
            panic!("`registered ID{suffix}` was expected, not `registered {registered}`");
        });
        let id = id.to_owned();
        (process, id)
    }

    /// All processes and what they have printed, for a person who wonders what went wrong.
    pub fn shown(&self) -> String {
        let agents = self.agents.iter().map(|agent| agent.process.shown());
        std::iter::once(self.master.shown()).chain(agents).collect()
    }
}

impl Drop for Cluster {
    /// Hosts outlive their agents, but not their test.
    fn drop(&mut self) {
        for agent in &mut self.agents {
            agent.process.kill();
            HostProcess::all(&agent.state).iter().for_each(|host| host.signal(Signal::KILL));
        }
    }
}

#[track_caller]
fn start_master(place: &Place, flags: &[&str], listen: &str) -> Process {
    let state = place.path().join("master").display().to_string();
    let arguments = [&["master", "--listen", listen, "--state", &state], flags].concat();
    place.stoa(&arguments).start()
}

/// A test's part in a cluster that others use at the same time.
#[derive(Debug)]
pub struct Shared(Arc<Cluster>);

impl Deref for Shared {
    type Target = Cluster;

    fn deref(&self) -> &Cluster {
        &self.0
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // The last one drops the processes, which tell by themselves.
        if std::thread::panicking() && Arc::strong_count(&self.0) > 1 {
            eprintln!("while a test of this cluster failed: {}", self.0.shown());
        }
    }
}
