//! What operators want of agents, with real processes: a drain that outlives the master, and an
//! agent that is gone for ever.

use serde_json::Value;
use stoa_harness::{Cluster, Plan, sample, wait_until};

fn agent(cluster: &Cluster, index: usize) -> Value {
    let agents = cluster.run(&["agents", "-o", "json"]).succeeded().json();
    let found = agents.as_array().into_iter().flatten();
    let mut found = found.filter(|agent| agent["agent"] == cluster.agent(index));
    found.next().cloned().unwrap_or(Value::Null)
}

#[test]
fn drained_agent_has_no_tasks_and_stays_drained_over_restarts() {
    let mut cluster = Cluster::start(Plan::of_agents(1));
    cluster.detach(&["--name", "ticker", &sample("ticker"), "0.02"]);
    let id = cluster.agent(0).to_owned();
    let drained = cluster.run(&["agent", "drain", &id, "--max-grace", "1s", "--wait"]).succeeded();
    assert!(drained.text().contains(" DRAINED "), "{drained}");
    let over = cluster.wait_for_state("ticker", "KILLED");
    assert_eq!(over["reason"], "AGENT_DRAINING");
    assert_eq!(agent(&cluster, 0)["used"]["cpus_milli"], 0);

    cluster.kill_master();
    cluster.kill_agent(0);
    cluster.start_master();
    cluster.start_agent(0);
    wait_until("the agent is back, and drained", || {
        let agent = agent(&cluster, 0);
        let is_back = agent["state"] == "CONNECTED" && agent["duty"] == "DRAINED";
        if is_back { Ok(()) } else { Err(agent.to_string()) }
    });
    let refused = cluster.run(&["agent", "reactivate", &id]);
    assert_eq!(refused.code(), Some(1), "{refused}");
    let hint = format!("hint: `stoa agent undrain {id}` first");
    assert!(refused.stderr.contains(&hint), "{refused}");

    cluster.run(&["agent", "undrain", &id]).succeeded();
    cluster.run(&["run", &sample("hello")]).succeeded();
}

#[test]
fn agent_that_is_gone_ends_and_is_refused_for_ever() {
    let mut cluster = Cluster::start(Plan::of_agents(2));
    let id = cluster.agent(0).to_owned();
    let unasked = cluster.run(&["agent", "gone", &id]);
    assert_eq!(unasked.code(), Some(2), "{unasked}");
    assert_eq!(agent(&cluster, 0)["state"], "CONNECTED");

    let gone = cluster.run(&["agent", "gone", &id, "--yes"]).succeeded();
    assert_eq!(gone.text(), format!("{id} GONE\n"));
    let message = format!("agent {id} is gone");
    wait_until("the agent's process ends and says why", || {
        let stderr = cluster.agent_stderr(0);
        if stderr.contains(&message) { Ok(()) } else { Err(stderr) }
    });
    assert_eq!(agent(&cluster, 0), Value::Null);

    cluster.kill_master();
    cluster.start_master();
    let state = cluster.agent_state(0).display().to_string();
    let again = cluster.stoa(&["agent", "--master", cluster.address(), "--state", &state]);
    let again = again.start().finish();
    assert_eq!(again.code(), Some(1), "{again}");
    assert!(again.stderr.contains(&message), "{again}");
    let unknown = cluster.run(&["agent", "drain", "nobody"]);
    assert!(unknown.stderr.contains("there is no agent nobody\nhint: "), "{unknown}");
}
