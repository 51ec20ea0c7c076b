//! Tasks that are over: the newest of all frameworks, for people and for answers to Reconcile.
//! It never holds one that is not over.

use std::collections::BTreeMap;

use stoa_model::ids::{FrameworkId, TaskId};
use stoa_model::task::TaskRecord;

use crate::limits::TASKS_COMPLETED_MAX;
use stoa_model::keys::TaskKey;

/// Invariant: both maps hold the same tasks, at most [`TASKS_COMPLETED_MAX`].
#[derive(Debug, Default)]
pub(crate) struct Completed {
    by_key: BTreeMap<TaskKey, (u64, TaskRecord)>,
    by_age: BTreeMap<u64, TaskKey>,
    last: u64,
}

impl Completed {
    /// Remembers a task that is over, and forgets the oldest if there are too many.
    pub(crate) fn insert(&mut self, record: TaskRecord) {
        let key = TaskKey::new(&record.framework, &record.id);
        self.remove(&key);
        self.last += 1;
        self.by_age.insert(self.last, key.clone());
        self.by_key.insert(key, (self.last, record));
        if self.by_key.len() > TASKS_COMPLETED_MAX
            && let Some((_, oldest)) = self.by_age.pop_first()
        {
            self.by_key.remove(&oldest);
        }
    }

    pub(crate) fn task(&self, framework: &FrameworkId, task: &TaskId) -> Option<&TaskRecord> {
        self.by_key.get(&TaskKey::new(framework, task)).map(|(_, record)| record)
    }

    /// Forgets a task that turns out not to be over.
    pub(crate) fn remove(&mut self, key: &TaskKey) {
        if let Some((age, _)) = self.by_key.remove(key) {
            self.by_age.remove(&age);
        }
    }

    /// All, sorted by framework and id.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &TaskRecord> {
        self.by_key.values().map(|(_, record)| record)
    }

    pub(crate) fn len(&self) -> usize {
        self.by_age.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stoa_model::resources::Resources;
    use stoa_model::task::TaskState;

    fn record(task: &str) -> TaskRecord {
        TaskRecord {
            framework: FrameworkId::new("F1").unwrap(),
            id: TaskId::new(task).unwrap(),
            name: String::new(),
            agent: stoa_model::ids::AgentId::new("A1").unwrap(),
            resources: Resources::default(),
            role: "web".parse().unwrap(),
            executor: None,
            labels: Vec::new(),
            state: TaskState::Finished,
            status: None,
            is_paused: false,
        }
    }

    #[test]
    fn oldest_is_forgotten() {
        let mut completed = Completed::default();
        for n in 0..=TASKS_COMPLETED_MAX {
            completed.insert(record(&format!("t{n}")));
        }
        assert_eq!(completed.len(), TASKS_COMPLETED_MAX);
        let is_known = |task: &str| {
            let (framework, task) = (FrameworkId::new("F1").unwrap(), TaskId::new(task).unwrap());
            completed.task(&framework, &task).is_some()
        };
        assert!(!is_known("t0") && is_known("t1") && is_known("t10000"));
    }
}
