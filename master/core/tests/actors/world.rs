//! One master, its store, a few schedulers and agents, and the checks after every step.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use fastrand::Rng;
use stoa_master_core::{Action, Config, ConnectionId, Input, Master, Record, Recovered};
use stoa_model::agent_link::RequestId;
use stoa_model::epoch::Epoch;
use stoa_model::instant::Instant;
use stoa_model::operator::{AgentOrder, ClusterEvent, LogRequest, LogStream, Query, TaskName};
use stoa_model::resources::Resources;
use stoa_model::scheduler::{Call, Event, MasterInfo};
use stoa_model::task::TaskState;

use super::agent::Agent;
use super::scheduler::{Scheduler, any_id};

pub struct World {
    random: Rng,
    master: Master,
    masters: u64,
    now: Instant,
    store: Recovered,
    schedulers: Vec<Scheduler>,
    agents: Vec<Agent>,
    connections: u64,
    requests: u64,
    hasher: DefaultHasher,
}

impl World {
    pub fn new(seed: u64) -> Self {
        let mut random = Rng::with_seed(seed);
        let now = Instant::from_ms(1_000_000);
        let schedulers = (0..random.usize(1..=5)).map(Scheduler::new).collect();
        let agents = (0..random.usize(1..=5)).map(|at| Agent::new(at, &mut random)).collect();
        Self {
            random,
            master: master(0, Recovered::default(), now),
            masters: 0,
            now,
            store: Recovered::default(),
            schedulers,
            agents,
            connections: 0,
            requests: 0,
            hasher: DefaultHasher::new(),
        }
    }

    /// Something happens.
    pub fn turn(&mut self) {
        match self.random.u32(0..100) {
            0 => self.restart(),
            1..=12 => self.pass_time(),
            13..=15 => self.query(),
            16..=55 => {
                let at = self.random.usize(0..self.schedulers.len());
                let connection = self.connection();
                let input = self.schedulers[at].speak(&mut self.random, connection);
                self.step(input);
            }
            _ => {
                let at = self.random.usize(0..self.agents.len());
                let connection = self.connection();
                let input = self.agents[at].speak(&mut self.random, connection);
                self.step(input);
            }
        }
    }

    /// Every agent comes back and does what is due, and all frameworks end: all must be free.
    pub fn drain(&mut self) {
        for at in 0..self.agents.len() {
            let connection = self.connection();
            let inputs = self.agents[at].come_back(connection);
            inputs.into_iter().for_each(|input| self.step(input));
        }
        self.schedulers.iter_mut().for_each(Scheduler::lose_stream);
        for framework in self.master.state().frameworks {
            let connection = self.connection();
            let (framework, info) = (framework.id, framework.info);
            for call in [Call::Reregister { framework, info }, Call::Unregister] {
                self.step(Input::SchedulerCall(connection, call));
            }
        }
        for at in 0..self.agents.len() {
            let input = self.agents[at].apply_all();
            self.step(input);
        }
        self.outlast();
        let state = self.master.state();
        assert!(state.frameworks.is_empty(), "{:?} never ended", state.frameworks);
        for agent in &state.agents {
            assert_eq!(agent.free, agent.info.resources, "agent {} is not free", agent.id);
        }
    }

