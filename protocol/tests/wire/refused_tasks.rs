//! Of a Launch, each illegal task is refused by itself with the path of its field, and the others
//! go on. "Every task ends in a task record or in a terminal Update; never in silence."

use stoa_model::limits::{
    ARGUMENT_BYTES_MAX, BATCH_ENTRIES_MAX, DATA_BYTES_MAX, DURATION_MS_MAX, ENTRIES_MAX,
    ID_BYTES_MAX,
};
use stoa_model::scheduler::{Call, Event};
use stoa_model::status::Reason;
use stoa_model::task::TaskState;
use stoa_protocol::limits::{LABEL_BYTES_MAX, NAME_BYTES_MAX, PATH_BYTES_MAX, PORT_RANGES_MAX};
use stoa_protocol::scheduler::calls::{Decoded, Refused};
use stoa_protocol::scheduler::{calls_from_proto, calls_to_proto};
use stoa_protocol::{Malformed, pb};

use crate::fixtures;

type Damage = fn(&mut pb::TaskInfo);

/// What is done to a legal task, and the field that is refused for it.
const TASKS: &[(&str, Damage)] = &[
    ("name", |t| t.name = "x".repeat(NAME_BYTES_MAX + 1)),
    ("agent", |t| t.agent.clear()),
    ("agent", |t| t.agent = "a/b".into()),
    ("resources", |t| t.resources = None),
    ("body", |t| t.body = None),
    ("labels", |t| t.labels = vec![label("k", ""); ENTRIES_MAX + 1]),
    ("labels[1].key", |t| t.labels[1].key.clear()),
    ("labels[1].key", |t| t.labels[1].key = "x".repeat(LABEL_BYTES_MAX + 1)),
    ("labels[0].value", |t| t.labels[0].value = "x".repeat(LABEL_BYTES_MAX + 1)),
    ("kill_policy.grace_ms", |t| t.kill_policy = Some(policy(DURATION_MS_MAX + 1))),
    ("max_completion_ms", |t| t.max_completion_ms = Some(0)),
    ("max_completion_ms", |t| t.max_completion_ms = Some(DURATION_MS_MAX + 1)),
];

#[test]
fn illegal_part_of_a_task_is_named() {
    for (field, damage) in TASKS {
        check(field, *damage);
    }
}

type ResourcesDamage = fn(&mut pb::Resources);

const RESOURCES: &[(&str, ResourcesDamage)] = &[
    ("ports[0].first", |r| r.ports[0] = range(65_536, 65_536)),
    ("ports[1].last", |r| r.ports[1].last = 65_536),
    ("ports[1]", |r| r.ports[1] = range(7, 6)),
    ("ports[3]", |r| r.ports.push(range(31_005, 31_006))),
    ("ports[3]", |r| r.ports.push(range(0, 0))),
    ("ports", |r| r.ports = vec![range(1, 1); PORT_RANGES_MAX + 1]),
    ("scalars[0].name", |r| r.scalars[0].name.clear()),
    ("scalars[0].name", |r| r.scalars[0].name = "cpus".into()),
    ("scalars[0].name", |r| r.scalars[0].name = "GPUs".into()),
    ("scalars[1].name", |r| r.scalars[1].name = "gpus".into()),
    ("scalars[1].amount", |r| r.scalars[1].amount = 0),
    ("scalars", |r| r.scalars = vec![pb::Scalar::default(); ENTRIES_MAX + 1]),
];

#[test]
fn illegal_part_of_resources_is_named() {
    for (field, damage) in RESOURCES {
        check(&format!("resources.{field}"), |task| {
            damage(task.resources.as_mut().expect("the fixture has resources"));
        });
    }
}

type CommandDamage = fn(&mut pb::CommandInfo);

const COMMANDS: &[(&str, CommandDamage)] = &[
    ("program", |c| c.program.clear()),
    ("program", |c| c.program.push(0)),
    ("name", |c| c.name = "a\0b".into()),
    ("arguments", |c| c.arguments = vec![String::new(); ARGUMENT_BYTES_MAX]),
    ("arguments", |c| c.environment[0].value = "x".repeat(ARGUMENT_BYTES_MAX)),
    ("arguments[1]", |c| c.arguments[1].push('\0')),
    ("environment[0].name", |c| c.environment[0].name.clear()),
    ("environment[0].name", |c| c.environment[0].name = "A=B".into()),
    ("environment[0].name", |c| c.environment[0].name = "A\0".into()),
    ("environment[1].value", |c| c.environment[1].value = "\0".into()),
    ("environment", |c| c.environment = vec![c.environment[0].clone(); ENTRIES_MAX + 1]),
];

#[test]
fn illegal_part_of_a_command_is_named() {
    for (field, damage) in COMMANDS {
        check(&format!("command.{field}"), |task| match &mut task.body {
            Some(pb::task_info::Body::Command(command)) => damage(command),
            _ => unreachable!("the fixture is a command"),
        });
    }
}

