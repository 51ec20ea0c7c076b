//! The groups: who belongs together, when all are there, and how the end of one is the end of all.
//! It never reads a clock: whoever tells it of an event says when that is.

use std::collections::{BTreeMap, BTreeSet};

use stoa_executor::subtasks::{self, Refusal, SpawnOptions};
use stoa_executor::{
    KillPolicy, Limits, Program, Reason, SubtaskExit, TaskState, TaskStatus, driver,
};

use crate::request::{Membership, Request};

/// What one group is known by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    /// The name that its members give it.
    Named(String),
    /// The id of the only member of a group without a name.
    Alone(String),
}

/// A task of a group.
#[derive(Debug)]
struct Member {
    /// What it runs; empty once it has started.
    programs: Vec<(Program, Limits)>,
    /// Its programs that run, by their subtasks.
    running: BTreeMap<u64, String>,
    /// Whether every program of it that has ended has ended with 0.
    has_succeeded: bool,
    /// What it is counted as in memory.
    bytes: u64,
}

/// Where a group is in its life. A group is forgotten when all its members are over.
#[derive(Debug)]
enum Stage {
    /// Members are waited for until this time.
    Gathering(u64),
    /// All programs have been started.
    Running,
    /// A member was killed with grace, and so all are.
    Killing(String),
}

/// Tasks that start together and share their fate.
#[derive(Debug)]
struct Group {
    size: usize,
    stage: Stage,
    /// Those that are not over, by task.
    members: BTreeMap<String, Member>,
}

/// All groups that are not over.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    groups: BTreeMap<Key, Group>,
    /// The group of each task that is not over.
    tasks: BTreeMap<String, Key>,
    /// The task of each subtask that is not over.
    subtasks: BTreeMap<u64, String>,
    /// The groups that are not complete, by the time until which members are waited for.
    gathering: BTreeSet<(u64, Key)>,
    /// What all tasks are counted as in memory.
    bytes: u64,
}

/// Why a group ends: the member that it comes from, and what became of it.
struct Cause {
    task: String,
    state: TaskState,
    message: String,
    because: Option<Reason>,
}

impl Groups {
    /// A task joins its group; if it is the last, all start.
    ///
    /// # Errors
    /// Why the task cannot be a member.
    pub(crate) fn on_launch(
        &mut self,
        until_ms: u64,
        id: String,
        request: Request,
    ) -> Result<(), String> {
        if self.tasks.contains_key(&id) {
            return Err("a task of this id is not over".to_owned());
        }
        let (key, size) = match request.group {
            Some(Membership { name, size }) => (Key::Named(name), size),
            None => (Key::Alone(id.clone()), 1),
        };
        let new = || Group { size, stage: Stage::Gathering(until_ms), members: BTreeMap::new() };
        let group = self.groups.entry(key.clone()).or_insert_with(new);
        group.check_next(&key, size)?;
        let Request { programs, bytes, .. } = request;
        let member = Member { programs, running: BTreeMap::new(), has_succeeded: true, bytes };
        group.members.insert(id.clone(), member);
        self.bytes += bytes;
        let missing = size - group.members.len();
        if let Stage::Gathering(until_ms) = group.stage {
            self.gathering.insert((until_ms, key.clone()));
        }
        self.tasks.insert(id.clone(), key.clone());
        if missing == 0 {
            self.start(&key);
        } else {
            let message = format!("waiting for {missing} of {size} members of {}", name(&key));
            send(TaskStatus { message, ..TaskStatus::new(id, TaskState::Starting) });
        }
        Ok(())
    }

    /// A member is to end, and so its group is.
    pub(crate) fn on_kill(&mut self, task: &str, policy: KillPolicy) {
        let Some(key) = self.tasks.get(task).cloned() else { return };
        let Some(group) = self.groups.get_mut(&key) else { return };
        if matches!(group.stage, Stage::Gathering(_)) || policy.grace_ms == 0 {
            return self.end(&key, Cause::killed(task));
        }
        let is_new = matches!(group.stage, Stage::Running);
        if is_new {
            group.stage = Stage::Killing(task.to_owned());
        }
        for (member, parts) in &group.members {
            if is_new {
                let message = match member == task {
                    true => String::new(),
                    false => format!("{} is ending: {task} was killed", name(&key)),
                };
                send(TaskStatus { message, ..TaskStatus::new(member, TaskState::Killing) });
            }
            for subtask in parts.running.keys() {
                kill(*subtask, policy);
            }
        }
    }

    /// A program has ended.
    pub(crate) fn on_exited(&mut self, exit: &SubtaskExit) {
        let Some(task) = self.subtasks.remove(&exit.subtask) else { return };
        let Some(key) = self.tasks.get(&task).cloned() else { return };
        let Some(group) = self.groups.get_mut(&key) else { return };
        let Some(member) = group.members.get_mut(&task) else { return };
        let program = member.running.remove(&exit.subtask).unwrap_or_default();
        let success = matches!(exit.why, Reason::Exited(0));
        member.has_succeeded &= success;
        if let Stage::Killing(killed) = &group.stage {
            if member.running.is_empty() {
                let status = match (member.has_succeeded, *killed == task) {
                    (true, _) => finished(&task),
                    (false, true) => Cause::killed(&task).status(),
                    (false, false) => Cause::killed(killed).status_of(&task, &key),
                };
                self.over(&task, status);
            }
        } else if !success {
            let message = format!("{program}: {}", exit.why);
            let because = Some(exit.why.clone());
            self.end(&key, Cause { task, state: TaskState::Failed, message, because });
        } else if member.running.is_empty() {
            self.over(&task, finished(&task));
        }
    }

