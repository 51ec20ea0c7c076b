//! Executor hosts as processes of their own: they outlive their agent with all that runs in them,
//! and one that dies takes no other framework's tasks with it.

use std::path::PathBuf;

use rustix::process::Signal;
use serde_json::Value;
use stoa_harness::{Cluster, HostProcess, Plan, sample, wait_until};

const WALL: [&str; 2] = ["--isolation", "framework"];

/// The host of the task's framework.
fn host_of(cluster: &Cluster, task: &Value) -> HostProcess {
    wait_until("the framework has a host", || {
        let hosts = cluster.hosts(0);
        let found = hosts.iter().find(|host| task["framework"] == host.framework.as_str());
        found.cloned().ok_or_else(|| format!("{hosts:?}"))
    })
}

/// Where the agent keeps what a task writes to its stdout.
fn log_on_disk(cluster: &Cluster, task: &Value) -> PathBuf {
    let part = |name: &str| task[name].as_str().expect("it is an id").to_owned();
    let sandboxes = cluster.agent_state(0).join("sandboxes");
    sandboxes.join(part("framework")).join(part("task")).join("stdout")
}

/// The last number that the task `ticker` has written.
fn ticks(cluster: &Cluster, task: &str) -> u64 {
    let logs = cluster.run(&["logs", task]).succeeded().text().to_owned();
    let last = logs.lines().last().and_then(|line| line.rsplit(' ').next()?.parse().ok());
    last.unwrap_or(0)
}

fn wait_for_ticks(cluster: &Cluster, task: &str, above: u64) -> u64 {
    wait_until("the task goes on", || match ticks(cluster, task) {
        ticks if ticks > above => Ok(ticks),
        ticks => Err(format!("{ticks} ticks")),
    })
}

#[test]
fn tasks_outlive_an_agent_that_is_killed() {
    let mut cluster = Cluster::start(Plan::of_agents(1).each_agent(&WALL));
    let ticker = cluster.detach(&["--name", "ticker", &sample("ticker"), "0.02"]);
    cluster.detach(&["--name", "sleeper", &sample("sleep"), "1"]);
    let before = cluster.wait_for_state("sleeper", "RUNNING");
    let running = cluster.wait_for_state("ticker", "RUNNING");
    let host = host_of(&cluster, &running);
    let ticks_before = wait_for_ticks(&cluster, &ticker, 0);

    cluster.kill_agent(0);
    // It ends while nobody is there to hear of it.
    let sleepers = host_of(&cluster, &before);
    let log = log_on_disk(&cluster, &running);
    let lines = |path: &PathBuf| std::fs::read_to_string(path).map_or(0, |it| it.lines().count());
    let lines_before = lines(&log);
    wait_until("the task goes on without an agent, for more than a second", || match lines(&log) {
        count if count > lines_before + 75 => Ok(()),
        count => Err(format!("{count} lines")),
    });
    assert!(sleepers.is_alive(), "it waits for an agent to hear how its task ended");
    cluster.start_agent(0);

    let over = cluster.wait_for_state("sleeper", "FINISHED");
    assert_eq!((&over["reason"], &over["exit_code"]), (&"EXITED".into(), &0.into()));
    wait_for_ticks(&cluster, &ticker, ticks_before);
    let still = cluster.wait_for_state("ticker", "RUNNING");
    assert_eq!(host_of(&cluster, &still), host, "it runs where it ran");
    let logs = cluster.run(&["logs", &ticker]).succeeded().text().to_owned();
    let lines: Vec<_> = logs.lines().collect();
    let mut once = lines.clone();
    once.dedup();
    assert_eq!(lines, once, "it was started once");
    assert_eq!(lines.iter().filter(|line| line.ends_with(" 1")).count(), 1, "{logs}");

    cluster.run(&["kill", &ticker]).succeeded();
    cluster.wait_for_state("ticker", "KILLED");
}

#[test]
fn host_that_dies_takes_only_its_own_tasks_with_it() {
    let cluster = Cluster::start(Plan::of_agents(1).each_agent(&WALL));
    cluster.detach(&["--name", "victim", &sample("ticker"), "0.02"]);
    let other = cluster.detach(&["--name", "other", &sample("ticker"), "0.02"]);
    let victim = cluster.wait_for_state("victim", "RUNNING");
    cluster.wait_for_state("other", "RUNNING");
    host_of(&cluster, &victim).signal(Signal::KILL);
    let over = cluster.wait_for_state("victim", "FAILED");
    assert_eq!(over["reason"], "HOST_LOST");
    let message = over["message"].as_str().unwrap_or_default();
    assert!(message.contains("its executor host ended: its process ended (signal: 9"), "{over}");
    let ticks = ticks(&cluster, &other);
    wait_for_ticks(&cluster, &other, ticks);
    assert_eq!(cluster.run(&["run", &sample("hello")]).succeeded().text(), "Hello, world!\n");
}

#[test]
fn host_that_dies_while_its_agent_is_away_is_accounted_for() {
    let mut cluster = Cluster::start(Plan::of_agents(1).each_agent(&WALL));
    cluster.detach(&["--name", "lost", &sample("ticker"), "0.02"]);
    let kept = cluster.detach(&["--name", "kept", &sample("ticker"), "0.02"]);
    let lost = cluster.wait_for_state("lost", "RUNNING");
    cluster.wait_for_state("kept", "RUNNING");
    let host = host_of(&cluster, &lost);
    cluster.kill_agent(0);
    host.signal(Signal::KILL);
    cluster.start_agent(0);
    let over = cluster.wait_for_state("lost", "FAILED");
    assert_eq!(over["reason"], "HOST_LOST");
    let ticks = ticks(&cluster, &kept);
    wait_for_ticks(&cluster, &kept, ticks);
}

#[test]
fn task_of_an_agent_that_was_given_up_comes_back_with_it() {
    let plan = Plan::of_agents(1).each_agent(&WALL);
    let mut cluster =
        Cluster::start(plan.master(&["--agent-timeout", "1s", "--heartbeat", "300ms"]));
    let ticker = cluster.detach(&["--name", "ticker", &sample("ticker"), "0.02"]);
    cluster.wait_for_state("ticker", "RUNNING");
    cluster.kill_agent(0);
    cluster.wait_for_state("ticker", "UNREACHABLE");
    cluster.start_agent(0);
    cluster.wait_for_state("ticker", "RUNNING");
    let before = ticks(&cluster, &ticker);
    wait_for_ticks(&cluster, &ticker, before);
}

#[test]
fn hosts_that_have_nothing_to_do_end() {
    let cluster = Cluster::start(Plan::of_agents(1).each_agent(&WALL));
    cluster.run(&["run", &sample("hello")]).succeeded();
    wait_until("the host of a framework that is over ends", || {
        let hosts = cluster.hosts(0);
        if hosts.is_empty() { Ok(()) } else { Err(format!("{hosts:?}")) }
    });
}
