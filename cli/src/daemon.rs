//! `stoa master`, `stoa agent` and `stoa dev`: processes that run until they are told to end. It
//! never decides what they do.

use std::os::fd::AsFd;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use stoa_agent::{AgentError, CheckpointError};
use stoa_machine::{JournalError, StateDirError};
use stoa_master::{Config, ContestSettings, ElectionConfig, MasterError, OpenMaster, StoreError};
use stoa_model::epoch::Epoch;
use stoa_model::scheduler::MasterInfo;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::config::{AgentRun, Dev, HostRun, Isolation, MasterRun, Output};
use crate::failure::{Failure, chain, code};
use crate::local::{Local, listen};
use crate::table::print_json;

/// What a master that runs on this machine is made of, unless flags say otherwise.
pub fn master_config() -> Config {
    let id = uuid::Uuid::new_v4().simple().to_string();
    Config::new(MasterInfo {
        id,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        epoch: Epoch::NONE,
    })
}

/// Where compiled code is kept that any agent of this user may use.
pub fn cache_dir() -> Option<PathBuf> {
    let dirs = etcetera::choose_base_strategy().ok()?;
    Some(dirs.cache_dir().join("stoa").join("compiled"))
}

/// Where `name` keeps its state unless told otherwise.
fn state_dir(name: &str) -> Result<PathBuf, Failure> {
    let dirs = etcetera::choose_base_strategy().map_err(|error| {
        Failure::new(code::FAILURE, format!("cannot find the state directory: {error}"))
            .hint("name one: --state DIR")
    })?;
    let below = dirs.state_dir().unwrap_or_else(|| dirs.data_dir());
    Ok(below.join("stoa").join(name))
}

/// Runs a master until it is told to end.
///
/// # Errors
/// [`Failure`] if its port or state cannot be used, or it breaks.
pub async fn master(arguments: MasterRun, output: Output) -> Result<(), Failure> {
    let state = arguments.state.map_or_else(|| state_dir("master"), Ok)?;
    let mut config = master_config();
    config.weights = arguments.weight.into_iter().collect();
    config.offer_lease_ms = arguments.offer_lease;
    config.agent_unreachable_ms = arguments.agent_timeout;
    config.heartbeat_ms = arguments.heartbeat;
    config.agent_loss_interval_ms = arguments.agent_loss_interval;
    config.agents_lost_percent_max = arguments.agents_lost_max;
    config.check().map_err(|error| {
        Failure::new(code::USAGE, error.to_string())
            .hint("`stoa master --help` says what is allowed")
    })?;
    let (listener, address) = listen(arguments.listen).await?;
    if let Some(place) = arguments.store {
        let advertised = arguments.advertise.unwrap_or_else(|| address.clone());
        let election = election(advertised, arguments.leader_lease);
        let settings = ContestSettings { config, state, place, election };
        announce("listening", &address, output)?;
        let contending = stoa_master::contend(settings, listener, told_to_end());
        return contending.await.map_err(|error| master_failure(&error));
    }
    let settings = stoa_master::Settings { config, epoch_above: arguments.epoch_above, state };
    let master = OpenMaster::open(settings).map_err(|error| master_failure(&error))?;
    announce("listening", &address, output)?;
    master.serve(listener, told_to_end()).await.map_err(|error| master_failure(&error))
}

/// How a master stands for election whose lease is so long.
fn election(address: String, lease_ms: u64) -> ElectionConfig {
    let (seed, _) = uuid::Uuid::new_v4().as_u64_pair();
    let margin_ms = lease_ms.div_ceil(3);
    // Two of three may be lost in the time that is left.
    let keep_alive_ms = (lease_ms.saturating_sub(margin_ms) / 3).max(1);
    ElectionConfig {
        lease_ms,
        margin_ms,
        keep_alive_ms,
        rest_ms: lease_ms,
        ..ElectionConfig::new(address, seed)
    }
}

