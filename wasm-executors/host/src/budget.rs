//! What is left of a grant in which subtasks live, that of a task or that of an executor itself:
//! walls are carved from it and come back. It never starts or ends anything.

use std::sync::Arc;

use stoa_model::status::Usage;

use crate::container::Walls;
use crate::limiter::{MemoryWall, Together};
use crate::limits::{EXECUTOR_OUTPUT_BYTES_MAX, GRANT_SUBTASKS_MAX};

/// What is left of a grant. What is carved and what is left are together never more than it.
pub(crate) struct Budget {
    memory: Arc<MemoryWall>,
    fuel: Option<u64>,
    wall_ms: Option<u64>,
    output_bytes: u64,
    /// Whether output is a bound on what lives at one time, and not on all there ever was.
    renews_output: bool,
    subtasks: usize,
    together: Arc<Together>,
    used: Option<Usage>,
}

impl Budget {
    /// All that a task may use.
    pub(crate) fn of_task(walls: &Walls) -> Self {
        let memory = Arc::new(MemoryWall::new(walls.memory_bytes));
        let &Walls { fuel, wall_ms, output_bytes, .. } = walls;
        let renews_output = false;
        let (subtasks, together, used) = (0, Arc::default(), None);
        Self { memory, fuel, wall_ms, output_bytes, renews_output, subtasks, together, used }
    }

    /// What an executor may use for itself. It draws on `memory` too.
    pub(crate) fn of_executor(memory: Arc<MemoryWall>) -> Self {
        Self {
            memory,
            fuel: None,
            wall_ms: None,
            output_bytes: EXECUTOR_OUTPUT_BYTES_MAX,
            renews_output: true,
            subtasks: 0,
            together: Arc::default(),
            used: None,
        }
    }

    /// The walls of a subtask that asks for these, or for all that is left.
    ///
    /// # Errors
    /// For the executor: what is not left of the grant.
    pub(crate) fn carve(&self, asked: Option<Walls>) -> Result<Walls, String> {
        if self.subtasks >= GRANT_SUBTASKS_MAX {
            return Err(format!(
                "{GRANT_SUBTASKS_MAX} subtasks of one grant at a time are allowed"
            ));
        }
        let left = self.left();
        let asked = asked.unwrap_or(left);
        if asked.memory_bytes > left.memory_bytes {
            return Err(too_much("bytes of memory", asked.memory_bytes, left.memory_bytes));
        }
        if asked.output_bytes > left.output_bytes {
            return Err(too_much("bytes of output", asked.output_bytes, left.output_bytes));
        }
        let fuel = match (asked.fuel, left.fuel) {
            (Some(asked), Some(left)) if asked > left => {
                return Err(too_much("units of fuel", asked, left));
            }
            (asked, left) => asked.or(left),
        };
        let wall_ms = match (asked.wall_ms, left.wall_ms) {
            (Some(asked), Some(left)) => Some(asked.min(left)),
            (asked, left) => asked.or(left),
        };
        Ok(Walls { fuel, wall_ms, ..asked })
    }

    /// A subtask starts with walls that were carved just now.
    ///
    /// # Errors
    /// See `carve`: these walls are not left any more.
    pub(crate) fn take(&mut self, walls: &Walls) -> Result<(), String> {
        self.carve(Some(*walls))?;
        let asked = walls.memory_bytes;
        let taken = self.memory.take(asked);
        taken.map_err(|_| too_much("bytes of memory", asked, self.memory.left_bytes()))?;
        self.output_bytes -= walls.output_bytes;
        self.fuel = self.fuel.zip(walls.fuel).map(|(left, fuel)| left - fuel);
        self.subtasks += 1;
        Ok(())
    }

