//! Masters, agents and `dev` as processes: how they start, how they refuse to, and how they end.

use std::net::{TcpListener, TcpStream};
use std::path::Path;

use stoa_harness::{Cluster, Place, Plan, sample, wait_until};

#[test]
fn port_that_another_process_has_is_told_with_a_hint() {
    let place = Place::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let state = place.path().join("master").display().to_string();
    let master = place.stoa(&["master", "--listen", &address, "--state", &state]).finish();
    assert_eq!(master.failed(1, &[&address]).text(), "");
    let port = address.rsplit_once(':').unwrap().1;
    let dev = place.stoa(&["dev", "--port", port, "--state", &state]).finish();
    assert_eq!(dev.failed(1, &[&address]).text(), "");
}

#[test]
fn state_directory_of_another_process_is_refused() {
    let cluster = Cluster::start(Plan::of_agents(1));
    let place = cluster.place();
    let state = place.path().join("master").display().to_string();
    let master = place.stoa(&["master", "--listen", "127.0.0.1:0", "--state", &state]).finish();
    let master = master.failed(1, &[&state, "in use"]);
    assert_eq!(master.text(), "", "it said that it listens, and did not");
    let state = cluster.agent_state(0).display().to_string();
    let agent = cluster.stoa(&["agent", "--state", &state]).finish();
    assert_eq!(agent.failed(1, &[&state, "in use"]).text(), "");
    // Those who were there first have not noticed.
    cluster.run(&["run", &sample("hello")]).succeeded();
}

#[test]
fn damaged_state_or_that_of_another_owner_is_refused() {
    let place = Place::new();
    let state = |name: &str| place.path().join(name).display().to_string();
    let (master_state, agent_state) = (state("m"), state("a"));
    let master = ["master", "--listen", "127.0.0.1:0", "--state", &master_state];
    let mut process = place.stoa(&master).start();
    process.wait_for_line("listening ");
    process.end();
    let agent = |state: &str| place.stoa(&["agent", "--master", "127.0.0.1:1", "--state", state]);
    agent(&master_state).finish().failed(1, &[&master_state, "that of a master"]);
    let store = place.path().join("m/master.redb");
    let mut bytes = std::fs::read(&store).unwrap();
    bytes[4_100..].fill(0xff);
    std::fs::write(&store, bytes).unwrap();
    place.stoa(&master).finish().failed(1, &["m/master.redb", "damaged"]);
    std::fs::remove_file(&store).unwrap();
    place.stoa(&master).finish().failed(1, &[&master_state, "master.redb is missing"]);
    place.write("a/agent.journal", "stoa-journal 1\nno batch at all");
    place.write("a/version", "stoa-state 1\n");
    agent(&agent_state).finish().failed(1, &["a/agent.journal", "damaged"]);
    place.write("a/agent.journal", "stoa-journal 2\n");
    agent(&agent_state).finish().failed(1, &["a/agent.journal", "no journal of this version"]);
}

#[test]
fn state_directory_that_cannot_be_made_is_refused() {
    let place = Place::new();
    let file = place.write("file", "").join("state").display().to_string();
    let master = place.stoa(&["master", "--listen", "127.0.0.1:0", "--state", &file]).finish();
    assert_eq!(master.failed(1, &[&file]).text(), "");
    let agent = ["agent", "--master", "127.0.0.1:1", "--state", &file];
    place.stoa(&agent).finish().failed(1, &[&file]);
}

#[test]
fn flags_that_make_no_sense_are_refused() {
    let place = Place::new();
    let state = place.path().join("state").display().to_string();
    for (arguments, parts) in [
        (&["agent", "--resources", "cpus=many"][..], ["--resources", "many"]),
        (&["agent", "--resources", "memory"], ["--resources", "memory=SIZE"]),
        (&["agent", "--tasks-max", "0"], ["--tasks-max", "0"]),
        (&["agent", "--attribute", "zone"], ["--attribute", "zone=a"]),
        (&["master", "--weight", "web=0"], ["--weight", "web=2"]),
        (&["master", "--weight", "web"], ["--weight", "ROLE=N"]),
        (&["master", "--listen", "everywhere"], ["--listen", "everywhere"]),
        (&["master", "--heartbeat", "0s"], ["--heartbeat", "30s"]),
        (&["master", "--heartbeat", "40s"], ["agent_unreachable_ms", "heartbeat_ms"]),
        (&["dev", "--agents", "0"], ["--agents", "0"]),
        (&["dev", "--agents", "65"], ["--agents", "64"]),
        (&["bench", "launch", "--tasks", "0"], ["--tasks", "0"]),
    ] {
        let mut arguments = arguments.to_vec();
        if matches!(arguments[0], "master" | "agent") {
            arguments.extend(["--state", &state]);
        }
        place.stoa(&arguments).finish().failed(2, &parts);
    }
    let missing = place.path().join("missing").display().to_string();
    let agent = place.stoa(&["agent", "--state", &state, "--allow-dir", &missing]).finish();
    agent.failed(1, &[&missing]);
}

