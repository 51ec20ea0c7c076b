//! What agents have and tasks need, in integers of small units, with checked arithmetic.
//! It never decides who gets what.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::ports::Ports;
use crate::size::{Bytes, CpusMilli, IllegalAmount, parse_bytes, parse_cpus_milli};

/// An amount of everything that is shared out.
///
/// Invariant: `scalars` holds no zero, so equal amounts compare equal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resources {
    /// Thousandths of a cpu.
    pub cpus_milli: u64,
    /// Bytes of memory.
    pub memory_bytes: u64,
    /// Bytes of disk.
    pub disk_bytes: u64,
    /// Ports, each owned by one task at most.
    pub ports: Ports,
    scalars: BTreeMap<String, u64>,
}

impl Resources {
    /// So much cpu and memory and nothing else.
    pub fn new(cpus_milli: u64, memory_bytes: u64) -> Self {
        Self { cpus_milli, memory_bytes, ..Self::default() }
    }

    /// These resources with `amount` of the scalar `name`, such as `gpus`.
    #[must_use]
    pub fn with_scalar(mut self, name: &str, amount: u64) -> Self {
        if amount == 0 {
            self.scalars.remove(name);
        } else {
            self.scalars.insert(name.to_owned(), amount);
        }
        self
    }

    /// The named scalars, such as `gpus`, sorted by name; none of them is zero.
    pub fn scalars(&self) -> impl Iterator<Item = (&str, u64)> {
        self.scalars.iter().map(|(name, amount)| (name.as_str(), *amount))
    }

    /// The amount of the scalar `name`, 0 if there is none.
    pub fn scalar(&self, name: &str) -> u64 {
        self.scalars.get(name).copied().unwrap_or(0)
    }

    /// Whether there is nothing of anything.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether `other` fits into these resources.
    pub fn contains(&self, other: &Self) -> bool {
        self.cpus_milli >= other.cpus_milli
            && self.memory_bytes >= other.memory_bytes
            && self.disk_bytes >= other.disk_bytes
            && self.ports.contains(&other.ports)
            && other.scalars.iter().all(|(name, amount)| self.scalar(name) >= *amount)
    }

    /// Both together; nothing if an amount overflows or a port is in both.
    pub fn checked_add(&self, other: &Self) -> Option<Self> {
        let mut scalars = self.scalars.clone();
        for (name, amount) in &other.scalars {
            let sum = self.scalar(name).checked_add(*amount)?;
            scalars.insert(name.clone(), sum);
        }
        Some(Self {
            cpus_milli: self.cpus_milli.checked_add(other.cpus_milli)?,
            memory_bytes: self.memory_bytes.checked_add(other.memory_bytes)?,
            disk_bytes: self.disk_bytes.checked_add(other.disk_bytes)?,
            ports: self.ports.checked_add(&other.ports)?,
            scalars,
        })
    }

    /// What is left of these resources without `other`; nothing if `other` does not fit.
    pub fn checked_sub(&self, other: &Self) -> Option<Self> {
        let mut scalars = self.scalars.clone();
        for (name, amount) in &other.scalars {
            let rest = self.scalar(name).checked_sub(*amount)?;
            if rest == 0 {
                scalars.remove(name);
            } else {
                scalars.insert(name.clone(), rest);
            }
        }
        Some(Self {
            cpus_milli: self.cpus_milli.checked_sub(other.cpus_milli)?,
            memory_bytes: self.memory_bytes.checked_sub(other.memory_bytes)?,
            disk_bytes: self.disk_bytes.checked_sub(other.disk_bytes)?,
            ports: self.ports.checked_sub(&other.ports)?,
            scalars,
        })
    }
}

/// Whether `text` may name a scalar: it must not be mistaken for a resource that has a field.
pub fn is_scalar_name(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
    (1..=64).contains(&text.len())
        && text.bytes().all(plain)
        && !["cpus", "memory", "disk", "ports"].contains(&text)
}

impl fmt::Display for Resources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if self.cpus_milli > 0 {
            parts.push(format!("cpus={}", CpusMilli(self.cpus_milli)));
        }
        if self.memory_bytes > 0 {
            parts.push(format!("memory={}", Bytes(self.memory_bytes)));
        }
        if self.disk_bytes > 0 {
            parts.push(format!("disk={}", Bytes(self.disk_bytes)));
        }
        if !self.ports.is_empty() {
            parts.push(format!("ports={}", self.ports));
        }
        parts.extend(self.scalars.iter().map(|(name, amount)| format!("{name}={amount}")));
        if parts.is_empty() {
            return f.write_str("nothing");
        }
        f.write_str(&parts.join(" "))
    }
}

impl FromStr for Resources {
    type Err = IllegalAmount;

    /// Reads `cpus=4 memory=8GiB disk=10GiB ports=31000-31005 gpus=1`, in any order, separated by
    /// spaces or semicolons.
    fn from_str(text: &str) -> Result<Self, IllegalAmount> {
        let mut resources = Self::default();
        for part in text.split([' ', ';']).filter(|part| !part.is_empty()) {
            let illegal = || IllegalAmount {
                got: part.to_owned(),
                allowed: "resource: cpus=N, memory=SIZE, disk=SIZE, ports=A-B or NAME=N is allowed",
            };
            let (name, amount) = part.split_once('=').ok_or_else(illegal)?;
            match name {
                "cpus" => resources.cpus_milli = parse_cpus_milli(amount)?,
                "memory" => resources.memory_bytes = parse_bytes(amount)?,
                "disk" => resources.disk_bytes = parse_bytes(amount)?,
                "ports" => resources.ports = amount.parse()?,
                name if is_scalar_name(name) => {
                    let amount = amount.parse().map_err(|_| illegal())?;
                    resources = resources.with_scalar(name, amount);
                }
                _ => return Err(illegal()),
            }
        }
        Ok(resources)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resources(text: &str) -> Resources {
        text.parse().unwrap()
    }

    #[test]
    fn resources_read_back_as_they_are_shown() {
        let text = "cpus=1.5 memory=512MiB disk=1GiB ports=31000-31005 gpus=2";
        assert_eq!(resources(text).to_string(), text);
        assert_eq!(Resources::default().to_string(), "nothing");
    }

    #[test]
    fn a_part_taken_and_given_back_restores_the_whole() {
        let whole = resources("cpus=4 memory=8GiB ports=1-9 gpus=2");
        let part = resources("cpus=1 memory=1GiB ports=3 gpus=2");
        assert!(whole.contains(&part));
        let rest = whole.checked_sub(&part).unwrap();
        assert_eq!(rest, resources("cpus=3 memory=7GiB ports=1-2,4-9"));
        assert_eq!(rest.checked_add(&part), Some(whole.clone()));
        assert_eq!(rest.checked_sub(&part), None);
        assert_eq!(whole.checked_add(&part), None, "port 3 would be owned twice");
    }

    #[test]
    fn overflow_is_refused() {
        let most = Resources::new(u64::MAX, 0);
        assert_eq!(most.checked_add(&Resources::new(1, 0)), None);
    }
}
