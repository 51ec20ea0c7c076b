//! A simulated author of a scheduler: what it remembers, and how it answers what its session tells
//! it. It never says anything by itself; `whims.rs` does.

use std::collections::{BTreeMap, BTreeSet};

use stoa_invariants::{Checked, Name};
use stoa_model::command::CommandInfo;
use stoa_model::digest::Digest;
use stoa_model::epoch::Epoch;
use stoa_model::framework::FrameworkInfo;
use stoa_model::ids::{AgentId, ExecutorId, FrameworkId, OfferId, Role, TaskId, UpdateId};
use stoa_model::offer::{Filters, Offer};
use stoa_model::resources::Resources;
use stoa_model::scheduler::{Call, Event};
use stoa_model::status::TaskStatus;
use stoa_model::task::{
    ExecutorInfo, ExecutorTask, KillPolicy, Limits, TaskBody, TaskInfo, TaskState,
};
use stoa_scheduler::Input;

use crate::guest::Guest;
use crate::seen::Seen;
use crate::world::World;

/// How often one that has forgotten its tasks asks for all of them, in milliseconds.
const ASK_AGAIN_MS: u64 = 5_000;

/// How an author behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// It acknowledges at once, and does what commands say.
    Staged,
    /// It launches, kills, asks, and is slow as it pleases.
    Eager,
    /// It launches nothing more and wants everything to end.
    Settling,
}

/// One author. What is in `framework`, `tasks`, `made` and `is_over` it keeps where no crash of its
/// process reaches.
#[derive(Debug)]
pub struct Author {
    pub(crate) info: FrameworkInfo,
    pub(crate) mood: Mood,
    pub(crate) framework: Option<FrameworkId>,
    /// The highest epoch it was told of: kept beside the id.
    pub(crate) epoch: Epoch,
    pub(crate) tasks: BTreeMap<TaskId, Own>,
    pub(crate) made: u32,
    /// The framework has ended.
    pub(crate) is_over: bool,
    /// Offers that it may use.
    pub(crate) offers: BTreeMap<OfferId, Offer>,
    pub(crate) executors: BTreeSet<(AgentId, ExecutorId)>,
    /// Offers that it may not use any more.
    pub(crate) used: Vec<Offer>,
    /// It has asked for its tasks since its process started.
    has_asked: bool,
    /// It does not know all its tasks.
    pub(crate) has_forgotten: bool,
    /// It has said that the framework is to end.
    pub(crate) has_left: bool,
}

/// A task that it has launched.
#[derive(Debug)]
pub struct Own {
    pub(crate) agent: AgentId,
    pub(crate) guest: Guest,
    /// A Kill was said in this life of the process, whose session must not forget it.
    pub(crate) is_killed: bool,
    /// What was told of it last.
    pub(crate) state: TaskState,
    /// How it ended, as far as the author knows.
    pub(crate) end: Option<TaskState>,
}

/// Something it does after a while.
#[derive(Debug)]
pub enum Thought {
    /// Use an offer or give it back.
    Answer(OfferId),
    /// Take in an Update.
    Acknowledge(AgentId, TaskId, UpdateId),
    /// Ask what became of its tasks before its process ended.
    Catch,
    /// Whatever comes to its mind.
    Whim,
    /// End a task that it has just launched.
    Regret(TaskId, AgentId),
    /// Give back all it holds and end what does not end by itself.
    Settle,
}

impl Own {
    /// A task that is about to be launched.
    pub(crate) fn new(agent: AgentId, guest: Guest) -> Self {
        Self { agent, guest, is_killed: false, state: TaskState::Staging, end: None }
    }
}

impl Author {
    pub(crate) fn new(info: FrameworkInfo, mood: Mood) -> Self {
        Self {
            info,
            mood,
            framework: None,
            epoch: Epoch::NONE,
            tasks: BTreeMap::new(),
            made: 0,
            is_over: false,
            offers: BTreeMap::new(),
            executors: BTreeSet::new(),
            used: Vec::new(),
            has_asked: false,
            has_forgotten: false,
            has_left: false,
        }
    }

    /// It loses what it should have kept: it knows its framework, and no task of it.
    pub(crate) fn forget(&mut self) {
        self.tasks.clear();
        self.has_forgotten = true;
    }

