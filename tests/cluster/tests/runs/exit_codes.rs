//! Every exit code of `run`, and that no end of a task harms its neighbours.

use std::time::Duration;

use rustix::process::Signal;
use stoa_harness::{Cluster, sample};

/// What `run` is given, what it exits with, and what its error says; nothing if the task ended by
/// itself.
type Row<'a> = (&'a [&'a str], i32, &'a [&'a str]);

#[track_caller]
fn check(cluster: &Cluster, (arguments, code, error): Row<'_>) {
    let finished = cluster.run(&[&["run"], arguments].concat()).exited(code);
    if error.is_empty() {
        assert!(!finished.stderr.contains("error: "), "an error was not expected of {finished}");
    } else {
        finished.error_line(error);
    }
}

#[test]
fn codes_of_the_task_are_passed_on() {
    let cluster = Cluster::shared();
    let exit = sample("exit");
    for (own, code) in [("0", 0), ("1", 1), ("3", 3), ("123", 123), ("124", 1), ("255", 1)] {
        check(&cluster, (&[&exit, own], code, &[]));
    }
}

#[test]
fn each_end_that_is_not_the_tasks_own_has_its_code() {
    let cluster = Cluster::shared();
    let (spin, trap, hog, cat) = (sample("spin"), sample("trap"), sample("hog"), sample("cat"));
    let rows: [Row<'_>; 4] = [
        (&["--timeout", "300ms", &spin], 124, &["spin-", "300"]),
        (&[&trap], 134, &["trap-", "unreachable"]),
        (&["--memory", "16MiB", &hog, "64"], 137, &["hog-", "memory", "16MiB"]),
        (&["--fuel", "1000000", &spin], 137, &["spin-", "fuel", "1000000"]),
    ];
    for row in rows {
        check(&cluster, row);
    }
    let flood = cluster.stoa(&["run", "--output-limit", "1KiB", "-i", &cat]).stdin([b'x'; 65_536]);
    let flood = flood.finish().failed(137, &["cat-", "wrote", "1KiB"]);
    assert!(flood.stdout.len() <= 1_024, "{} bytes came out of 1 KiB", flood.stdout.len());
}

#[test]
fn limits_come_with_a_hint() {
    let cluster = Cluster::shared();
    let (spin, hog) = (sample("spin"), sample("hog"));
    cluster.run(&["run", "--timeout", "50ms", &spin]).failed(124, &["50"]);
    cluster.run(&["run", "--fuel", "1000", &spin]).failed(137, &["fuel"]);
    cluster.run(&["run", "--memory", "8MiB", &hog, "64"]).failed(137, &["memory"]);
}

#[test]
fn disk_beyond_its_limit_ends_the_task() {
    let cluster = Cluster::shared();
    let to = cluster.place().path().join("too-large");
    let download = format!("/out::{}", to.display());
    let mandelbrot = sample("mandelbrot");
    let arguments = ["run", "--disk", "64KiB", "--download", &download, &mandelbrot];
    let finished = cluster.run(&[&arguments[..], &["2000", "500", "/out/x.png"]].concat());
    finished.failed(137, &["mandelbrot-", "disk"]);
}

#[test]
fn task_that_is_killed_by_another_exits_with_143() {
    let cluster = Cluster::shared();
    let spin = sample("spin");
    let run = cluster.stoa(&["run", "--name", "victim", &spin]).start();
    let task = cluster.wait_for_state("victim", "RUNNING");
    let task = task["task"].as_str().expect("a task has an id");
    cluster.run(&["kill", task]).succeeded();
    run.finish().exited(143).error_line(&["victim-", "killed"]);
    let task = cluster.wait_for_state("victim", "KILLED");
    assert_eq!(task["reason"], "KILL_REQUESTED");
}

#[test]
fn run_that_is_interrupted_kills_its_task() {
    let cluster = Cluster::shared();
    for (name, signal) in [("interrupted", Signal::INT), ("terminated", Signal::TERM)] {
        let mut run = cluster.stoa(&["run", "--name", name, &sample("spin")]).start();
        cluster.wait_for_state(name, "RUNNING");
        run.signal(signal);
        run.finish().exited(143);
        cluster.wait_for_state(name, "KILLED");
    }
}

#[test]
fn neighbour_of_tasks_that_fail_goes_on() {
    let cluster = Cluster::shared();
    let (ticker, hog) = (sample("ticker"), sample("hog"));
    let neighbour = cluster.detach(&["--name", "neighbour", &ticker, "0.05"]);
    let ticks = || cluster.run(&["logs", &neighbour]).succeeded().text().lines().count();
    let spin = cluster.stoa(&["run", "--timeout", "1s", &sample("spin")]).start();
    cluster.run(&["run", &sample("trap")]).exited(134);
    cluster.run(&["run", "--memory", "4MiB", &hog, "64"]).exited(137);
    cluster.run(&["run", "--fuel", "1000", &sample("spin")]).exited(137);
    let before = ticks();
    spin.finish().exited(124);
    let after = ticks();
    assert!(after > before, "{after} ticks after {before}: the neighbour was held up by `spin`");
    assert_eq!(cluster.wait_for_task("neighbour", |_| true)["state"], "RUNNING");
    cluster.run(&["kill", &neighbour]).succeeded();
}

#[test]
fn program_that_ends_at_once_is_over_at_once() {
    let cluster = Cluster::shared();
    let hello = sample("hello");
    cluster.run(&["run", &hello]).succeeded();
    cluster.stoa(&["run", &hello]).limit(Duration::from_secs(5)).finish().succeeded();
}
