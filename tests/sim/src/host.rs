//! A simulated executor host: it starts guests, lets them run for as long as they say, ends them,
//! and tells its agent. It may survive its agent: then it says again what that may not have heard.

use std::collections::{BTreeMap, BTreeSet};

use stoa_invariants::{Checked, Life, Name};
use stoa_model::digest::Digest;
use stoa_model::host::{Command, Event, TaskChange};
use stoa_model::ids::{ExecutorId, FrameworkId, TaskId};
use stoa_model::instant::Instant;
use stoa_model::status::{Download, Reason};
use stoa_model::task::{TaskBody, TaskInfo, TaskState};
use stoa_planted::{Bug, is_planted};

use crate::guest::Guest;
use crate::print;
use crate::queue::Happening;
use crate::seen::Seen;
use crate::world::World;

/// The longest time that a compile takes.
const COMPILE_MS_MAX: u64 = 800;

/// A task by its full name.
pub type Key = (FrameworkId, TaskId);

/// What lives in one host.
#[derive(Debug, Default)]
pub struct Host {
    pub(crate) life: Life,
    live: BTreeMap<Key, Hosted>,
    /// Every task it ever had: none of them starts again.
    had: BTreeSet<Key>,
    executors: BTreeSet<(FrameworkId, ExecutorId)>,
    removed: BTreeSet<FrameworkId>,
    /// How tasks ended, and which executors did: to be said again to an agent that comes back.
    ended: BTreeMap<Key, TaskChange>,
    executors_ended: BTreeSet<(FrameworkId, ExecutorId)>,
    /// When what it said last reaches its agent.
    told_at: Instant,
}

/// A task that has not ended.
#[derive(Debug)]
struct Hosted {
    guest: Guest,
    executor: Option<ExecutorId>,
    is_killing: bool,
    /// What was said of it last.
    said: Option<TaskState>,
}

/// Something that comes to its time in a host.
#[derive(Debug)]
pub enum Deed {
    /// A task starts to run.
    Run(Key),
    /// A task ends by itself.
    Exit(Key),
    /// The grace of a kill is over.
    Killed(Key),
    /// An executor without tasks ends by itself, and one with tasks if it is told to.
    End(FrameworkId, ExecutorId, bool),
}

impl Host {
    /// A host in which nothing lives.
    pub fn new(life: Life) -> Self {
        Self { life, ..Self::default() }
    }

    /// Whether the task lives here.
    pub fn has(&self, key: &Key) -> bool {
        self.live.contains_key(key)
    }

    /// What lives here.
    pub fn live(&self) -> impl Iterator<Item = &Key> {
        self.live.keys()
    }
}

impl World {
    pub(crate) fn on_host_command(&mut self, at: usize, command: Command) -> Checked {
        self.note(print::host_command(Name::Agent(at), &command));
        match command {
            Command::Launch { framework, task, .. } => self.host_launch(at, framework, *task)?,
            Command::Kill { framework, task, policy } => {
                self.host_kill(at, (framework, task), policy.grace_ms);
            }
            Command::Shutdown { framework, executor, grace_ms } => {
                let delay_ms = self.host_takes_ms(grace_ms.min(1_000));
                self.host_later(at, delay_ms, Deed::End(framework, executor, true));
            }
            Command::RemoveFramework { framework } => {
                let host = &mut self.agents[at].host;
                host.live.retain(|(other, _), _| *other != framework);
                host.executors.retain(|(other, _)| *other != framework);
                host.removed.insert(framework);
            }
            Command::Message { framework, executor, data } => {
                let host = &self.agents[at].host;
                if host.executors.contains(&(framework.clone(), executor.clone())) {
                    self.host_tell(at, Event::Message { framework, executor, data });
                }
            }
            Command::Reregistered { .. } => self.host_repeats(at),
            Command::SetPaused { framework, task, .. } => self.host_pauses(at, &(framework, task)),
            Command::Acknowledge { .. } => {}
        }
        Ok(())
    }

