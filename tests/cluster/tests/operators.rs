//! What an operator sees of a cluster of a master and two agents, each a process of its own.

use serde_json::Value;
use stoa_harness::{Cluster, Plan, sample, wait_until};

fn list(cluster: &Cluster, arguments: &[&str]) -> Vec<Value> {
    let json = cluster.run(&[arguments, &["-o", "json"]].concat()).succeeded().json();
    json.as_array().expect("a list was asked for").clone()
}

#[track_caller]
fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("no text {key} in {value}"))
}

/// Checks that a table has these headings, and answers its rows as words.
#[track_caller]
fn rows(table: &str, headings: &[&str]) -> Vec<Vec<String>> {
    let mut lines = table.lines();
    let head: Vec<_> = lines.next().unwrap_or("").split_whitespace().collect();
    assert_eq!(head, headings);
    assert!(table.lines().all(|line| line == line.trim_end()), "spaces at the end: {table:?}");
    lines.map(|line| line.split_whitespace().map(str::to_owned).collect()).collect()
}

#[test]
fn cluster_is_walked_from_the_first_run_to_the_last_log() {
    let cluster = Cluster::start(Plan::of_agents(2));
    see_the_agents(&cluster);
    run_words(&cluster);
    let task = see_a_running_task(&cluster);
    see_its_framework_and_describe(&cluster, &task);
    follow_and_kill(&cluster, &task);
}

fn see_the_agents(cluster: &Cluster) {
    let agents = list(cluster, &["agents"]);
    let mut ids: Vec<_> = agents.iter().map(|agent| text(agent, "agent").to_owned()).collect();
    let mut expected = [cluster.agent(0).to_owned(), cluster.agent(1).to_owned()];
    ids.sort();
    expected.sort();
    assert_eq!(ids, expected);
    for agent in &agents {
        assert_eq!(agent["state"], "CONNECTED");
        assert_eq!(agent["duty"], "ACTIVE");
        assert_eq!(agent["total"]["cpus_milli"], 100_000);
        assert_eq!(agent["free"], agent["total"]);
        assert_eq!(agent["used"]["cpus_milli"], 0);
        assert_eq!(agent["version"], env!("CARGO_PKG_VERSION"));
    }
    let table = cluster.run(&["agents"]).succeeded();
    let headings = ["AGENT", "STATE", "DUTY", "HOST", "TOTAL", "USED", "OFFERED"];
    assert_eq!(rows(table.text(), &headings).len(), 2);
}

fn run_words(cluster: &Cluster) {
    let dir = cluster.make_allowed_dir("texts");
    std::fs::write(dir.join("a.txt"), "a stoa is a roof\n").expect("the folder is ours");
    std::fs::write(dir.join("b.txt"), "with walls\tunder it").expect("the folder is ours");
    let grant = format!("{}::/texts:ro", dir.display());
    let run = ["run", "--name", "words", "--dir", &grant, &sample("words"), "/texts"];
    let finished = cluster.run(&run).succeeded();
    assert_eq!(finished.text(), "5 /texts/a.txt\n4 /texts/b.txt\ntotal 9\n");
    assert_eq!(finished.stderr, "");
    assert_eq!(list(cluster, &["ps"]), Vec::<Value>::new());
    let over = cluster.wait_for_state("words", "FINISHED");
    assert_eq!((&over["reason"], &over["exit_code"]), (&"EXITED".into(), &0.into()));
    let logs = cluster.run(&["logs", text(&over, "task")]).succeeded();
    assert_eq!(logs.text(), finished.text());
    let named = format!("{}/{}", text(&over, "framework"), text(&over, "task"));
    assert_eq!(cluster.run(&["logs", "-f", &named]).succeeded().text(), finished.text());
}

fn see_a_running_task(cluster: &Cluster) -> String {
    let ticker = sample("ticker");
    let task = cluster.detach(&["--name", "ticker", "--cpus", "1.5", &ticker, "0.02"]);
    assert!(task.starts_with("ticker-"), "{task}");
    let headings = ["TASK", "STATE", "REASON", "EXIT", "AGENT", "RESOURCES", "FRAMEWORK"];
    let table = cluster.run(&["ps"]).succeeded();
    let running = rows(table.text(), &headings);
    assert_eq!(running.len(), 1, "{table}");
    assert_eq!(running[0][..4], [&task, "RUNNING", "PROGRESS", "-"]);
    assert_eq!(rows(cluster.run(&["ps", "-a"]).succeeded().text(), &headings).len(), 2);
    let record = &list(cluster, &["ps"])[0];
    assert_eq!(record["resources"]["cpus_milli"], 1_500);
    assert_eq!(record["exit_code"], Value::Null);
    let agents = list(cluster, &["agents"]);
    let used = |agent: &Value| agent["used"]["cpus_milli"].as_u64();
    let (on, off): (Vec<_>, Vec<_>) =
        agents.iter().partition(|agent| agent["agent"] == record["agent"]);
    assert_eq!((used(on[0]), used(off[0])), (Some(1_500), Some(0)));
    task
}

