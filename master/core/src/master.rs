//! The master's whole state, and its one door. It never decides anything by itself: it hands each
//! input to the file that owns what it is about.

use std::collections::{BTreeMap, BTreeSet};

use stoa_model::agent_link::{self, RequestId};
use stoa_model::ids::{AgentId, FrameworkId, OfferId};
use stoa_model::instant::Instant;
use stoa_model::offer::Offer;
use stoa_model::scheduler;

use crate::action::Action;
use crate::agents::{Agent, Standing};
use crate::allocator::Allocator;
use crate::completed::Completed;
use crate::config::Config;
use crate::connections::Connections;
use crate::deadlines::{Deadline, Deadlines};
use crate::frameworks::{Framework, Link};
use crate::input::Input;
use crate::losses::Losses;
use crate::mint::Mint;
use crate::reconcile::Questions;
use crate::record::Record;
use crate::recovered::{Recovered, RecoveredFramework};
use crate::removal::RemovedFrameworks;
use crate::shares::Shares;
use crate::step::Step;

/// Who gets what. All that a master knows and decides is here; what it knows of the world comes
/// in by [`Master::step`], what it wants done goes out as [`Action`]s.
#[derive(Debug)]
pub struct Master {
    pub(crate) config: Config,
    pub(crate) mint: Mint,
    pub(crate) agents: BTreeMap<AgentId, Agent>,
    pub(crate) frameworks: BTreeMap<FrameworkId, Framework>,
    pub(crate) offers: BTreeMap<OfferId, Offer>,
    pub(crate) completed: Completed,
    pub(crate) removed: RemovedFrameworks,
    pub(crate) allocator: Allocator,
    pub(crate) deadlines: Deadlines,
    pub(crate) schedulers: Connections<FrameworkId>,
    pub(crate) agent_streams: Connections<AgentId>,
    pub(crate) questions: Questions,
    /// Agents that never come back. At most `AGENTS_GONE_MAX`.
    pub(crate) gone: BTreeSet<AgentId>,
    pub(crate) losses: Losses,
    /// Draining agents on which perhaps nothing is left.
    pub(crate) perhaps_drained: BTreeSet<AgentId>,
    /// Agents that have not come back since the master started, and still may.
    pub(crate) awaited: BTreeSet<AgentId>,
    /// Frameworks that may have nothing left to do, if they go on alone.
    pub(crate) perhaps_over: BTreeSet<FrameworkId>,
    /// Questions for logs that wait for an answer, with the agent that was asked.
    pub(crate) log_requests: BTreeMap<RequestId, AgentId>,
    /// What was decided when the master was made, until the first step records it.
    unrecorded: Vec<Record>,
}

impl Master {
    /// A master that knows what its store knows, and to which nobody is connected yet.
    ///
    /// Agents get `agent_reregister_ms` to come back. A framework whose scheduler was gone before
    /// has until the deadline that was recorded then, however often masters are started; one whose
    /// scheduler was there has its failover timeout from now, and that is recorded. Both have at
    /// least `agent_unreachable_ms`: it is the master that was away, not their schedulers.
    ///
    /// # Panics
    /// If the configuration is not legal: the edge checks it before.
    pub fn new(config: Config, recovered: Recovered, now: Instant) -> Self {
        assert_eq!(config.check(), Ok(()), "the edge checks its configuration");
        let mut master = Self {
            mint: Mint::new(&config.master.id, &recovered),
            allocator: Allocator::new(Shares::new(config.weights.clone())),
            config,
            agents: BTreeMap::new(),
            frameworks: BTreeMap::new(),
            offers: BTreeMap::new(),
            completed: Completed::default(),
            removed: RemovedFrameworks::default(),
            deadlines: Deadlines::default(),
            schedulers: Connections::default(),
            agent_streams: Connections::default(),
            questions: Questions::default(),
            gone: BTreeSet::new(),
            losses: Losses::default(),
            perhaps_drained: BTreeSet::new(),
            awaited: BTreeSet::new(),
            perhaps_over: BTreeSet::new(),
            log_requests: BTreeMap::new(),
            unrecorded: Vec::new(),
        };
        master.recover(recovered, now);
        master
    }