    /// Its process has started: what it did not keep is gone.
    pub(crate) fn begin_anew(&mut self) {
        self.offers.clear();
        self.used.clear();
        self.has_left = false;
        self.has_asked = false;
        self.tasks.values_mut().for_each(|own| own.is_killed = false);
    }

    /// Its tasks that are not over, as far as it knows.
    pub(crate) fn open(&self) -> impl Iterator<Item = (&TaskId, &Own)> {
        self.tasks.iter().filter(|(_, own)| own.end.is_none())
    }

    fn questions(&self) -> Vec<(TaskId, Option<AgentId>)> {
        self.open().map(|(task, own)| (task.clone(), Some(own.agent.clone()))).collect()
    }
}

/// What a framework says of itself.
pub fn framework_info(name: &str, role: Role, failover_timeout_ms: u64) -> FrameworkInfo {
    FrameworkInfo {
        name: name.to_owned(),
        user: "someone".to_owned(),
        roles: vec![role],
        failover_timeout_ms,
        labels: Vec::new(),
        ends_alone: false,
    }
}

/// A task that runs a guest, by itself or for an executor.
pub fn task_info(
    id: TaskId,
    agent: AgentId,
    resources: Resources,
    (guest, program, executor): (Guest, u8, Option<&ExecutorId>),
) -> TaskInfo {
    let body = match executor {
        None => TaskBody::Command(CommandInfo {
            arguments: guest.to_string().split(' ').map(str::to_owned).collect(),
            ..CommandInfo::new(Digest([program; 32]), "guest")
        }),
        Some(executor) => {
            let resources = Resources::new(100, 32 << 20);
            let executor = ExecutorInfo::new(executor.clone(), Digest([2; 32]), resources);
            let data = guest.to_string().into_bytes();
            TaskBody::Executor(Box::new(ExecutorTask::new(executor, data)))
        }
    };
    TaskInfo {
        name: id.to_string(),
        id,
        agent,
        resources,
        body,
        limits: Limits::default(),
        labels: Vec::new(),
        kill_policy: KillPolicy::default(),
        max_completion_ms: None,
    }
}

impl World {
    /// The author says something.
    pub(crate) fn call(&mut self, at: usize, call: Call) -> Checked {
        self.step_session(at, Input::Call(call))
    }

    /// The session tells its author something. The author only takes note: it acts by thoughts, as
    /// one that reads a channel does.
    pub(crate) fn on_delivered(&mut self, at: usize, event: Event) -> Checked {
        let process = &mut self.schedulers[at];
        let agents = &self.agents;
        let framework = match &event {
            Event::Registered { framework, .. } => Some(framework),
            _ => process.author.framework.as_ref(),
        };
        self.checker.on_told((Name::Scheduler(at), process.life), framework, &event, |key| {
            agents.iter().any(|agent| agent.host.has(key))
        })?;
        let author = &mut process.author;
        if let Event::Registered { master, .. } | Event::Reregistered { master, .. } = &event {
            author.epoch = author.epoch.max(master.epoch);
        }
        match event {
            Event::Registered { framework, .. } => {
                author.framework = Some(framework);
                author.has_asked = true;
                self.on_greeted(at);
            }
            Event::Reregistered { .. } => {
                let has_asked = std::mem::replace(&mut author.has_asked, true);
                if !has_asked && author.mood != Mood::Staged {
                    self.think(at, 0, Thought::Catch);
                }
                self.on_greeted(at);
            }
            Event::Offer(offers) => self.on_offers(at, offers),
            Event::Rescind(offers) => offers.iter().for_each(|offer| {
                author.used.extend(author.offers.remove(offer));
            }),
            Event::Update(status) => self.on_update(at, status)?,
            Event::Message { .. }
            | Event::Failure { .. }
            | Event::Error { .. }
            | Event::Heartbeat => {}
        }
        Ok(())
    }

    fn on_greeted(&mut self, at: usize) {
        if self.schedulers[at].author.mood == Mood::Settling {
            self.think(at, 0, Thought::Settle);
        }
    }

    fn on_offers(&mut self, at: usize, offers: Vec<Offer>) {
        let mood = self.schedulers[at].author.mood;
        for offer in offers {
            let id = offer.id.clone();
            self.schedulers[at].author.offers.insert(id.clone(), offer);
            let lease_ms = self.plan.timing.offer_lease_ms;
            let delay_ms = match mood {
                Mood::Staged => continue,
                Mood::Settling => 0,
                Mood::Eager if self.chance.one_in(8) => lease_ms + 1,
                Mood::Eager => self.chance.between(0, lease_ms.min(1_000)),
            };
            self.think(at, delay_ms, Thought::Answer(id));
        }
    }

