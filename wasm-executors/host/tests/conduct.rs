//! Executors that misbehave: each has its clear end, and its neighbours notice nothing.

#[cfg(test)]
mod house;

use house::{
    House, agent_id, executor_id, executor_task, for_executor, framework_id, task, task_id,
};
use stoa_model::command::NamedProgram;
use stoa_model::host::Command;
use stoa_model::ids::UpdateId;
use stoa_model::status::Reason;
use stoa_model::task::{TaskInfo, TaskState};

const EVENT_MS_MAX: u64 = 300;

/// A task for a puppet with these orders, which has a program to start.
fn asks(house: &House, id: &str, (executor, orders): (&str, &str), data: &str) -> TaskInfo {
    let puppet = house.store(include_bytes!("puppet.wasm"));
    let mut task = executor_task(id, executor, puppet, data.as_bytes());
    let program = NamedProgram { name: "hello".to_owned(), program: house.store_sample("hello") };
    for_executor(&mut task).executor.data = orders.as_bytes().to_vec();
    for_executor(&mut task).programs = vec![program];
    task
}

/// Makes the event happen that the executor `bad` is to fail in, and its task `id` with it.
async fn provoke(house: &mut House, id: &str, event: &str) {
    let data = match event {
        "tick" => "tick",
        "subtask-exited" | "subtask-output" => "spawn",
        _ => "wait",
    };
    let task = asks(house, id, ("bad", &format!("{} {event}", orders(id))), data);
    house.launch(task).await;
    if matches!(event, "registered" | "launch-task") {
        return;
    }
    house.until(id, TaskState::Running).await;
    let (framework, executor) = (framework_id("f"), executor_id("bad"));
    let command = match event {
        "kill-task" => return house.kill(id, 60_000).await,
        "message" => return house.send_message("bad", b"hello").await,
        "reregistered" => Command::Reregistered { agent: agent_id("a") },
        "acknowledged" => {
            Command::Acknowledge { framework, task: task_id(id), update: UpdateId(1) }
        }
        "shutdown" => Command::Shutdown { framework, executor, grace_ms: 60_000 },
        _ => return,
    };
    house.handle.send(command).await;
}

/// `trap in` or `spin in`, by the name of the task.
fn orders(id: &str) -> &'static str {
    if id.starts_with("trap") { "trap in" } else { "spin in" }
}

const EVENTS: [&str; 10] = [
    "registered",
    "reregistered",
    "launch-task",
    "kill-task",
    "message",
    "acknowledged",
    "subtask-exited",
    "subtask-output",
    "tick",
    "shutdown",
];

/// A neighbour of each kind, to be seen to live afterwards.
async fn with_neighbours(house: &mut House) {
    let spin = task("spin", house.store_sample("spin"));
    let good = asks(house, "good", ("good", ""), "wait");
    for neighbour in [spin, good] {
        let id = neighbour.id.clone();
        house.launch(neighbour).await;
        house.until(id.as_str(), TaskState::Running).await;
    }
}

async fn check_neighbours(house: &mut House) {
    house.send_message("good", b"are you there").await;
    house.message("good", "are you there").await;
    for neighbour in ["spin", "good"] {
        assert!(!house.states(neighbour).iter().any(|state| state.is_terminal()), "{neighbour}");
    }
}

#[tokio::test]
async fn who_traps_in_any_event_is_lost() {
    let mut house = House::new();
    with_neighbours(&mut house).await;
    for event in EVENTS {
        let id = format!("trap-{event}");
        provoke(&mut house, &id, event).await;
        let over = house.over(&id).await;
        assert_eq!(over.reason, Reason::ExecutorLost, "{event}: {over:?}");
        let why = format!("its executor is lost: in {event} it trapped: ");
        assert!(over.message.starts_with(&why), "{event}: {}", over.message);
        assert!(house.executor_ended("bad").await.starts_with(&why), "{event}");
    }
    check_neighbours(&mut house).await;
}

#[tokio::test]
async fn who_spins_in_any_event_is_lost_at_its_deadline() {
    let mut house = House::with_event_ms_max(EVENT_MS_MAX);
    with_neighbours(&mut house).await;
    for event in EVENTS {
        let id = format!("spin-{event}");
        provoke(&mut house, &id, event).await;
        let over = house.over(&id).await;
        assert_eq!(over.reason, Reason::ExecutorLost, "{event}: {over:?}");
        let why = format!("its executor is lost: {event} took more than 0.300 s");
        assert!(over.message.starts_with(&why), "{event}: {}", over.message);
        assert!(house.executor_ended("bad").await.starts_with(&why), "{event}");
    }
    check_neighbours(&mut house).await;
}

#[tokio::test]
async fn who_never_answers_a_launch_is_overruled_by_a_kill_or_by_time() {
    let mut house = House::with_event_ms_max(EVENT_MS_MAX);
    let mut silent = asks(&house, "killed", ("silent", ""), "silent");
    // With nothing to prepare it is handed over in the order of the commands.
    for_executor(&mut silent).programs.clear();
    silent.resources.disk_bytes = 0;
    house.launch(silent).await;
    // It has the launch when it answers what came after.
    house.send_message("silent", b"after").await;
    house.message("silent", "after").await;
    let told = house.states("killed");
    assert!(told.iter().all(|state| *state == TaskState::Starting), "{told:?}");
    house.kill("killed", 1).await;
    house.message("silent", "asked to kill").await;
    let over = house.over("killed").await;
    assert_eq!((over.state, over.reason), (TaskState::Killed, Reason::KillRequested));
    let mut timed = asks(&house, "timed", ("silent", ""), "wait");
    timed.max_completion_ms = Some(50);
    assert_eq!(house.run(timed).await.reason, Reason::TimedOut);
}

#[tokio::test]
async fn nobody_speaks_for_others_or_after_the_end() {
    let mut house = House::new();
    with_neighbours(&mut house).await;
    for (data, unknown) in [("others good", "good"), ("others spin", "spin"), ("late", "late")] {
        let id = data.rsplit(' ').next().unwrap_or(data);
        let id = if id == "late" { "late".to_owned() } else { format!("for-{id}") };
        let liar = asks(&house, &id, ("liar", ""), data);
        house.launch(liar).await;
        let said = format!("Err(Refusal::UnknownTask(\"{unknown}\"))");
        assert_eq!(house.message("liar", "Err").await, said, "{data}");
        assert_eq!(house.over(&id).await.state, TaskState::Finished, "{data}");
        let ends = house.states(&id).into_iter().filter(|state| state.is_terminal());
        assert_eq!(ends.count(), 1, "{data}");
    }
    check_neighbours(&mut house).await;
}

#[tokio::test]
async fn floods_of_messages_are_refused_and_floods_of_lines_are_cut() {
    let mut house = House::new();
    with_neighbours(&mut house).await;
    let messages = asks(&house, "messages", ("flood", ""), "messages");
    house.launch(messages).await;
    assert_eq!(house.message("flood", "Some").await, "Some(1024)");
    assert_eq!(house.over("messages").await.state, TaskState::Finished);
    let lines = asks(&house, "lines", ("flood", ""), "lines");
    assert_eq!(house.run(lines).await.state, TaskState::Finished);
    check_neighbours(&mut house).await;
}
