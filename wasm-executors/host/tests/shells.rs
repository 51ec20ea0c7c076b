//! The executor `shell` with its toolbox: real lines in real sandboxes, end to end.

#[cfg(test)]
mod house;

use house::{House, MIB, executor_task};
use stoa_model::command::NamedProgram;
use stoa_model::operator::LogStream;
use stoa_model::status::Reason;
use stoa_model::task::{TaskBody, TaskInfo, TaskState};

/// A task whose line may use every tool.
fn line(house: &House, id: &str, text: &str) -> TaskInfo {
    let shell = house.store(include_bytes!("../../shell.wasm"));
    let toolbox = house.store(include_bytes!("../../toolbox.wasm"));
    let mut task = executor_task(id, "shell", shell, text.as_bytes());
    if let TaskBody::Executor(body) = &mut task.body {
        let tools = include_str!("../../toolbox/tools.txt").lines();
        let named = |name: &str| NamedProgram { name: name.to_owned(), program: toolbox };
        body.executor.programs = tools.map(named).collect();
        body.environment = vec![("HOME".to_owned(), "/home".to_owned())];
    }
    task
}

/// What lines write to stdout and stderr, and their exit codes.
const LINES: &[(&str, &str, &str, i32)] = &[
    ("echo hello $HOME", "hello /home\n", "", 0),
    ("seq 1 1000 | grep 7 | wc -l", "271\n", "", 0),
    ("seq 5 | sort -rn | head -n 2 | tr '\\n' ' '; echo; exit 3", "5 4 \n", "", 3),
    ("for i in a b; do echo $i > $i.txt; done; cat *.txt; ls", "a\nb\na.txt\nb.txt\n", "", 0),
    ("x=$(seq 3 | tail -n 1); echo $((x * 2)) | tee six; cat < six", "6\n6\n", "", 0),
    ("mkdir d && { echo one; warn two; } > d/out 2>&1; sort d/out", "one\ntwo\n", "", 0),
    ("cat <<E | tr a-z A-Z\nhome: $HOME\nE", "HOME: /HOME\n", "", 0),
    ("seq 1 1000000 | head -n 1", "1\n", "", 0),
    ("i=0; while [ $i -lt 3 ]; do i=$((i+1)); echo $i; done | wc -l", "3\n", "", 0),
    ("nope || echo $?", "127\n", "sh: nope: not found\n", 0),
    ("echo out >&2; warn err 2>&1", "err\n", "out\n", 0),
    ("cat none; echo $?; cat < none", "1\n", "", 1),
];

#[tokio::test]
async fn lines_run_as_in_other_shells() {
    let mut house = House::new();
    for (number, (text, stdout, stderr, code)) in LINES.iter().enumerate() {
        let id = format!("t{number}");
        let task = line(&house, &id, text);
        let over = house.run(task).await;
        let streams = [LogStream::Stdout, LogStream::Stderr].map(|it| house.log(&id, it));
        assert_eq!(streams[0], *stdout, "{text}: {over:?} {}", streams[1]);
        assert_eq!(over.exit_code, Some(*code), "{text}: {over:?}");
        assert!(streams[1].starts_with(stderr), "{text}: {}", streams[1]);
        // How far its programs are compiled is told first, as long as there is something to tell.
        let mut states = house.states(&id);
        states.retain(|state| *state != TaskState::Starting);
        assert_eq!(states, [TaskState::Running, over.state], "{text}");
        assert_eq!(over.state == TaskState::Finished, *code == 0, "{text}");
    }
}

#[tokio::test]
async fn a_line_that_cannot_be_read_is_refused_with_its_place() {
    let mut house = House::new();
    let task = line(&house, "t", "echo a; echo 'b");
    let over = house.run(task).await;
    assert!(over.state.is_terminal() && over.state != TaskState::Finished, "{over:?}");
    assert!(over.message.contains("line 1, column 14: this ' is never closed"), "{over:?}");
}

#[tokio::test]
async fn a_task_that_fails_names_the_command() {
    let mut house = House::new();
    let task = line(&house, "t", "true\nfalse || cat none");
    let over = house.run(task).await;
    assert_eq!((over.state, over.reason), (TaskState::Failed, Reason::Exited));
    assert_eq!(over.message, "cat at line 2, column 10: exited with 1");
}

#[tokio::test]
async fn limits_hold_for_all_programs_together() {
    let mut house = House::new();
    let mut task = line(&house, "fuel", "while true; do seq 1 1000 > /dev/null; done");
    task.limits.fuel = Some(100_000_000);
    let over = house.run(task).await;
    assert_eq!(over.state, TaskState::Failed, "{over:?}");
    let mut task = line(&house, "memory", "set -o pipefail; seq 9999999 | sort | cat");
    task.resources.memory_bytes = 24 * MIB;
    let over = house.run(task).await;
    assert_eq!(over.exit_code, Some(137), "{over:?}");
    assert!(over.message.starts_with("sort at line 1, column 32"), "{over:?}");
    // No program had more than its share of 8 MiB, and all of them together no more than the grant.
    let peak_bytes = over.usage.expect("its programs have run").memory_peak_bytes;
    assert!(peak_bytes > 0 && peak_bytes <= 24 * MIB, "{peak_bytes}");
}

#[tokio::test]
async fn a_killed_line_ends_with_all_its_programs() {
    let mut house = House::new();
    let task = line(&house, "t", "seq 1 9000000000000 | cat > /dev/null; echo no");
    house.launch(task).await;
    house.until("t", TaskState::Running).await;
    house.kill("t", 0).await;
    let over = house.over("t").await;
    assert_eq!(over.state, TaskState::Killed, "{over:?}");
    assert_eq!(house.log("t", LogStream::Stdout), "");
}
