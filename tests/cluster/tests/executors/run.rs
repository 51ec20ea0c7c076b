//! `stoa run --executor`: what reaches the executor, what comes back, and how each end is told.

use stoa_harness::{Cluster, sample};

use crate::guests::{clerk, committed, from_the_future};

/// `stoa run --executor CLERK` with these flags and this data.
fn arguments<'a>(clerk: &'a str, flags: &[&'a str], data: &'a str) -> Vec<&'a str> {
    [&["run", "--executor", clerk], flags, &["--data", data]].concat()
}

#[test]
fn data_of_a_finished_task_is_printed_as_it_is() {
    let cluster = Cluster::shared();
    let clerk = clerk();
    let finished = cluster.run(&arguments(&clerk, &[], "echo Hello, world")).succeeded();
    assert_eq!(finished.text(), "Hello, world");
    assert_eq!(finished.stderr, "");
    let finished = cluster.run(&arguments(&clerk, &[], "bytes")).succeeded();
    assert_eq!(finished.stdout, [0xff, 0x00]);
    let json = cluster.run(&arguments(&clerk, &["-o", "json"], "echo text")).succeeded().json();
    assert_eq!(json["data"], "text");
    assert_eq!(json["state"], "FINISHED");
    let json = cluster.run(&arguments(&clerk, &["-o", "json"], "bytes")).succeeded().json();
    assert_eq!((json["data"].is_null(), json["data_base64"].as_str()), (true, Some("/wA=")));
}

#[test]
fn everything_that_was_given_reaches_the_executor() {
    let cluster = Cluster::shared();
    let clerk = clerk();
    let (hello, sort) = (sample("hello"), sample("sort"));
    let programs = [format!("greet={hello}"), format!("order={sort}"), format!("own={hello}")];
    let flags = [
        "--executor-data",
        "be quick",
        "--program",
        &programs[0],
        "--program",
        &programs[1],
        "--executor-program",
        &programs[2],
        "--env",
        "A=1",
        "--env",
        "B=",
        "--memory",
        "32MiB",
        "--disk",
        "1MiB",
    ];
    let finished = cluster.run(&arguments(&clerk, &flags, "names")).succeeded();
    let expected = "executor was told be quick\nexecutor has own\ntask has greet\ntask has order\n\
                    A=1\nB=\nmemory 33554432\ndisk 1048576";
    assert_eq!(finished.text(), expected);
}

#[test]
fn programs_run_for_the_task_and_their_codes_are_passed_on() {
    let cluster = Cluster::shared();
    let clerk = clerk();
    let program = |name: &str| format!("{name}={}", sample(name));
    let (hello, exit, trap, spin) =
        (program("hello"), program("exit"), program("trap"), program("spin"));
    let run = |flags: &[&str], data: &str| cluster.run(&arguments(&clerk, flags, data));
    let finished = run(&["--program", &hello], "run hello Ada").succeeded();
    assert_eq!(finished.text(), "Hello, Ada!\n");
    let finished = run(&["--executor-program", &hello], "run hello Ada").succeeded();
    assert_eq!(finished.text(), "Hello, Ada!\n");
    run(&["--program", &exit], "run exit 7").exited(7);
    run(&["--program", &trap], "run trap").exited(134);
    run(&["--program", &spin, "--timeout", "300ms"], "run spin").failed(124, &["0.300"]);
    run(&["--program", &spin, "--fuel", "1000"], "run spin").failed(137, &["fuel"]);
}

#[test]
fn grants_are_those_of_the_task() {
    let cluster = Cluster::shared();
    let clerk = clerk();
    let dir = cluster.make_allowed_dir("for-the-clerk");
    std::fs::write(dir.join("a.txt"), "one two\n").unwrap();
    let grant = format!("{}::/texts:ro", dir.display());
    let words = format!("words={}", sample("words"));
    let flags = ["--dir", &grant, "--program", &words];
    let finished = cluster.run(&arguments(&clerk, &flags, "run words /texts")).succeeded();
    assert_eq!(finished.text(), "2 /texts/a.txt\ntotal 2\n");
    let env = format!("env={}", sample("env"));
    let flags = ["--env", "NAME=Ada", "--program", &env];
    let finished = cluster.run(&arguments(&clerk, &flags, "run env")).succeeded();
    assert_eq!(finished.text(), "NAME=Ada\n");
    let sort = format!("sort={}", sample("sort"));
    let flags = ["-i", "--program", &sort];
    let run = cluster.stoa(&arguments(&clerk, &flags, "run sort")).stdin("b\na\n").finish();
    assert_eq!(run.succeeded().text(), "a\nb\n");
}