fn see_its_framework_and_describe(cluster: &Cluster, task: &str) {
    let frameworks = list(cluster, &["frameworks"]);
    assert_eq!(frameworks.len(), 1, "{frameworks:?}");
    assert_eq!(frameworks[0]["user"], "tester");
    assert_eq!(frameworks[0]["tasks_live"], 1);
    assert_eq!(frameworks[0]["is_connected"], false);
    let headings = ["FRAMEWORK", "NAME", "CONNECTED", "ROLES", "TASKS", "ALLOCATED"];
    let table = cluster.run(&["frameworks"]).succeeded();
    assert_eq!(rows(table.text(), &headings).len(), 1);
    let table = cluster.run(&["offers"]).succeeded();
    assert!(rows(table.text(), &["OFFER", "FRAMEWORK", "AGENT", "ROLE", "RESOURCES"]).is_empty());
    assert_eq!(list(cluster, &["offers"]), Vec::<Value>::new());
    let framework = text(&frameworks[0], "framework");
    for (what, key, name) in [
        (format!("task/{task}"), "task", task),
        (format!("task/{framework}/{task}"), "task", task),
        (format!("agent/{}", cluster.agent(1)), "agent", cluster.agent(1)),
        (format!("framework/{framework}"), "framework", framework),
    ] {
        let described = cluster.run(&["describe", &what, "-o", "json"]).succeeded();
        assert_eq!(described.json()[key], name);
        let lines = cluster.run(&["describe", &what]).succeeded();
        assert!(lines.text().contains(&format!("{key}: {name}\n")), "{lines}");
    }
}

fn follow_and_kill(cluster: &Cluster, task: &str) {
    let mut follower = cluster.stoa(&["logs", "-f", task]).start();
    let mut watch = cluster.stoa(&["events", "-w", "-o", "json"]).start();
    follower.wait_for_line("tick 3");
    // The watch begins with nothing: something must happen before it is known to watch.
    wait_until("the watch sees a run", || {
        cluster.run(&["run", &sample("hello")]).succeeded();
        if watch.stdout().contains("FINISHED") { Ok(()) } else { Err(watch.stdout()) }
    });
    let killed = cluster.run(&["kill", task, "-o", "json"]).succeeded();
    assert_eq!(killed.json_where("task", task)["name"], "ticker");
    let over = cluster.wait_for_state("ticker", "KILLED");
    assert_eq!(over["reason"], "KILL_REQUESTED");
    let followed = follower.finish().succeeded();
    let logs = cluster.run(&["logs", task]).succeeded();
    assert_eq!(followed.text(), logs.text());
    let expected: Vec<_> = (1..=logs.text().lines().count()).map(|n| format!("tick {n}")).collect();
    assert_eq!(logs.text().lines().collect::<Vec<_>>(), expected);
    watch.wait_for_stdout("the kill as an event", |stdout| stdout.find("KILL_REQUESTED"));
    for line in watch.stdout().lines() {
        let event: Value = serde_json::from_str(line).expect("an event a line");
        assert!(event["event"].is_string(), "{event}");
    }
}

#[test]
fn events_without_a_watch_tell_how_the_cluster_came_to_be() {
    let cluster = Cluster::start(Plan::of_agents(1));
    let task = cluster.detach(&["--name", "ticker", &sample("ticker"), "1"]);
    let events = cluster.run(&["events", "-o", "json"]).succeeded();
    let events: Vec<Value> =
        events.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let names: Vec<_> = events.iter().map(|event| text(event, "event")).collect();
    assert_eq!(names, ["AgentRegistered", "FrameworkRegistered", "TaskUpdated"]);
    assert_eq!(events[2]["status"]["task"], *task);
    assert_eq!(events[2]["status"]["state"], "RUNNING");
    let lines = cluster.run(&["events"]).succeeded();
    let first = lines.text().lines().next().unwrap_or("");
    assert!(first.starts_with("AgentRegistered"), "{lines}");
    assert!(first.contains(cluster.agent(0)), "{lines}");
}

#[test]
fn what_is_not_there_is_told_with_a_hint() {
    let cluster = Cluster::shared();
    cluster.run(&["logs", "nobody"]).failed(1, &["nobody"]);
    cluster.run(&["kill", "nobody"]).failed(1, &["nobody"]);
    cluster.run(&["kill", "a b"]).failed(2, &["a b"]);
    for what in ["task/nobody", "agent/nobody", "framework/nobody", "offer/nobody"] {
        let (_, name) = what.split_once('/').unwrap();
        cluster.run(&["describe", what]).failed(1, &[name]);
    }
    cluster.run(&["describe", "nobody"]).failed(2, &["nobody"]);
    cluster.run(&["describe", "planet/mars"]).failed(2, &["planet"]);
}

#[test]
fn task_that_is_over_is_not_harmed_by_a_kill() {
    let cluster = Cluster::shared();
    cluster.run(&["run", "--name", "over", &sample("hello")]).succeeded();
    let over = cluster.wait_for_state("over", "FINISHED");
    let killed = cluster.run(&["kill", text(&over, "task"), "-o", "json"]).succeeded();
    assert_eq!(killed.json()[0]["state"], "FINISHED");
    assert_eq!(cluster.wait_for_task("over", |_| true)["state"], "FINISHED");
}

#[test]
fn reader_that_has_had_enough_is_no_error() {
    let cluster = Cluster::shared();
    let cat = sample("cat");
    let line = format!(
        "stoa run -i {cat} < <(head -c 4000000 /dev/zero) | head -c 10 | wc -c; \
         echo ${{PIPESTATUS[0]}}"
    );
    let shell = cluster.place().shell(&line);
    let finished = shell.env("STOA_MASTER", cluster.address()).finish().succeeded();
    let figures: Vec<_> = finished.text().split_whitespace().collect();
    assert_eq!(figures, ["10", "0"], "{finished}");
}