type GrantsDamage = fn(&mut pb::Grants);

const GRANTS: &[(&str, GrantsDamage)] = &[
    ("stdin", |g| g.stdin = Some(vec![0; 31])),
    ("directories[0].host_path", |g| g.directories[0].host_path = "srv".into()),
    ("directories[0].host_path", |g| g.directories[0].host_path = "/srv/../etc".into()),
    ("directories[1].guest_path", |g| g.directories[1].guest_path.clear()),
    ("directories[1].access", |g| g.directories[1].access = 0),
    ("directories[1].access", |g| g.directories[1].access = 3),
    ("directories", |g| g.directories = vec![g.directories[0].clone(); ENTRIES_MAX + 1]),
    ("uploads[0].archive", |g| g.uploads[0].archive.clear()),
    ("uploads[0].guest_path", |g| g.uploads[0].guest_path = "/a\0".into()),
    ("uploads", |g| g.uploads = vec![g.uploads[0].clone(); ENTRIES_MAX + 1]),
    ("downloads[0]", |g| g.downloads[0] = "./down".into()),
    ("downloads[0]", |g| g.downloads[0] = format!("/{}", "x".repeat(PATH_BYTES_MAX))),
    ("downloads", |g| g.downloads = vec!["/".into(); ENTRIES_MAX + 1]),
    ("network[0].host", |g| g.network[0].host.clear()),
    ("network[0].host", |g| g.network[0].host = "a b".into()),
    ("network[1].host", |g| g.network[1].host = "[::1]".into()),
    ("network[1].port", |g| g.network[1].port = 0),
    ("network[1].port", |g| g.network[1].port = 65_536),
    ("network", |g| g.network = vec![g.network[0].clone(); ENTRIES_MAX + 1]),
];

#[test]
fn illegal_part_of_the_grants_is_named() {
    for (field, damage) in GRANTS {
        check(&format!("command.grants.{field}"), |task| match &mut task.body {
            Some(pb::task_info::Body::Command(command)) => {
                damage(command.grants.as_mut().expect("the fixture has grants"));
            }
            _ => unreachable!("the fixture is a command"),
        });
    }
}

type ExecutorDamage = fn(&mut pb::ExecutorTask);

const EXECUTORS: &[(&str, ExecutorDamage)] = &[
    ("executor", |e| e.executor = None),
    ("data", |e| e.data = vec![0; DATA_BYTES_MAX + 1]),
    ("executor.id", |e| info(e).id = "..".into()),
    ("executor.name", |e| info(e).name = "x".repeat(NAME_BYTES_MAX + 1)),
    ("executor.program", |e| info(e).program.truncate(3)),
    ("executor.resources", |e| info(e).resources = None),
    ("executor.data", |e| info(e).data = vec![0; DATA_BYTES_MAX + 1]),
    ("executor.programs[1].name", |e| info(e).programs[1].name.clear()),
    ("executor.programs[1].name", |e| info(e).programs[1].name = "a\0".into()),
    ("executor.programs[0].program", |e| info(e).programs[0].program.clear()),
    ("executor.programs[1].name", |e| info(e).programs = vec![named("p"), named("p")]),
    ("executor.programs", |e| info(e).programs = vec![named("p"); ENTRIES_MAX + 1]),
    ("executor.idle_ms", |e| info(e).idle_ms = Some(0)),
    ("executor.idle_ms", |e| info(e).idle_ms = Some(DURATION_MS_MAX + 1)),
    ("programs[0].name", |e| e.programs = vec![named(&"x".repeat(NAME_BYTES_MAX + 1))]),
    ("programs[2].name", |e| e.programs = vec![named("p"), named("q"), named("p")]),
    ("environment[0].name", |e| e.environment = vec![variable("A=B", "")]),
    ("environment", |e| e.environment = vec![variable("A", &"x".repeat(ARGUMENT_BYTES_MAX))]),
    ("grants.downloads[0]", |e| {
        e.grants = Some(pb::Grants { downloads: vec!["down".into()], ..pb::Grants::default() });
    }),
];

#[test]
fn illegal_part_of_an_executor_is_named() {
    for (field, damage) in EXECUTORS {
        check(&format!("executor.{field}"), |task| {
            let mut executor = pb::ExecutorTask {
                executor: Some(stoa_protocol::Wire::to_proto(&fixtures::executor_info())),
                ..pb::ExecutorTask::default()
            };
            damage(&mut executor);
            task.body = Some(pb::task_info::Body::Executor(executor));
        });
    }
}

