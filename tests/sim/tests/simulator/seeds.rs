//! Many worlds. A seed that fails prints what happened in it.

use stoa_sim::{Faults, Outcome, run};

const SEEDS: u64 = 450;
const SEEDS_TWICE: u64 = 20;

/// A seed's outcome, which must be a good one.
fn good(seed: u64, faults: &Faults) -> Outcome {
    let outcome = run(seed, faults);
    assert!(outcome.violation.is_none(), "\n{outcome}");
    outcome
}

#[test]
fn world_in_which_nothing_goes_wrong_comes_to_rest() {
    for seed in 0..50 {
        let outcome = good(seed, &Faults::none());
        assert_eq!(outcome.counts.messages_lost, 0, "\n{outcome}");
    }
}

#[test]
fn world_in_which_everything_goes_wrong_comes_to_rest() {
    let outcomes: Vec<_> = (0..SEEDS).map(|seed| good(seed, &Faults::all())).collect();
    let sum = |count: fn(&Outcome) -> u64| outcomes.iter().map(count).sum::<u64>();
    // A world in which nothing happens proves nothing.
    assert!(sum(|it| it.counts.events) > 200 * SEEDS);
    assert!(sum(|it| it.counts.faults) > 10 * SEEDS);
    assert!(sum(|it| it.counts.crashes_at_a_boundary) > SEEDS);
    assert!(sum(|it| it.counts.messages_lost) > 10 * SEEDS);
    assert!(sum(|it| it.counts.launched) > 5 * SEEDS);
    assert!(sum(|it| it.counts.started) > 3 * SEEDS);
    assert!(sum(|it| it.counts.updates) > 10 * SEEDS);
    assert!(sum(|it| it.counts.frameworks_ended) > SEEDS / 10);
    assert!(sum(|it| it.counts.orders_done) > SEEDS);
    assert!(sum(|it| it.counts.replaced) > SEEDS / 20);
}

#[test]
fn same_seed_gives_the_same_transcript() {
    for seed in 0..SEEDS_TWICE {
        let [first, second] = [(); 2].map(|()| run(seed, &Faults::all()));
        assert!(first.transcript.lines().count() > 20, "nothing happens with seed {seed}");
        assert_eq!(first, second, "seed {seed}");
    }
}
