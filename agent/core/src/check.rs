//! What holds after every step, checked against the whole state. It never repairs anything.

use stoa_model::resources::Resources;

use crate::Agent;
use crate::limits::{EXECUTORS_MAX, FRAMEWORKS_REMOVED_MAX, SANDBOXES_MAX, TASKS_KEPT_MAX};
use crate::tasks::Stage;
use stoa_model::keys::ExecutorKey;

impl Agent {
    /// Whether every invariant holds; for tests, for the simulator, and after every step of a
    /// build with debug assertions.
    ///
    /// # Errors
    /// Names the first one that does not hold.
    pub fn check(&self) -> Result<(), String> {
        if self.begin_at.is_some() || self.is_over {
            return Ok(());
        }
        self.check_bounds()?;
        self.check_charges()?;
        self.check_tasks()?;
        self.check_flights()?;
        self.artifacts.check()?;
        self.logs.check()
    }

    fn check_bounds(&self) -> Result<(), String> {
        let bounds = [
            ("tasks", self.kept.tasks.len(), TASKS_KEPT_MAX),
            ("executors", self.kept.executors.len(), EXECUTORS_MAX),
            ("sandboxes", self.kept.sandboxes.len(), SANDBOXES_MAX),
            ("removed", self.kept.frameworks_removed.len(), FRAMEWORKS_REMOVED_MAX),
        ];
        match bounds.into_iter().find(|(_, count, most)| count > most) {
            Some((name, count, most)) => Err(format!("{count} {name}, at most {most}")),
            None => Ok(()),
        }
    }

    /// What is charged is the sum over what lives.
    fn check_charges(&self) -> Result<(), String> {
        let live = || self.kept.tasks.values().filter(|task| task.is_live());
        let tasks = live().map(|task| &task.info().resources);
        let executors = self.kept.executors.values().map(|executor| &executor.record.resources);
        let sum = tasks.chain(executors).try_fold(Resources::default(), |sum, held| {
            sum.checked_add(held).ok_or_else(|| format!("{sum} and {held} are too much"))
        })?;
        if sum != *self.kept.charges.used() {
            return Err(format!("{} is charged, {sum} is held", self.kept.charges.used()));
        }
        if live().count() != self.kept.charges.tasks_live() {
            return Err(format!("{} tasks are charged", self.kept.charges.tasks_live()));
        }
        Ok(())
    }

    /// A task that lives has a charged executor, if any, and waits for artifacts exactly if it has
    /// not been handed over; its Updates end with its state.
    fn check_tasks(&self) -> Result<(), String> {
        for (key, task) in &self.kept.tasks {
            let is_waiting = task.is_live() && task.stage() == Stage::Waiting;
            let can_wait = self.artifacts.is_waiting(key);
            if can_wait && !is_waiting || is_waiting && !can_wait && self.link.is_open() {
                return Err(format!("{key} is {:?} but waiting is {can_wait}", task.stage()));
            }
            let mut states = task.updates().iter().map(|status| status.state);
            if states.clone().next_back().is_some_and(|state| state != task.state()) {
                return Err(format!("{key} is {} but its last Update differs", task.state()));
            }
            if states.by_ref().rev().skip(1).any(|state| state.is_terminal()) {
                return Err(format!("{key} has an Update after its end"));
            }
            let executor = task.info().executor().filter(|_| task.is_live());
            let executor = executor.map(|it| ExecutorKey::new(&key.framework, &it.id));
            if let Some(executor) = executor.filter(|it| !self.kept.executors.contains_key(it)) {
                return Err(format!("{key} lives without its executor {executor}"));
            }
        }
        Ok(())
    }

    /// With an open stream every oldest Update is in flight, and nothing else is.
    fn check_flights(&self) -> Result<(), String> {
        for key in self.resends.keys().chain(self.publishes.keys()).chain(self.logs.sized_tasks()) {
            if !self.kept.tasks.contains_key(key) {
                return Err(format!("{key} is on its way somewhere but is not known"));
            }
        }
        for (key, task) in &self.kept.tasks {
            let is_due = self.link.is_open() && task.head().is_some();
            if is_due != self.resends.contains(key) {
                return Err(format!("{key}: due {is_due}, in flight {}", !is_due));
            }
            let is_ours = || self.publishes.keys().any(|other| other == key);
            if self.link.is_open() && task.is_publishing() && !is_ours() {
                return Err(format!("nobody publishes the downloads of {key}"));
            }
        }
        Ok(())
    }
}
