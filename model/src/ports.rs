//! Sets of ports as sorted ranges that neither touch nor overlap. It never opens one.

use std::fmt;
use std::str::FromStr;

use crate::size::IllegalAmount;

/// Ports of one machine.
///
/// Invariant: the ranges are sorted, not empty, and no two of them touch; so equal sets compare
/// equal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ports(Vec<(u16, u16)>);

impl Ports {
    /// The set that holds all `ranges`, each with both its ends; ranges whose first port is above
    /// their last hold nothing.
    pub fn from_ranges(ranges: impl IntoIterator<Item = (u16, u16)>) -> Self {
        let mut ranges: Vec<_> = ranges.into_iter().filter(|(first, last)| first <= last).collect();
        ranges.sort_unstable();
        let mut merged: Vec<(u16, u16)> = Vec::with_capacity(ranges.len());
        for (first, last) in ranges {
            match merged.last_mut() {
                Some(previous) if u32::from(first) <= u32::from(previous.1) + 1 => {
                    previous.1 = previous.1.max(last);
                }
                _ => merged.push((first, last)),
            }
        }
        Self(merged)
    }

    /// The ranges, sorted, each with both its ends.
    pub fn ranges(&self) -> &[(u16, u16)] {
        &self.0
    }

    /// Whether the set holds nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many ports the set holds.
    pub fn count(&self) -> u64 {
        self.0.iter().map(|(first, last)| u64::from(last - first) + 1).sum()
    }

    /// Whether every port of `other` is in this set.
    pub fn contains(&self, other: &Self) -> bool {
        other.0.iter().all(|(first, last)| {
            self.0.iter().any(|(own_first, own_last)| own_first <= first && last <= own_last)
        })
    }

    /// Both sets together, or nothing if they share a port: a port is owned once.
    pub fn checked_add(&self, other: &Self) -> Option<Self> {
        let sum = Self::from_ranges(self.0.iter().chain(&other.0).copied());
        (sum.count() == self.count() + other.count()).then_some(sum)
    }

    /// This set without `other`, or nothing if `other` is not part of it.
    pub fn checked_sub(&self, other: &Self) -> Option<Self> {
        if !self.contains(other) {
            return None;
        }
        let mut rest = Vec::with_capacity(self.0.len() + other.0.len());
        for &(first, last) in &self.0 {
            let mut next = u32::from(first);
            for &(taken_first, taken_last) in &other.0 {
                if taken_first < first || taken_last > last {
                    continue;
                }
                if next < u32::from(taken_first) {
                    rest.push((next as u16, taken_first - 1));
                }
                next = u32::from(taken_last) + 1;
            }
            if next <= u32::from(last) {
                rest.push((next as u16, last));
            }
        }
        Some(Self(rest))
    }
}

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (first, last)) in self.0.iter().enumerate() {
            let separator = if i == 0 { "" } else { "," };
            write!(f, "{separator}{first}-{last}")?;
        }
        Ok(())
    }
}

impl FromStr for Ports {
    type Err = IllegalAmount;

    /// Reads `31000-31005,8080`.
    fn from_str(text: &str) -> Result<Self, IllegalAmount> {
        let illegal = || IllegalAmount {
            got: text.to_owned(),
            allowed: "list of ports: ranges such as 31000-31005,8080 are allowed",
        };
        let mut ranges = Vec::new();
        for part in text.split(',').filter(|part| !part.is_empty()) {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let first = first.parse().map_err(|_| illegal())?;
            let last = last.parse().map_err(|_| illegal())?;
            if first > last {
                return Err(illegal());
            }
            ranges.push((first, last));
        }
        Ok(Self::from_ranges(ranges))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ports(text: &str) -> Ports {
        text.parse().unwrap()
    }

    #[test]
    fn equal_sets_compare_equal_however_they_were_written() {
        assert_eq!(ports("5-6,1-4,3"), ports("1-6"));
        assert_eq!(ports("65535,0-65534").count(), 65_536);
    }

    #[test]
    fn taking_and_giving_back_restores_the_set() {
        let all = ports("1-10,20-30,65535");
        let taken = ports("1,5-6,20-30,65535");
        let rest = all.checked_sub(&taken).unwrap();
        assert_eq!(rest, ports("2-4,7-10"));
        assert_eq!(rest.checked_add(&taken), Some(all.clone()));
        assert_eq!(all.checked_sub(&ports("11")), None);
        assert_eq!(all.checked_add(&ports("10-11")), None);
    }
}
