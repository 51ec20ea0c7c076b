//! What the live tasks and executors hold, and whose they are. It never decides who is admitted.

use std::collections::{BTreeMap, BTreeSet};

use stoa_model::ids::TaskId;
use stoa_model::resources::Resources;
use stoa_model::task::TaskInfo;

use stoa_model::keys::{ExecutorKey, TaskKey};

/// The sum over the live tasks and executors, kept as they come and go.
///
/// Invariant: no set of `by_executor` is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Charges {
    used: Resources,
    tasks_live: usize,
    by_executor: BTreeMap<ExecutorKey, BTreeSet<TaskId>>,
}

impl Charges {
    pub(crate) fn used(&self) -> &Resources {
        &self.used
    }

    pub(crate) fn tasks_live(&self) -> usize {
        self.tasks_live
    }

    /// The live tasks of an executor.
    pub(crate) fn tasks_of(&self, executor: &ExecutorKey) -> impl Iterator<Item = TaskKey> {
        let tasks = self.by_executor.get(executor).into_iter().flatten();
        tasks.map(|task| TaskKey::new(&executor.framework, task))
    }

    /// Charges a task; nothing if the sum is more than can exist.
    pub(crate) fn add_task(&mut self, key: &TaskKey, info: &TaskInfo) -> Option<()> {
        self.add(&info.resources)?;
        self.tasks_live += 1;
        if let Some(executor) = info.executor() {
            let executor = ExecutorKey::new(&key.framework, &executor.id);
            self.by_executor.entry(executor).or_default().insert(key.task.clone());
        }
        Some(())
    }

    /// Gives back what a task was charged.
    pub(crate) fn take_task(&mut self, key: &TaskKey, info: &TaskInfo) {
        self.take(&info.resources);
        self.tasks_live -= 1;
        let Some(executor) = info.executor() else {
            return;
        };
        let executor = ExecutorKey::new(&key.framework, &executor.id);
        if let Some(tasks) = self.by_executor.get_mut(&executor) {
            tasks.remove(&key.task);
            if tasks.is_empty() {
                self.by_executor.remove(&executor);
            }
        }
    }

    /// Charges an executor; nothing if the sum is more than can exist.
    pub(crate) fn add(&mut self, resources: &Resources) -> Option<()> {
        self.used = self.used.checked_add(resources)?;
        Some(())
    }

    /// Gives back what an executor was charged.
    pub(crate) fn take(&mut self, resources: &Resources) {
        self.used = self.used.checked_sub(resources).expect("what is given back was charged");
    }
}
