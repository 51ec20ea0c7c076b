//! One of several masters: it stands for election at an etcd that all of them share, leads with a
//! loop of its own as long as its lease allows, and sends those who come to it to the leader
//! otherwise. It never decides who leads; the election does.

use std::path::PathBuf;
use std::pin::Pin;

use stoa_etcd::{Client, EtcdError, Pace, Place};
use stoa_machine::{Artifacts, Clock, Owner, StateDir};
use stoa_master_core::election::{self, Action, Candidacy, Election, Leader, Why};
use stoa_master_core::{Config, Master};
use stoa_model::epoch::Epoch;
use stoa_model::instant::Instant;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};

use crate::any_store::{AnyStore, AnyStoreError};
use crate::door::{Door, Role};
use crate::etcd_store::{EtcdStore, Keys};
use crate::lease_keeper::LeaseKeeper;
use crate::limits::{ELECTION_INPUTS_WAITING_MAX, INPUTS_WAITING_MAX, STEP_DOWN_MS};
use crate::main_loop::{Incoming, MainLoop, Over};
use crate::operators::Extras;
use crate::server::{MasterError, serve};
use crate::tenure::Tenure;

/// What one of several masters is made of.
pub struct ContestSettings {
    /// What its core is made of whenever it leads; the epoch comes from etcd.
    pub config: Config,
    /// Where it keeps artifacts.
    pub state: PathBuf,
    /// Where all masters keep what they share.
    pub place: Place,
    /// How it stands for election, with the address that the others send people to.
    pub election: election::Config,
}

/// Runs one of several masters until `end` is over; then it steps down, so that another leads at
/// once.
///
/// # Errors
/// [`MasterError`] if it cannot start: its settings, its directory, or an etcd that is not to be
/// relied on; or if its port does not serve any more. An etcd that is away is waited for.
pub async fn contend(
    settings: ContestSettings,
    listener: TcpListener,
    end: impl Future<Output = ()>,
) -> Result<(), MasterError> {
    settings.election.check()?;
    // Nothing of this master's alone is kept here but artifacts, so there is nothing to settle.
    let state = StateDir::open(&settings.state, Owner::Master)?;
    let artifacts = Artifacts::open(&state.path().join("artifacts"))?;
    let client = Client::new(&settings.place, Pace::default());
    check(&client, &settings.place).await?;
    let keys = Keys::below(settings.place.prefix());
    let (to_election, inputs) = mpsc::channel(ELECTION_INPUTS_WAITING_MAX);
    let address = settings.election.address.clone();
    let keeper = LeaseKeeper::start(client.clone(), keys.clone(), address, to_election);
    let clock = Clock::start();
    let (role, door) = watch::channel(Role::Follower { leader: None });
    let (step_down, asked) = mpsc::channel(1);
    let extras = Extras { backups: None, step_down: Some(step_down) };
    let server = serve(listener, Door::new(door), extras, artifacts);
    let contest = Contest {
        config: settings.config,
        client,
        keys,
        clock,
        election: Election::new(settings.election, clock.now()),
        keeper,
        role,
        leading: None,
    };
    tokio::select! {
        done = server => done?,
        () = contest.run(inputs, asked, end) => {}
    }
    drop(state);
    Ok(())
}

/// An etcd that answers must be one to rely on; one that does not is waited for later.
async fn check(client: &Client, place: &Place) -> Result<(), MasterError> {
    let mut warnings = place.warnings();
    match client.check().await {
        Ok((_, said)) => warnings.extend(said),
        Err(error @ EtcdError::Unreachable { .. }) => {
            tracing::warn!(%error, "etcd does not answer yet; waiting for it");
        }
        Err(error) => return Err(error.into()),
    }
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    Ok(())
}

/// What a leadership ends with.
type Ended = Result<Over, AnyStoreError>;

/// A leadership: its loop, and until when that may act.
struct Leading {
    main_loop: Pin<Box<dyn Future<Output = Ended> + Send>>,
    until: watch::Sender<Instant>,
}

struct Contest {
    config: Config,
    client: Client,
    keys: Keys,
    clock: Clock,
    election: Election,
    keeper: LeaseKeeper,
    role: watch::Sender<Role>,
    leading: Option<Leading>,
}