#[test]
fn directories_travel_with_a_task_for_an_executor() {
    let cluster = Cluster::shared();
    let clerk = clerk();
    let file = cluster.place().write("clerk-both/note.txt", "kept");
    let to = cluster.place().path().join("clerk-back");
    let upload = format!("{}::/both", file.parent().unwrap().display());
    let download = format!("/both::{}", to.display());
    let mandelbrot = format!("draw={}", sample("mandelbrot"));
    let flags =
        ["--disk", "1MiB", "--upload", &upload, "--download", &download, "--program", &mandelbrot];
    cluster.run(&arguments(&clerk, &flags, "run draw 8 8 /both/x.png")).succeeded();
    assert_eq!(std::fs::read_to_string(to.join("note.txt")).unwrap(), "kept");
    assert!(to.join("x.png").is_file());
}

#[test]
fn each_failure_of_an_executor_has_its_code() {
    let cluster = Cluster::shared();
    let clerk = clerk();
    let run = |flags: &[&str], data: &str| cluster.run(&arguments(&clerk, flags, data));
    run(&[], "fail out of ink").failed(1, &["out of ink"]);
    run(&[], "refuse not today").failed(126, &["not today"]);
    run(&[], "trap").failed(134, &["executor is lost", "launch-task"]);
    run(&["--executor-data", "trap"], "echo x").failed(134, &["executor is lost", "registered"]);
    run(&["--executor-memory", "64KiB"], "echo x").failed(137, &["out of memory", "64KiB"]);
    run(&["--timeout", "300ms"], "wait").failed(124, &["time"]);
}

#[test]
fn task_of_an_executor_is_killed_as_others_are() {
    let cluster = Cluster::shared();
    let clerk = clerk();
    let run = cluster.stoa(&arguments(&clerk, &["--name", "clerk-waits"], "wait")).start();
    let task = cluster.wait_for_state("clerk-waits", "RUNNING");
    cluster.run(&["kill", task["task"].as_str().unwrap()]).succeeded();
    run.finish().exited(143).error_line(&["clerk-waits-"]);
}

#[test]
fn what_is_no_executor_is_refused_before_it_travels() {
    let cluster = Cluster::shared();
    let hello = sample("hello");
    let clerk = clerk();
    let run = |executor: &str| cluster.run(&["run", "--executor", executor, "--data", "x"]);
    run(&hello).failed(126, &[&hello, "executor"]);
    run("nowhere.wasm").failed(127, &["nowhere.wasm"]);
    run("./shell").failed(127, &["./shell"]);
    let future = cluster.place().write("future.wasm", from_the_future()).display().to_string();
    run(&future).failed(126, &[&future]);
    // A name that is no file and no executor that ships: both are said.
    let finished = run("shel").failed(127, &["shel"]);
    assert!(finished.stderr.contains("stoa executor list"), "{finished}");
    let programs = [("x", "x"), ("=f.wasm", "NAME=FILE"), ("gone=nowhere.wasm", "nowhere.wasm")];
    for (program, named) in programs {
        let flags = ["--program", program];
        let finished = cluster.run(&arguments(&clerk, &flags, "names"));
        let code = if program.starts_with("gone") { 127 } else { 125 };
        finished.failed(code, &[named]);
    }
    let no_program = format!("lib={}", committed("tests/cluster/guests/clerk.wasm"));
    let finished = cluster.run(&arguments(&clerk, &["--program", &no_program], "names"));
    finished.failed(126, &["clerk.wasm", "executor"]);
    let twice = format!("twice={hello}");
    let flags = ["--program", &twice, "--program", &twice];
    cluster.run(&arguments(&clerk, &flags, "names")).failed(125, &["twice"]);
}

#[test]
fn flags_of_executors_are_for_executors_alone() {
    let cluster = Cluster::shared();
    let hello = sample("hello");
    let program = format!("a={hello}");
    for flags in [
        ["--executor-data", "x"],
        ["--executor-memory", "1MiB"],
        ["--program", &program],
        ["--executor-program", &program],
        ["--data", "x"],
    ] {
        let finished = cluster.run(&["run", flags[0], flags[1], &hello]).failed(125, &[]);
        assert!(finished.stderr.contains(flags[0]), "{finished}");
    }
}
