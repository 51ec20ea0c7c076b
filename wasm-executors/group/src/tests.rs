//! What the executor does with each event, as Stoa would see it.

mod chance;

use stoa_executor::double::{self, Call, LIMITS};
use stoa_executor::subtasks::{Input, Output, Refusal, Source, SpawnOptions};
use stoa_executor::{
    Executor, ExecutorInfo, KillPolicy, Limits, NamedProgram, Reason, TaskInfo, TaskState,
    TaskStatus, Usage, driver,
};

use crate::Group;

/// An executor of two programs, `run` and `sort`.
fn executor(data: &str) -> Group {
    let program =
        |name: &str| NamedProgram { name: name.to_owned(), artifact: format!("sha256:{name}") };
    let info = ExecutorInfo {
        data: data.as_bytes().to_vec(),
        programs: vec![program("run"), program("sort")],
        ..double::executor_info("group")
    };
    let group = Group::registered(info);
    double::take();
    group
}

fn at(now_ms: u64) {
    double::answer_own_usage(Usage { wall_us: now_ms * 1_000, ..double::NOTHING_USED });
    // The time before is told once more, and then this one stays.
    driver::own_usage();
}

fn task(id: &str, data: &str) -> TaskInfo {
    TaskInfo { data: data.as_bytes().to_vec(), ..double::task_info(id) }
}

/// A member of a group of `size`, with so many programs.
fn member(id: &str, group: &str, size: usize, programs: usize) -> TaskInfo {
    let programs = vec![r#"{"program": "run"}"#; programs].join(",");
    task(id, &format!(r#"{{"group": "{group}", "size": {size}, "programs": [{programs}]}}"#))
}

fn exit(group: &mut Group, task: &str, subtask: u64, why: Reason) {
    group.subtask_exited(double::subtask_exit(task, subtask, why));
}

fn spawned(calls: &[Call]) -> Vec<&SpawnOptions> {
    let spawned = calls.iter().filter_map(|call| match call {
        Call::Spawn(options) => Some(options),
        _ => None,
    });
    spawned.collect()
}

fn statuses(calls: &[Call]) -> Vec<&TaskStatus> {
    let statuses = calls.iter().filter_map(|call| match call {
        Call::SendStatusUpdate(status) => Some(status),
        _ => None,
    });
    statuses.collect()
}

fn killed(calls: &[Call]) -> Vec<(u64, u64)> {
    let killed = |call: &Call| match call {
        Call::Kill { subtask, policy } => Some((*subtask, policy.grace_ms)),
        _ => None,
    };
    calls.iter().filter_map(killed).collect()
}

fn said(task: &str, state: TaskState, message: &str, because: Option<Reason>) -> TaskStatus {
    TaskStatus { message: message.to_owned(), because, ..TaskStatus::new(task, state) }
}

/// Two members with a program each, started; the subtasks are 1 and 2.
fn pair() -> Group {
    let mut group = executor("");
    group.launch_task(member("a", "g", 2, 1)).unwrap();
    group.launch_task(member("b", "g", 2, 1)).unwrap();
    double::take();
    group
}

#[test]
fn task_without_a_group_runs_its_programs_at_once() {
    let mut group = executor("");
    let data = r#"{"programs": [
        {"program": "sort", "arguments": ["-r"], "environment": {"B": "3", "C": "4"}},
        {"program": "own"}
    ]}"#;
    let own = NamedProgram { name: "own".into(), artifact: "sha256:own".into() };
    let variable = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let environment = vec![variable("A", "1"), variable("B", "2")];
    let launched = TaskInfo { programs: vec![own], environment, ..task("t", data) };
    group.launch_task(launched).unwrap();
    let calls = double::take();
    let options = spawned(&calls);
    let Source::Granted(program) = &options[0].source else { panic!("not granted") };
    assert_eq!((program.artifact.as_str(), program.name.as_str()), ("sha256:sort", "sort"));
    assert_eq!(program.arguments, ["-r"]);
    let expected = [variable("A", "1"), variable("B", "3"), variable("C", "4")];
    assert_eq!(program.environment, expected);
    for options in &options {
        assert_eq!(options.task.as_deref(), Some("t"));
        assert_eq!((&options.stdin, &options.stdout), (&Input::Task, &Output::Log));
        let limits = options.limits.unwrap();
        assert_eq!((limits.memory_bytes, limits.output_bytes), (32 << 20, 32 << 20));
    }
    assert_eq!(statuses(&calls), [&TaskStatus::new("t", TaskState::Running)]);
    exit(&mut group, "t", 1, Reason::Exited(0));
    assert!(double::take_statuses().is_empty());
    exit(&mut group, "t", 2, Reason::Exited(0));
    let finished = said("t", TaskState::Finished, "", Some(Reason::Exited(0)));
    assert_eq!(double::take_statuses(), [finished]);
}

#[test]
fn limits_are_taken_as_asked_for_and_the_rest_is_shared() {
    let mut group = executor("");
    let data = r#"{"programs": [
        {"program": "run", "limits": {"memory": 4194304, "fuel": 10, "wall_ms": 5, "output": 64}},
        {"program": "run"}, {"program": "run"}
    ]}"#;
    let limits =
        Limits { memory_bytes: 64 << 20, fuel: Some(110), wall_ms: Some(99), output_bytes: 164 };
    group.launch_task(TaskInfo { limits, ..task("t", data) }).unwrap();
    let calls = double::take();
    let got: Vec<_> = spawned(&calls).iter().map(|options| options.limits.unwrap()).collect();
    let asked =
        Limits { memory_bytes: 4 << 20, fuel: Some(10), wall_ms: Some(5), output_bytes: 64 };
    let part =
        Limits { memory_bytes: 30 << 20, fuel: Some(50), wall_ms: Some(99), output_bytes: 50 };
    assert_eq!(got, [asked, part, part]);
}

