//! The end of a run: nothing goes wrong any more, and within a time that is long enough everything
//! must have come to rest, with nothing lost and nothing left over. It never excuses anything.

use stoa_agent_core::Record;
use stoa_model::ids::AgentId;
use stoa_model::operator::AgentStanding;
use stoa_model::task::{TaskRecord, TaskState};

use crate::author::{Mood, Own, Thought};
use crate::names::Name;
use crate::outcome::{Checked, Violation};
use crate::plan::Faults;
use crate::world::World;

/// How long things may take to come to rest, and how often that is looked at, in milliseconds.
const REST_MS_MAX: u64 = 900_000;
const LOOK_MS: u64 = 1_000;

impl World {
    pub(crate) fn settle(&mut self) -> Checked {
        self.note("       !! nothing goes wrong any more");
        self.plan.faults = Faults::none();
        self.network.cut_off.clear();
        self.master.will_crash = false;
        self.agents.iter_mut().for_each(|agent| agent.will_crash = false);
        self.start(Name::Master);
        (0..self.agents.len()).for_each(|at| self.start(Name::Agent(at)));
        for at in 0..self.schedulers.len() {
            self.schedulers[at].will_crash = false;
            self.schedulers[at].author.mood = Mood::Settling;
            self.start(Name::Scheduler(at));
            self.think(at, 0, Thought::Settle);
        }
        let until = self.now.plus_ms(REST_MS_MAX);
        loop {
            let look_at = self.now.plus_ms(LOOK_MS);
            while self.advance(look_at)? {}
            match self.check_rest() {
                Err(violation) if self.now >= until => return Err(violation),
                Err(_) => {}
                Ok(()) => return Ok(()),
            }
        }
    }

    /// Whether everything has come to rest.
    fn check_rest(&self) -> Checked {
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
            if scheduler.session.as_ref().is_none_or(|session| session.framework().is_none()) {
                return Err(Violation::new("every scheduler gets through", name.to_string()));
            }
            let is_excused =
                |own: &Own| own.state == TaskState::Unreachable && self.is_nobody(&own.agent);
            if let Some((task, own)) = author.open().find(|(_, own)| !is_excused(own)) {
                let seen = format!("{name} still waits for {task} on {}", own.agent);
                return Err(Violation::new("every task ends to its author's knowledge", seen));
            }
        }
        match self.book.question() {
            None => Ok(()),
            Some((name, task)) => {
                let seen = format!("{name} has asked about {task} in vain");
                Err(Violation::new("every question is answered", seen))
            }
        }
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
            return Err(Violation::new("nothing runs in the end", seen));
        }
        let left = agent.disk.snapshot().into_iter().find(|record| {
            matches!(
                record,
                Record::Launched { .. } | Record::Refused { .. } | Record::ExecutorAdmitted { .. }
            )
        });
        if let Some(record) = left {
            let seen = format!("{name} keeps {record:?}");
            return Err(Violation::new("nothing is kept in the end", seen));
        }
        if agent.is_idle() { Ok(()) } else { Err(busy(name)) }
    }

    /// Every agent is there, nothing is used, and no task is open.
    fn check_master_rests(&self) -> Checked {
        let Some(core) = &self.master.core else { return Err(busy(Name::Master)) };
        let state = core.state();
        for agent in &state.agents {
            if agent.duty.is_draining() && agent.standing == AgentStanding::Connected {
                return Err(Violation::new("every drain ends", agent.id.to_string()));
            }
            if !agent.used.is_empty() {
                let seen = format!("{} of {} is used", agent.used, agent.id);
                return Err(Violation::new("nothing is used in the end", seen));
            }
        }
        for (at, agent) in self.agents.iter().enumerate() {
            let known = state.agents.iter().find(|known| Some(&known.id) == agent.disk.agent());
            if known.is_none_or(|known| known.standing != AgentStanding::Connected) {
                let seen = format!("{} is {:?}", Name::Agent(at), known.map(|it| it.standing));
                return Err(Violation::new("every agent gets through", seen));
            }
        }
        let is_excused =
            |task: &TaskRecord| task.state == TaskState::Unreachable && self.is_nobody(&task.agent);
        let is_open = |task: &&TaskRecord| !task.state.is_terminal() && !is_excused(task);
        if let Some(task) = state.tasks.iter().find(is_open) {
            let seen = format!("{}/{} is {}", task.framework, task.id, task.state);
            return Err(Violation::new("the master knows every end", seen));
        }
        if self.is_master_idle() { Ok(()) } else { Err(busy(Name::Master)) }
    }
}

fn busy(name: Name) -> Violation {
    Violation::new("everyone comes to rest", name.to_string())
}
