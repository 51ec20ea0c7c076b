//! The life of a framework's own executor: what must be there before it begins, when it ends, and
//! what is said of it then.

#[cfg(test)]
mod house;

use house::{House, executor_id, executor_task, for_executor, framework_id};
use stoa_model::command::NamedProgram;
use stoa_model::digest::Digest;
use stoa_model::host::{Command, Event};
use stoa_model::ids::AgentId;
use stoa_model::status::Reason;
use stoa_model::task::{TaskInfo, TaskState};

fn asks(house: &House, id: &str, data: &str) -> TaskInfo {
    let puppet = house.store(include_bytes!("puppet.wasm"));
    executor_task(id, "puppet", puppet, data.as_bytes())
}

fn named(name: &str, program: Digest) -> NamedProgram {
    NamedProgram { name: name.to_owned(), program }
}

/// What was said of a task while it was STARTING.
fn phases<'a>(house: &'a House, id: &str) -> Vec<&'a str> {
    let changes = house.heard.iter().filter_map(|event| match event {
        Event::Update(change) if change.task.as_str() == id => Some(change),
        _ => None,
    });
    let starting = changes.filter(|change| change.state == TaskState::Starting);
    starting.map(|change| change.message.as_str()).collect()
}

#[tokio::test]
async fn everything_is_compiled_before_it_is_needed_and_who_waits_is_told() {
    let mut house = House::new();
    let mut task = asks(&house, "t", "finish");
    let (noop, hello) = (house.store_sample("noop"), house.store_sample("hello"));
    for_executor(&mut task).executor.programs = vec![named("own", hello)];
    for_executor(&mut task).programs = vec![named("first", noop)];
    let second = TaskInfo { id: house::task_id("u"), ..task.clone() };
    house.launch(task).await;
    house.launch(second).await;
    assert_eq!(house.message("puppet", "registered").await, "registered 1");
    for id in ["t", "u"] {
        assert_eq!(house.over(id).await.state, TaskState::Finished);
        let told = phases(&house, id);
        assert!(told[0].starts_with("compiling its executor puppet ("), "{told:?}");
    }
    let again = asks(&house, "v", "finish");
    house.handle.send(shutdown(0)).await;
    house.executor_ended("puppet").await;
    assert_eq!(house.run(again).await.state, TaskState::Finished);
    assert_eq!(phases(&house, "v"), [""; 0], "what is compiled is told of no more");
    let mut fresh = asks(&house, "w", "finish");
    let module = r#"(module (func (export "_start") (drop (i32.const 7))))"#;
    for_executor(&mut fresh).programs = vec![named("fresh", house.store_wat(module))];
    assert_eq!(house.run(fresh).await.state, TaskState::Finished);
    let told = phases(&house, "w");
    assert!(told.iter().any(|it| it.starts_with("compiling fresh (")), "{told:?}");
}

#[tokio::test]
async fn a_task_whose_program_cannot_run_never_reaches_its_executor() {
    let mut house = House::new();
    let broken = house.store(b"\x7fELF and more");
    let wanting = r#"(module (import "env" "f" (func)) (func (export "_start")))"#;
    let wanting = house.store_wat(wanting);
    for (id, program, reason, why) in [
        ("broken", broken, Reason::InvalidModule, "its program broken: is no wasm"),
        ("wanting", wanting, Reason::MissingImport, "its program wanting: imports env.f"),
    ] {
        let mut task = asks(&house, id, "last-words");
        for_executor(&mut task).programs = vec![named(id, program)];
        let over = house.run(task).await;
        assert_eq!((over.state, over.reason), (TaskState::Failed, reason), "{over:?}");
        assert!(over.message.starts_with(why), "{}", over.message);
    }
    let mut denied = asks(&house, "denied", "last-words");
    for_executor(&mut denied).grants.stdin = Some(Digest([9; 32]));
    assert_eq!(house.run(denied).await.reason, Reason::GrantDenied);
    let good = asks(&house, "good", "finish");
    assert_eq!(house.run(good).await.state, TaskState::Finished, "it was never told to trap");
}

#[tokio::test]
async fn an_executor_whose_program_cannot_run_never_begins() {
    let mut house = House::new();
    let mut task = asks(&house, "t", "finish");
    for_executor(&mut task).executor.programs = vec![named("broken", house.store(b"#!/bin/sh"))];
    let over = house.run(task).await;
    assert_eq!((over.state, over.reason), (TaskState::Failed, Reason::InvalidModule));
    let why = "the program broken of its executor puppet: is no wasm";
    assert!(over.message.starts_with(why), "{}", over.message);
    assert!(house.executor_ended("puppet").await.starts_with(why));
}

