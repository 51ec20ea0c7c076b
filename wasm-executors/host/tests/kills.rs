//! Ending what runs: at once, after a grace, before it starts, and by removing its framework.

#[cfg(test)]
mod house;

use house::{House, framework_id, task, task_id, with_arguments};
use stoa_model::host::{Command, Event};
use stoa_model::status::Reason;
use stoa_model::task::TaskState;

#[tokio::test]
async fn who_spins_and_who_sleeps_is_killed_at_once() {
    let mut house = House::new();
    let spin = task("spin", house.store_sample("spin"));
    let sleep = with_arguments(task("sleep", house.store_sample("sleep")), &["1000000"]);
    for task in [spin, sleep] {
        let id = task.id.to_string();
        house.launch(task).await;
        assert_eq!(house.until(&id, TaskState::Running).await.state, TaskState::Running);
        house.kill(&id, 0).await;
        let over = house.over(&id).await;
        assert_eq!((over.state, over.reason), (TaskState::Killed, Reason::KillRequested), "{id}");
        assert_eq!(over.message, "killed");
        assert!(over.usage.is_some());
    }
}

#[tokio::test]
async fn a_kill_is_heard_while_every_guest_thread_spins() {
    let mut house = House::new();
    let program = house.store_sample("spin");
    for number in 0..8 {
        house.launch(task(&format!("s{number}"), program)).await;
    }
    for number in 0..8 {
        house.until(&format!("s{number}"), TaskState::Running).await;
    }
    house.kill("s3", 0).await;
    assert_eq!(house.over("s3").await.state, TaskState::Killed);
    let next = house.run(task("next", house.store_sample("noop"))).await;
    assert_eq!(next.state, TaskState::Finished, "a new guest gets its turn among spinning ones");
}

#[tokio::test]
async fn a_grace_is_told_and_then_over() {
    let mut house = House::new();
    house.launch(task("t", house.store_sample("spin"))).await;
    house.until("t", TaskState::Running).await;
    house.kill("t", 50).await;
    let over = house.over("t").await;
    assert_eq!((over.state, over.reason), (TaskState::Killed, Reason::KillRequested));
    let states = house.states("t");
    assert!(states.ends_with(&[TaskState::Running, TaskState::Killing, TaskState::Killed]));
}

#[tokio::test]
async fn who_ends_within_its_grace_ends_as_it_says() {
    let mut house = House::new();
    let sleep = with_arguments(task("t", house.store_sample("sleep")), &["0.2"]);
    house.launch(sleep).await;
    house.until("t", TaskState::Running).await;
    house.kill("t", 3_600_000).await;
    let over = house.over("t").await;
    assert_eq!((over.state, over.exit_code), (TaskState::Finished, Some(0)));
}

#[tokio::test]
async fn a_task_that_is_still_compiled_is_killed_without_a_start() {
    let mut house = House::new();
    house.launch(task("t", house.store_sample("words"))).await;
    house.kill("t", 0).await;
    let over = house.over("t").await;
    assert_eq!((over.state, over.reason), (TaskState::Killed, Reason::KillRequested));
    assert_eq!(over.usage, None);
    assert!(!house.states("t").contains(&TaskState::Running));
}

#[tokio::test]
async fn killing_what_nobody_knows_harms_nobody() {
    let mut house = House::new();
    house.kill("nobody", 0).await;
    let over = house.run(task("t", house.store_sample("noop"))).await;
    assert_eq!(over.state, TaskState::Finished);
    house.kill("t", 0).await;
    let again = house.run(task("u", house.store_sample("noop"))).await;
    assert_eq!(again.state, TaskState::Finished);
    assert_eq!(house.states("t").iter().filter(|state| state.is_terminal()).count(), 1);
}

#[tokio::test]
async fn a_removed_framework_vanishes_and_its_neighbour_does_not() {
    let mut house = House::new();
    let spin = house.store_sample("spin");
    house.launch_for("f", task("mine", spin)).await;
    house.launch_for("g", task("theirs", spin)).await;
    house.until("mine", TaskState::Running).await;
    house.until("theirs", TaskState::Running).await;
    let framework = framework_id("f");
    house.handle.send(Command::RemoveFramework { framework }).await;
    // The pool holds 32: were the removed ones still there, not all of these would start.
    for number in 0..31 {
        house.launch_for("g", task(&format!("n{number}"), spin)).await;
    }
    for number in 0..31 {
        house.until(&format!("n{number}"), TaskState::Running).await;
    }
    assert!(!house.states("mine").iter().any(|state| state.is_terminal()));
    // A task's name is its framework's own: this kill is not for the task of the neighbour.
    house.kill("theirs", 0).await;
    let (framework, task) = (framework_id("g"), task_id("n0"));
    let policy = Default::default();
    house.handle.send(Command::Kill { framework, task, policy }).await;
    assert_eq!(house.over("n0").await.state, TaskState::Killed);
    assert!(!house.states("theirs").iter().any(|state| state.is_terminal()));
}

#[tokio::test]
async fn more_tasks_than_the_pool_holds_wait_for_their_turn() {
    let mut house = House::new();
    let sleep = house.store_sample("sleep");
    for number in 0..80 {
        house.launch(with_arguments(task(&format!("t{number}"), sleep), &["0.05"])).await;
    }
    let mut over = 0;
    while over < 80 {
        if let Event::Update(change) = house.next().await
            && change.state.is_terminal()
        {
            assert_eq!(change.state, TaskState::Finished, "{change:?}");
            over += 1;
        }
    }
}

#[tokio::test]
async fn dropping_the_handle_ends_everything() {
    let mut house = House::new();
    house.launch(task("t", house.store_sample("spin"))).await;
    house.until("t", TaskState::Running).await;
    let House { handle, mut events, .. } = house;
    tokio::task::spawn_blocking(move || drop(handle)).await.unwrap();
    while events.recv().await.is_some() {}
}