    /// A subtask is over: what it did not use can be carved again.
    pub(crate) fn settle(&mut self, walls: &Walls, usage: &Usage) {
        self.subtasks = self.subtasks.saturating_sub(1);
        self.memory.give_back(walls.memory_bytes);
        self.output_bytes += match self.renews_output {
            true => walls.output_bytes,
            false => walls.output_bytes.saturating_sub(usage.output_bytes),
        };
        if let (Some(left), Some(fuel)) = (&mut self.fuel, walls.fuel) {
            *left = left.saturating_add(fuel.saturating_sub(usage.fuel));
        }
        let used = self.used.unwrap_or_default();
        self.used = Some(Usage {
            fuel: used.fuel.saturating_add(usage.fuel),
            wall_us: used.wall_us.saturating_add(usage.wall_us),
            memory_peak_bytes: self.together.peak_bytes(),
            output_bytes: used.output_bytes.saturating_add(usage.output_bytes),
        });
    }

    /// Subtasks that live in it.
    pub(crate) fn subtasks(&self) -> usize {
        self.subtasks
    }

    /// Where the memory of its subtasks is counted together.
    pub(crate) fn together(&self) -> Arc<Together> {
        Arc::clone(&self.together)
    }

    /// What all its subtasks have used, as far as they are over: the sum of each, and of memory
    /// the most that they held at one time.
    pub(crate) fn used(&self) -> Option<Usage> {
        self.used
    }

    fn left(&self) -> Walls {
        Walls {
            memory_bytes: self.memory.left_bytes(),
            fuel: self.fuel,
            wall_ms: self.wall_ms,
            output_bytes: self.output_bytes,
        }
    }
}

fn too_much(what: &str, asked: u64, left: u64) -> String {
    format!("asked for {asked} {what}, {left} are left")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walls(memory_bytes: u64, fuel: Option<u64>, output_bytes: u64) -> Walls {
        Walls { memory_bytes, fuel, wall_ms: None, output_bytes }
    }

    #[test]
    fn what_subtasks_take_together_is_never_more_than_the_grant() {
        let mut budget = Budget::of_task(&walls(100, Some(50), 10));
        let first = budget.carve(Some(walls(60, None, 4))).unwrap();
        assert_eq!(first, walls(60, Some(50), 4));
        assert_eq!(budget.take(&first), Ok(()));
        let refused = budget.carve(Some(walls(41, None, 4)));
        assert_eq!(refused.unwrap_err(), "asked for 41 bytes of memory, 40 are left");
        assert!(budget.carve(Some(walls(1, Some(1), 1))).is_err(), "no fuel is left");
        assert!(budget.take(&first).is_err(), "it is not left twice");
        let usage = Usage { fuel: 20, output_bytes: 3, ..Usage::default() };
        budget.settle(&first, &usage);
        assert_eq!(budget.carve(None), Ok(walls(100, Some(30), 7)));
        assert_eq!(budget.used(), Some(usage));
    }

    #[test]
    fn an_executor_shares_its_memory_with_its_subtasks() {
        let memory = Arc::new(MemoryWall::new(100));
        let mut budget = Budget::of_executor(Arc::clone(&memory));
        assert_eq!(memory.take(30), Ok(()));
        let carved = budget.carve(None).unwrap();
        assert_eq!(carved, walls(70, None, EXECUTOR_OUTPUT_BYTES_MAX));
        assert_eq!(budget.take(&carved), Ok(()));
        assert_eq!(memory.take(1), Err(100), "the executor cannot grow into its subtask");
        let usage = Usage { output_bytes: 5, ..Usage::default() };
        budget.settle(&carved, &usage);
        assert_eq!(budget.carve(None), Ok(carved), "output is for what lives at one time");
    }

    #[test]
    fn subtasks_of_one_grant_are_bounded() {
        let mut budget = Budget::of_task(&walls(0, None, 0));
        for _ in 0..GRANT_SUBTASKS_MAX {
            assert_eq!(budget.take(&walls(0, None, 0)), Ok(()));
        }
        let refused = budget.carve(None).unwrap_err();
        assert!(refused.contains("subtasks of one grant"), "{refused}");
        budget.settle(&walls(0, None, 0), &Usage::default());
        assert!(budget.carve(None).is_ok());
    }
}