#[test]
fn members_are_held_until_all_are_there() {
    let mut group = executor("");
    group.launch_task(member("a", "g", 2, 1)).unwrap();
    let calls = double::take();
    let waiting = "waiting for 1 of 2 members of group g";
    assert_eq!(statuses(&calls), [&said("a", TaskState::Starting, waiting, None)]);
    assert!(spawned(&calls).is_empty() && calls.contains(&Call::WakeAfter(60_000)));
    group.launch_task(member("b", "g", 2, 2)).unwrap();
    let calls = double::take();
    let tasks: Vec<_> = spawned(&calls).iter().map(|o| o.task.clone().unwrap()).collect();
    assert_eq!(tasks, ["a", "b", "b"]);
    let running = |task| TaskStatus::new(task, TaskState::Running);
    assert_eq!(statuses(&calls), [&running("a"), &running("b")]);
}

#[test]
fn member_finishes_with_its_own_programs_and_the_others_go_on() {
    let mut group = pair();
    exit(&mut group, "a", 1, Reason::Exited(0));
    let calls = double::take();
    let finished = |task| said(task, TaskState::Finished, "", Some(Reason::Exited(0)));
    assert_eq!(statuses(&calls), [&finished("a")]);
    assert!(killed(&calls).is_empty());
    exit(&mut group, "b", 2, Reason::Exited(0));
    assert_eq!(double::take_statuses(), [finished("b")]);
    group.launch_task(member("c", "g", 1, 1)).unwrap();
    assert_eq!(double::take_statuses()[0].state, TaskState::Running, "the name is free again");
}

#[test]
fn first_bad_end_is_the_end_of_all() {
    let mut group = pair();
    let trap = Reason::Trapped("trapped: unreachable".into());
    exit(&mut group, "a", 1, trap.clone());
    let calls = double::take();
    assert_eq!(killed(&calls), [(2, 0)]);
    let other = "its group g ended: a failed: run: trapped: unreachable";
    let expected = [
        said("a", TaskState::Failed, "run: trapped: unreachable", Some(trap)),
        said("b", TaskState::Failed, other, None),
    ];
    assert_eq!(statuses(&calls), expected.each_ref());
    exit(&mut group, "b", 2, Reason::Killed);
    assert!(double::take_statuses().is_empty());
}

