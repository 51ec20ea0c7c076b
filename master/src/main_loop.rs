//! The master's one loop: receive, step, record, deliver. It owns the core; all others send it
//! messages. It never decides anything.

use std::collections::BTreeMap;

use stoa_machine::Clock;
use stoa_master_core::{Action, ConnectionId, Input, Master, Record};
use stoa_model::agent_link::{self, RequestId};
use stoa_model::epoch::Epoch;
use stoa_model::operator::{Answer, ClusterEvent, Query};
use stoa_model::scheduler;
use stoa_protocol::scheduler::calls::Refused;
use tokio::sync::{mpsc, oneshot};

use crate::any_store::{AnyStore, AnyStoreError};
use crate::connections::{Connections, Outlet};
use crate::limits::{INPUTS_PER_ROUND_MAX, WATCHERS_MAX};
use crate::tenure::Tenure;

/// What the servers tell the loop.
#[derive(Debug)]
pub enum Incoming {
    /// A scheduler's stream is open.
    SchedulerOpened(ConnectionId, Outlet<scheduler::Event>),
    /// An agent's stream is open.
    AgentOpened(ConnectionId, Outlet<agent_link::Event>),
    /// What peers have said, in order.
    Inputs(Vec<Input>),
    /// What a scheduler must be answered without asking the core: it was not legal.
    Refused(ConnectionId, Vec<Refused>),
    /// What an agent must be told before its stream ends: a call of it was not legal.
    AgentRefused(ConnectionId, agent_link::Event),
    /// An operator asks.
    Query(RequestId, Query, oneshot::Sender<Answer>),
    /// The operator does not wait for the answer any more.
    QueryGone(RequestId),
    /// An operator watches.
    Watch(mpsc::Sender<ClusterEvent>),
}

/// Why the loop has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// All servers are gone.
    Unserved,
    /// An agent has obeyed a later leader.
    EpochHigher {
        /// The epoch that it knows.
        known: Epoch,
    },
    /// The lease may be over, as after a time in which the process stood still.
    LeaseOld,
}

fn stopped_by(action: &Action) -> Option<Epoch> {
    match action {
        Action::Stop { known } => Some(*known),
        _ => None,
    }
}

/// The loop and all it owns.
pub struct MainLoop {
    core: Master,
    store: AnyStore,
    clock: Clock,
    tenure: Tenure,
    incoming: mpsc::Receiver<Incoming>,
    schedulers: Connections<scheduler::Event>,
    agents: Connections<agent_link::Event>,
    questions: BTreeMap<RequestId, oneshot::Sender<Answer>>,
    watchers: Vec<mpsc::Sender<ClusterEvent>>,
    /// Peers whose streams were ended in the last delivery because they do not read.
    cut_off: Vec<Input>,
}

impl MainLoop {
    /// A loop that nobody is connected to yet.
    pub fn new(
        core: Master,
        store: AnyStore,
        (clock, tenure): (Clock, Tenure),
        incoming: mpsc::Receiver<Incoming>,
    ) -> Self {
        Self {
            core,
            store,
            clock,
            tenure,
            incoming,
            schedulers: Connections::new(),
            agents: Connections::new(),
            questions: BTreeMap::new(),
            watchers: Vec::new(),
            cut_off: Vec::new(),
        }
    }

    /// Runs until all servers are gone, or until it must act no more: then nothing of the round in
    /// which it learned that is sent. All that it serves ends with it.
    ///
    /// # Errors
    /// [`AnyStoreError`] if a record cannot be made durable: then nothing that relies on it was
    /// sent.
    pub async fn run(mut self) -> Result<Over, AnyStoreError> {
        let mut round = Vec::with_capacity(INPUTS_PER_ROUND_MAX);
        loop {
            let count = self.wait(&mut round).await;
            if count == 0 {
                return Ok(Over::Unserved);
            }
            let mut actions = Vec::new();
            for incoming in round.drain(..) {
                self.receive(incoming, &mut actions);
            }
            if let Some(known) = actions.iter().find_map(stopped_by) {
                return Ok(Over::EpochHigher { known });
            }
            self.record(&mut actions).await?;
            // Reading, deciding and recording took their time.
            if self.tenure.is_over(self.clock.now()) {
                return Ok(Over::LeaseOld);
            }
            self.deliver(actions);
        }
    }

    /// Waits for the next round; answers how much is in it, 0 when all servers are gone.
    async fn wait(&mut self, round: &mut Vec<Incoming>) -> usize {
        if !self.cut_off.is_empty() {
            round.push(Incoming::Inputs(std::mem::take(&mut self.cut_off)));
            return 1;
        }
        let deadline = self.core.next_deadline().map(|at| self.clock.wake_at(at));
        tokio::select! {
            count = self.incoming.recv_many(round, INPUTS_PER_ROUND_MAX) => count,
            () = sleep_until(deadline) => {
                round.push(Incoming::Inputs(vec![Input::Tick]));
                1
            }
        }
    }