    fn on_update(&mut self, at: usize, status: TaskStatus) -> Checked {
        self.counts.updates += 1;
        self.note_status(&status);
        let author = &mut self.schedulers[at].author;
        let is_unknown = status.state == TaskState::Unknown && status.agent.is_some();
        let is_over = status.state.is_terminal() || is_unknown;
        let is_stranger = !author.tasks.contains_key(&status.task) && !is_over;
        if let Some(agent) = status.agent.clone().filter(|_| is_stranger) {
            // One that it has forgotten: it lets it run, and ends it in the end.
            author.tasks.insert(status.task.clone(), Own::new(agent, Guest::endless()));
            if author.mood == Mood::Settling {
                self.think(at, 0, Thought::Settle);
            }
        }
        let author = &mut self.schedulers[at].author;
        if let Some(own) = author.tasks.get_mut(&status.task) {
            if own.state == TaskState::Unreachable && !is_over {
                self.tally.note(Seen::TaskReturned);
            }
            own.state = status.state;
            own.end = own.end.or(Some(status.state).filter(|_| is_over));
        }
        if let (Some(agent), Some(update)) = (status.agent, status.update) {
            let is_slow = author.mood == Mood::Eager && self.chance.one_in(3);
            let delay_ms = if is_slow { self.chance.between(0, 8_000) } else { 0 };
            self.think(at, delay_ms, Thought::Acknowledge(agent, status.task, update));
        }
        Ok(())
    }

    fn note_status(&mut self, status: &TaskStatus) {
        self.tally.note(match status.state {
            TaskState::Unreachable => Seen::TaskUnreachable,
            TaskState::Dropped => Seen::TaskDropped,
            TaskState::Gone => Seen::TaskGone,
            TaskState::Error => Seen::TaskErroneous,
            TaskState::Killed if status.message.contains("before it started") => {
                Seen::TaskKilledEarly
            }
            _ => return,
        });
    }

    pub(crate) fn on_thought(&mut self, at: usize, thought: Thought) -> Checked {
        if self.schedulers[at].session.is_none() {
            return Ok(());
        }
        match thought {
            Thought::Answer(offer) => self.answer_offer(at, offer),
            Thought::Acknowledge(agent, task, update) => {
                self.call(at, Call::Acknowledge { agent, task, update })
            }
            Thought::Catch => self.ask_all(at),
            Thought::Whim => self.on_whim(at),
            Thought::Regret(task, agent) => {
                self.call(at, Call::Kill { task, agent: Some(agent), policy: None })
            }
            Thought::Settle => self.settle_author(at),
        }
    }

    fn ask_all(&mut self, at: usize) -> Checked {
        let questions = self.schedulers[at].author.questions();
        if questions.is_empty() {
            return Ok(());
        }
        self.ask_about(at, questions)
    }

    /// Asks about tasks, all of which must be answered.
    pub(crate) fn ask_about(
        &mut self,
        at: usize,
        questions: Vec<(TaskId, Option<AgentId>)>,
    ) -> Checked {
        self.call(at, Call::Reconcile(questions))
    }

    fn settle_author(&mut self, at: usize) -> Checked {
        let author = &mut self.schedulers[at].author;
        let offers: Vec<_> = std::mem::take(&mut author.offers).into_keys().collect();
        let is_endless = |own: &Own| own.guest.runs_ms.is_none() && !own.is_killed;
        let endless = author.open().filter(|(_, own)| is_endless(own));
        let endless: Vec<_> =
            endless.map(|(task, own)| (task.clone(), own.agent.clone())).collect();
        self.call(at, Call::Suppress(Vec::new()))?;
        if self.schedulers[at].author.has_forgotten {
            // An agent that comes later may bring what no master knows of yet.
            self.call(at, Call::Reconcile(Vec::new()))?;
            self.think(at, ASK_AGAIN_MS, Thought::Settle);
        }
        if !offers.is_empty() {
            self.call(at, Call::Decline { offers, filters: Filters::default() })?;
        }
        for (task, agent) in endless {
            self.call(at, Call::Kill { task, agent: Some(agent), policy: None })?;
        }
        Ok(())
    }
}
