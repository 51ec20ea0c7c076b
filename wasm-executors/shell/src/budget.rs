//! What a part of a shell may give to the programs that it starts. Sums never grow: what is divided
//! comes back with the ends of those it was divided among.

/// What may be given to programs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// Bytes of memory, for what lives at one time.
    pub memory_bytes: u64,
    /// Units of fuel; none is not limited.
    pub fuel: Option<u64>,
    /// Bytes of stdout and stderr together.
    pub output_bytes: u64,
}

/// What a program has used for good.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// Units of fuel.
    pub fuel: u64,
    /// Bytes of stdout and stderr together.
    pub output_bytes: u64,
}

impl Budget {
    /// Takes all of it.
    pub fn take(&mut self) -> Self {
        let fuel = self.fuel.map(|_| 0);
        std::mem::replace(self, Self { memory_bytes: 0, fuel, output_bytes: 0 })
    }

    /// Takes a share for each command of a pipeline: equal ones of memory and fuel. The output of
    /// all but the last goes into pipes and costs nothing, so the last gets half of that.
    pub fn divide(&mut self, shares: usize) -> Vec<Self> {
        if shares <= 1 {
            return vec![self.take()];
        }
        let count = shares as u64;
        let others = self.output_bytes / 2 / (count - 1);
        let share = |output_bytes| Self {
            memory_bytes: self.memory_bytes / count,
            fuel: self.fuel.map(|fuel| fuel / count),
            output_bytes,
        };
        let mut parts = vec![share(others); shares];
        parts[shares - 1] = share(self.output_bytes / 2);
        for part in &parts {
            self.remove(*part);
        }
        parts
    }

    /// Takes a share for a program that only passes on what another writes: a quarter of memory and
    /// fuel, but most of the output.
    pub fn divide_for_relay(&mut self) -> Self {
        let relay = Self {
            memory_bytes: self.memory_bytes / 4,
            fuel: self.fuel.map(|fuel| fuel / 4),
            output_bytes: self.output_bytes - self.output_bytes / 4,
        };
        self.remove(relay);
        relay
    }

    /// Takes back what was taken.
    pub fn add(&mut self, other: Self) {
        self.memory_bytes += other.memory_bytes;
        self.fuel = self.fuel.zip(other.fuel).map(|(a, b)| a + b);
        self.output_bytes += other.output_bytes;
    }

    /// What is left of it after a program.
    pub fn after(self, used: Used) -> Self {
        Self {
            memory_bytes: self.memory_bytes,
            fuel: self.fuel.map(|fuel| fuel.saturating_sub(used.fuel)),
            output_bytes: self.output_bytes.saturating_sub(used.output_bytes),
        }
    }

    fn remove(&mut self, other: Self) {
        self.memory_bytes -= other.memory_bytes;
        self.fuel = self.fuel.zip(other.fuel).map(|(a, b)| a - b);
        self.output_bytes -= other.output_bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_divided_comes_back_whole() {
        let whole = Budget { memory_bytes: 100, fuel: Some(10), output_bytes: 33 };
        for shares in 1..5 {
            let mut rest = whole;
            let parts = rest.divide(shares);
            assert_eq!(parts.len(), shares);
            assert!(parts.iter().all(|part| part.memory_bytes == 100 / shares as u64));
            parts.into_iter().for_each(|part| rest.add(part));
            assert_eq!(rest, whole);
        }
        let mut rest = whole;
        let relay = rest.divide_for_relay();
        assert_eq!(relay, Budget { memory_bytes: 25, fuel: Some(2), output_bytes: 25 });
        rest.add(relay);
        assert_eq!(rest, whole);
    }

    #[test]
    fn memory_comes_back_and_fuel_does_not() {
        let budget = Budget { memory_bytes: 100, fuel: Some(10), output_bytes: 30 };
        let left = budget.after(Used { fuel: 4, output_bytes: 50 });
        assert_eq!(left, Budget { memory_bytes: 100, fuel: Some(6), output_bytes: 0 });
        let unlimited = Budget { fuel: None, ..budget };
        assert_eq!(unlimited.after(Used { fuel: 4, output_bytes: 0 }).fuel, None);
    }
}