    fn receive(&mut self, incoming: Incoming, actions: &mut Vec<Action>) {
        match incoming {
            Incoming::SchedulerOpened(id, outlet) => self.schedulers.open(id, outlet),
            Incoming::AgentOpened(id, outlet) => self.agents.open(id, outlet),
            Incoming::Inputs(inputs) => {
                for input in inputs {
                    let close = match input {
                        Input::SchedulerGone(id) => Some(Action::CloseScheduler(id)),
                        Input::AgentGone(id) => Some(Action::CloseAgent(id)),
                        _ => None,
                    };
                    self.core.step(self.clock.now(), input, actions);
                    actions.extend(close);
                }
            }
            Incoming::Refused(id, refused) => {
                let at_ms = self.clock.now().ms;
                let answers = refused.into_iter().map(|refused| refused.answer(at_ms));
                actions.extend(answers.map(|event| Action::ToScheduler(id, event)));
            }
            Incoming::AgentRefused(id, event) => {
                actions.extend([Action::ToAgent(id, event), Action::CloseAgent(id)]);
            }
            Incoming::Query(id, query, answer) => {
                self.questions.insert(id, answer);
                self.core.step(self.clock.now(), Input::Query(id, query), actions);
            }
            Incoming::QueryGone(id) => {
                self.questions.remove(&id);
                self.core.step(self.clock.now(), Input::QueryGone(id), actions);
            }
            Incoming::Watch(watcher) => {
                self.watchers.retain(|watcher| !watcher.is_closed());
                if self.watchers.len() < WATCHERS_MAX {
                    self.watchers.push(watcher);
                }
            }
        }
    }

    /// Makes the round's records durable, all in one transaction, before anything is delivered.
    async fn record(&mut self, actions: &mut Vec<Action>) -> Result<(), AnyStoreError> {
        let is_record = |action: &mut Action| matches!(action, Action::Record(_));
        let records: Vec<Record> = actions
            .extract_if(.., is_record)
            .filter_map(|action| match action {
                Action::Record(record) => Some(record),
                _ => None,
            })
            .collect();
        if records.is_empty() { Ok(()) } else { self.store.commit(records).await }
    }

    fn deliver(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::ToScheduler(id, event) => self.schedulers.push(id, event),
                Action::CloseScheduler(id) => self.schedulers.close(id),
                Action::ToAgent(id, event) => self.agents.push(id, event),
                Action::CloseAgent(id) => self.agents.close(id),
                Action::Answer(id, answer) => {
                    if let Some(asker) = self.questions.remove(&id) {
                        // An asker that went away needs no answer.
                        let _ = asker.send(answer);
                    }
                }
                Action::Publish(event) => self.publish(&event),
                Action::Record(_) => unreachable!("records were taken out before the delivery"),
                Action::Stop { .. } => unreachable!("a loop that is to stop delivers nothing"),
            }
        }
        let slow_schedulers = self.schedulers.flush().into_iter().map(Input::SchedulerGone);
        let slow_agents = self.agents.flush().into_iter().map(Input::AgentGone);
        self.cut_off.extend(slow_schedulers.chain(slow_agents));
    }

    fn publish(&mut self, event: &ClusterEvent) {
        match event {
            ClusterEvent::BreakerTripped { away, agents } => tracing::warn!(
                away,
                agents,
                "too many agents are away: none is given up until enough are back, or until \
                 `stoa agent reset-breaker`"
            ),
            ClusterEvent::BreakerReset => tracing::info!("agents are given up again"),
            _ => {}
        }
        // A watcher that reads too slowly loses its watch: its channel ends, and it is told so.
        self.watchers.retain(|watcher| watcher.try_send(event.clone()).is_ok());
    }
}

async fn sleep_until(deadline: Option<std::time::Instant>) {
    match deadline {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use stoa_master_core::{Config, Recovered};
    use stoa_model::instant::Instant;
    use stoa_model::scheduler::MasterInfo;
    use tokio::sync::watch;

    use super::*;
    use crate::store::Store;

    /// What an operator is answered by a loop whose lease lasts as long as this.
    async fn answered(lease_ms: u64) -> (Over, Option<Answer>) {
        let dir = tempfile::tempdir().unwrap();
        let (store, _) = Store::open(dir.path()).unwrap();
        let clock = Clock::start();
        let master = MasterInfo { id: "m".into(), version: "0".into(), epoch: Epoch(1) };
        let core = Master::new(Config::new(master), Recovered::default(), clock.now());
        let (_lease, until): (_, watch::Receiver<Instant>) =
            watch::channel(clock.now().plus_ms(lease_ms));
        let (to_loop, incoming) = mpsc::channel(1);
        let (asker, answer) = oneshot::channel();
        to_loop.send(Incoming::Query(RequestId(1), Query::State, asker)).await.unwrap();
        drop(to_loop);
        let store = AnyStore::Embedded(store);
        let main_loop = MainLoop::new(core, store, (clock, Tenure::of_lease(until)), incoming);
        let over = main_loop.run().await.unwrap();
        (over, answer.await.ok())
    }

    #[tokio::test]
    async fn loop_says_nothing_once_its_lease_may_be_over() {
        assert_eq!(answered(0).await, (Over::LeaseOld, None));
        let (over, answer) = answered(60_000).await;
        assert_eq!(over, Over::Unserved);
        assert!(matches!(answer, Some(Answer::State(_))));
    }
}