#[tokio::test]
async fn a_task_that_is_killed_while_its_executor_is_compiled_is_over_at_once() {
    let mut house = House::new();
    let task = asks(&house, "t", "finish");
    house.launch(task).await;
    house.until("t", TaskState::Starting).await;
    house.kill("t", 1_000).await;
    let over = house.over("t").await;
    assert_eq!((over.state, over.reason), (TaskState::Killed, Reason::KillRequested));
}

#[tokio::test]
async fn an_idle_executor_is_shut_down_and_begins_anew_with_the_next_task() {
    let mut house = House::new();
    let idle_ms = |mut task: TaskInfo, ms| {
        for_executor(&mut task).executor.idle_ms = ms;
        task
    };
    let task = idle_ms(asks(&house, "t", "finish"), 50);
    assert_eq!(house.run(task).await.state, TaskState::Finished);
    assert_eq!(house.message("puppet", "shutdown").await, "shutdown 5000");
    assert_eq!(house.executor_ended("puppet").await, "shut down as it was idle for 50 ms");
    // However they meet, no task is lost to an executor that is about to end.
    for number in 0..100 {
        let id = format!("t{number}");
        let task = idle_ms(asks(&house, &id, "tick"), 1);
        let over = house.run(task).await;
        assert_eq!(over.state, TaskState::Finished, "{over:?}");
    }
    let task = idle_ms(asks(&house, "busy", "wait"), 1);
    let task = TaskInfo { max_completion_ms: Some(100), ..task };
    assert_eq!(house.run(task).await.reason, Reason::TimedOut, "who has a task is not idle");
    house.executor_ended("puppet").await;
}

#[tokio::test]
async fn nothing_is_heard_of_a_framework_that_was_removed() {
    let mut house = House::new();
    let mut task = asks(&house, "t", "spawn");
    for_executor(&mut task).programs = vec![named("spin", house.store_sample("spin"))];
    house.launch(task).await;
    house.until("t", TaskState::Running).await;
    let framework = framework_id("f");
    house.handle.send(Command::RemoveFramework { framework }).await;
    // Longer than the grace of those that are removed.
    let mut other = asks(&house, "other", "wait");
    other.max_completion_ms = Some(1_500);
    house.launch_for("g", other).await;
    house.until("other", TaskState::Running).await;
    let before = house.heard.len();
    assert_eq!(house.over("other").await.reason, Reason::TimedOut);
    for event in &house.heard[before..] {
        let of = match event {
            Event::Update(change) => &change.framework,
            Event::Message { framework, .. }
            | Event::ExecutorEnded { framework, .. }
            | Event::Output { framework, .. } => framework,
        };
        assert_eq!(*of, framework_id("g"), "{event:?}");
    }
    let again = asks(&house, "again", "finish");
    assert_eq!(house.run(again).await.state, TaskState::Finished, "it would begin afresh");
}

fn shutdown(grace_ms: u64) -> Command {
    let (framework, executor) = (framework_id("f"), executor_id("puppet"));
    Command::Shutdown { framework, executor, grace_ms }
}

#[tokio::test]
async fn a_shutdown_gives_grace_and_then_kills_what_is_left() {
    let mut house = House::new();
    let task = asks(&house, "t", "wait");
    house.launch(task).await;
    house.until("t", TaskState::Running).await;
    house.handle.send(shutdown(60_000)).await;
    assert_eq!(house.message("puppet", "shutdown").await, "shutdown 60000");
    house.handle.send(shutdown(1)).await;
    let over = house.over("t").await;
    assert_eq!((over.state, over.reason), (TaskState::Killed, Reason::KillRequested));
    assert_eq!(over.message, "its executor was shut down");
    assert_eq!(house.executor_ended("puppet").await, "shut down as asked");
}

#[tokio::test]
async fn every_executor_hears_that_the_agent_is_back() {
    let mut house = House::new();
    let task = asks(&house, "t", "wait");
    house.launch(task).await;
    house.until("t", TaskState::Running).await;
    let agent = AgentId::new("b").unwrap();
    house.handle.send(Command::Reregistered { agent }).await;
    assert_eq!(house.message("puppet", "reregistered").await, "reregistered f puppet b");
}

#[tokio::test]
async fn the_last_words_of_a_lost_executor_are_told() {
    let mut house = House::new();
    let task = asks(&house, "t", "last-words");
    let over = house.run(task).await;
    assert!(over.message.starts_with("its executor is lost: in launch-task it trapped"));
    let words = r"; it said last: logged\u{1b}[31m | printed | half";
    assert!(over.message.ends_with(words), "{}", over.message);
    assert!(house.executor_ended("puppet").await.ends_with(words));
}
