//! Whatever runs on its own is started where someone looks after it, and speaks over channels that
//! are bounded. It never follows a handle to where it is awaited.

use crate::house::{File, House};
use crate::paths::PathUse;
use crate::rooms;
use crate::rule::{Exception, Finding, Rule};
use crate::tokens::closing;

/// Spawn only where a process is put together or a connection is opened; no unbounded channel.
pub const RULE: Rule = Rule {
    name: "spawning",
    allowed: "spawn in `main.rs`, `main_loop.rs`, the files of CONNECTIONS \
              (tests/tidy/src/rooms.rs) and those that tests/tidy/src/rules/spawning.rs lists with \
              a reason; blocking work that is awaited at once; channels with a bound",
    mend: "make the work an input of the loop, or start it in one of these files; give a channel \
           the bound that `limits.rs` names",
    exceptions: EXCEPTIONS,
    find,
};

const EXCEPTIONS: &[Exception] = &[
    Exception {
        file: "wasm-executors/host/src/compiler.rs",
        what: "`spawn`",
        why: "one compile serves all who wait for the same digest and outlives each of them",
    },
    Exception {
        file: "agent/src/hosts/keeper.rs",
        what: "`spawn`",
        why: "starts the process of an executor host, which outlives the agent",
    },
    Exception {
        file: "agent/src/hosts/processes.rs",
        what: "`spawn`",
        why: "each executor host has its keeper; all are joined, and end with the agent",
    },
    Exception {
        file: "wasm-executors/host/src/output.rs",
        what: "`spawn`",
        why: "a log is written while its guest runs on; its end waits until all is written",
    },
    Exception {
        file: "wasm-executors/host/src/sandbox.rs",
        what: "`spawn`",
        why: "a sandbox is measured while its guest runs on; the watch is aborted with it",
    },
    Exception {
        file: "cli/src/bench/processes.rs",
        what: "`spawn`",
        why: "processes of a measurement, killed when it ends",
    },
    Exception {
        file: "cli/src/run/output.rs",
        what: "`spawn`",
        why: "a task's outputs are followed while it runs; their ends are awaited",
    },
    Exception {
        file: "wasm-executors/host/src/dispatcher.rs",
        what: "`spawn`",
        why: "each executor runs by itself on the guests' threads, until it is told to end",
    },
    Exception {
        file: "wasm-executors/host/src/host.rs",
        what: "`spawn`",
        why: "the host's own thread, joined when the handle is dropped",
    },
    Exception {
        file: "wasm-executors/host/src/preparation.rs",
        what: "",
        why: "a task is prepared while others run; its end is sent to the executor",
    },
    Exception {
        file: "wasm-executors/host/src/state.rs",
        what: "",
        why: "an executor's work outlives the event that asked for it",
    },
    Exception {
        file: "wasm-executors/host/src/subtasks.rs",
        what: "`spawn`",
        why: "each container runs by itself on the guests' threads, until it ends or is stopped",
    },
];

const STARTS: [&str; 4] = ["spawn", "spawn_blocking", "spawn_local", "spawn_scoped"];
const UNBOUNDED: [&str; 5] =
    ["UnboundedReceiver", "UnboundedSender", "unbounded", "unbounded_channel", "unbounded_send"];

fn find(house: &House) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in house.files() {
        let paths = file.paths_in_use();
        for path in &paths {
            let what = if is_unbounded(path) {
                format!("`{}` has no bound", path.text())
            } else if starts(path) && !is_awaited(file, path) && !may_start(file) {
                format!("`{}` in a file that may not start anything", path.text())
            } else {
                continue;
            };
            found.push(Finding::new(&file.path, path.line, what));
        }
    }
    found
}

fn may_start(file: &File) -> bool {
    matches!(file.name(), "main.rs" | "main_loop.rs") || rooms::is_connection(&file.path)
}

fn starts(path: &PathUse<'_>) -> bool {
    path.function_name().is_some_and(|name| STARTS.contains(&name))
}

/// Whether the call is followed by `.await`: blocking work that the caller waits for is no work on
/// its own.
fn is_awaited(file: &File, path: &PathUse<'_>) -> bool {
    let Some(rust) = &file.rust else { return false };
    if !path.ends_with(&["spawn_blocking"]) || path.after != "(" {
        return false;
    }
    let after = closing(&rust.tokens, path.end) + 1;
    let next: Vec<_> = rust.tokens[after..].iter().take(2).map(|token| &token.text).collect();
    next == [".", "await"]
}

/// The channel of the standard library has no bound unless it is a `sync_channel`.
fn is_unbounded(path: &PathUse<'_>) -> bool {
    path.segments.iter().any(|part| UNBOUNDED.contains(part))
        || path.starts_with(&["std", "sync", "mpsc", "channel"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_starts_unseen() {
        RULE.hold();
    }

    #[test]
    fn start_and_channel_without_bound_are_found() {
        let text = "fn f() {\n tokio::spawn(x);\n set.spawn_blocking(y);\n thread::spawn::<F>(z);\n\
                    mpsc::unbounded_channel();\n std::sync::mpsc::channel();\n}";
        let expected = [2, 3, 4, 5, 6].map(|line| format!("agent/src/artifacts.rs:{line}"));
        assert_eq!(RULE.found_in(&[("agent/src/artifacts.rs", text)]), expected);
        let in_loop = [("agent/src/main_loop.rs", "use tokio::sync::mpsc::UnboundedSender;")];
        assert_eq!(RULE.found_in(&in_loop), ["agent/src/main_loop.rs:1"]);
    }

    #[test]
    fn start_where_it_belongs_passes() {
        let planted = [
            ("agent/src/main_loop.rs", "fn f() { tokio::spawn(x); mpsc::channel(1); }"),
            (
                "agent/src/y.rs",
                "fn f() { let done = tokio::task::spawn_blocking(move || g(1)).await?; }",
            ),
            ("agent/src/x.rs", "impl Host { fn spawn(&self) { self.spawned } }"),
        ];
        assert!(RULE.found_in(&planted).is_empty());
    }
}
