//! Frameworks' own executors: what they can do, and what becomes of those that misbehave.

#[cfg(test)]
mod house;

use house::{House, executor_id, executor_task, framework_id, rascal_task, task, task_id};
use stoa_model::digest::Digest;
use stoa_model::host::{Command, Event, TaskChange};
use stoa_model::ids::UpdateId;
use stoa_model::operator::LogStream;
use stoa_model::status::Reason;
use stoa_model::task::{TaskInfo, TaskState};

fn rascal(house: &House) -> Digest {
    house.store(include_bytes!("rascal.wasm"))
}

fn asks(house: &House, id: &str, data: &str) -> TaskInfo {
    rascal_task(house, id, data)
}

async fn ask(house: &mut House, id: &str, data: &str) -> TaskChange {
    let task = asks(house, id, data);
    house.run(task).await
}

/// Waits for the end of the executor and answers what was said of it.
async fn ended(house: &mut House) -> String {
    loop {
        if let Event::ExecutorEnded { executor, message, .. } = house.next().await {
            assert_eq!(executor.as_str(), "rascal");
            return message;
        }
    }
}

/// Waits for a message of the executor.
async fn message(house: &mut House) -> String {
    loop {
        if let Event::Message { data, .. } = house.next().await {
            return String::from_utf8(data).expect("the rascal sends text");
        }
    }
}

/// The states that were told of a task since its executor was there.
fn states(house: &House, task: &str) -> Vec<TaskState> {
    let mut states = house.states(task);
    states.retain(|state| *state != TaskState::Starting);
    states
}

#[tokio::test]
async fn an_executor_runs_its_tasks_and_hears_of_everything() {
    let mut house = House::new();
    let over = ask(&mut house, "t", "anything").await;
    assert_eq!((over.state, over.reason), (TaskState::Finished, Reason::ExecutorReported));
    assert_eq!(over.message, "anything");
    assert_eq!(states(&house, "t"), [TaskState::Running, TaskState::Finished]);
    let told = house.heard.iter().any(
        |event| matches!(event, Event::Message { data, .. } if data == b"registered rascal a"),
    );
    assert!(told, "{:?}", house.heard);
    house.send_message("rascal", b"to and fro").await;
    assert_eq!(message(&mut house).await, "to and fro");
    let (framework, task, update) = (framework_id("f"), task_id("t"), UpdateId(1));
    house.handle.send(Command::Acknowledge { framework, task, update }).await;
    assert_eq!(message(&mut house).await, "acknowledged t");
    let (framework, executor, grace_ms) = (framework_id("f"), executor_id("rascal"), 7);
    house.handle.send(Command::Shutdown { framework, executor, grace_ms }).await;
    assert_eq!(message(&mut house).await, "shutdown 7");
    assert_eq!(ended(&mut house).await, "shut down as asked");
    let again = ask(&mut house, "u", "again").await;
    assert_eq!(again.state, TaskState::Finished, "a new one is started when there is a task");
}

#[tokio::test]
async fn a_task_that_is_refused_fails_and_the_executor_lives() {
    let mut house = House::new();
    let over = ask(&mut house, "t", "refuse").await;
    assert_eq!((over.state, over.reason), (TaskState::Failed, Reason::ExecutorRefused));
    assert!(over.message.ends_with("not today"), "{}", over.message);
    assert_eq!(ask(&mut house, "u", "x").await.state, TaskState::Finished);
}

#[tokio::test]
async fn who_traps_overruns_or_lies_is_lost_with_its_tasks_alone() {
    let mut house = House::new();
    let neighbour = task("neighbour", house.store_sample("spin"));
    house.launch(neighbour).await;
    house.until("neighbour", TaskState::Running).await;
    let cases = [
        ("trap", "in launch-task it trapped"),
        ("hoard", "in launch-task it was out of memory: asked for"),
        ("lies", "100 of its calls had to be refused"),
        ("stop", "its executor has stopped itself"),
        ("spin", "launch-task"),
    ];
    for (what, why) in cases {
        let waiting = asks(&house, &format!("waits-{what}"), "wait");
        house.launch(waiting).await;
        house.until(&format!("waits-{what}"), TaskState::Running).await;
        let over = ask(&mut house, what, what).await;
        let reason = match what {
            "hoard" => Reason::MemoryExceeded,
            _ => Reason::ExecutorLost,
        };
        assert_eq!((over.state, over.reason), (TaskState::Failed, reason), "{over:?}");
        assert!(over.message.contains(why), "{what}: {}", over.message);
        let message = ended(&mut house).await;
        assert!(message.contains(why), "{what}: {message}");
        let other = states(&house, &format!("waits-{what}"));
        assert_eq!(other, [TaskState::Running, TaskState::Failed], "{what}");
    }
    assert!(!house.states("neighbour").iter().any(|state| state.is_terminal()));
}

#[tokio::test]
async fn a_trap_in_a_message_ends_all_its_tasks() {
    let mut house = House::new();
    let waiting = asks(&house, "t", "wait");
    house.launch(waiting).await;
    house.until("t", TaskState::Running).await;
    house.send_message("rascal", b"trap").await;
    let over = house.over("t").await;
    assert_eq!(over.reason, Reason::ExecutorLost);
    assert!(over.message.contains("in message it trapped"), "{}", over.message);
    ended(&mut house).await;
}

