//! Everything random in a world, drawn from its seed. It never decides what a draw means.

/// The only source of chance.
#[derive(Debug)]
pub struct Chance {
    rng: fastrand::Rng,
}

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self { rng: fastrand::Rng::with_seed(seed) }
    }

    /// A number of these, both ends included.
    pub fn between(&mut self, least: u64, most: u64) -> u64 {
        self.rng.u64(least..=most)
    }

    /// An index of `count` things; 0 if there are none.
    pub fn index(&mut self, count: usize) -> usize {
        if count == 0 { 0 } else { self.rng.usize(..count) }
    }

    /// Whether one of `count` things happens; never for 0.
    pub fn one_in(&mut self, count: u64) -> bool {
        count > 0 && self.rng.u64(..count) == 0
    }

    /// One of them, if there is one.
    pub fn pick<T: Clone>(&mut self, from: impl IntoIterator<Item = T>) -> Option<T> {
        let mut from: Vec<T> = from.into_iter().collect();
        if from.is_empty() { None } else { Some(from.swap_remove(self.index(from.len()))) }
    }

    /// The place of a weight, drawn by their sizes; nothing if all are 0.
    pub fn weighted(&mut self, weights: &[u32]) -> Option<usize> {
        let sum: u64 = weights.iter().copied().map(u64::from).sum();
        let mut left = self.rng.u64(..sum.max(1));
        weights.iter().position(|&weight| {
            let is_here = left < u64::from(weight);
            left = left.saturating_sub(u64::from(weight));
            is_here
        })
    }
}
