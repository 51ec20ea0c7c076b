//! Many worlds. A seed that fails prints what happened in it.

use stoa_model::task::TaskState;
use stoa_sim::{Faults, Report, Seen, play_seeds, run};

const SEEDS: u64 = 1_000;
const SEEDS_CALM: u64 = 50;
const SEEDS_TWICE: u64 = 20;
const FAULTS: u64 = 25;

/// What the seeds have shown, which must be good.
fn good(seeds: u64, faults: &Faults) -> Report {
    let report = play_seeds(0, seeds, faults);
    if let Some(outcome) = report.failures.first() {
        panic!("{} of {seeds} seeds; the first:\n{outcome}", report.violations);
    }
    report
}

#[test]
fn world_in_which_nothing_goes_wrong_comes_to_rest() {
    let report = good(SEEDS_CALM, &Faults::none());
    assert_eq!(report.counts.messages_lost, 0);
}

#[test]
fn world_in_which_everything_goes_wrong_comes_to_rest() {
    let report = good(SEEDS, &Faults::all(FAULTS));
    // A world in which nothing happens proves nothing.
    let counts = &report.counts;
    assert!(counts.events > 200 * SEEDS);
    assert!(counts.faults >= FAULTS * SEEDS);
    assert!(counts.messages_lost > 10 * SEEDS);
    assert!(counts.launched > 5 * SEEDS);
    assert!(counts.started > 3 * SEEDS);
    assert!(counts.updates > 10 * SEEDS);
    assert!(counts.frameworks_ended > SEEDS / 10);
    assert!(counts.orders_done > SEEDS / 2);
    for what in Seen::ALL {
        println!("{:>8}  {}", report.tally.count(*what), what.what());
    }
    let never: Vec<_> = Seen::ALL.iter().filter(|it| report.tally.count(**it) == 0).collect();
    assert!(never.is_empty(), "never seen: {never:?}");
    let missing = TRANSITIONS.iter().filter(|it| !report.transitions.contains(it));
    let missing: Vec<_> = missing.collect();
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