/// What a person can do about a master that does not start.
pub fn master_failure(error: &MasterError) -> Failure {
    let failure = Failure::new(code::FAILURE, chain(error));
    match error {
        MasterError::StateDir(error) => state_hint(failure, error),
        MasterError::Store(error) => store_hint(failure, error),
        MasterError::Election(_) => failure.hint("--leader-lease 10s --advertise HOST:PORT"),
        MasterError::Etcd(_) => failure.hint("--store etcd://HOST:PORT,HOST:PORT,HOST:PORT"),
        MasterError::EpochHigher { known, .. } => failure.hint(format!(
            "end this one if another runs; if its state was lost: stoa master --epoch-above {known}"
        )),
        _ => failure,
    }
}

/// What a person can do about a store that cannot be used.
pub fn store_hint(failure: Failure, error: &StoreError) -> Failure {
    match error {
        StoreError::InUse { .. } => failure.hint("end that process, or name another: --state DIR"),
        StoreError::Version { .. } => failure.hint(NEWER_STATE),
        StoreError::Damaged { .. } => failure.hint(
            "restore a backup; or remove the state directory: agents come back with their tasks, \
             but which of them are drained or gone is forgotten, and frameworks are orphans until \
             their schedulers come back",
        ),
        StoreError::Database { .. } => failure.hint("make room on its disk, or let it be written"),
    }
}

/// For state that this program is too old for.
const NEWER_STATE: &str =
    "start the version of stoa that wrote it, or name another directory: --state DIR";

/// What a person can do about an agent that does not start.
pub fn agent_failure(error: &AgentError) -> Failure {
    let failure = Failure::new(code::FAILURE, chain(error));
    match error {
        AgentError::StateDir(error) => state_hint(failure, error),
        AgentError::Checkpoint(error) => checkpoint_hint(failure, error),
        _ => failure,
    }
}

fn checkpoint_hint(failure: Failure, error: &CheckpointError) -> Failure {
    match error {
        CheckpointError::Journal(JournalError::Version { .. }) => failure.hint(NEWER_STATE),
        CheckpointError::Journal(JournalError::Io { .. }) => {
            failure.hint("make room on its disk, or let it be written")
        }
        CheckpointError::Journal(JournalError::Damaged { .. })
        | CheckpointError::Damaged { .. }
        | CheckpointError::Illegal { .. } => failure.hint(
            "remove the state directory, and the machine joins as a new agent: the tasks that the \
             old one had are lost, with what they wrote; `stoa agent gone AGENT` says so at once",
        ),
    }
}

/// What a person can do about a state directory that cannot be used.
pub fn state_hint(failure: Failure, error: &StateDirError) -> Failure {
    match error {
        StateDirError::InUse(_) => failure.hint("end that process, or name another: --state DIR"),
        StateDirError::Version { .. } => failure.hint(NEWER_STATE),
        StateDirError::OtherOwner { .. } => failure.hint("name another directory: --state DIR"),
        StateDirError::Missing { .. } => failure.hint(
            "put the file back or restore a backup; or remove the state directory, and all that \
             it knew is forgotten",
        ),
        StateDirError::Io { .. } => failure.hint("name one that can be written: --state DIR"),
    }
}

/// Which processes are to be there.
fn isolation(wall: Isolation) -> stoa_agent::Isolation {
    // This very program, also if another has taken its place on the disk since it was started.
    const OWN_PROGRAM: &str = "/proc/self/exe";
    match wall {
        Isolation::None => stoa_agent::Isolation::None,
        Isolation::Framework => stoa_agent::Isolation::Framework {
            program: vec![OWN_PROGRAM.to_owned(), "host".to_owned()],
        },
    }
}