    fn recover(&mut self, recovered: Recovered, now: Instant) {
        for (id, agent) in recovered.agents {
            let standing = match agent.unreachable_since {
                Some(since) => Standing::Unreachable { since },
                None => Standing::Recovered,
            };
            if standing == Standing::Recovered {
                let until = now.plus_ms(self.config.agent_reregister_ms);
                self.deadlines.set(Deadline::Agent(id.clone()), until);
                self.awaited.insert(id.clone());
            }
            let known = Agent::new(agent.info, standing, self.mint.session());
            self.agents.insert(id, Agent { duty: agent.duty, ..known });
        }
        self.gone = recovered.gone;
        for (id, framework) in recovered.frameworks {
            let until = self.framework_deadline(&framework, now);
            if framework.disconnected_until.is_none() {
                let (id, deadline) = (id.clone(), until);
                self.unrecorded.push(Record::FrameworkDisconnected { id, deadline });
            }
            self.deadlines.set(Deadline::Framework(id.clone()), until);
            let link = Link::Disconnected { until };
            self.perhaps_over.insert(id.clone());
            self.frameworks.insert(id, Framework::new(framework.info, link));
        }
        for id in recovered.removed {
            self.removed.insert(id);
        }
    }

    /// When a framework that is known from the store is removed, unless a scheduler comes. Where
    /// a clock was set back it is never later than if its scheduler had gone now. A deadline that
    /// is near or over is put off by the least time, at each start again: only a master that never
    /// lives that long never comes to it.
    fn framework_deadline(&self, framework: &RecoveredFramework, now: Instant) -> Instant {
        let least_ms = self.config.agent_unreachable_ms;
        let earliest = now.plus_ms(least_ms);
        let latest = now.plus_ms(framework.info.failover_timeout_ms.max(least_ms));
        framework.disconnected_until.unwrap_or(latest).clamp(earliest, latest)
    }

    /// Applies one input and appends, in order, what the edge must do.
    ///
    /// Deterministic: the same state, `now` and `input` give the same actions.
    pub fn step(&mut self, now: Instant, input: Input, actions: &mut Vec<Action>) {
        let step = &mut Step { now, actions };
        self.unrecorded.drain(..).for_each(|record| step.record(record));
        match input {
            Input::SchedulerCall(connection, call) => {
                self.on_scheduler_call(step, connection, call)
            }
            Input::SchedulerGone(connection) => self.on_scheduler_gone(step, connection),
            Input::AgentCall(connection, call) => self.on_agent_call(step, connection, call),
            Input::AgentGone(connection) => self.on_agent_gone(step, connection),
            Input::Query(request, query) => self.on_query(step, request, query),
            Input::QueryGone(request) => self.on_query_gone(request),
            Input::Tick => self.on_tick(step),
        }
        self.end_those_alone(step);
        self.finish_drains(step);
        self.allocate(step);
        debug_assert_eq!(self.check(), Ok(()), "a step broke an invariant");
    }

    /// When a Tick is due: at the next heartbeat, or when a lease, a filter, or the time of a
    /// framework or an agent ends; at once after a start that is to be recorded.
    pub fn next_deadline(&self) -> Option<Instant> {
        if !self.unrecorded.is_empty() {
            return Some(Instant::default());
        }
        self.deadlines.next()
    }

    fn on_tick(&mut self, step: &mut Step) {
        while let Some(deadline) = self.deadlines.take_due(step.now) {
            match deadline {
                Deadline::Heartbeat => self.on_heartbeat(step),
                Deadline::Agent(id) => self.on_agent_deadline(step, &id),
                Deadline::Framework(id) => self.remove_framework(step, &id),
                Deadline::Lease(id) => self.on_lease_end(step, &id),
                Deadline::Loss => self.on_loss_due(step),
                Deadline::Filters(framework, agent) => {
                    self.on_filters_end(step.now, framework, agent);
                }
            }
        }
    }

    /// Begins to send heartbeats, if nobody was there to hear them before.
    pub(crate) fn start_heartbeat(&mut self, now: Instant) {
        if self.deadlines.at(&Deadline::Heartbeat).is_none() {
            self.deadlines.set(Deadline::Heartbeat, now.plus_ms(self.config.heartbeat_ms));
        }
    }

    fn on_heartbeat(&mut self, step: &mut Step) {
        let mut is_heard = false;
        for (connection, _) in self.schedulers.registered() {
            step.send_scheduler(connection, scheduler::Event::Heartbeat);
            is_heard = true;
        }
        for (connection, _) in self.agent_streams.registered() {
            step.send_agent(connection, agent_link::Event::Heartbeat);
            is_heard = true;
        }
        if is_heard {
            self.start_heartbeat(step.now);
        }
    }
}