impl Contest {
    async fn run(
        mut self,
        mut inputs: mpsc::Receiver<election::Input>,
        mut asked: mpsc::Receiver<()>,
        end: impl Future<Output = ()>,
    ) {
        let mut end = std::pin::pin!(end);
        let mut is_ending = false;
        let mut ends_at = None;
        loop {
            let deadline = self.clock.wake_at(self.election.next_deadline());
            let input = tokio::select! {
                Some(input) = inputs.recv() => input,
                ended = ended(&mut self.leading) => self.on_ended(ended),
                Some(()) = asked.recv() => election::Input::StepDown,
                () = &mut end, if !is_ending => {
                    is_ending = true;
                    ends_at = Some(self.clock.now().plus_ms(STEP_DOWN_MS));
                    election::Input::StepDown
                }
                () = tokio::time::sleep_until(deadline.into()) => election::Input::Tick,
            };
            self.step(input);
            let leads = matches!(self.election.candidacy(), Candidacy::SteppingDown { .. });
            let is_late = ends_at.is_some_and(|at| at <= self.clock.now());
            if is_ending && (!leads || is_late) {
                return;
            }
        }
    }

    fn step(&mut self, input: election::Input) {
        let mut actions = Vec::new();
        self.election.step(self.clock.now(), input, &mut actions);
        for action in actions {
            match self.keeper.ask(action) {
                None => {}
                Some(Action::Lead(epoch)) => self.lead(epoch),
                Some(Action::Stop(why)) => self.stop(&why),
                Some(Action::Refuse(why)) => tracing::error!("this master does not lead: {why}"),
                Some(Action::Announce(leader)) => self.announce(leader),
                Some(other) => unreachable!("{other:?} is a question, which was asked"),
            }
        }
        if let (Some(leading), Candidacy::Leader { lease, .. }) =
            (&self.leading, self.election.candidacy())
        {
            leading.until.send_replace(lease.until);
        }
    }

    /// Those who come are sent there, unless this master leads.
    fn announce(&mut self, leader: Option<Leader>) {
        if self.leading.is_none() {
            let leader = leader.map(|leader| leader.address);
            self.role.send_replace(Role::Follower { leader });
        }
    }

    /// Serves under this epoch from here on; who comes waits until everything is read.
    fn lead(&mut self, epoch: Epoch) {
        tracing::info!(%epoch, "this master leads");
        let (to_loop, incoming) = mpsc::channel(INPUTS_WAITING_MAX);
        let until = match self.election.candidacy() {
            Candidacy::Leader { lease, .. } => lease.until,
            _ => self.clock.now(),
        };
        let (until, tenure) = watch::channel(until);
        let mut config = self.config.clone();
        config.master.epoch = epoch;
        let (client, keys, clock) = (self.client.clone(), self.keys.clone(), self.clock);
        let tenure = Tenure::of_lease(tenure);
        let main_loop = Box::pin(led(config, (client, keys), (clock, tenure), incoming));
        self.leading = Some(Leading { main_loop, until });
        self.role.send_replace(Role::Leader(to_loop));
    }

    /// Everything that was not sent is not sent any more, and all streams end.
    fn stop(&mut self, why: &Why) {
        tracing::warn!("this master leads no more: {why}");
        self.leading = None;
        let leader = self.election.leader().map(|leader| leader.address.clone());
        self.role.send_replace(Role::Follower { leader });
    }

    /// The loop has ended by itself: what the election is to hear of it.
    fn on_ended(&mut self, ended: Ended) -> election::Input {
        match ended {
            Ok(Over::EpochHigher { known }) => election::Input::Met(known),
            Ok(Over::LeaseOld | Over::Unserved) => election::Input::Tick,
            Err(error) => {
                tracing::error!(%error, "the leader cannot go on");
                match &error {
                    AnyStoreError::Etcd(error) => error.to_input(),
                    AnyStoreError::Embedded(_) => election::Input::StoreSilent,
                }
            }
        }
    }
}

/// Reads what is durable and acts from then on.
async fn led(
    config: Config,
    (client, keys): (Client, Keys),
    (clock, tenure): (Clock, Tenure),
    incoming: mpsc::Receiver<Incoming>,
) -> Ended {
    let (store, recovered) = EtcdStore::open(client, keys, config.master.epoch).await?;
    let core = Master::new(config, recovered, clock.now());
    MainLoop::new(core, AnyStore::Etcd(store), (clock, tenure), incoming).run().await
}

/// Waits for the end of the leadership, if there is one.
async fn ended(leading: &mut Option<Leading>) -> Ended {
    match leading {
        Some(Leading { main_loop, .. }) => {
            let ended = main_loop.as_mut().await;
            *leading = None;
            ended
        }
        None => std::future::pending().await,
    }
}