    /// Ends one group that should be complete by now.
    pub(crate) fn on_time(&mut self, now_ms: u64) {
        let late = self.gathering.first().filter(|(until_ms, _)| *until_ms <= now_ms).cloned();
        let late = late.and_then(|(_, key)| self.groups.get(&key).map(|group| (key, group)));
        if let Some((key, group)) = late {
            let size = group.size;
            let missing = size - group.members.len();
            let text = format!("{missing} of {size} members of {} did not come", name(&key));
            let message = format!("{text} in the time that wait_ms grants");
            let status = |task: String| TaskStatus {
                message: message.clone(),
                ..TaskStatus::new(task, TaskState::Failed)
            };
            let members: Vec<_> = group.members.keys().cloned().collect();
            for task in members {
                self.over(&task, status(task.clone()));
            }
        }
    }

    /// When the next group must be complete.
    pub(crate) fn due_ms(&self) -> Option<u64> {
        self.gathering.first().map(|(until_ms, _)| *until_ms)
    }

    /// Whether no task is left.
    pub(crate) fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// How many tasks are not over, and what they are counted as in memory.
    pub(crate) fn tasks(&self) -> (usize, u64) {
        (self.tasks.len(), self.bytes)
    }

    /// All programs of all members, or none.
    fn start(&mut self, key: &Key) {
        let Some(group) = self.groups.get_mut(key) else { return };
        if let Stage::Gathering(until_ms) = group.stage {
            self.gathering.remove(&(until_ms, key.clone()));
        }
        group.stage = Stage::Running;
        for (task, member) in &mut group.members {
            for (program, walls) in std::mem::take(&mut member.programs) {
                let name = program.name.clone();
                match subtasks::spawn(&SpawnOptions::granted(task, program).limits(walls)) {
                    Ok(subtask) => {
                        member.running.insert(subtask, name);
                        self.subtasks.insert(subtask, task.clone());
                    }
                    Err(refusal) => {
                        let message = format!("{name}: {refusal}");
                        let because = match refusal {
                            Refusal::CannotStart(reason) => Some(reason),
                            _ => None,
                        };
                        let (task, state) = (task.clone(), TaskState::Failed);
                        return self.end(key, Cause { task, state, message, because });
                    }
                }
            }
        }
        for task in group.members.keys() {
            send(TaskStatus::new(task, TaskState::Running));
        }
    }

    /// Ends all of a group that is not over.
    fn end(&mut self, key: &Key, cause: Cause) {
        let Some(group) = self.groups.get(key) else { return };
        // First all programs, so that none of them hears of the end of another before its own.
        for subtask in group.members.values().flat_map(|member| member.running.keys()) {
            kill(*subtask, KillPolicy::AT_ONCE);
        }
        let members: Vec<_> = group.members.keys().cloned().collect();
        for task in members {
            let status = match task == cause.task {
                true => cause.status(),
                false => cause.status_of(&task, key),
            };
            self.over(&task, status);
        }
    }

    /// A member is over: nothing of it is known any more.
    fn over(&mut self, task: &str, status: TaskStatus) {
        let Some(key) = self.tasks.remove(task) else { return };
        if let Some(group) = self.groups.get_mut(&key) {
            if let Some(member) = group.members.remove(task) {
                self.bytes -= member.bytes;
                for subtask in member.running.keys() {
                    self.subtasks.remove(subtask);
                }
            }
            if group.members.is_empty() {
                if let Stage::Gathering(until_ms) = group.stage {
                    self.gathering.remove(&(until_ms, key.clone()));
                }
                self.groups.remove(&key);
            }
        }
        send(status);
    }
}

impl Group {
    /// Whether one more can join.
    fn check_next(&self, key: &Key, size: usize) -> Result<(), String> {
        let name = name(key);
        if self.size != size {
            let said = self.size;
            return Err(format!(
                "{name} has {said} members, as the first of them says, not {size}"
            ));
        }
        match self.stage {
            Stage::Gathering(_) => Ok(()),
            Stage::Running | Stage::Killing(_) => {
                Err(format!("{name} is complete: it has its {size} members already"))
            }
        }
    }
}

impl Cause {
    fn killed(task: &str) -> Self {
        let (task, because) = (task.to_owned(), Some(Reason::Killed));
        Self { task, state: TaskState::Killed, message: String::new(), because }
    }

    /// What is said of the member that it comes from.
    fn status(&self) -> TaskStatus {
        TaskStatus {
            message: self.message.clone(),
            because: self.because.clone(),
            ..TaskStatus::new(&self.task, self.state)
        }
    }

    /// What is said of another member.
    fn status_of(&self, task: &str, key: &Key) -> TaskStatus {
        let what = match self.state {
            TaskState::Killed => "was killed".to_owned(),
            _ => format!("failed: {}", self.message),
        };
        let message = format!("its {} ended: {} {what}", name(key), self.task);
        TaskStatus { message, ..TaskStatus::new(task, self.state) }
    }
}

fn finished(task: &str) -> TaskStatus {
    TaskStatus { because: Some(Reason::Exited(0)), ..TaskStatus::new(task, TaskState::Finished) }
}

fn name(key: &Key) -> String {
    match key {
        Key::Named(name) => format!("group {name}"),
        Key::Alone(_) => "group".to_owned(),
    }
}

/// A refusal says that it has ended, which is told next.
fn kill(subtask: u64, policy: KillPolicy) {
    let _ = subtasks::kill(subtask, policy);
}

/// A refusal says that the task is over for Stoa too: nobody is left to be told.
fn send(status: TaskStatus) {
    let _ = driver::send_status_update(&status);
}
