//! Commands that an agent has not recorded yet, numbered per session. It never sends: what it
//! answers is to be sent.

use std::collections::{BTreeSet, VecDeque};

use stoa_model::agent_link::Command;
use stoa_model::ids::{FrameworkId, SessionId};
use stoa_model::task::TaskInfo;

use crate::limits::COMMANDS_WAITING_MAX;
use stoa_model::keys::{ExecutorKey, TaskKey};

/// Invariant: the waiting commands have the numbers up to `last`, without gaps.
#[derive(Clone, Debug)]
pub(crate) struct Outbox {
    session: SessionId,
    last: u64,
    waiting: VecDeque<Command>,
}

impl Outbox {
    pub(crate) fn new(session: SessionId) -> Self {
        Self { session, last: 0, waiting: VecDeque::new() }
    }

    pub(crate) fn session(&self) -> &SessionId {
        &self.session
    }

    /// The highest number given in this session.
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    pub(crate) fn is_full(&self) -> bool {
        self.waiting.len() >= COMMANDS_WAITING_MAX
    }

    /// Appends a command; answers its number.
    pub(crate) fn push(&mut self, command: Command) -> u64 {
        self.waiting.push_back(command);
        self.last += 1;
        self.last
    }

    /// Takes out all commands up to and with `number`; nothing if there never was such a number.
    pub(crate) fn applied(&mut self, number: u64) -> Option<Vec<Command>> {
        if number > self.last {
            return None;
        }
        let before = self.last - self.waiting.len() as u64;
        let count = number.saturating_sub(before);
        Some(self.waiting.drain(..usize::try_from(count).ok()?).collect())
    }

    /// Begins another session, in which the waiting commands are numbered from 1.
    pub(crate) fn renew(&mut self, session: SessionId) {
        self.session = session;
        self.last = self.waiting.len() as u64;
    }

    /// The waiting commands with their numbers.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = (u64, &Command)> {
        let before = self.last - self.waiting.len() as u64;
        (before + 1..).zip(&self.waiting)
    }

    /// The tasks of the waiting Launches.
    pub(crate) fn launches(&self) -> impl Iterator<Item = (&FrameworkId, &TaskInfo)> {
        self.waiting.iter().flat_map(|command| match command {
            Command::Launch { framework, tasks, .. } => {
                tasks.iter().map(|task| (framework, task)).collect()
            }
            _ => Vec::new(),
        })
    }

    /// Whether a waiting Launch has a task for the executor.
    pub(crate) fn will_start(&self, key: &ExecutorKey) -> bool {
        self.launches().any(|(framework, task)| {
            *framework == key.framework
                && task.executor().is_some_and(|executor| executor.id == key.executor)
        })
    }

    /// Takes tasks out of the waiting Launches. The commands stay, so that no number is missing.
    pub(crate) fn withdraw(&mut self, withdrawn: &BTreeSet<TaskKey>) {
        for command in &mut self.waiting {
            if let Command::Launch { framework, tasks, .. } = command {
                tasks.retain(|task| !withdrawn.contains(&TaskKey::new(framework, &task.id)));
            }
        }
    }

    /// Whether a Drain waits.
    pub(crate) fn has_drain(&self) -> bool {
        self.waiting.iter().any(|command| matches!(command, Command::Drain { .. }))
    }

    /// Makes every Drain that waits one that changes nothing, so that no number is missing. One
    /// that is on its way is done or not, as chance will have it.
    pub(crate) fn withdraw_drains(&mut self) {
        for command in &mut self.waiting {
            if matches!(command, Command::Drain { .. }) {
                *command = Command::Nothing;
            }
        }
    }

    /// Whether the framework's removal waits, with nothing for the framework after it.
    pub(crate) fn ends_with_removal(&self, removed: &FrameworkId) -> bool {
        let of_framework = |command: &&Command| match command {
            Command::Launch { framework, .. }
            | Command::Kill { framework, .. }
            | Command::SetPaused { framework, .. }
            | Command::Shutdown { framework, .. }
            | Command::RemoveFramework { framework } => framework == removed,
            Command::Drain { .. } | Command::Nothing => false,
        };
        matches!(
            self.waiting.iter().rev().find(of_framework),
            Some(Command::RemoveFramework { .. })
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outbox(commands: u64) -> Outbox {
        let mut outbox = Outbox::new(SessionId::new("S1").unwrap());
        for n in 1..=commands {
            let framework = FrameworkId::new(&format!("F{n}")).unwrap();
            assert_eq!(outbox.push(Command::RemoveFramework { framework }), n);
        }
        outbox
    }

    fn numbers(outbox: &Outbox) -> Vec<u64> {
        outbox.waiting().map(|(number, _)| number).collect()
    }

    #[test]
    fn commands_wait_until_they_are_applied() {
        let mut outbox = outbox(4);
        assert_eq!(outbox.applied(2).map(|applied| applied.len()), Some(2));
        assert_eq!(outbox.applied(1).map(|applied| applied.len()), Some(0), "a late duplicate");
        assert_eq!(outbox.applied(5), None, "no such number was ever sent");
        assert_eq!(numbers(&outbox), [3, 4]);
    }

    #[test]
    fn another_session_numbers_what_waits_from_one() {
        let mut outbox = outbox(4);
        outbox.applied(2);
        outbox.renew(SessionId::new("S2").unwrap());
        assert_eq!(numbers(&outbox), [1, 2]);
        assert_eq!(
            outbox.push(Command::RemoveFramework { framework: FrameworkId::new("F5").unwrap() }),
            3
        );
    }
}
