//! Which artifacts are in the agent's store, which are being fetched, and which tasks wait for
//! them. It never fetches, and never says what a failed fetch means for a task.

use std::collections::{BTreeMap, BTreeSet};

use stoa_model::digest::Digest;

use crate::limits::{ARTIFACTS_READY_MAX, FETCH_WAITS_MAX, FETCHES_MAX};
use stoa_model::keys::TaskKey;

/// Invariant: a task waits for an artifact exactly if the artifact is being fetched and lists it.
#[derive(Debug, Default)]
pub(crate) struct Artifacts {
    /// Those that are being fetched, each with the tasks that wait for it in the order they came.
    fetching: BTreeMap<Digest, BTreeMap<u64, TaskKey>>,
    /// Those in the store, each with the moment of its last use.
    ready: BTreeMap<Digest, u64>,
    by_use: BTreeMap<u64, Digest>,
    waiting: BTreeMap<TaskKey, Waiting>,
    /// Pairs of a task and an artifact it waits for.
    waits: usize,
    /// Counts uses and tasks: the time of this file.
    moment: u64,
}

/// A task that waits; never for nothing.
#[derive(Debug)]
struct Waiting {
    order: u64,
    missing: BTreeSet<Digest>,
}

/// What a task needs before it can start.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Nothing: all is in the store.
    Nothing,
    /// To wait; these were not being fetched before.
    Fetches(Vec<Digest>),
}

impl Artifacts {
    /// Whether one more task may wait for those of `digests` that are not in the store.
    pub(crate) fn has_room_for(&self, digests: &[Digest]) -> bool {
        let missing = || digests.iter().filter(|digest| !self.ready.contains_key(digest));
        let fetches = missing().filter(|digest| !self.fetching.contains_key(digest)).count();
        self.waits + missing().count() <= FETCH_WAITS_MAX
            && self.fetching.len() + fetches <= FETCHES_MAX
    }

    pub(crate) fn is_waiting(&self, task: &TaskKey) -> bool {
        self.waiting.contains_key(task)
    }

    /// Notes that `task`, which must not wait yet, is to start with `digests`.
    pub(crate) fn on_task(&mut self, task: &TaskKey, digests: Vec<Digest>) -> Needs {
        self.moment += 1;
        let order = self.moment;
        let (mut missing, mut fetches) = (BTreeSet::new(), Vec::new());
        for digest in digests {
            if self.ready.contains_key(&digest) {
                self.use_ready(digest);
                continue;
            }
            let tasks = self.fetching.entry(digest).or_insert_with(|| {
                fetches.push(digest);
                BTreeMap::new()
            });
            tasks.insert(order, task.clone());
            missing.insert(digest);
        }
        if missing.is_empty() {
            return Needs::Nothing;
        }
        self.waits += missing.len();
        self.waiting.insert(task.clone(), Waiting { order, missing });
        Needs::Fetches(fetches)
    }

    /// Notes that the artifact is in the store; the tasks that can start now, in their order.
    pub(crate) fn on_fetched(&mut self, digest: Digest) -> Vec<TaskKey> {
        let Some(tasks) = self.fetching.remove(&digest) else {
            return Vec::new();
        };
        self.use_ready(digest);
        self.waits -= tasks.len();
        let mut can_start = Vec::new();
        for task in tasks.into_values() {
            let Some(waiting) = self.waiting.get_mut(&task) else {
                continue;
            };
            waiting.missing.remove(&digest);
            if waiting.missing.is_empty() {
                self.waiting.remove(&task);
                can_start.push(task);
            }
        }
        can_start
    }

    /// Forgets the artifact, so that a later task tries again; the tasks that cannot start.
    pub(crate) fn on_failed(&mut self, digest: Digest) -> Vec<TaskKey> {
        let tasks = self.fetching.get(&digest).into_iter().flat_map(BTreeMap::values);
        let tasks: Vec<_> = tasks.cloned().collect();
        tasks.iter().for_each(|task| self.forget(task));
        self.fetching.remove(&digest);
        tasks
    }

    /// The task does not wait any more.
    pub(crate) fn forget(&mut self, task: &TaskKey) {
        let Some(Waiting { order, missing }) = self.waiting.remove(task) else {
            return;
        };
        self.waits -= missing.len();
        for digest in missing {
            if let Some(tasks) = self.fetching.get_mut(&digest) {
                tasks.remove(&order);
            }
        }
    }

    /// Makes an artifact the one that was used last; the one used longest ago may be forgotten.
    fn use_ready(&mut self, digest: Digest) {
        self.moment += 1;
        if let Some(moment) = self.ready.insert(digest, self.moment) {
            self.by_use.remove(&moment);
        }
        self.by_use.insert(self.moment, digest);
        if self.ready.len() > ARTIFACTS_READY_MAX
            && let Some((_, oldest)) = self.by_use.pop_first()
        {
            self.ready.remove(&oldest);
        }
    }

    /// Whether the invariants hold.
    pub(crate) fn check(&self) -> Result<(), String> {
        let pairs = self.fetching.iter().flat_map(|(digest, tasks)| {
            tasks.iter().map(move |(order, task)| (digest, order, task))
        });
        let mut waits = 0;
        for (digest, order, task) in pairs {
            waits += 1;
            let waiting = self.waiting.get(task);
            if !waiting.is_some_and(|it| it.order == *order && it.missing.contains(digest)) {
                return Err(format!("{digest} lists {task}, which does not wait for it"));
            }
        }
        let missing: usize = self.waiting.values().map(|waiting| waiting.missing.len()).sum();
        if waits != self.waits || missing != waits {
            return Err(format!(
                "{waits} waits are listed, {missing} noted, {} summed",
                self.waits
            ));
        }
        if self.ready.len() != self.by_use.len() || self.ready.len() > ARTIFACTS_READY_MAX {
            return Err(format!("{} are ready, {} in use", self.ready.len(), self.by_use.len()));
        }
        Ok(())
    }
}
