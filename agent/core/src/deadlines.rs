//! Things that are due at an instant, each with a value. It never asks the time.

use std::collections::{BTreeMap, BTreeSet};

use stoa_model::instant::Instant;

/// At most one deadline for each key.
///
/// Invariant: both collections hold the same pairs of key and instant.
#[derive(Debug)]
pub(crate) struct Deadlines<K, V> {
    by_key: BTreeMap<K, (Instant, V)>,
    by_time: BTreeSet<(Instant, K)>,
}

impl<K: Clone + Ord, V> Default for Deadlines<K, V> {
    fn default() -> Self {
        Self { by_key: BTreeMap::new(), by_time: BTreeSet::new() }
    }
}

impl<K: Clone + Ord, V> Deadlines<K, V> {
    pub(crate) fn len(&self) -> usize {
        self.by_key.len()
    }

    pub(crate) fn contains(&self, key: &K) -> bool {
        self.by_key.contains_key(key)
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &K> {
        self.by_key.keys()
    }

    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.by_key.get(key).map(|(_, value)| value)
    }

    /// Replaces the deadline of `key`, if it has one.
    pub(crate) fn set(&mut self, key: K, at: Instant, value: V) {
        self.remove(&key);
        self.by_time.insert((at, key.clone()));
        self.by_key.insert(key, (at, value));
    }

    /// Makes `key` due at `at` if it is due later.
    pub(crate) fn hasten(&mut self, key: &K, at: Instant) {
        if self.by_key.get(key).is_some_and(|(due, _)| *due > at)
            && let Some(value) = self.remove(key)
        {
            self.set(key.clone(), at, value);
        }
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        let (at, value) = self.by_key.remove(key)?;
        self.by_time.remove(&(at, key.clone()));
        Some(value)
    }

    /// Takes out one that is due.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<(K, V)> {
        let key = self.by_time.first().filter(|(at, _)| *at <= now)?.1.clone();
        let value = self.remove(&key)?;
        Some((key, value))
    }

    /// When the next is due.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.by_time.first().map(|(at, _)| *at)
    }

    pub(crate) fn clear(&mut self) {
        self.by_key.clear();
        self.by_time.clear();
    }
}
