//! `stoa sim`: whole clusters that are played, not run, and in which much goes wrong. It never
//! decides what must not be: the checker does.

use std::time::Instant;

use serde::Serialize;
use stoa_sim::{Faults, Outcome, Report, play_seeds};

use crate::config::{Output, Sim};
use crate::failure::{Failure, code};
use crate::lists::unprinted;
use crate::table::print_json;

/// What is printed.
#[derive(Debug, Serialize)]
struct View {
    seeds: u64,
    faults: u64,
    violations: u64,
    seeds_per_second: f64,
    events: u64,
    tasks: u64,
    mark: String,
    failures: Vec<FailureView>,
}

/// A seed in which an invariant did not hold.
#[derive(Debug, Serialize)]
struct FailureView {
    seed: u64,
    violation: String,
    transcript: String,
}

impl FailureView {
    fn of(outcome: &Outcome) -> Self {
        let violation = outcome.violation.as_ref().map_or(String::new(), ToString::to_string);
        Self { seed: outcome.seed, violation, transcript: outcome.transcript.clone() }
    }
}

/// Plays the seeds; answers the exit code.
///
/// # Errors
/// If it cannot print.
pub fn sim(arguments: &Sim, output: Output) -> Result<u8, Failure> {
    let faults = match arguments.faults {
        0 => Faults::none(),
        count => Faults::all(count),
    };
    let began = Instant::now();
    let report = play_seeds(arguments.first_seed, arguments.seeds, &faults);
    let seconds = began.elapsed().as_secs_f64();
    let view = View {
        seeds: report.seeds,
        faults: arguments.faults,
        violations: report.violations,
        seeds_per_second: report.seeds as f64 / seconds.max(0.001),
        events: report.counts.events,
        tasks: report.counts.launched,
        mark: format!("{:016x}", report.mark),
        failures: report.failures.iter().map(FailureView::of).collect(),
    };
    match output {
        Output::Json => print_json(&view).map_err(unprinted)?,
        Output::Table => print_table(&view, &report),
    }
    Ok(if report.violations == 0 { 0 } else { code::FAILURE })
}

fn print_table(view: &View, report: &Report) {
    if let Some(first) = report.failures.first() {
        println!("{first}\n");
    }
    for failure in &view.failures {
        println!("seed {}: {}", failure.seed, failure.violation);
    }
    if let Some(failure) = view.failures.first() {
        let (seed, faults) = (failure.seed, view.faults);
        println!("again: stoa sim --seeds 1 --first-seed {seed} --faults {faults}\n");
    }
    println!("seeds: {}", view.seeds);
    println!("violations: {}", view.violations);
    println!("seeds_per_second: {:.1}", view.seeds_per_second);
    println!("events: {}", view.events);
    println!("tasks: {}", view.tasks);
    println!("mark: {}", view.mark);
}
