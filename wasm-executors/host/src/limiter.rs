//! The memory wall: the sum of all linear memories and tables of one store. It says no; what the
//! guest makes of it is the guest's.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use stoa_model::size::Bytes;
use wasmtime::ResourceLimiter;

use crate::limits::{CORE_INSTANCES_MAX, MEMORIES_MAX, TABLE_ELEMENT_BYTES, TABLES_MAX};
use crate::slices::Leash;

/// Granted memory, and how much of it is held: by one store, by subtasks that it was carved for, or
/// by both. What is held is never more than what is granted.
pub(crate) struct MemoryWall {
    granted_bytes: u64,
    held_bytes: AtomicU64,
}

impl MemoryWall {
    pub(crate) fn new(granted_bytes: u64) -> Self {
        Self { granted_bytes, held_bytes: AtomicU64::new(0) }
    }

    /// What nobody holds.
    pub(crate) fn left_bytes(&self) -> u64 {
        self.granted_bytes - self.held_bytes.load(Ordering::Acquire)
    }

    /// Holds so many bytes more.
    ///
    /// # Errors
    /// What is held already, if that would be more than granted.
    pub(crate) fn take(&self, bytes: u64) -> Result<(), u64> {
        let more = |held: u64| held.checked_add(bytes).filter(|sum| *sum <= self.granted_bytes);
        self.held_bytes.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).map(drop)
    }

    /// Bytes that were taken are free again.
    pub(crate) fn give_back(&self, bytes: u64) {
        let held_before = self.held_bytes.fetch_sub(bytes, Ordering::AcqRel);
        debug_assert!(held_before >= bytes, "more is given back than was taken");
    }
}

/// What the containers of one grant hold together, and the most that was at one time.
#[derive(Default)]
pub(crate) struct Together {
    held_bytes: AtomicU64,
    peak_bytes: AtomicU64,
}

impl Together {
    /// The most bytes that all of them held at one time.
    pub(crate) fn peak_bytes(&self) -> u64 {
        self.peak_bytes.load(Ordering::Relaxed)
    }

    fn add(&self, bytes: u64) {
        let before = self.held_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.peak_bytes.fetch_max(before + bytes, Ordering::Relaxed);
    }

    fn take_back(&self, bytes: u64) {
        self.held_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// The memory wall of one store.
pub(crate) struct Limiter {
    wall: Arc<MemoryWall>,
    /// Where what this store holds is counted with that of others.
    together: Arc<Together>,
    /// What this store holds of it.
    held_bytes: u64,
    /// What the last allowed step added, to be taken back if it fails all the same.
    step_bytes: u64,
    refused: Option<Refusal>,
    leash: Arc<Leash>,
}

/// What a guest wanted and did not get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    asked_bytes: u64,
    held_bytes: u64,
    granted_bytes: u64,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [asked, held, granted] =
            [self.asked_bytes, self.held_bytes, self.granted_bytes].map(Bytes);
        write!(f, "out of memory: asked for {asked} more, had {held} of {granted}")
    }
}

impl Limiter {
    /// The limiter of a store that may hold what is left of `wall`, which others draw on too.
    pub(crate) fn new(wall: Arc<MemoryWall>, together: Arc<Together>, leash: Arc<Leash>) -> Self {
        Self { wall, together, held_bytes: 0, step_bytes: 0, refused: None, leash }
    }

    /// Forgets the last refusal: what follows is judged by itself.
    pub(crate) fn forget_refusal(&mut self) {
        self.refused = None;
    }

    /// The last refusal, if there was one.
    pub(crate) fn refused(&self) -> Option<Refusal> {
        self.refused
    }

    /// Whether `current` may grow to `desired`; `maximum` is the guest's own, not ours.
    fn grow(&mut self, current: u64, desired: u64, maximum: Option<u64>) -> bool {
        self.step_bytes = 0;
        if maximum.is_some_and(|maximum| desired > maximum) {
            return false;
        }
        let asked_bytes = desired.saturating_sub(current);
        if let Err(held_bytes) = self.wall.take(asked_bytes) {
            let granted_bytes = self.wall.granted_bytes;
            self.refused = Some(Refusal { asked_bytes, held_bytes, granted_bytes });
            return false;
        }
        self.held_bytes += asked_bytes;
        self.step_bytes = asked_bytes;
        self.together.add(asked_bytes);
        self.leash.note_memory_bytes(self.held_bytes);
        true
    }

