//! A whole cluster in this process: a master and its agents on loopback, for `dev` and for `run`
//! without a cluster. It never outlives the process.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use stoa_agent::AgentError;
use stoa_master::{MasterError, OpenMaster};
use stoa_model::epoch::Epoch;
use stoa_model::masters::Masters;
use stoa_model::ports::Ports;
use stoa_model::resources::Resources;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::daemon::{agent_failure, master_config, master_failure};
use crate::failure::{Failure, code};

/// How many tasks one agent of a local cluster may hold.
const TASKS_MAX: u32 = 1_000;

/// A cluster that lives as long as this value.
pub struct Local {
    /// Where its master is.
    pub address: String,
    /// Told each agent's id once it is registered.
    agents: Vec<watch::Receiver<Option<String>>>,
    parts: JoinSet<Result<(), Failure>>,
    _state: Option<TempDir>,
}

impl Local {
    /// Starts a master on 127.0.0.1 at `port` (0 lets the system choose) and `agents` agents, with
    /// their state in `state` or in a directory that is removed at the end.
    ///
    /// # Errors
    /// [`Failure`] if the port or the state directory cannot be used.
    pub async fn start(agents: u32, state: Option<&Path>, port: u16) -> Result<Self, Failure> {
        let temporary = match state {
            Some(_) => None,
            None => Some(tempfile::Builder::new().prefix("stoa-").tempdir().map_err(|error| {
                Failure::new(code::FAILURE, format!("cannot make a directory for state: {error}"))
            })?),
        };
        let state = match (&temporary, state) {
            (Some(temporary), _) => temporary.path().to_owned(),
            (None, state) => state.map(Path::to_owned).unwrap_or_default(),
        };
        let (listener, address) = listen((Ipv4Addr::LOCALHOST, port).into()).await?;
        let mut parts = JoinSet::new();
        let settings = stoa_master::Settings {
            config: master_config(),
            epoch_above: Epoch::NONE,
            state: state.join("master"),
        };
        let master = OpenMaster::open(settings).map_err(|error| master_failure(&error))?;
        parts.spawn(async move {
            let served = master.serve(listener, std::future::pending()).await;
            served.map_err(|error: MasterError| master_failure(&error))
        });
        let masters: Masters = address.parse().expect("a listener has a HOST:PORT");
        let mut receivers = Vec::new();
        for index in 0..agents {
            let (registered, receiver) = watch::channel(None);
            let settings = agent_settings(masters.clone(), &state, index, agents);
            parts.spawn(async move {
                let served = stoa_agent::serve(settings, registered, std::future::pending()).await;
                served.map_err(|error: AgentError| agent_failure(&error))
            });
            receivers.push(receiver);
        }
        Ok(Self { address, agents: receivers, parts, _state: temporary })
    }

    /// Waits until every agent is registered.
    ///
    /// # Errors
    /// [`Failure`] if a part of the cluster has failed.
    pub async fn ready(&mut self) -> Result<(), Failure> {
        for index in 0..self.agents.len() {
            let mut agent = self.agents[index].clone();
            tokio::select! {
                _ = agent.wait_for(Option::is_some) => {}
                failure = self.failed() => return Err(failure),
            }
        }
        Ok(())
    }

    /// Waits until a part of the cluster has failed.
    pub async fn failed(&mut self) -> Failure {
        match self.parts.join_next().await {
            Some(Ok(Err(failure))) => failure,
            Some(Ok(Ok(()))) | None => Failure::new(code::FAILURE, "the local cluster has ended"),
            Some(Err(error)) => {
                Failure::new(code::FAILURE, format!("a part of the local cluster broke: {error}"))
            }
        }
    }
}

/// Opens a port.
///
/// # Errors
/// [`Failure`] with a hint if another process has it.
pub async fn listen(at: std::net::SocketAddr) -> Result<(TcpListener, String), Failure> {
    let refused = |error: std::io::Error| {
        Failure::new(code::FAILURE, format!("cannot listen on {at}: {error}")).hint(
            "another process may have the port; choose one with --port or --listen, or let the \
             system choose with port 0",
        )
    };
    let listener = TcpListener::bind(at).await.map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?.to_string();
    Ok((listener, address))
}

fn agent_settings(masters: Masters, state: &Path, index: u32, agents: u32) -> stoa_agent::Settings {
    stoa_agent::Settings {
        masters,
        resources: share(&stoa_agent::machine_resources(state_root(state)), index, agents),
        state: state.join(format!("agent-{index}")),
        attributes: BTreeMap::new(),
        hostname: None,
        directories_allowed: vec![PathBuf::from("/")],
        cache: crate::daemon::cache_dir(),
        tasks_max: TASKS_MAX,
        isolation: stoa_agent::Isolation::None,
    }
}

/// The nearest directory that exists: the state directory may still have to be made.
fn state_root(state: &Path) -> &Path {
    state.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/"))
}

/// One of `parts` equal parts of a machine.
fn share(machine: &Resources, index: u32, parts: u32) -> Resources {
    let (index, parts) = (u64::from(index), u64::from(parts));
    let ports = machine.ports.ranges().iter().filter_map(|&(first, last)| {
        let count = (u64::from(last - first) + 1) / parts;
        let first = u64::from(first) + index * count;
        Some((u16::try_from(first).ok()?, u16::try_from((first + count).checked_sub(1)?).ok()?))
    });
    let mut share = Resources::new(machine.cpus_milli / parts, machine.memory_bytes / parts);
    share.disk_bytes = machine.disk_bytes / parts;
    share.ports = Ports::from_ranges(ports);
    share
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agents_of_one_machine_never_share_a_port() {
        let machine: Resources = "cpus=2 memory=4GiB ports=31000-32000".parse().unwrap();
        let first = share(&machine, 0, 3);
        let last = share(&machine, 2, 3);
        assert_eq!(first.cpus_milli, 666);
        assert!(first.ports.checked_add(&last.ports).is_some());
        assert!(machine.ports.contains(&last.ports));
    }
}