/// Runs an executor host for an agent.
///
/// # Errors
/// [`Failure`] if nobody gave it a socket as its stdin, or it cannot start.
pub async fn host(arguments: HostRun) -> Result<(), Failure> {
    let failed = |what: String| {
        Failure::new(code::FAILURE, what).hint("agents start it: stoa agent --isolation framework")
    };
    let stdin = std::io::stdin().as_fd().try_clone_to_owned();
    let stdin = stdin.map_err(|error| failed(format!("cannot use stdin: {error}")))?;
    let config = stoa_executor_host::Config {
        artifacts: arguments.artifacts,
        sandboxes: arguments.sandboxes,
        cache: arguments.cache,
        directories_allowed: arguments.allow_dir,
        guest_threads: arguments.guest_threads,
        instances_max: arguments.instances_max,
        event_ms_max: arguments.event_ms_max,
    };
    let served = stoa_agent::serve_host(config, UnixListener::from(stdin)).await;
    served.map_err(|error| failed(chain(&error)))
}

/// Runs an agent until it is told to end.
///
/// # Errors
/// [`Failure`] if its state or its machine cannot be used, or it breaks.
pub async fn agent(arguments: AgentRun, output: Output) -> Result<(), Failure> {
    let state = arguments.state.map_or_else(|| state_dir("agent"), Ok)?;
    let master = arguments.master.clone();
    let settings = stoa_agent::Settings {
        masters: arguments.master,
        state,
        resources: arguments.resources.unwrap_or_default(),
        attributes: arguments.attribute.into_iter().collect(),
        hostname: arguments.hostname,
        directories_allowed: allowed(&arguments.allow_dir)?,
        cache: None,
        tasks_max: arguments.tasks_max,
        isolation: isolation(arguments.isolation),
    };
    let (registered, mut receiver) = watch::channel(None);
    let serving = stoa_agent::serve(settings, registered, told_to_end());
    let announcing = async {
        if let Ok(agent) = receiver.wait_for(Option::is_some).await.map(|agent| agent.clone()) {
            let agent = agent.unwrap_or_default();
            announce("registered", &format!("{agent} at {master}"), output)?;
        }
        std::future::pending::<Result<(), Failure>>().await
    };
    tokio::select! {
        served = serving => served.map_err(|error| agent_failure(&error)),
        failed = announcing => failed,
    }
}

fn allowed(directories: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let canonical = |path: &PathBuf| {
        path.canonicalize().map_err(|error| {
            Failure::new(code::FAILURE, format!("cannot allow {}: {error}", path.display()))
                .hint("make the directory first")
        })
    };
    directories.iter().map(canonical).collect()
}

/// Runs a whole cluster until it is told to end.
///
/// # Errors
/// [`Failure`] if the port or the state cannot be used, or a part breaks.
pub async fn dev(arguments: Dev, output: Output) -> Result<(), Failure> {
    let state = arguments.state.as_deref().map(Path::to_owned);
    let mut local = Local::start(arguments.agents, state.as_deref(), arguments.port).await?;
    local.ready().await?;
    announce("listening", &local.address, output)?;
    if output == Output::Table {
        let hint = match arguments.port {
            5050 => "stoa run FILE.wasm".to_owned(),
            _ => format!("stoa run --master {} FILE.wasm", local.address),
        };
        tracing::info!("ready; in another terminal: {hint}");
    }
    tokio::select! {
        failure = local.failed() => Err(failure),
        () = told_to_end() => Ok(()),
    }
}

/// Says, on standard output, in one line, that the process is ready.
fn announce(what: &str, who: &str, output: Output) -> Result<(), Failure> {
    let printed = match output {
        Output::Json => print_json(&serde_json::json!({ "event": what, "address": who })),
        Output::Table => {
            use std::io::Write;
            let mut out = std::io::stdout().lock();
            writeln!(out, "{what} {who}").and_then(|()| out.flush())
        }
    };
    printed.map_err(|error| Failure::new(code::FAILURE, format!("cannot say so: {error}")))
}

/// Waits for Ctrl-C or SIGTERM.
pub async fn told_to_end() {
    let mut terminate = signal(SignalKind::terminate()).expect("SIGTERM can always be handled");
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