#[test]
fn task_without_a_readable_id_is_answered_by_an_error() {
    for illegal in [String::new(), "x".repeat(ID_BYTES_MAX + 1), "a b".into()] {
        let decoded = launch(|launch| launch.tasks[1].id.clone_from(&illegal));
        assert_eq!(ids(&decoded), ["task-0", "task-2"]);
        let [refused] = &decoded.refused[..] else { panic!("one refusal: {decoded:?}") };
        let Event::Error { message, is_final: false, .. } = refused.clone().answer(1) else {
            panic!("an Error: {refused:?}");
        };
        assert!(message.starts_with("launch.tasks[1].id is "), "{message}");
        assert!(message.contains("visible ASCII characters"), "{message}");
    }
}

#[test]
fn launch_with_illegal_offers_or_filters_refuses_each_task() {
    let offers = launch(|launch| launch.offers[1] = "no id".into());
    let filters = launch(|launch| {
        launch.filters = Some(pb::Filters { refuse_ms: Some(DURATION_MS_MAX + 1) });
        launch.tasks[0].id.clear();
    });
    let cases = [(offers, "launch.offers[1]", 3), (filters, "launch.filters.refuse_ms", 2)];
    for (decoded, field, tasks) in cases {
        assert_eq!(decoded.call, None);
        assert!(matches!(&decoded.refused[0], Refused::Call(why) if why.field == field));
        assert_eq!(decoded.refused.len(), 1 + tasks);
        for refused in &decoded.refused[1..] {
            assert!(matches!(refused, Refused::Task { malformed, .. } if malformed.field == field));
        }
    }
}

#[test]
fn too_many_tasks_are_answered_once() {
    let decoded = launch(|launch| launch.tasks = vec![pb::TaskInfo::default(); 16_385]);
    assert_eq!(decoded.call, None);
    let expected = Malformed {
        field: "launch.tasks".into(),
        got: "a list of 16385 entries".into(),
        allowed: format!("at most {BATCH_ENTRIES_MAX} entries").into(),
    };
    assert_eq!(decoded.refused, [Refused::Call(expected)]);
}

/// Damages the second of three tasks: it is refused with `field`, the others go on.
fn check(field: &str, damage: impl FnOnce(&mut pb::TaskInfo)) {
    let decoded = launch(|launch| damage(&mut launch.tasks[1]));
    assert_eq!(ids(&decoded), ["task-0", "task-2"], "{field}");
    let [refused] = &decoded.refused[..] else { panic!("{field}: {decoded:?}") };
    let Refused::Task { task, malformed, .. } = refused else { panic!("{field}: {refused:?}") };
    assert_eq!(task.as_str(), "task-1");
    assert_eq!(malformed.field, format!("launch.tasks[1].{field}"));
    let Event::Update(status) = refused.clone().answer(9) else { panic!("{refused:?}") };
    assert_eq!((status.state, status.reason), (TaskState::Error, Reason::TaskInvalid));
    assert_eq!((status.at_ms, status.update), (9, None));
    assert_eq!(status.message, malformed.to_string());
}

/// What the door makes of a Launch of three tasks, `task-0` to `task-2`, that was damaged.
fn launch(damage: impl FnOnce(&mut pb::scheduler::Launch)) -> Decoded {
    let tasks = (0..3).map(|number| stoa_model::task::TaskInfo {
        id: fixtures::id(&format!("task-{number}")),
        ..fixtures::command_task()
    });
    let call = Call::Launch {
        offers: vec![fixtures::offer_id(1), fixtures::offer_id(2)],
        tasks: tasks.collect(),
        filters: stoa_model::offer::Filters::default(),
    };
    let mut batch = calls_to_proto(&[call]);
    match &mut batch.calls[0].call {
        Some(pb::scheduler::call::Call::Launch(launch)) => damage(launch),
        other => unreachable!("it was made a Launch: {other:?}"),
    }
    calls_from_proto(batch).expect("one call is not too many").remove(0)
}

fn ids(decoded: &Decoded) -> Vec<&str> {
    match &decoded.call {
        Some(Call::Launch { tasks, .. }) => tasks.iter().map(|task| task.id.as_str()).collect(),
        other => panic!("the other tasks should go on: {other:?}"),
    }
}

fn label(key: &str, value: &str) -> pb::Label {
    pb::Label { key: key.into(), value: value.into() }
}

fn policy(grace_ms: u64) -> pb::KillPolicy {
    pb::KillPolicy { grace_ms }
}

fn range(first: u32, last: u32) -> pb::PortRange {
    pb::PortRange { first, last }
}

fn named(name: &str) -> pb::NamedProgram {
    pb::NamedProgram { name: name.into(), program: vec![7; 32] }
}

fn variable(name: &str, value: &str) -> pb::Variable {
    pb::Variable { name: name.into(), value: value.into() }
}

fn info(task: &mut pb::ExecutorTask) -> &mut pb::ExecutorInfo {
    task.executor.as_mut().expect("the fixture has an executor")
}