#[test]
fn group_that_cannot_start_as_a_whole_does_not_start() {
    let mut group = executor("");
    group.launch_task(member("a", "g", 2, 1)).unwrap();
    double::take();
    let reason = Reason::MissingImport("env/magic".into());
    double::answer_spawn(Ok(1));
    double::answer_spawn(Err(Refusal::CannotStart(reason.clone())));
    group.launch_task(member("b", "g", 2, 2)).unwrap();
    let calls = double::take();
    assert_eq!(spawned(&calls).len(), 2, "nothing is started after the first that cannot");
    assert_eq!(killed(&calls), [(1, 0)]);
    let text = "run: cannot start: imports what nobody provides: env/magic";
    let other = format!("its group g ended: b failed: {text}");
    let expected = [
        said("a", TaskState::Failed, &other, None),
        said("b", TaskState::Failed, text, Some(reason)),
    ];
    assert_eq!(statuses(&calls), expected.each_ref());
}

#[test]
fn kill_of_one_member_kills_all() {
    let mut group = pair();
    group.kill_task("b", KillPolicy::AT_ONCE);
    let calls = double::take();
    assert_eq!(killed(&calls), [(1, 0), (2, 0)]);
    let expected = [
        said("a", TaskState::Killed, "its group g ended: b was killed", None),
        said("b", TaskState::Killed, "", Some(Reason::Killed)),
    ];
    assert_eq!(statuses(&calls), expected.each_ref());
}

#[test]
fn kill_with_grace_passes_the_grace_on() {
    let mut group = pair();
    group.kill_task("a", KillPolicy { grace_ms: 500 });
    let calls = double::take();
    assert_eq!(killed(&calls), [(1, 500), (2, 500)]);
    let ending = "group g is ending: a was killed";
    let expected =
        [TaskStatus::new("a", TaskState::Killing), said("b", TaskState::Killing, ending, None)];
    assert_eq!(statuses(&calls), expected.each_ref());
    group.kill_task("b", KillPolicy { grace_ms: 100 });
    let calls = double::take();
    assert_eq!(killed(&calls), [(1, 100), (2, 100)], "a shorter grace is passed on too");
    assert!(statuses(&calls).is_empty());
    exit(&mut group, "b", 2, Reason::Exited(0));
    exit(&mut group, "a", 1, Reason::Killed);
    let expected = [
        said("b", TaskState::Finished, "", Some(Reason::Exited(0))),
        said("a", TaskState::Killed, "", Some(Reason::Killed)),
    ];
    assert_eq!(double::take_statuses(), expected);
}

#[test]
fn kill_of_a_member_that_waits_ends_the_waiting() {
    let mut group = executor("");
    group.launch_task(member("a", "g", 3, 1)).unwrap();
    group.launch_task(member("b", "g", 3, 1)).unwrap();
    double::take();
    group.kill_task("a", KillPolicy { grace_ms: 500 });
    let states: Vec<_> = double::take_statuses().into_iter().map(|s| (s.task, s.state)).collect();
    let expected = ["a", "b"].map(|task| (task.to_owned(), TaskState::Killed));
    assert_eq!(states, expected);
}

