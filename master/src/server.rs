//! A master from its settings to its end: opens the state, starts the loop and the services. It
//! never decides what they say.

use std::path::PathBuf;
use std::time::Duration;

use stoa_etcd::EtcdError;
use stoa_machine::{ArtifactError, Artifacts, Clock, Owner, StateDir, StateDirError};
use stoa_master_core::election::IllegalConfig;
use stoa_master_core::{Config, Master};
use stoa_model::epoch::Epoch;
use stoa_model::limits::WIRE_MESSAGE_BYTES_MAX;
use stoa_protocol::pb::agent::agent_server::AgentServer;
use stoa_protocol::pb::artifacts_server::ArtifactsServer;
use stoa_protocol::pb::operator_server::OperatorServer;
use stoa_protocol::pb::scheduler::scheduler_server::SchedulerServer;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

use crate::agents::AgentService;
use crate::any_store::{AnyStore, AnyStoreError};
use crate::artifacts::ArtifactService;
use crate::backup_stream::Backups;
use crate::door::{Door, Role};
use crate::etcd_store::EtcdStoreError;
use crate::limits::{INPUTS_WAITING_MAX, KEEPALIVE_SECONDS, STREAM_WINDOW_BYTES};
use crate::main_loop::{MainLoop, Over};
use crate::operators::{Extras, OperatorService};
use crate::schedulers::SchedulerService;
use crate::store::{Store, StoreError};
use crate::tenure::Tenure;

/// What a master is made of.
pub struct Settings {
    /// What its core is made of; the epoch comes from the store.
    pub config: Config,
    /// Its epoch is to be above this one: for a master whose state was lost, while its agents know
    /// what was there.
    pub epoch_above: Epoch,
    /// Where it keeps its state.
    pub state: PathBuf,
}

/// Why a master cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum MasterError {
    /// Its state directory cannot be used.
    #[error(transparent)]
    StateDir(#[from] StateDirError),
    /// Its store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store that it shares cannot be used, or it leads no more.
    #[error(transparent)]
    EtcdStore(#[from] EtcdStoreError),
    /// Its artifacts cannot be stored.
    #[error(transparent)]
    Artifacts(#[from] ArtifactError),
    /// It leads no more, or its state is not what it was.
    #[error(
        "an agent has obeyed epoch {known}, and this master leads under epoch {own}: another \
         master leads, or the state of this one is older than its agents"
    )]
    EpochHigher {
        /// The master's.
        own: Epoch,
        /// The agent's.
        known: Epoch,
    },
    /// It cannot stand for election with its settings.
    #[error(transparent)]
    Election(#[from] IllegalConfig),
    /// The etcd that it shares with other masters is not to be relied on.
    #[error(transparent)]
    Etcd(#[from] EtcdError),
    /// Its port does not serve any more.
    #[error("the master's server has failed")]
    Server(#[from] tonic::transport::Error),
}

impl From<AnyStoreError> for MasterError {
    fn from(error: AnyStoreError) -> Self {
        match error {
            AnyStoreError::Embedded(error) => Self::Store(error),
            AnyStoreError::Etcd(error) => Self::EtcdStore(error),
        }
    }
}

/// A master whose state is its own and read; it does not serve yet.
pub struct OpenMaster {
    state: StateDir,
    artifacts: Artifacts,
    store: Store,
    core: Master,
    clock: Clock,
    epoch: Epoch,
}

impl OpenMaster {
    /// Takes the state directory and reads what the last master has left.
    ///
    /// # Errors
    /// [`MasterError`] says what could not be used.
    pub fn open(settings: Settings) -> Result<Self, MasterError> {
        let state = StateDir::open(&settings.state, Owner::Master)?;
        let artifacts = Artifacts::open(&state.path().join("artifacts"))?;
        let (store, recovered) = Store::open(state.path())?;
        state.settle()?;
        let epoch = store.raise_epoch(settings.epoch_above)?;
        let clock = Clock::start();
        let mut config = settings.config;
        config.master.epoch = epoch;
        tracing::info!(%epoch, "the master leads");
        let core = Master::new(config, recovered, clock.now());
        Ok(Self { state, artifacts, store, core, clock, epoch })
    }

    /// Serves on `listener` until `end` is over.
    ///
    /// # Errors
    /// [`MasterError`] says what broke.
    pub async fn serve(
        self,
        listener: TcpListener,
        end: impl Future<Output = ()>,
    ) -> Result<(), MasterError> {
        let (to_loop, inputs) = mpsc::channel(INPUTS_WAITING_MAX);
        let backups = Backups::of(self.store.snapshots());
        let leads = (self.clock, Tenure::endless());
        let store = AnyStore::Embedded(self.store);
        let main_loop = MainLoop::new(self.core, store, leads, inputs).run();
        // A single master leads as long as it lives.
        let (_role, door) = watch::channel(Role::Leader(to_loop));
        let door = Door::new(door);
        let extras = Extras { backups: Some(backups), step_down: None };
        let server = serve(listener, door, extras, self.artifacts);
        // Whichever ends first ends the master; open streams break, and their peers connect anew.
        tokio::select! {
            done = main_loop => match done? {
                Over::EpochHigher { known } => {
                    return Err(MasterError::EpochHigher { own: self.epoch, known });
                }
                Over::LeaseOld => unreachable!("the tenure of a single master is endless"),
                Over::Unserved => {}
            },
            done = server => done?,
            () = end => {}
        }
        drop(self.state);
        Ok(())
    }
}

/// Serves on `listener` whoever comes through `door`, for as long as it is polled.
///
/// # Errors
/// The port does not serve any more.
pub async fn serve(
    listener: TcpListener,
    door: Door,
    extras: Extras,
    artifacts: Artifacts,
) -> Result<(), tonic::transport::Error> {
    // The builder's own setting does not reach a listener that is handed in, and without it every
    // second small message waits 40 ms for an acknowledgement.
    let listener = TcpIncoming::from(listener).with_nodelay(Some(true));
    let schedulers = SchedulerServer::new(SchedulerService { door: door.clone() });
    let agents = AgentServer::new(AgentService { door: door.clone() });
    Server::builder()
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(STREAM_WINDOW_BYTES)
        .http2_keepalive_interval(Some(Duration::from_secs(KEEPALIVE_SECONDS)))
        .add_service(schedulers.max_decoding_message_size(WIRE_MESSAGE_BYTES_MAX))
        .add_service(agents.max_decoding_message_size(WIRE_MESSAGE_BYTES_MAX))
        .add_service(OperatorServer::new(OperatorService { door: door.clone(), extras }))
        .add_service(ArtifactsServer::new(ArtifactService { store: artifacts, door }))
        .serve_with_incoming(listener)
        .await
}
