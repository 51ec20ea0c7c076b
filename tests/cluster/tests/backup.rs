//! A master that has lost its state directory is restored from a backup: agents come back with
//! their tasks, and what operators and schedulers have said is known again.

use serde_json::Value;
use stoa_harness::{Cluster, Plan, sample, wait_until};

/// The framework of the one task there is.
fn framework(cluster: &Cluster) -> Value {
    let frameworks = cluster.run(&["frameworks", "-o", "json"]).succeeded().json();
    frameworks[0].clone()
}

fn path(cluster: &Cluster, name: &str) -> String {
    cluster.place().path().join(name).display().to_string()
}

#[test]
fn task_goes_on_when_the_state_of_its_master_is_lost_and_restored() {
    let mut cluster = Cluster::start(Plan::of_agents(1));
    let task = cluster.detach(&["--name", "ticker", &sample("ticker"), "0.05"]);
    cluster.wait_for_state("ticker", "RUNNING");
    let agent = cluster.agent(0).to_owned();
    cluster.run(&["agent", "deactivate", &agent]).succeeded();
    let known = framework(&cluster);

    let (file, state) = (path(&cluster, "b.stoa"), path(&cluster, "master"));
    let saved = cluster.run(&["master", "backup", &file, "-o", "json"]).succeeded().json();
    assert_eq!((&saved["agents"], &saved["frameworks"]), (&1.into(), &1.into()), "{saved}");
    cluster.kill_master();
    std::fs::remove_dir_all(&state).expect("the place of a test is its own");
    let restore = ["master", "restore", &file, "--state-dir", &state, "-o", "json"];
    let restored = cluster.run(&restore).succeeded().json();
    assert_eq!(restored["records"], saved["records"]);
    cluster.start_master();

    wait_until("the agent is back, and deactivated", || {
        let agents = cluster.run(&["agents", "-o", "json"]).succeeded();
        let seen = agents.json_where("agent", &agent);
        let is_back = seen["state"] == "CONNECTED" && seen["duty"] == "DEACTIVATED";
        if is_back { Ok(()) } else { Err(agents.to_string()) }
    });
    cluster.wait_for_state("ticker", "RUNNING");
    assert_eq!(framework(&cluster)["name"], known["name"], "it came back as an orphan");
    assert_eq!(framework(&cluster)["framework"], known["framework"]);
    let mut follower = cluster.stoa(&["logs", "-f", &task]).start();
    follower.wait_for_line("tick 5");
    cluster.run(&["kill", &task]).succeeded();
    let ticks = follower.finish().succeeded();
    assert_eq!(ticks.text().matches("tick 1\n").count(), 1, "it was launched again: {ticks}");
    cluster.run(&["agent", "reactivate", &agent]).succeeded();
    cluster.run(&["run", &sample("hello")]).succeeded();
}

#[test]
fn master_that_is_stopped_is_saved_from_its_directory() {
    let mut cluster = Cluster::start(Plan::of_agents(1));
    let (file, state) = (path(&cluster, "b.stoa"), path(&cluster, "master"));
    let save = ["master", "backup", &file, "--state-dir", &state];
    cluster.run(&save).failed(1, &[&state, "in use"]);
    cluster.kill_master();
    let saved = cluster.run(&save).succeeded();
    assert_eq!(saved.text(), format!("saved to {file}: agents 1, frameworks 0, records 1\n"));
    let elsewhere = path(&cluster, "elsewhere");
    cluster.run(&["master", "restore", &file, "--state-dir", &elsewhere]).succeeded();
    cluster.start_master();
}

#[test]
fn backup_that_cannot_be_made_or_used_is_refused_and_nothing_is_lost() {
    let mut cluster = Cluster::start(Plan::of_agents(1));
    let (file, state) = (path(&cluster, "b.stoa"), path(&cluster, "master"));
    let write = |bytes: &[u8]| cluster.place().write("b.stoa", bytes);
    write(b"a diary");
    cluster.run(&["master", "backup", &file]).failed(1, &[&file, "already"]);
    assert_eq!(std::fs::read(&file).ok().as_deref(), Some(&b"a diary"[..]));
    cluster.run(&["master", "backup", &file, "--force"]).succeeded();
    let bytes = std::fs::read(&file).expect("it was made");
    let nowhere = path(&cluster, "nowhere/b.stoa");
    cluster.run(&["master", "backup", &nowhere]).failed(1, &[&nowhere]);
    cluster.run(&["master", "restore", &file, "--state-dir", &state]).failed(1, &["in use"]);

    let new = path(&cluster, "new");
    let restore = |parts: &[&str]| {
        let refused = cluster.run(&["master", "restore", &file, "--state-dir", &new]);
        refused.failed(1, &[&[&*file], parts].concat());
        assert!(!std::path::Path::new(&new).exists(), "something was made");
    };
    write(&bytes[..bytes.len() - 3]);
    restore(&[&format!("cut off at byte {}", bytes.len() - 3)]);
    let mut changed = bytes.clone();
    changed[40] ^= 1;
    write(&changed);
    restore(&["damaged in the part at byte 14"]);
    write(b"stoa-backup 2\nwhat comes then");
    restore(&["format 2", "up to 1"]);
    write(b"a diary");
    restore(&["no backup of a master", "a diary"]);
    let missing = path(&cluster, "missing");
    let refused = cluster.run(&["master", "restore", &missing, "--state-dir", &new]);
    refused.failed(1, &[&missing]);
    let refused = cluster.run(&["master", "backup", &new, "--state-dir", &missing]);
    refused.failed(1, &[&missing, "no state of a master"]);
    write(&bytes);
    cluster.kill_master();
    let refused = cluster.run(&["master", "restore", &file, "--state-dir", &state]);
    refused.failed(1, &[&state, "empty"]);
    cluster.start_master();
    cluster.run(&["run", &sample("hello")]).succeeded();
}