    fn host_launch(&mut self, at: usize, framework: FrameworkId, task: TaskInfo) -> Checked {
        let key = (framework.clone(), task.id.clone());
        let host = &mut self.agents[at].host;
        if host.removed.contains(&framework) || !host.had.insert(key.clone()) {
            return Ok(());
        }
        let executor = task.executor().map(|executor| executor.id.clone());
        let guest = match &task.body {
            TaskBody::Command(command) => Guest::parse(&command.arguments.join(" ")),
            TaskBody::Executor(task) => Guest::parse(&String::from_utf8_lossy(&task.data)),
        };
        if let Some(executor) = executor.clone() {
            host.executors_ended.remove(&(framework.clone(), executor.clone()));
            host.executors.insert((framework, executor));
        }
        host.live.insert(key.clone(), Hosted { guest, executor, is_killing: false, said: None });
        self.counts.started += 1;
        self.checker.on_start(Name::Agent(at), &key)?;
        let is_compiled = self.plan.timing.is_exact || !self.chance.one_in(3);
        if !is_compiled {
            self.host_change(at, &key, (TaskState::Starting, Reason::Progress));
        }
        let delay_ms = self.host_takes_ms(if is_compiled { 5 } else { COMPILE_MS_MAX });
        self.host_later(at, delay_ms, Deed::Run(key));
        Ok(())
    }

    fn host_kill(&mut self, at: usize, key: Key, grace_ms: u64) {
        let Some(task) = self.agents[at].host.live.get_mut(&key) else { return };
        if grace_ms == 0 {
            return self.host_end(at, &key, (TaskState::Killed, Reason::KillRequested));
        }
        if !std::mem::replace(&mut task.is_killing, true) {
            self.host_change(at, &key, (TaskState::Killing, Reason::Progress));
        }
        let delay_ms = self.host_takes_ms(grace_ms);
        self.host_later(at, delay_ms, Deed::Killed(key));
    }

    /// A host says of a task that runs how it is whenever it is frozen or goes on. Guests here use
    /// no cpu, so that this is all there is to see of it.
    fn host_pauses(&mut self, at: usize, key: &Key) {
        let task = self.agents[at].host.live.get(key);
        let said = task.and_then(|task| task.said);
        if let Some(state @ (TaskState::Running | TaskState::Killing)) = said {
            self.host_change(at, key, (state, Reason::Progress));
        }
    }

    pub(crate) fn on_deed(&mut self, at: usize, deed: Deed) {
        match deed {
            Deed::Run(key) => {
                let Some(task) = self.agents[at].host.live.get(&key) else { return };
                let runs_ms = task.guest.runs_ms;
                if !task.is_killing {
                    self.host_change(at, &key, (TaskState::Running, Reason::Progress));
                }
                if let Some(runs_ms) = runs_ms {
                    self.host_later(at, runs_ms, Deed::Exit(key));
                }
            }
            Deed::Exit(key) => {
                let Some(task) = self.agents[at].host.live.get(&key) else { return };
                let is_good = task.guest.exit == 0;
                let state = if is_good { TaskState::Finished } else { TaskState::Failed };
                self.host_end(at, &key, (state, Reason::Exited));
            }
            Deed::Killed(key) => {
                self.host_end(at, &key, (TaskState::Killed, Reason::KillRequested));
            }
            Deed::End(framework, executor, is_told) => {
                self.host_end_executor(at, (framework, executor), is_told);
            }
        }
    }

    fn host_end_executor(&mut self, at: usize, key: (FrameworkId, ExecutorId), is_told: bool) {
        let (framework, executor) = key.clone();
        let tasks = self.agents[at].host.tasks_of(&key);
        if !is_told && !tasks.is_empty() || !self.agents[at].host.executors.remove(&key) {
            return;
        }
        for task in tasks {
            self.host_end(at, &task, (TaskState::Killed, Reason::KillRequested));
        }
        self.agents[at].host.executors_ended.insert(key);
        let message = if is_told { "as it was told" } else { "it had nothing to do" }.to_owned();
        self.host_tell(at, Event::ExecutorEnded { framework, executor, message });
    }

    /// A task ends, and its executor some time after the last of its tasks.
    fn host_end(&mut self, at: usize, key: &Key, verdict: (TaskState, Reason)) {
        let Some(task) = self.agents[at].host.live.get(key) else { return };
        let executor = task.executor.clone();
        self.host_change(at, key, verdict);
        self.agents[at].host.live.remove(key);
        if let Some(executor) = executor {
            let delay_ms = self.host_takes_ms(3_000);
            self.host_later(at, delay_ms, Deed::End(key.0.clone(), executor, false));
        }
    }

