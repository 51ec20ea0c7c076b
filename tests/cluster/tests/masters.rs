//! Three masters on a real etcd: the leader is killed, stopped, cut off from its store and asked to
//! step down, while tasks run. Each time another one leads, and no task is lost or run twice.

use std::time::Instant;

use rustix::process::Signal;
use serde_json::Value;
use stoa_harness::masters::Masters;
use stoa_harness::{sample, wait_until};

/// Leaves a task running that writes a number now and then; answers its id.
fn ticker(masters: &Masters, name: &str) -> String {
    let arguments = ["run", "--detach", "--name", name, &sample("ticker"), "0.02"];
    masters.run(&arguments).succeeded().text().trim_end().to_owned()
}

fn task(masters: &Masters, name: &str) -> Value {
    let tasks = masters.run(&["ps", "--all", "-o", "json"]).succeeded().json();
    let mut found = tasks.as_array().into_iter().flatten().filter(|task| task["name"] == name);
    found.next().cloned().unwrap_or(Value::Null)
}

fn wait_for_state(masters: &Masters, name: &str, state: &str) {
    wait_until(&format!("{name} is {state}"), || match task(masters, name) {
        task if task["state"] == state => Ok(()),
        task => Err(task.to_string()),
    });
}

/// It goes on, and was started once: its numbers have no gap and come once.
fn check_it_runs_on(masters: &Masters, id: &str) {
    let lines = || masters.run(&["logs", id]).succeeded().text().lines().count();
    let before = lines();
    wait_until("the task goes on", || match lines() {
        count if count > before => Ok(()),
        count => Err(format!("{count} lines")),
    });
    let log = masters.run(&["logs", id]).succeeded().text().to_owned();
    let numbers: Vec<u64> =
        log.lines().filter_map(|line| line.rsplit(' ').next()?.parse().ok()).collect();
    let first = numbers.first().copied().unwrap_or_default();
    let expected: Vec<u64> = (first..).take(numbers.len()).collect();
    assert_eq!(numbers, expected, "{log}");
}

#[test]
fn leader_that_is_killed_is_followed_by_another_and_no_task_is_lost() {
    let mut masters = Masters::start(3, 3, 2);
    let id = ticker(&masters, "ticker");
    wait_for_state(&masters, "ticker", "RUNNING");
    let (leader, epoch) = masters.wait_for_leader(0);
    let killed_at = Instant::now();
    masters.kill(leader);
    // A command that comes meanwhile waits for the next leader.
    let hello = masters.run(&["run", &sample("hello")]).succeeded();
    println!("failover, until a task has run: {:?}", killed_at.elapsed());
    assert_eq!(hello.text(), "Hello, world!\n");
    let (next, later) = masters.wait_for_leader(epoch);
    assert_ne!(next, leader);
    wait_for_state(&masters, "ticker", "RUNNING");
    check_it_runs_on(&masters, &id);

    masters.restart(leader);
    let status = masters.run(&["master", "status"]).succeeded();
    assert!(status.text().contains("follower"), "{status}");
    assert_eq!(masters.wait_for_leader(0), (next, later), "who comes back does not disturb");
    masters.run(&["kill", &id]).succeeded();
    wait_for_state(&masters, "ticker", "KILLED");
}

#[test]
fn leader_that_stands_still_is_followed_and_then_obeys() {
    let mut masters = Masters::start(1, 3, 1);
    let id = ticker(&masters, "ticker");
    wait_for_state(&masters, "ticker", "RUNNING");
    let (leader, epoch) = masters.wait_for_leader(0);
    masters.signal(leader, Signal::STOP);
    let (next, later) = masters.wait_for_leader(epoch);
    assert_ne!(next, leader);
    masters.signal(leader, Signal::CONT);
    wait_until("the former leader knows that it leads no more", || {
        let said = masters.stderr(leader);
        if said.contains("leads no more") { Ok(()) } else { Err(said) }
    });
    assert_eq!(masters.wait_for_leader(0), (next, later));
    wait_for_state(&masters, "ticker", "RUNNING");
    check_it_runs_on(&masters, &id);
}

#[test]
fn leader_steps_down_for_another_one() {
    let masters = Masters::start(1, 2, 1);
    let (leader, epoch) = masters.wait_for_leader(0);
    let said = masters.run(&["master", "step-down"]).succeeded();
    assert_eq!(said.text(), format!("the leader of epoch {epoch} steps down\n"));
    let (next, _) = masters.wait_for_leader(epoch);
    assert_ne!(next, leader);
    assert_eq!(masters.run(&["run", &sample("hello")]).succeeded().text(), "Hello, world!\n");
}

#[test]
fn without_its_store_no_master_leads_and_tasks_run_on() {
    let mut masters = Masters::start(1, 2, 1);
    let id = ticker(&masters, "ticker");
    wait_for_state(&masters, "ticker", "RUNNING");
    let (_, epoch) = masters.wait_for_leader(0);
    masters.etcd.freeze(0);
    wait_until("the leader has stopped", || {
        let status = masters.run(&["master", "status"]);
        if status.code() == Some(1) { Ok(()) } else { Err(status.to_string()) }
    });
    masters.etcd.thaw(0);
    masters.wait_for_leader(epoch);
    wait_for_state(&masters, "ticker", "RUNNING");
    check_it_runs_on(&masters, &id);
}

#[test]
fn single_master_has_nobody_to_step_down_for() {
    let cluster = stoa_harness::Cluster::shared();
    let refused = cluster.run(&["master", "step-down"]);
    assert_eq!(refused.code(), Some(1), "{refused}");
    assert!(refused.stderr.contains("this master has no others"), "{refused}");
    let status = cluster.run(&["master", "status", "-o", "json"]).succeeded().json();
    assert_eq!(status[0]["role"], "leader");
}
