//! One run from its seed to its outcome: a time in which things go wrong, then a time in which
//! nothing does and all must come to rest. It never prints.

use std::panic::{AssertUnwindSafe, catch_unwind};

use stoa_invariants::{Checked, Invariant, Violation};
use stoa_model::ids::Role;
use stoa_model::resources::Resources;

use crate::author::{Author, Mood, framework_info};
use crate::chance::Chance;
use crate::outcome::Outcome;
use crate::plan::{Faults, Plan};
use crate::world::World;

/// How long nothing but faults is waited for at a time, in milliseconds.
const FAULTY_MS: u64 = 10_000;

/// Plays the world of this seed, in which these faults may happen.
///
/// Deterministic: the same seed and faults give the same outcome, byte for byte.
pub fn run(seed: u64, faults: &Faults) -> Outcome {
    let mut chance = Chance::new(seed);
    let plan = Plan::of_seed(faults, &mut chance);
    let mut world = World::new(plan, chance);
    // A core that breaks its own invariants panics; what led to it is in the transcript.
    let played = catch_unwind(AssertUnwindSafe(|| world.play()));
    let violation = match played {
        Ok(checked) => checked.err(),
        Err(panic) => Some(Violation::new(Invariant::O2, message(panic.as_ref()))),
    };
    Outcome {
        seed,
        counts: world.counts,
        violation,
        transitions: world.checker.transitions().clone(),
        transcript: world.transcript.take(),
        tally: world.tally,
    }
}

fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a word").to_owned()
}

impl World {
    fn play(&mut self) -> Checked {
        for _ in 0..self.plan.agents {
            let cpus_milli = self.chance.between(2, 8) * 500;
            let memory_bytes = self.chance.between(1, 8) << 30;
            self.add_agent(Resources::new(cpus_milli, memory_bytes));
        }
        for at in 0..self.plan.schedulers {
            let role = ["red", "blue"][self.chance.index(2)];
            let role = Role::new(role).expect("a plain word is a role");
            let failover_ms = self.plan.timing.failover_ms;
            let info = framework_info(&format!("framework{}", at + 1), role, failover_ms);
            self.add_scheduler(Author::new(info, Mood::Eager));
        }
        self.begin_faults();
        let until = self.now.plus_ms(self.plan.busy_ms);
        while self.advance(until)? {}
        while self.counts.faults < self.plan.faults.count {
            let until = self.now.plus_ms(FAULTY_MS);
            while self.counts.faults < self.plan.faults.count && self.advance(until)? {}
        }
        self.settle()
    }
}
