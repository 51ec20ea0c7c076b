//! Many runs, on as many threads as there are processors. It never prints what they have shown.

use std::collections::BTreeSet;
use std::num::NonZero;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use stoa_model::task::TaskState;

use crate::outcome::{Counts, Outcome};
use crate::plan::Faults;
use crate::run::run;
use crate::seen::Tally;

/// Failures that are kept with all that led to them; of more only the number is.
const FAILURES_MAX: usize = 10;

/// What many runs have shown.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// How many runs there were.
    pub seeds: u64,
    /// In how many of them an invariant did not hold.
    pub violations: u64,
    /// The first of these by their seeds.
    pub failures: Vec<Outcome>,
    /// Sums over all runs.
    pub counts: Counts,
    /// How often what should happen sometimes has happened.
    pub tally: Tally,
    /// How tasks went from state to state.
    pub transitions: BTreeSet<(Option<TaskState>, TaskState)>,
    /// A mark of every transcript: the same seeds and faults give the same mark, on any machine.
    pub mark: u64,
}

/// Plays the seeds from `first` on.
///
/// Deterministic, however many threads there are.
pub fn play_seeds(first: u64, seeds: u64, faults: &Faults) -> Report {
    let (next, report) = (AtomicU64::new(0), Mutex::new(Report::default()));
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= seeds {
                        return;
                    }
                    let outcome = run(first.wrapping_add(number), faults);
                    report.lock().unwrap_or_else(PoisonError::into_inner).add(outcome);
                }
            });
        }
    });
    report.into_inner().unwrap_or_else(PoisonError::into_inner)
}

impl Report {
    fn add(&mut self, outcome: Outcome) {
        self.seeds += 1;
        self.counts.add(&outcome.counts);
        self.tally.add(&outcome.tally);
        self.transitions.extend(&outcome.transitions);
        self.mark ^= mark(outcome.seed, &outcome.transcript);
        if outcome.violation.is_some() {
            self.violations += 1;
            let at = self.failures.partition_point(|other| other.seed < outcome.seed);
            self.failures.insert(at, outcome);
            self.failures.truncate(FAILURES_MAX);
        }
    }
}

/// The transcript of a seed as a number. Source: FNV-1a.
fn mark(seed: u64, transcript: &str) -> u64 {
    let bytes = seed.to_le_bytes().into_iter().chain(transcript.bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
