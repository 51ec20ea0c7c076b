//! The end of a run: nothing goes wrong any more, and within a time that is long enough everything
//! must have come to rest, with nothing lost and nothing left over. It never excuses anything.

use stoa_agent_core::Record;
use stoa_invariants::{Checked, Invariant, Name, Violation, ensure};
use stoa_model::ids::AgentId;
use stoa_model::operator::{AgentStanding, Query};
use stoa_model::task::{TaskRecord, TaskState};

use crate::author::{Mood, Own, Thought};
use crate::plan::Faults;
use crate::world::World;

/// How long things may take to come to rest, and how often that is looked at, in milliseconds.
const REST_MS_MAX: u64 = 900_000;
const LOOK_MS: u64 = 1_000;

/// After which time somebody must lead besides four leases, in milliseconds.
const LEADS_MS: u64 = 10_000;

/// After which time an operator lets the breaker go, in milliseconds.
const RESET_MS: u64 = 120_000;

impl World {
    pub(crate) fn settle(&mut self) -> Checked {
        self.note("       !! nothing goes wrong any more");
        self.plan.faults = Faults::none();
        self.network.release();
        self.store.down_until = self.now;
        self.store.cut_until.clear();
        self.slow.clear();
        self.masters.iter_mut().for_each(|master| master.will_crash = false);
        for agent in &mut self.agents {
            agent.will_crash = false;
            agent.will_crash_soon = None;
        }
        self.wake_all()?;
        (0..self.masters.len()).for_each(|at| self.start(Name::Master(at)));
        (0..self.agents.len()).for_each(|at| self.start(Name::Agent(at)));
        for at in 0..self.schedulers.len() {
            self.schedulers[at].will_crash = false;
            self.schedulers[at].author.mood = Mood::Settling;
            self.start(Name::Scheduler(at));
            self.think(at, 0, Thought::Settle);
        }
        let began = self.now;
        let until = began.plus_ms(REST_MS_MAX);
        loop {
            let look_at = self.now.plus_ms(LOOK_MS);
            while self.advance(look_at)? {}
            self.check_kills()?;
            // Agents that never heard their id hold the breaker for ever, unless people know it.
            if self.now.ms_since(began) / LOOK_MS == RESET_MS / LOOK_MS {
                self.ask_master(Query::ResetBreaker)?;
            }
            let may_wait = self.now.ms_since(began) < LEADS_MS + 4 * self.plan.timing.lease_ms;
            ensure(may_wait || self.leader().is_some(), Invariant::V1, || "nobody".to_owned())?;
            match self.check_rest() {
                Err(violation) if self.now >= until => return Err(violation),
                Err(_) => {}
                Ok(()) => return Ok(()),
            }
        }
    }

    /// Whether everything has come to rest.
    fn check_rest(&mut self) -> Checked {
        self.check_authors()?;
        (0..self.agents.len()).try_for_each(|at| self.check_agent_rests(at))?;
        self.check_master_rests()
    }

    /// Every task of a framework that goes on is over to its author's knowledge, and every
    /// question is answered.
    fn check_authors(&self) -> Checked {
        for (at, scheduler) in self.schedulers.iter().enumerate() {
            let author = &scheduler.author;
            if author.is_over {
                continue;
            }
            let name = Name::Scheduler(at);
            ensure(!author.has_left, Invariant::T9, || format!("{name} has left in vain"))?;
            if scheduler.session.as_ref().is_none_or(|session| session.framework().is_none()) {
                return Err(Violation::new(Invariant::V2, name.to_string()));
            }
            let is_excused =
                |own: &Own| own.state == TaskState::Unreachable && self.is_nobody(&own.agent);
            if let Some((task, own)) = author.open().find(|(_, own)| !is_excused(own)) {
                let seen = format!("{name} still waits for {task} on {}", own.agent);
                return Err(Violation::new(Invariant::T4, seen));
            }
        }
        self.checker.check_questions()
    }

    /// Whether no agent has this id: one that ended before it had recorded its registration came
    /// back under another, and what was launched on it stays unreachable until people remove it.
    fn is_nobody(&self, id: &AgentId) -> bool {
        self.agents.iter().all(|agent| agent.disk.agent() != Some(id))
    }

    /// Nothing runs on an agent, and its checkpoint holds no task.
    fn check_agent_rests(&self, at: usize) -> Checked {
        let (name, agent) = (Name::Agent(at), &self.agents[at]);
        if let Some((framework, task)) = agent.host.live().next() {
            let seen = format!("{framework}/{task} runs on {name}");
            return Err(Violation::new(Invariant::T8, seen));
        }
        let left = agent.disk.snapshot().into_iter().find(|record| {
            matches!(
                record,
                Record::Launched { .. } | Record::Refused { .. } | Record::ExecutorAdmitted { .. }
            )
        });
        if let Some(record) = left {
            let seen = format!("{name} keeps {record:?}");
            return Err(Violation::new(Invariant::U11, seen));
        }
        if !agent.is_idle() {
            return Err(busy(name));
        }
        let is_same = agent.core.as_ref().is_none_or(|core| *core.kept() == agent.disk);
        ensure(is_same, Invariant::D1, || format!("{name} knows what is not durable"))
    }

    /// Every agent is there, nothing is used, and no task is open.
    fn check_master_rests(&mut self) -> Checked {
        let Some(at) = self.leader() else {
            return Err(Violation::new(Invariant::V1, "nobody"));
        };
        let Some(core) = &self.masters[at].core else { return Err(busy(Name::Master(at))) };
        let state = core.state();
        for agent in &state.agents {
            if agent.duty.is_draining() && agent.standing == AgentStanding::Connected {
                return Err(Violation::new(Invariant::O5, agent.id.to_string()));
            }
            if !agent.used.is_empty() {
                let seen = format!("{} of {} is used", agent.used, agent.id);
                return Err(Violation::new(Invariant::R13, seen));
            }
        }
        for (at, agent) in self.agents.iter().enumerate() {
            let known = state.agents.iter().find(|known| Some(&known.id) == agent.disk.agent());
            if known.is_none_or(|known| known.standing != AgentStanding::Connected) {
                let seen = format!("{} is {:?}", Name::Agent(at), known.map(|it| it.standing));
                return Err(Violation::new(Invariant::V2, seen));
            }
        }
        let is_excused =
            |task: &TaskRecord| task.state == TaskState::Unreachable && self.is_nobody(&task.agent);
        let is_open = |task: &&TaskRecord| !task.state.is_terminal() && !is_excused(task);
        if let Some(task) = state.tasks.iter().find(is_open) {
            let seen = format!("{}/{} is {}", task.framework, task.id, task.state);
            return Err(Violation::new(Invariant::T4, seen));
        }
        if self.masters[at].edge.is_idle() { Ok(()) } else { Err(busy(Name::Master(at))) }
    }
}

fn busy(name: Name) -> Violation {
    Violation::new(Invariant::O6, name.to_string())
}
