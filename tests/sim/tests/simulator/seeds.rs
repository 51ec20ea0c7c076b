//! Many worlds. A seed that fails prints what happened in it.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use stoa_model::task::TaskState;
use stoa_sim::{Counts, Faults, Outcome, Seen, Tally, run};

const SEEDS: u64 = 1_000;
const SEEDS_CALM: u64 = 50;
const SEEDS_TWICE: u64 = 20;
const FAULTS: u64 = 25;

/// What all runs together have shown.
#[derive(Default)]
struct Sum {
    tally: Tally,
    transitions: BTreeSet<(Option<TaskState>, TaskState)>,
    counts: Vec<Counts>,
}

/// Plays seeds on all processors; each outcome must be a good one.
fn play(seeds: u64, faults: &Faults) -> Sum {
    let (next, sum) = (AtomicU64::new(0), Mutex::new(Sum::default()));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds {
                        return;
                    }
                    let outcome = run(seed, faults);
                    assert!(outcome.violation.is_none(), "\n{outcome}");
                    sum.lock().unwrap().add(outcome);
                }
            });
        }
    });
    sum.into_inner().unwrap()
}

impl Sum {
    fn add(&mut self, outcome: Outcome) {
        self.tally.add(&outcome.tally);
        self.transitions.extend(outcome.transitions);
        self.counts.push(outcome.counts);
    }

    fn of(&self, count: fn(&Counts) -> u64) -> u64 {
        self.counts.iter().map(count).sum()
    }
}

#[test]
fn world_in_which_nothing_goes_wrong_comes_to_rest() {
    let sum = play(SEEDS_CALM, &Faults::none());
    assert_eq!(sum.of(|it| it.messages_lost), 0);
}

#[test]
fn world_in_which_everything_goes_wrong_comes_to_rest() {
    let sum = play(SEEDS, &Faults::all(FAULTS));
    // A world in which nothing happens proves nothing.
    assert!(sum.of(|it| it.events) > 200 * SEEDS);
    assert!(sum.of(|it| it.faults) >= FAULTS * SEEDS);
    assert!(sum.of(|it| it.messages_lost) > 10 * SEEDS);
    assert!(sum.of(|it| it.launched) > 5 * SEEDS);
    assert!(sum.of(|it| it.started) > 3 * SEEDS);
    assert!(sum.of(|it| it.updates) > 10 * SEEDS);
    assert!(sum.of(|it| it.frameworks_ended) > SEEDS / 10);
    assert!(sum.of(|it| it.orders_done) > SEEDS / 2);
    for what in Seen::ALL {
        println!("{:>8}  {}", sum.tally.count(*what), what.what());
    }
    let never: Vec<_> = Seen::ALL.iter().filter(|it| sum.tally.count(**it) == 0).collect();
    assert!(never.is_empty(), "never seen: {never:?}");
    let missing: Vec<_> = TRANSITIONS.iter().filter(|it| !sum.transitions.contains(it)).collect();
    assert!(missing.is_empty(), "no task went so: {missing:?}");
}

/// How tasks go from state to state at their agents; all of it must be seen.
const TRANSITIONS: &[(Option<TaskState>, TaskState)] = {
    use TaskState::{Dropped, Failed, Finished, Gone, Killed, Killing, Running, Starting};
    &[
        (None, Starting),
        (None, Running),
        (None, Killing),
        (None, Failed),
        (None, Killed),
        (None, Dropped),
        (None, Gone),
        (Some(Starting), Running),
        (Some(Starting), Killing),
        (Some(Starting), Failed),
        (Some(Starting), Killed),
        (Some(Starting), Gone),
        (Some(Running), Running),
        (Some(Running), Killing),
        (Some(Running), Finished),
        (Some(Running), Failed),
        (Some(Running), Killed),
        (Some(Running), Gone),
        (Some(Killing), Finished),
        (Some(Killing), Failed),
        (Some(Killing), Killed),
        (Some(Killing), Gone),
    ]
};

#[test]
fn same_seed_gives_the_same_transcript() {
    for seed in 0..SEEDS_TWICE {
        let [first, second] = [(); 2].map(|()| run(seed, &Faults::all(FAULTS)));
        assert!(first.transcript.lines().count() > 20, "nothing happens with seed {seed}");
        assert_eq!(first, second, "seed {seed}");
    }
}
