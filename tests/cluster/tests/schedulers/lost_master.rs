//! A master that dies and is started again: agents and frameworks come back, and tasks run on as if
//! nothing had happened.

use stoa_harness::{Cluster, Plan, sample, wait_until};
use stoa_model::ids::UpdateId;

use crate::author::{Author, LONG_FILTER, granted, on_one_thread, task, uploaded};

#[test]
fn task_runs_on_while_its_master_is_away() {
    let mut cluster = Cluster::start(Plan::of_agents(2));
    on_one_thread(async {
        let hog = uploaded(&cluster, "hog").await;
        let mut author = Author::start(&cluster, None);
        let framework = author.registered().await;
        let offer = author.offer().await;
        author.launch(offer, task("holder", hog, &["1", "4"]), LONG_FILTER).await;
        author.update("holder", "RUNNING").await;
        cluster.kill_master();
        cluster.start_master();
        assert_eq!(author.reregistered().await, framework);
        let finished = author.update("holder", "FINISHED").await;
        assert_eq!(finished.exit_code, Some(0));
        let wall_us = finished.usage.map_or(0, |usage| usage.wall_us);
        assert!(wall_us >= 4_000_000, "the task ran for {wall_us} us only");
        assert_eq!(updates_of_running(&author), 1, "launched more than once: {:?}", author.told);
        let logs = cluster.run(&["logs", "holder"]).succeeded();
        assert_eq!(logs.text(), "got 1 of 1 MiB\n");
        author.unregister().await;
    });
    everybody_is_back(&cluster);
}

/// Updates with which an agent said that the task began to run; Reconcile may repeat it, not these.
fn updates_of_running(author: &Author) -> usize {
    let running = author.updates.iter().filter(|status| status.state.as_str() == "RUNNING");
    let mut updates: Vec<UpdateId> = running.filter_map(|status| status.update).collect();
    updates.sort_unstable();
    updates.dedup();
    updates.len()
}

fn everybody_is_back(cluster: &Cluster) {
    wait_until("both agents are back under their ids", || {
        let agents = cluster.run(&["agents", "-o", "json"]).succeeded();
        let is_back =
            |index| agents.json_where("agent", cluster.agent(index))["state"] == "CONNECTED";
        if is_back(0) && is_back(1) { Ok(()) } else { Err(agents.to_string()) }
    });
    cluster.run(&["run", &sample("hello")]).succeeded();
}

#[test]
fn task_that_ended_while_its_master_was_away_is_told() {
    let mut cluster = Cluster::start(Plan::of_agents(1));
    let dir = cluster.make_allowed_dir("picture");
    on_one_thread(async {
        let mandelbrot = uploaded(&cluster, "mandelbrot").await;
        let drawing = task("drawing", mandelbrot, &["1000", "1000", "/out/x.png"]);
        let mut author = Author::start(&cluster, None);
        author.registered().await;
        let offer = author.offer().await;
        author.launch(offer, granted(drawing, &dir, "/out"), LONG_FILTER).await;
        author.update("drawing", "RUNNING").await;
        cluster.kill_master();
        wait_until("the picture is whole", || {
            let picture = std::fs::read(dir.join("x.png")).unwrap_or_default();
            let is_whole = picture.ends_with(b"IEND\xaeB\x60\x82");
            if is_whole { Ok(()) } else { Err(format!("{} bytes", picture.len())) }
        });
        cluster.start_master();
        author.reregistered().await;
        let finished = author.update("drawing", "FINISHED").await;
        assert_eq!(finished.exit_code, Some(0));
        author.unregister().await;
    });
}

#[test]
fn detached_task_outlives_the_master_that_launched_it() {
    let mut cluster = Cluster::start(Plan::of_agents(1));
    let task = cluster.detach(&["--name", "ticker", &sample("ticker"), "0.05"]);
    cluster.kill_master();
    cluster.start_master();
    cluster.wait_for_state("ticker", "RUNNING");
    let mut follower = cluster.stoa(&["logs", "-f", &task]).start();
    follower.wait_for_line("tick 5");
    cluster.run(&["kill", &task]).succeeded();
    cluster.wait_for_state("ticker", "KILLED");
    let ticks = follower.finish().succeeded();
    assert_eq!(ticks.text().matches("tick 1\n").count(), 1, "it was launched again: {ticks}");
}

#[test]
fn person_who_waits_for_a_task_does_not_notice() {
    let mut cluster = Cluster::start(Plan::of_agents(1));
    let run = cluster.stoa(&["run", "--name", "holder", &sample("hog"), "1", "3"]).start();
    cluster.wait_for_state("holder", "RUNNING");
    cluster.kill_master();
    cluster.start_master();
    assert_eq!(run.finish().succeeded().text(), "got 1 of 1 MiB\n");
}