#[test]
fn group_that_does_not_become_complete_fails() {
    let mut group = executor(r#"{"wait_ms": 100}"#);
    group.launch_task(member("a", "g", 3, 1)).unwrap();
    at(40);
    group.launch_task(member("b", "g", 3, 1)).unwrap();
    group.launch_task(member("c", "h", 2, 1)).unwrap();
    double::take();
    at(99);
    group.tick();
    let calls = double::take();
    assert!(statuses(&calls).is_empty() && calls.contains(&Call::WakeAfter(1)));
    at(100);
    group.tick();
    let calls = double::take();
    let late = "1 of 3 members of group g did not come in the time that wait_ms grants";
    let expected = ["a", "b"].map(|task| said(task, TaskState::Failed, late, None));
    assert_eq!(statuses(&calls), expected.each_ref());
    assert!(calls.contains(&Call::WakeAfter(40)), "the other group has its own time");
    group.launch_task(member("d", "g", 1, 1)).unwrap();
    assert_eq!(double::take_statuses()[0].state, TaskState::Running);
}

#[test]
fn task_that_does_not_fit_its_group_is_refused() {
    let mut group = executor("");
    group.launch_task(member("a", "g", 2, 1)).unwrap();
    let refused = group.launch_task(member("b", "g", 3, 1)).unwrap_err();
    assert_eq!(refused, "group g has 2 members, as the first of them says, not 3");
    let refused = group.launch_task(member("a", "g", 2, 1)).unwrap_err();
    assert_eq!(refused, "a task of this id is not over");
    group.launch_task(member("b", "g", 2, 1)).unwrap();
    let refused = group.launch_task(member("c", "g", 2, 1)).unwrap_err();
    assert_eq!(refused, "group g is complete: it has its 2 members already");
}

#[test]
fn wrong_data_is_refused_by_the_name_of_its_field() {
    let mut group = executor("");
    let refused = [
        ("", "the data of the task: EOF"),
        ("{}", "missing field `programs`"),
        (r#"{"programs": []}"#, "field programs: 0 programs, 1 to 64 are allowed"),
        (r#"{"programs": [{"program": "x"}]}"#, "programs[0].program: no \"x\"; one of run, sort"),
        (r#"{"programs": [{"name": "run"}]}"#, "field programs[0].name: unknown field `name`"),
        (r#"{"group": "g", "programs": [{"program": "run"}]}"#, "field size: missing"),
        (r#"{"size": 2, "programs": [{"program": "run"}]}"#, "field group: missing"),
        (r#"{"group": "", "size": 2, "programs": [{"program": "run"}]}"#, "field group: 0 bytes"),
        (r#"{"group": "g", "size": 0, "programs": [{"program": "run"}]}"#, "size: 0 members"),
        (r#"{"group": "g", "size": 257, "programs": [{"program": "run"}]}"#, "1 to 256 are"),
        (
            r#"{"programs": [{"program": "run", "limits": {"memory": 67108865}}]}"#,
            "limits.memory: 67108865 for all programs, 67108864 is what the task has",
        ),
        (
            r#"{"programs": [{"program": "run", "limits": {"memory": 1}}]}"#,
            "programs[0].limits.memory: 1 bytes, 131072 is the least",
        ),
        (
            r#"{"programs": [{"program": "run", "limits": {"cpu": 1}}]}"#,
            "field programs[0].limits.cpu: unknown field `cpu`, expected one of `memory`",
        ),
    ];
    for (data, expected) in refused {
        let error = group.launch_task(task("t", data)).unwrap_err();
        assert!(error.contains(expected), "{data}: {error}");
    }
    assert!(double::take_statuses().is_empty());
    let refused = executor("{").launch_task(member("a", "g", 1, 1)).unwrap_err();
    assert!(refused.starts_with("the data of the ExecutorInfo: EOF"), "{refused}");
}

#[test]
fn tasks_beyond_the_memory_are_refused() {
    double::answer_own_limits(Limits { memory_bytes: 10 << 10, ..LIMITS });
    let mut group = executor("");
    for id in ["a", "b"] {
        group.launch_task(member(id, "g", 9, 1)).unwrap();
    }
    let refused = group.launch_task(member("c", "g", 9, 1)).unwrap_err();
    assert!(refused.starts_with("the 2 tasks of this executor take "), "{refused}");
    group.kill_task("a", KillPolicy::AT_ONCE);
    group.launch_task(member("c", "g", 9, 1)).unwrap();
}

#[test]
fn with_grace_groups_come_to_their_end() {
    let mut group = pair();
    group.shutdown(1_000);
    assert!(!double::take().contains(&Call::Stop));
    assert!(group.launch_task(member("c", "h", 1, 1)).is_err());
    exit(&mut group, "a", 1, Reason::Exited(0));
    assert!(!double::take().contains(&Call::Stop));
    exit(&mut group, "b", 2, Reason::Exited(0));
    assert!(double::take().contains(&Call::Stop));
    executor("").shutdown(0);
    assert!(double::take().contains(&Call::Stop));
}
