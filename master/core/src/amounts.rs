//! Sums of resources over many agents, and the share that one sum is of another. It never holds
//! ports: those of one machine are nothing on another.

use std::collections::BTreeMap;

use stoa_model::resources::Resources;

/// How much of the whole something is, divided by a weight: a binary fraction with
/// [`SHARE_BITS`] bits after the point, rounded down.
///
/// Equal fractions give equal shares whatever they are fractions of, so ties are exact; shares
/// that differ by less than a trillionth count as equal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Share(u128);

/// A sum is below 2^64 times 2^17 agents, so it can be shifted by this without loss.
const SHARE_BITS: u32 = 40;

/// A sum of everything that can be added up.
///
/// Invariant: `scalars` holds no zero, so equal sums compare equal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Amounts {
    cpus_milli: u128,
    memory_bytes: u128,
    disk_bytes: u128,
    scalars: BTreeMap<String, u128>,
}

impl Amounts {
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(crate) fn add(&mut self, resources: &Resources) {
        self.cpus_milli += u128::from(resources.cpus_milli);
        self.memory_bytes += u128::from(resources.memory_bytes);
        self.disk_bytes += u128::from(resources.disk_bytes);
        for (name, amount) in resources.scalars() {
            *self.scalars.entry(name.to_owned()).or_default() += u128::from(amount);
        }
    }

    /// Takes away what was added before.
    pub(crate) fn take(&mut self, resources: &Resources) {
        take(&mut self.cpus_milli, resources.cpus_milli);
        take(&mut self.memory_bytes, resources.memory_bytes);
        take(&mut self.disk_bytes, resources.disk_bytes);
        for (name, amount) in resources.scalars() {
            let sum = self.scalars.get_mut(name).expect("only what was added is taken");
            take(sum, amount);
            if *sum == 0 {
                self.scalars.remove(name);
            }
        }
    }

    /// The sum as resources, for people: amounts beyond 64 bits are shown as the most there is.
    pub(crate) fn to_resources(&self) -> Resources {
        let shown = |amount: u128| u64::try_from(amount).unwrap_or(u64::MAX);
        let mut resources = Resources::new(shown(self.cpus_milli), shown(self.memory_bytes));
        resources.disk_bytes = shown(self.disk_bytes);
        self.scalars
            .iter()
            .fold(resources, |all, (name, amount)| all.with_scalar(name, shown(*amount)))
    }

    /// The largest share that this is of `total` in any resource, divided by `weight`.
    pub(crate) fn dominant_share(&self, total: &Self, weight: u32) -> Share {
        let scalars = self
            .scalars
            .iter()
            .map(|(name, part)| (*part, total.scalars.get(name).copied().unwrap_or(0)));
        [
            (self.cpus_milli, total.cpus_milli),
            (self.memory_bytes, total.memory_bytes),
            (self.disk_bytes, total.disk_bytes),
        ]
        .into_iter()
        .chain(scalars)
        .filter(|(_, whole)| *whole > 0)
        .map(|(part, whole)| Share((part << SHARE_BITS) / (whole * u128::from(weight))))
        .max()
        .unwrap_or_default()
    }
}

fn take(sum: &mut u128, amount: u64) {
    *sum = sum.checked_sub(u128::from(amount)).expect("only what was added is taken");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amounts(text: &str) -> Amounts {
        let mut amounts = Amounts::default();
        amounts.add(&text.parse().unwrap());
        amounts
    }

    #[test]
    fn equal_fractions_of_different_resources_tie() {
        let total = amounts("cpus=9 memory=18GiB gpus=3");
        let thirds = ["cpus=3 memory=1GiB", "memory=6GiB", "gpus=1 cpus=1"];
        for third in thirds {
            let share = amounts(third).dominant_share(&total, 1);
            assert_eq!(share, amounts("cpus=3").dominant_share(&total, 1), "{third}");
        }
        assert!(
            amounts("cpus=4").dominant_share(&total, 1)
                > amounts(thirds[0]).dominant_share(&total, 1)
        );
    }

    #[test]
    fn weight_divides_the_share() {
        let total = amounts("cpus=8");
        let heavy = amounts("cpus=6").dominant_share(&total, 3);
        assert_eq!(heavy, amounts("cpus=2").dominant_share(&total, 1));
    }

    #[test]
    fn largest_sums_do_not_overflow() {
        let most = Resources::new(u64::MAX, u64::MAX);
        let mut total = Amounts::default();
        for _ in 0..100 {
            total.add(&most);
        }
        let all = total.dominant_share(&total, 1);
        assert_eq!(all, Share(1 << SHARE_BITS));
        total.take(&most);
        assert!(total.dominant_share(&total, crate::limits::WEIGHT_MAX) < all);
    }
}
