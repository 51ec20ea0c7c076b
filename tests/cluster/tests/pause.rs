//! Freezing a task and letting it go on, as an operator does it.

use serde_json::Value;
use stoa_harness::{Cluster, Plan, sample, wait_until};

/// What a task is known to have used, once its agent has said this of it.
#[track_caller]
fn fuel_when_told(cluster: &Cluster, name: &str, message: &str) -> u64 {
    let task = cluster.wait_for_task(name, |task| task["message"] == message);
    let fuel = task.pointer("/usage/fuel").and_then(Value::as_u64);
    fuel.unwrap_or_else(|| panic!("no fuel in {task}"))
}

#[track_caller]
fn order(cluster: &Cluster, order: &str, task: &str, is_news: bool) {
    let done = cluster.run(&[order, task, "-o", "json"]).succeeded();
    assert_eq!(done.json_where("task", task)["is_paused"], order == "pause");
    let said = ["paused already", "not paused"].iter().any(|said| done.stderr.contains(said));
    assert_eq!(said, !is_news, "{done}");
}

#[test]
fn frozen_task_uses_no_cpu_until_it_is_resumed() {
    let cluster = Cluster::start(Plan::of_agents(1));
    let task = cluster.detach(&["--name", "spinner", &sample("spin")]);
    cluster.wait_for_state("spinner", "RUNNING");
    order(&cluster, "resume", &task, false);
    fuel_when_told(&cluster, "spinner", "the task was not paused");
    order(&cluster, "pause", &task, true);
    fuel_when_told(&cluster, "spinner", "the task is paused");
    // The slice that was under way when it was frozen ends while another task runs.
    cluster.run(&["run", &sample("hello")]).succeeded();
    order(&cluster, "pause", &task, false);
    let first = fuel_when_told(&cluster, "spinner", "the task was paused already");
    let table = cluster.run(&["ps"]).succeeded();
    assert!(table.text().contains("RUNNING (paused)"), "{table}");
    // Another task runs from its start to its end meanwhile.
    cluster.run(&["run", &sample("hello")]).succeeded();
    order(&cluster, "resume", &task, true);
    let second = fuel_when_told(&cluster, "spinner", "the task is resumed");
    assert_eq!(second, first, "it used cpu while it was frozen");
    // It goes on as soon as its turn comes, and each order is answered with what it has used.
    wait_until("the task uses cpu again", || {
        order(&cluster, "resume", &task, false);
        match fuel_when_told(&cluster, "spinner", "the task was not paused") {
            third if third > second => Ok(()),
            third => Err(format!("{third} after {second}")),
        }
    });
    order(&cluster, "pause", &task, true);
    fuel_when_told(&cluster, "spinner", "the task is paused");
    // A grace is of no use to what is frozen.
    cluster.run(&["kill", "--grace", "1h", &task]).succeeded();
    let over = cluster.wait_for_state("spinner", "KILLED");
    assert_eq!(over["is_paused"], false, "{over}");
    cluster.run(&["pause", &task]).failed(1, &[&task, "over"]);
    cluster.run(&["resume", "nobody"]).failed(1, &["nobody"]);
}

#[test]
fn time_of_a_frozen_task_goes_on() {
    let cluster = Cluster::start(Plan::of_agents(1));
    let task = cluster.detach(&["--name", "late", "--timeout", "2s", &sample("spin")]);
    order(&cluster, "pause", &task, true);
    let over = cluster.wait_for_state("late", "FAILED");
    assert_eq!(over["reason"], "TIMED_OUT");
}