#[test]
fn agent_gives_what_its_flags_say_and_what_was_detected() {
    let flags = ["--resources", "cpus=1.5;gpus=2", "--attribute", "zone=b", "--hostname", "box"];
    let cluster = Cluster::start(Plan::of_agents(1).each_agent(&flags));
    let agent = cluster.run(&["agents", "-o", "json"]).succeeded().json()[0].clone();
    assert_eq!(agent["hostname"], "box");
    assert_eq!(agent["total"]["cpus_milli"], 1_500);
    assert_eq!(agent["total"]["gpus"], 2);
    assert!(agent["total"]["memory_bytes"].as_u64() > Some(1 << 20), "{agent}");
    assert_eq!(agent["attributes"], serde_json::json!({ "zone": "b" }));
}

#[test]
fn daemons_announce_themselves_in_json_and_end_when_told() {
    let place = Place::new();
    let state = |name: &str| place.path().join(name).display().to_string();
    let (master_state, agent_state) = (state("m"), state("a"));
    let listen = ["--listen", "127.0.0.1:0", "-o", "json", "--state", &master_state];
    let mut master = place.stoa(&[&["master"], &listen[..]].concat()).start();
    let announced = |line: &str| serde_json::from_str::<serde_json::Value>(line).ok();
    let line = format!("{{{}", master.wait_for_line("{"));
    let announced_master = announced(&line).unwrap();
    assert_eq!(announced_master["event"], "listening");
    let address = announced_master["address"].as_str().unwrap();
    let flags = ["--master", address, "-o", "json", "--state", &agent_state];
    let mut agent = place.stoa(&[&["agent"], &flags[..]].concat()).start();
    let line = format!("{{{}", agent.wait_for_line("{"));
    assert_eq!(announced(&line).unwrap()["event"], "registered");
    agent.end().succeeded();
    master.end().succeeded();
    assert!(TcpStream::connect(address).is_err(), "somebody still listens on {address}");
}

#[test]
fn agent_without_a_master_waits_for_one() {
    let place = Place::new();
    let mut cluster = Cluster::start(Plan::of_agents(0));
    cluster.kill_master();
    let state = place.path().join("early").display().to_string();
    let mut agent =
        place.stoa(&["agent", "--master", cluster.address(), "--state", &state]).start();
    wait_until("the agent has missed its master", || {
        if agent.stderr().contains("no stream to the master") {
            Ok(())
        } else {
            Err(agent.stderr())
        }
    });
    assert_eq!(agent.stdout(), "");
    cluster.start_master();
    agent.wait_for_line("registered ");
}

/// Starts a process and kills it as soon as it has made more than `files` files in its state, again
/// and again with more, so that it dies at several moments of its first starts.
fn kill_in_the_making(place: &Place, role: &[&str], state: &Path) {
    let state_flag = state.display().to_string();
    for files in 0..8 {
        let mut process = place.stoa(&[role, &["--state", &state_flag]].concat()).start();
        wait_until("the state is in the making", || {
            let made = std::fs::read_dir(state).map_or(0, Iterator::count);
            let is_enough = made > files || !process.stdout().is_empty();
            if is_enough || process.has_ended() { Ok(()) } else { Err(format!("{made} files")) }
        });
        process.kill();
    }
}

#[test]
fn process_that_was_killed_while_it_made_its_state_starts_again() {
    let place = Place::new();
    let state = |name: &str| place.path().join(name);
    for attempt in 0..5 {
        let master = state(&format!("master-{attempt}"));
        let role = ["master", "--listen", "127.0.0.1:0"];
        kill_in_the_making(&place, &role, &master);
        let flag = master.display().to_string();
        let mut master = place.stoa(&[&role[..], &["--state", &flag]].concat()).start();
        let address = master.wait_for_line("listening ");
        place.stoa(&["agents", "--master", &address]).finish().succeeded();
        let agent = state(&format!("agent-{attempt}"));
        let role = ["agent", "--master", &address];
        kill_in_the_making(&place, &role, &agent);
        let flag = agent.display().to_string();
        let mut agent = place.stoa(&[&role[..], &["--state", &flag]].concat()).start();
        agent.wait_for_line("registered ");
    }
}

#[test]
fn dev_is_a_whole_cluster_until_it_is_told_to_end() {
    let place = Place::new();
    let state = place.path().join("dev").display().to_string();
    let dev = ["dev", "--agents", "2", "--port", "0", "--state", &state];
    let mut dev = place.stoa(&dev).start();
    let address = dev.wait_for_line("listening ");
    let stoa = |arguments: &[&str]| {
        place.stoa(arguments).env("STOA_MASTER", &address).finish().succeeded()
    };
    let agents = stoa(&["agents", "-o", "json"]).json();
    let states: Vec<_> = agents.as_array().unwrap().iter().map(|it| it["state"].clone()).collect();
    assert_eq!(states, ["CONNECTED", "CONNECTED"]);
    let run = stoa(&["run", "--name", "on-dev", &sample("hello"), "dev"]);
    assert_eq!((run.text(), run.stderr.as_str()), ("Hello, dev!\n", ""));
    assert_eq!(stoa(&["ps", "-a", "-o", "json"]).json()[0]["name"], "on-dev");
    dev.end().succeeded();
    assert!(TcpStream::connect(&address).is_err(), "somebody still listens on {address}");
}

#[test]
fn dev_without_a_state_directory_leaves_nothing_behind() {
    let place = Place::new();
    let mut dev = place.stoa(&["dev", "--port", "0"]).start();
    let address = dev.wait_for_line("listening ");
    let run = ["run", "--master", &address, &sample("hello")];
    place.stoa(&run).finish().succeeded();
    dev.end().succeeded();
    let left: Vec<_> = std::fs::read_dir(place.temporary()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}