#[tokio::test]
async fn what_is_no_executor_does_not_start() {
    let mut house = House::new();
    let noop = house.store_sample("noop");
    let over = house.run(executor_task("t", "noop", noop, b"")).await;
    assert_eq!((over.state, over.reason), (TaskState::Failed, Reason::InvalidModule));
    assert!(over.message.starts_with("its executor noop: is no executor: "), "{}", over.message);
    let reserved = executor_task("u", "command", rascal(&house), b"");
    assert_eq!(house.run(reserved).await.reason, Reason::TaskInvalid);
    let hello = house.store_sample("hello");
    let over = house.run(executor_task("v", "hello", hello, b"")).await;
    assert_eq!(over.reason, Reason::InvalidModule);
}

#[tokio::test]
async fn what_an_executor_says_is_checked() {
    let mut house = House::new();
    let over = ask(&mut house, "t", "lie").await;
    assert!(over.message.contains("UnknownTask(\"nobody\")"), "{}", over.message);
    assert!(over.message.contains("STARTING cannot follow RUNNING"), "{}", over.message);
    let over = ask(&mut house, "u", "flood").await;
    assert_eq!(over.message, "Some(1024)", "so many in one event");
    let over = ask(&mut house, "v", "own").await;
    assert!(over.message.contains("names no program of its own"), "{}", over.message);
}

#[tokio::test]
async fn subtasks_are_fed_heard_held_and_walled() {
    let mut house = House::new();
    let program = rascal(&house);
    let over = ask(&mut house, "cat", &format!("cat {program}")).await;
    assert_eq!(over.message, "Reason::Exited(0) 10 to and fro");
    assert!(over.usage.unwrap().fuel > 0, "the host says what was used, not the executor");
    assert_eq!(house.log("cat", LogStream::Stdout), "");
    let over = ask(&mut house, "both", &format!("both {program}")).await;
    assert_eq!(over.message, "Reason::Exited(0) 10 to and fro");
    assert_eq!(house.log("both", LogStream::Stdout), "to and fro");
    let over = ask(&mut house, "hold", &format!("spin-below {program}")).await;
    assert_eq!(over.message, "Reason::Killed 0 stood still");
    let over = ask(&mut house, "carve", &format!("carve {program}")).await;
    assert!(over.message.contains("bytes of memory, 67108864 are left"), "{}", over.message);
    let unknown = Digest([1; 32]);
    let over = ask(&mut house, "unknown", &format!("cat {unknown}")).await;
    assert!(over.message.contains("is no program of the task or its executor"), "{}", over.message);
}

#[tokio::test]
async fn the_time_of_a_task_without_subtasks_ends_too() {
    let mut house = House::new();
    let mut task = asks(&house, "t", "wait");
    task.max_completion_ms = Some(50);
    let over = house.run(task).await;
    assert_eq!((over.state, over.reason), (TaskState::Failed, Reason::TimedOut));
}

#[tokio::test]
async fn a_kill_is_the_executors_and_then_the_hosts() {
    let mut house = House::new();
    for (what, told) in [
        ("wait", vec![TaskState::Running, TaskState::Killed]),
        ("spin-below", vec![TaskState::Running, TaskState::Finished]),
    ] {
        let task = asks(&house, what, &format!("{what} {}", rascal(&house)));
        house.launch(task).await;
        house.until(what, TaskState::Running).await;
        house.kill(what, 0).await;
        let over = house.over(what).await;
        assert_eq!(states(&house, what), told, "{over:?}");
    }
    // This one does not listen: it is overruled after a while.
    let program = rascal(&house);
    let mut deaf = executor_task("deaf", "other", program, b"flood");
    deaf.name = "deaf".to_owned();
    let silent = executor_task("silent", "other", program, b"wait");
    house.launch(silent).await;
    house.until("silent", TaskState::Running).await;
    house.run(deaf).await;
    house.kill("silent", 0).await;
    let over = house.over("silent").await;
    assert_eq!((over.state, over.reason), (TaskState::Killed, Reason::KillRequested));
}

#[tokio::test]
async fn two_frameworks_have_executors_and_tasks_of_their_own() {
    let mut house = House::new();
    let program = rascal(&house);
    house.launch_for("f", executor_task("t", "rascal", program, b"wait")).await;
    house.launch_for("g", executor_task("t", "rascal", program, b"wait")).await;
    let mut running = 0;
    while running < 2 {
        if let Event::Update(change) = house.next().await {
            running += u32::from(change.state == TaskState::Running);
        }
    }
    house.send_message("rascal", b"trap").await;
    let over = house.over("t").await;
    assert_eq!(over.framework, framework_id("f"));
    let (framework, executor) = (framework_id("g"), executor_id("rascal"));
    let data = b"still here".to_vec();
    house.handle.send(Command::Message { framework, executor, data }).await;
    while message(&mut house).await != "still here" {}
}
