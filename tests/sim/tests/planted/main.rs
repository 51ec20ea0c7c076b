//! Every planted bug is found: that is the proof of the checkers. It runs with the feature
//! `planted` alone: `cargo test -p stoa-sim --features planted --test planted`.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use stoa_planted::{Bug, plant};
use stoa_sim::{Faults, Outcome, run};

/// Seeds within which a bug must be found.
const SEEDS_MAX: u64 = 1_000;
const FAULTS: u64 = 25;

/// A bug, and the first seed that shows it with what it shows.
type Found = (Bug, Option<Outcome>);

fn look_for(bug: Bug) -> Found {
    plant(Some(bug));
    let found = (0..SEEDS_MAX).map(|seed| run(seed, &Faults::all(FAULTS)));
    let found = found.into_iter().find(|outcome| outcome.violation.is_some());
    plant(None);
    (bug, found)
}

#[test]
fn every_bug_is_found() {
    // A core that finds its own bug panics; that is caught, and what it says is in the outcome.
    std::panic::set_hook(Box::new(|_| {}));
    let (next, all) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(bug) = Bug::ALL.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let found = look_for(*bug);
                    all.lock().expect("nobody panics with the lock").push(found);
                }
            });
        }
    });
    let _ = std::panic::take_hook();
    let mut all = all.into_inner().expect("nobody panics with the lock");
    all.sort_by_key(|(bug, _)| *bug as usize);
    let mut seeds = Vec::new();
    let mut missed = Vec::new();
    for (bug, found) in all {
        let shown = found.and_then(|outcome| Some((outcome.seed, outcome.violation?)));
        match shown {
            Some((seed, violation)) => {
                seeds.push(seed + 1);
                let text = violation.to_string();
                let first = text.lines().next().unwrap_or_default();
                println!("{:>4} seeds  {bug:?}: {first:.120}", seed + 1);
            }
            None => missed.push(bug),
        }
    }
    seeds.sort_unstable();
    let median = seeds.get(seeds.len() / 2).copied().unwrap_or(0);
    println!("{} of {} bugs, median {median} seeds", seeds.len(), Bug::ALL.len());
    assert!(missed.is_empty(), "not found within {SEEDS_MAX} seeds: {missed:?}");
    assert!(seeds.len() >= 25, "{} bugs are too few", seeds.len());
    assert!(median <= 100, "the median is {median} seeds");
}
