//! The tasks that are over and acknowledged, whose logs can still be read. It never removes a
//! file.

use std::collections::{BTreeSet, VecDeque};

use stoa_model::keys::TaskKey;

/// Sandboxes in the order their tasks were forgotten.
///
/// Invariant: both collections hold the same keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sandboxes {
    order: VecDeque<TaskKey>,
    known: BTreeSet<TaskKey>,
}

impl Sandboxes {
    pub(crate) fn len(&self) -> usize {
        self.order.len()
    }

    pub(crate) fn contains(&self, key: &TaskKey) -> bool {
        self.known.contains(key)
    }

    /// All of them, oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &TaskKey> {
        self.order.iter()
    }

    /// The one that is removed next.
    pub(crate) fn oldest(&self) -> Option<&TaskKey> {
        self.order.front()
    }

    pub(crate) fn insert(&mut self, key: TaskKey) {
        if self.known.insert(key.clone()) {
            self.order.push_back(key);
        }
    }

    /// Whether there was such a sandbox.
    pub(crate) fn remove(&mut self, key: &TaskKey) -> bool {
        if self.order.front() == Some(key) {
            self.order.pop_front();
        } else {
            self.order.retain(|other| other != key);
        }
        self.known.remove(key)
    }
}
