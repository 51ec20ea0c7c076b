//! An agent from its settings to its end: detects the machine, opens the state, starts the
//! executor host and the loop. It never decides what runs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use stoa_agent_core::{Agent, Config, Input};
use stoa_executor_host::StartError;
use stoa_machine::{ArtifactError, Artifacts, Clock, Owner, StateDir, StateDirError};
use stoa_model::agent::AgentInfo;
use stoa_model::masters::Masters;
use stoa_model::resources::Resources;
use stoa_protocol::link::Link;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::detect;
use crate::hosts::{Before, Isolation};
use crate::main_loop::{MainLoop, record};

/// What an agent is made of.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the masters are, one of which leads.
    pub masters: Masters,
    /// Where the agent keeps its state.
    pub state: PathBuf,
    /// What it gives to the cluster; what is 0 or empty here is as detected.
    pub resources: Resources,
    /// What schedulers may choose agents by.
    pub attributes: BTreeMap<String, String>,
    /// The machine's name; detected if none is given.
    pub hostname: Option<String>,
    /// Directories below which tasks may be granted directories.
    pub directories_allowed: Vec<PathBuf>,
    /// Where compiled code is kept; below the state if none is given. Several agents may share it.
    pub cache: Option<PathBuf>,
    /// How many tasks may live at once.
    pub tasks_max: u32,
    /// Where the containers of frameworks live.
    pub isolation: Isolation,
}

/// Why an agent cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// Its state directory cannot be used.
    #[error(transparent)]
    StateDir(#[from] StateDirError),
    /// Its checkpoint cannot be used.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// Its artifacts cannot be stored.
    #[error(transparent)]
    Artifacts(#[from] ArtifactError),
    /// Its executor host cannot start.
    #[error(transparent)]
    Host(#[from] StartError),
    /// The master says that it is gone for ever.
    #[error("the master refuses this agent for good: {0}")]
    Gone(String),
}

/// Where an agent keeps things below its state directory.
#[derive(Clone, Debug)]
pub struct Places {
    /// Artifacts by their content.
    pub artifacts: PathBuf,
    /// One directory for each task that has written something.
    pub sandboxes: PathBuf,
    /// Compiled code.
    pub cache: PathBuf,
    /// One directory for each executor host in a process of its own.
    pub hosts: PathBuf,
}

impl Places {
    fn of(state: &Path, cache: Option<&PathBuf>) -> Self {
        Self {
            artifacts: state.join("artifacts"),
            sandboxes: state.join("sandboxes"),
            hosts: state.join("hosts"),
            cache: cache.cloned().unwrap_or_else(|| state.join("compiled")),
        }
    }
}

/// Runs an agent until it fails, or until `end` is over. `registered` is told the agent's id
/// whenever a master has greeted it.
///
/// # Errors
/// [`AgentError`] says what could not be used, or what broke.
pub async fn serve(
    settings: Settings,
    registered: watch::Sender<Option<String>>,
    end: impl Future<Output = ()>,
) -> Result<(), AgentError> {
    let state = StateDir::open(&settings.state, Owner::Agent)?;
    let places = Places::of(state.path(), settings.cache.as_ref());
    let artifacts = Artifacts::open(&places.artifacts)?;
    let (mut checkpoint, recovered) = Checkpoint::open(state.path())?;
    state.settle()?;
    let clock = Clock::start();
    let (incarnation, _) = uuid::Uuid::new_v4().as_u64_pair();
    let mut config = Config::new(info(&settings), incarnation);
    config.tasks_max = settings.tasks_max as usize;
    config.boot = detect::boot();
    let host_config = host_config(&settings, &places);
    let isolation = settings.isolation.clone();
    let hosts = places.hosts.clone();
    let before = Before::find(hosts, isolation, &host_config, &recovered).await?;
    config.hosts = before.found();
    let mut core = Agent::new(config, recovered, clock.now());
    // The first step writes off what hosts had that are gone. That must be durable before a new
    // host starts: else a crash in between would take the new one for the old one.
    let mut actions = Vec::new();
    core.step(clock.now(), Input::Tick, &mut actions);
    record(&mut checkpoint, &core, &mut actions).await?;
    let hosts = before.start(host_config)?;
    let main_loop = MainLoop {
        core,
        checkpoint,
        clock,
        places,
        artifacts,
        hosts,
        registered,
        link: Link::new(settings.masters),
        errands: JoinSet::new(),
        ended: None,
    };
    tokio::select! {
        done = main_loop.run(actions) => return Err(AgentError::Gone(done?)),
        () = end => {}
    }
    drop(state);
    Ok(())
}

fn host_config(settings: &Settings, places: &Places) -> stoa_executor_host::Config {
    stoa_executor_host::Config {
        artifacts: places.artifacts.clone(),
        sandboxes: places.sandboxes.clone(),
        cache: places.cache.clone(),
        directories_allowed: settings.directories_allowed.clone(),
        guest_threads: std::thread::available_parallelism().map_or(1, usize::from),
        instances_max: settings.tasks_max,
        event_ms_max: stoa_executor_host::EVENT_MS_MAX_DEFAULT,
    }
}

/// What the agent says of its machine: what was given, and what was detected for the rest.
fn info(settings: &Settings) -> AgentInfo {
    let detected = detect::resources(&settings.state);
    let or = |given: u64, detected: u64| if given == 0 { detected } else { given };
    let mut resources = settings.resources.clone();
    resources.cpus_milli = or(resources.cpus_milli, detected.cpus_milli);
    resources.memory_bytes = or(resources.memory_bytes, detected.memory_bytes);
    resources.disk_bytes = or(resources.disk_bytes, detected.disk_bytes);
    if resources.ports.is_empty() {
        resources.ports = detected.ports;
    }
    AgentInfo {
        hostname: settings.hostname.clone().unwrap_or_else(detect::hostname),
        resources,
        attributes: settings.attributes.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}
