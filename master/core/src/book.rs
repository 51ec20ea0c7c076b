//! The account of one agent: what is free, what is offered, what is used. It never knows by whom.

use stoa_model::resources::Resources;

use crate::limits::{OFFER_CPUS_MILLI_MIN, OFFER_MEMORY_BYTES_MIN};

/// Invariant: free + offered + used = total.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Book {
    total: Resources,
    free: Resources,
    offered: Resources,
    used: Resources,
}

impl Book {
    /// An account of which everything is free.
    pub(crate) fn new(total: Resources) -> Self {
        let nothing = Resources::default();
        Self { free: total.clone(), total, offered: nothing.clone(), used: nothing }
    }

    pub(crate) fn total(&self) -> &Resources {
        &self.total
    }

    pub(crate) fn free(&self) -> &Resources {
        &self.free
    }

    pub(crate) fn offered(&self) -> &Resources {
        &self.offered
    }

    pub(crate) fn used(&self) -> &Resources {
        &self.used
    }

    /// Whether what is free is worth an offer.
    pub(crate) fn is_worth_offering(&self) -> bool {
        self.free.cpus_milli >= OFFER_CPUS_MILLI_MIN
            || self.free.memory_bytes >= OFFER_MEMORY_BYTES_MIN
    }

    /// Offers what is free.
    pub(crate) fn offer(&mut self, part: &Resources) {
        shift(&mut self.free, &mut self.offered, part);
    }

    /// Takes an offer back.
    pub(crate) fn withdraw(&mut self, part: &Resources) {
        shift(&mut self.offered, &mut self.free, part);
    }

    /// Uses what is free.
    pub(crate) fn hold(&mut self, part: &Resources) {
        shift(&mut self.free, &mut self.used, part);
    }

    /// Frees what was used.
    pub(crate) fn release(&mut self, part: &Resources) {
        shift(&mut self.used, &mut self.free, part);
    }

    /// Says what is wrong with the account, given what is known of it elsewhere.
    pub(crate) fn check(&self, offered: &Resources, used: &Resources) -> Result<(), String> {
        let sum = self.free.checked_add(&self.offered).and_then(|sum| sum.checked_add(&self.used));
        if sum.as_ref() != Some(&self.total) {
            return Err(format!("free + offered + used is not total: {self:?}"));
        }
        if self.offered != *offered || self.used != *used {
            return Err(format!("offers hold {offered}, tasks and executors {used}: {self:?}"));
        }
        Ok(())
    }
}

fn shift(from: &mut Resources, to: &mut Resources, part: &Resources) {
    *from = from.checked_sub(part).expect("callers only move what is there");
    *to = to.checked_add(part).expect("a part of the total fits into the total");
}
