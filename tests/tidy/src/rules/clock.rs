//! One loop of a process asks the time and hands it on. It never waits for anything.

use crate::house::House;
use crate::paths::PathUse;
use crate::rule::{Exception, Finding, Rule};

/// Only `main_loop.rs` asks the time.
pub const RULE: Rule = Rule {
    name: "clock",
    allowed: "asking a clock (Instant::now, SystemTime::now, now, elapsed, clock_gettime) in \
              `main_loop.rs`, and in the files that tests/tidy/src/rules/clock.rs lists with a \
              reason",
    mend: "take `now` as an argument, as a core does",
    exceptions: EXCEPTIONS,
    find,
};

const EXCEPTIONS: &[Exception] = &[
    Exception {
        file: "machine/src/clock.rs",
        what: "",
        why: "it is the clock that the main loops hold",
    },
    Exception {
        file: "machine/src/room.rs",
        what: "",
        why: "files are removed by the time of their last use, which only the disk remembers",
    },
    Exception {
        file: "agent/src/service.rs",
        what: "`now`",
        why: "puts the process together: a core is made before its loop runs",
    },
    Exception {
        file: "master/src/backup.rs",
        what: "",
        why: "a backup says when it was made, also one of a master that does not run",
    },
    Exception {
        file: "master/src/server.rs",
        what: "`now`",
        why: "puts the process together: a core is made before its loop runs",
    },
    Exception {
        file: "master/src/contest.rs",
        what: "`now`",
        why: "holds the main loop of an election, which goes on whoever leads",
    },
    Exception {
        file: "scheduler/src/client.rs",
        what: "`now`",
        why: "holds the main loop of a session",
    },
    Exception {
        file: "wasm-executors/host/src/speech.rs",
        what: "",
        why: "the lines of an executor in a second are counted where it writes them",
    },
    Exception {
        file: "wasm-executors/host/src/trial.rs",
        what: "",
        why: "how long a compile takes is what is asked",
    },
    Exception {
        file: "wasm-executors/host/src/compiler.rs",
        what: "",
        why: "a refusal is remembered for a while, by those who compile and not by a loop",
    },
    Exception {
        file: "wasm-executors/host/src/container.rs",
        what: "",
        why: "a container's wall time is part of its usage, measured where it runs",
    },
    Exception {
        file: "wasm-executors/host/src/slices.rs",
        what: "`Instant::now`",
        why: "a guest's deadline must end it between two slices, with no loop in between",
    },
    Exception { file: "cli/src/bench.rs", what: "", why: "it measures" },
    Exception { file: "cli/src/bench/map.rs", what: "", why: "it measures" },
    Exception { file: "cli/src/bench/kill.rs", what: "", why: "it measures" },
    Exception { file: "cli/src/sim.rs", what: "", why: "it measures" },
    Exception { file: "cli/src/bench/measured.rs", what: "", why: "it measures" },
    Exception {
        file: "wasm-executors/host/src/driver.rs",
        what: "`elapsed`",
        why: "an executor may ask for its own usage while it runs",
    },
    Exception {
        file: "wasm-executors/host/src/executor.rs",
        what: "`Instant::now`",
        why: "events have deadlines, and an executor's wall time is part of its usage",
    },
    Exception {
        file: "wasm-executors/host/src/state.rs",
        what: "`Instant::now`",
        why: "an executor's wall time is part of its usage, measured where it runs",
    },
    Exception {
        file: "wasm-executors/host/src/subtasks.rs",
        what: "",
        why: "a container's wall time is part of its usage, measured where it runs",
    },
];

fn find(house: &House) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in house.files() {
        if file.name() == "main_loop.rs" {
            continue;
        }
        for path in file.paths_in_use() {
            if asks(&path) {
                let what = format!("`{}` asks the time", path.text());
                found.push(Finding::new(&file.path, path.line, what));
            }
        }
    }
    found
}

fn asks(path: &PathUse<'_>) -> bool {
    let is_method = path.before == ".";
    path.ends_with(&["Instant", "now"])
        || path.ends_with(&["SystemTime", "now"])
        || path.ends_with(&["clock_gettime"])
        || (is_method && matches!(path.function_name(), Some("elapsed" | "now")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_main_loop_asks_the_time() {
        RULE.hold();
    }

    #[test]
    fn asking_elsewhere_is_found() {
        let text = "fn f() {\n std::time::Instant::now();\n let now = SystemTime::now;\n\
                    start.elapsed();\n rustix::time::clock_gettime(x);\n clock.now();\n}";
        let expected = [2, 3, 4, 5, 6].map(|line| format!("master/src/server.rs:{line}"));
        assert_eq!(RULE.found_in(&[("master/src/server.rs", text)]), expected);
    }

    #[test]
    fn main_loop_and_names_that_only_look_alike_pass() {
        let planted = [
            ("master/src/main_loop.rs", "fn f() { Instant::now() }"),
            ("master/src/x.rs", "fn f(now: Instant) { row.elapsed; Wall::now(); }"),
        ];
        assert!(RULE.found_in(&planted).is_empty());
    }
}