    /// Lets so much time pass that whoever is still away is unreachable.
    fn outlast(&mut self) {
        let end = self.now.plus_ms(700_000);
        while let Some(due) = self.master.next_deadline().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            for at in 0..self.agents.len() {
                let input = self.agents[at].heartbeat();
                self.step(input);
            }
            self.step(Input::Tick);
        }
    }

    /// What was done so far, as a number.
    pub fn digest(&self) -> u64 {
        self.hasher.finish()
    }

    fn connection(&mut self) -> ConnectionId {
        self.connections += 1;
        ConnectionId(self.connections)
    }

    /// The master dies; another one starts with what is durable, and all streams are broken.
    fn restart(&mut self) {
        self.masters += 1;
        self.master = master(self.masters, self.store.clone(), self.now);
        self.schedulers.iter_mut().for_each(Scheduler::lose_stream);
        self.agents.iter_mut().for_each(Agent::lose_stream);
    }

    fn pass_time(&mut self) {
        let due = self.master.next_deadline().filter(|_| self.random.bool());
        let some_ms = self.random.u64(0..40_000);
        self.now = self.now.max(due.unwrap_or(self.now.plus_ms(some_ms)));
        self.step(Input::Tick);
        let next = self.master.next_deadline();
        assert!(next.is_none_or(|next| next > self.now), "a Tick left something due");
    }

    fn query(&mut self) {
        self.requests += 1;
        let request = RequestId(self.requests);
        let task = format!("t{}", self.random.u32(0..30)).parse().expect("a legal id");
        let task = TaskName { framework: None, task };
        let query = match self.random.u32(0..8) {
            7 => Query::ResetBreaker,
            4..=6 => self.order(),
            0 => Query::State,
            1 => Query::Kill { task, policy: None },
            _ => {
                let log = LogRequest {
                    task: task.task.clone(),
                    stream: LogStream::Stderr,
                    offset: 0,
                    bytes_max: 1,
                    wait: true,
                };
                Query::ReadLog { task, log }
            }
        };
        self.step(Input::Query(request, query));
        if self.random.bool() {
            self.step(Input::QueryGone(request));
        }
    }

    /// An operator wants something of an agent, which may be gone or never was.
    fn order(&mut self) -> Query {
        let order = match self.random.u32(0..40) {
            0 => AgentOrder::Gone,
            1..=8 => AgentOrder::Drain { grace_max_ms: self.random.bool().then_some(5_000) },
            9..=20 => AgentOrder::Undrain,
            21..=26 => AgentOrder::Deactivate,
            _ => AgentOrder::Reactivate,
        };
        let known: Vec<_> = self.master.state().agents.into_iter().map(|agent| agent.id).collect();
        let agent = self.random.choice(known).filter(|_| self.random.u32(0..10) > 0);
        Query::Agent { agent: agent.unwrap_or_else(|| any_id(&mut self.random, "m0-A")), order }
    }

    /// One step, with all that must hold after it; then everyone hears what it led to.
    fn step(&mut self, input: Input) {
        let mut actions = Vec::new();
        self.master.step(self.now, input.clone(), &mut actions);
        assert_eq!(self.master.check(), Ok(()), "after {input:?}");
        assert_eq!(self.master.check_work_conserving(), Ok(()), "after {input:?}");
        self.check_conservation();
        check_launch(&input, &actions);
        check_records_come_first(&actions);
        check_order(&input, &actions);
        format!("{input:?}{actions:?}").hash(&mut self.hasher);
        for action in actions {
            match &action {
                Action::Record(record) => self.store.apply(record.clone()),
                Action::ToScheduler(..) | Action::CloseScheduler(_) => {
                    self.schedulers.iter_mut().for_each(|scheduler| scheduler.hear(&action));
                }
                Action::ToAgent(..) | Action::CloseAgent(_) => {
                    self.agents.iter_mut().for_each(|agent| agent.hear(&action));
                }
                Action::Answer(..) | Action::Publish(_) | Action::Stop { .. } => {}
            }
        }
    }

    /// For every agent free + offered + used = total, and the offers are what is offered.
    fn check_conservation(&self) {
        let state = self.master.state();
        for agent in &state.agents {
            let sum =
                agent.free.checked_add(&agent.offered).and_then(|s| s.checked_add(&agent.used));
            assert_eq!(sum.as_ref(), Some(&agent.info.resources), "agent {}", agent.id);
            let offers = state.offers.iter().filter(|offer| offer.agent == agent.id);
            let offered = offers.fold(Resources::default(), |sum, offer| {
                sum.checked_add(&offer.resources).expect("no unit is in two offers")
            });
            assert_eq!(offered, agent.offered, "agent {}", agent.id);
        }
        let known: BTreeSet<_> = state.frameworks.iter().map(|framework| &framework.id).collect();
        assert!(state.offers.iter().all(|offer| known.contains(&offer.framework)));
    }
}

/// Every task of a Launch ends in a record or in a terminal Update with a reason.
fn check_launch(input: &Input, actions: &[Action]) {
    let Input::SchedulerCall(connection, Call::Launch { tasks, .. }) = input else { return };
    let is_fate = |action: &&Action| match action {
        Action::Publish(ClusterEvent::TaskLaunched(..)) => true,
        Action::ToScheduler(to, Event::Update(status)) => {
            assert!(matches!(status.state, TaskState::Dropped | TaskState::Error), "{status:?}");
            assert!(!status.message.is_empty() && to == connection, "{status:?}");
            true
        }
        _ => false,
    };
    let is_error = |action: &Action| matches!(action, Action::ToScheduler(_, Event::Error { .. }));
    let is_closed = actions.is_empty();
    if !is_closed && !actions.iter().any(is_error) {
        assert_eq!(actions.iter().filter(is_fate).count(), tasks.len());
    }
}

/// Nobody is told that they belong to the cluster before that is recorded.
fn check_records_come_first(actions: &[Action]) {
    let is_record = |action: &Action| matches!(action, Action::Record(_));
    let registered = actions
        .iter()
        .position(|action| matches!(action, Action::ToScheduler(_, Event::Registered { .. })));
    if let Some(registered) = registered {
        assert!(actions[..registered].iter().any(is_record), "registered before the record");
    }
}

/// What an operator wants of an agent is recorded before anyone hears of it.
fn check_order(input: &Input, actions: &[Action]) {
    let Input::Query(_, Query::Agent { .. }) = input else { return };
    let is_record = |action: &Action| {
        matches!(action, Action::Record(Record::AgentDuty { .. } | Record::AgentGone { .. }))
    };
    let is_told = |action: &Action| matches!(action, Action::ToAgent(..) | Action::ToScheduler(..));
    if let Some(told) = actions.iter().position(is_told) {
        assert!(actions[..told].iter().any(is_record), "told before the record: {actions:?}");
    }
}

fn master(number: u64, recovered: Recovered, now: Instant) -> Master {
    let info =
        MasterInfo { id: format!("m{number}"), version: String::new(), epoch: Epoch(number) };
    let mut config = Config::new(info);
    config.weights.insert("web".parse().expect("a legal role"), 3);
    Master::new(config, recovered, now)
}