    fn host_change(&mut self, at: usize, key: &Key, (state, reason): (TaskState, Reason)) {
        let Some(task) = self.agents[at].host.live.get_mut(key) else { return };
        task.said = Some(state);
        let has_exited = reason == Reason::Exited;
        let guest = task.guest;
        let download = Download { guest_path: "/out".to_owned(), archive: Digest([7; 32]) };
        let packs = guest.has_download && state.is_terminal();
        let change = TaskChange {
            framework: key.0.clone(),
            task: key.1.clone(),
            state,
            reason,
            message: String::new(),
            exit_code: has_exited.then_some(guest.exit),
            usage: None,
            data: Vec::new(),
            downloads: if packs { vec![download] } else { Vec::new() },
        };
        if state.is_terminal() {
            self.agents[at].host.ended.insert(key.clone(), change.clone());
        }
        self.host_says_change(at, change);
    }

    /// A host says something, and if it is no honest one it says more than it should.
    fn host_says_change(&mut self, at: usize, change: TaskChange) {
        let is_end = change.state.is_terminal();
        self.host_tell(at, Event::Update(Box::new(change.clone())));
        if !self.chance.one_in(self.plan.faults.hostile_one_in) {
            return;
        }
        if is_end {
            self.tally.note(Seen::HostStuttered);
            let state = if self.chance.one_in(2) { change.state } else { TaskState::Failed };
            self.host_tell(at, Event::Update(Box::new(TaskChange { state, ..change })));
        } else {
            self.tally.note(Seen::HostLied);
            let task = TaskId::new("nothing").expect("a plain word is an id");
            self.host_tell(at, Event::Update(Box::new(TaskChange { task, ..change })));
        }
    }

    /// The agent is back: it hears again how everything is, and what has ended.
    fn host_repeats(&mut self, at: usize) {
        let host = &mut self.agents[at].host;
        if is_planted(Bug::HostForgets) {
            host.had.clear();
        }
        let ended: Vec<_> = host.ended.values().cloned().collect();
        let live = host.live.iter().filter_map(|(key, task)| Some((key.clone(), task.said?)));
        let live: Vec<_> = live.collect();
        let executors: Vec<_> = host.executors_ended.iter().cloned().collect();
        self.tally.note(Seen::ReportAfterOutage);
        for change in ended {
            self.host_tell(at, Event::Update(Box::new(change)));
        }
        for (key, state) in live {
            self.host_change(at, &key, (state, Reason::Progress));
        }
        for (framework, executor) in executors {
            let message = "while its agent was away".to_owned();
            self.host_tell(at, Event::ExecutorEnded { framework, executor, message });
        }
    }

    /// The host's process ends, and the agent's edge says what was lost with it.
    pub(crate) fn crash_host(&mut self, at: usize) {
        if self.agents[at].core.is_none() {
            return;
        }
        self.tally.note(Seen::HostCrashed);
        self.note(format!("{:>6} !! its host ends", Name::Agent(at)));
        let live: Vec<_> = self.agents[at].host.live.keys().cloned().collect();
        for key in live {
            self.host_change(at, &key, (TaskState::Failed, Reason::ExecutorLost));
            self.agents[at].host.live.remove(&key);
        }
        let executors = std::mem::take(&mut self.agents[at].host.executors);
        for (framework, executor) in executors {
            let key = (framework.clone(), executor.clone());
            self.agents[at].host.executors_ended.insert(key);
            let message = "its host has ended".to_owned();
            self.host_tell(at, Event::ExecutorEnded { framework, executor, message });
        }
    }

    fn host_tell(&mut self, at: usize, event: Event) {
        let due = self.now.plus_ms(self.host_takes_ms(1)).max(self.agents[at].host.told_at);
        self.agents[at].host.told_at = due;
        let life = self.agents[at].host.life;
        self.queue.push(due, Happening::HostSays(at, life, Box::new(event)));
    }

    /// How long something takes that takes at most `most_ms`.
    pub(crate) fn host_takes_ms(&mut self, most_ms: u64) -> u64 {
        if self.plan.timing.is_exact { most_ms } else { self.chance.between(0, most_ms) }
    }

    fn host_later(&mut self, at: usize, delay_ms: u64, deed: Deed) {
        let life = self.agents[at].host.life;
        self.queue.push(self.now.plus_ms(delay_ms), Happening::HostDoes(at, life, deed));
    }
}

impl Host {
    fn tasks_of(&self, (framework, executor): &(FrameworkId, ExecutorId)) -> Vec<Key> {
        let of = |key: &Key, task: &Hosted| {
            key.0 == *framework && task.executor.as_ref() == Some(executor)
        };
        self.live.iter().filter(|(key, task)| of(key, task)).map(|(key, _)| key.clone()).collect()
    }
}