    fn take_back(&mut self) {
        self.wall.give_back(self.step_bytes);
        self.together.take_back(self.step_bytes);
        self.held_bytes = self.held_bytes.saturating_sub(self.step_bytes);
        self.step_bytes = 0;
    }
}

/// The store is gone, and its memory with it.
impl Drop for Limiter {
    fn drop(&mut self) {
        self.together.take_back(self.held_bytes);
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(self.grow(current as u64, desired as u64, maximum.map(|it| it as u64)))
    }

    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.take_back();
        Ok(())
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let bytes = |elements: usize| (elements as u64).saturating_mul(TABLE_ELEMENT_BYTES);
        Ok(self.grow(bytes(current), bytes(desired), maximum.map(bytes)))
    }

    fn table_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.take_back();
        Ok(())
    }

    fn instances(&self) -> usize {
        CORE_INSTANCES_MAX as usize
    }

    fn tables(&self) -> usize {
        TABLES_MAX as usize
    }

    fn memories(&self) -> usize {
        MEMORIES_MAX as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wall(granted_bytes: u64) -> Arc<MemoryWall> {
        Arc::new(MemoryWall::new(granted_bytes))
    }

    fn limiter(wall: &Arc<MemoryWall>) -> Limiter {
        Limiter::new(Arc::clone(wall), Arc::default(), Arc::new(Leash::default()))
    }

    #[test]
    fn what_stores_hold_together_counts_as_long_as_they_live() {
        let together = Arc::new(Together::default());
        let limiter = || Limiter::new(wall(100), Arc::clone(&together), Arc::new(Leash::default()));
        let (mut first, mut second) = (limiter(), limiter());
        assert!(first.memory_growing(0, 60, None).unwrap());
        assert!(second.memory_growing(0, 30, None).unwrap());
        drop(first);
        assert!(second.memory_growing(30, 100, None).unwrap());
        assert_eq!(together.peak_bytes(), 100, "not the 160 that were never held at one time");
        second.memory_grow_failed(wasmtime::Error::msg("no")).unwrap();
        assert!(limiter().memory_growing(0, 100, None).unwrap());
        assert_eq!(together.peak_bytes(), 130);
    }

    #[test]
    fn a_refusal_that_is_forgotten_is_no_reason_any_more() {
        let mut limiter = limiter(&wall(100));
        assert!(!limiter.memory_growing(0, 101, None).unwrap());
        limiter.forget_refusal();
        assert_eq!(limiter.refused(), None);
    }

    #[test]
    fn what_others_hold_of_the_wall_cannot_be_had() {
        let wall = wall(100);
        let mut limiter = limiter(&wall);
        assert!(limiter.memory_growing(0, 30, None).unwrap());
        assert_eq!(wall.take(50), Ok(()));
        assert_eq!(wall.left_bytes(), 20);
        assert!(!limiter.memory_growing(30, 60, None).unwrap());
        let refused = limiter.refused().unwrap().to_string();
        assert_eq!(refused, "out of memory: asked for 30B more, had 80B of 100B");
        assert_eq!((wall.take(21), wall.take(u64::MAX)), (Err(80), Err(80)));
        wall.give_back(50);
        assert!(limiter.memory_growing(30, 60, None).unwrap());
        assert_eq!(wall.left_bytes(), 40);
    }

    #[test]
    fn the_sum_counts_and_not_each_memory() {
        let leash = Arc::new(Leash::default());
        let mut limiter = Limiter::new(wall(100), Arc::default(), Arc::clone(&leash));
        assert!(limiter.memory_growing(0, 60, None).unwrap());
        assert!(!limiter.memory_growing(0, 60, None).unwrap());
        assert_eq!(
            limiter.refused().unwrap().to_string(),
            "out of memory: asked for 60B more, had 60B of 100B"
        );
        assert!(limiter.table_growing(0, 5, None).unwrap());
        assert!(!limiter.memory_growing(60, 61, None).unwrap());
        assert_eq!(leash.memory_peak_bytes(), 100);
    }

    #[test]
    fn what_fails_is_taken_back_and_the_own_maximum_is_no_refusal() {
        let mut limiter = limiter(&wall(100));
        assert!(!limiter.memory_growing(0, 60, Some(50)).unwrap());
        assert_eq!(limiter.refused(), None);
        assert!(limiter.memory_growing(0, 60, None).unwrap());
        limiter.memory_grow_failed(wasmtime::Error::msg("no")).unwrap();
        assert!(limiter.memory_growing(0, 100, None).unwrap());
    }
}
