//! The walk that must work: Register, Registered, Request, Offer, Decline, Offer, Launch, Update,
//! Acknowledge, Unregister, as both sides see it.

use serde_json::Value;
use stoa_harness::{Cluster, Plan, Process, sample, wait_until};
use stoa_model::framework::ROLE_DEFAULT;
use stoa_model::offer::Offer;
use stoa_model::status::Reason;

use crate::author::{Author, LONG_FILTER, on_one_thread, task, uploaded};

#[test]
fn scheduler_walks_from_register_to_unregister() {
    let cluster = Cluster::start(Plan::of_agents(1));
    let mut watch = started_watch(&cluster);
    on_one_thread(walk(&cluster));
    watch.wait_for_stdout("FrameworkRemoved", |stdout| stdout.find("FrameworkRemoved"));
    assert_eq!(
        seen_by_the_master(&watch),
        [
            "FrameworkRegistered",
            "OfferMade",
            "OfferDeclined",
            "OfferMade",
            "TaskLaunched",
            "TaskUpdated RUNNING",
            "TaskUpdated FINISHED",
            "OfferMade",
            "OfferRescinded",
            "FrameworkRemoved",
        ]
    );
}

async fn walk(cluster: &Cluster) {
    let hello = uploaded(cluster, "hello").await;
    let mut author = Author::start(cluster, None);
    let framework = author.registered().await;
    author.request().await;
    let first = author.offer().await;
    assert_eq!(first.framework, framework);
    assert_eq!(first.agent.as_str(), cluster.agent(0));
    assert_eq!(first.role.as_str(), ROLE_DEFAULT);
    assert_eq!(first.resources.cpus_milli, 100_000);
    see_offer(cluster, &first);
    author.decline(first.id.clone()).await;
    let second = author.offer().await;
    assert_ne!(second.id, first.id, "an offer's id was used again");
    assert_eq!(second.resources, first.resources);
    author.launch(second, task("t1", hello, &["walker"]), LONG_FILTER).await;
    let finished = author.update("t1", "FINISHED").await;
    assert_eq!((finished.reason, finished.exit_code), (Reason::Exited, Some(0)));
    assert!(author.updates.iter().all(|status| status.update.is_some()), "{:?}", author.updates);
    // What the task held is offered again, as it makes the offer larger than the one refused.
    assert_eq!(author.offer().await.resources, first.resources);
    author.told.retain(|told| told != "Update t1 STARTING" && told != "Heartbeat");
    let expected = [
        "Registered",
        "Offer of 1",
        "Offer of 1",
        "Update t1 RUNNING",
        "Update t1 FINISHED",
        "Offer of 1",
    ];
    assert_eq!(author.told, expected);
    author.unregister().await;
}

/// An outstanding offer is what operators see, and the agent's resources are in it.
fn see_offer(cluster: &Cluster, offer: &Offer) {
    let offers = cluster.run(&["offers", "-o", "json"]).succeeded();
    let shown = offers.json_where("offer", offer.id.as_str());
    assert_eq!(shown["framework"], offer.framework.as_str());
    assert_eq!(shown["agent"], offer.agent.as_str());
    assert_eq!(shown["resources"]["memory_bytes"], offer.resources.memory_bytes);
    let agents = cluster.run(&["agents", "-o", "json"]).succeeded();
    let agent = agents.json_where("agent", offer.agent.as_str());
    assert_eq!(agent["offered"], agent["total"]);
    assert_eq!(agent["free"]["cpus_milli"], 0);
    let what = format!("offer/{}", offer.id);
    cluster.run(&["describe", &what]).succeeded();
}

/// A watch of the cluster's events that is known to have begun.
fn started_watch(cluster: &Cluster) -> Process {
    let watch = cluster.stoa(&["events", "-w", "-o", "json"]).start();
    let hello = sample("hello");
    wait_until("the watch has begun", || {
        cluster.run(&["run", &hello]).succeeded();
        if watch.stdout().contains("FrameworkRemoved") { Ok(()) } else { Err(watch.stdout()) }
    });
    watch
}

/// What the master said of the framework called `author`, but for STARTING.
fn seen_by_the_master(watch: &Process) -> Vec<String> {
    let stdout = watch.stdout();
    let events =
        stdout.lines().map(|line| serde_json::from_str::<Value>(line).expect("an event a line"));
    let events = events.skip_while(|event| event["name"] != "author");
    let names = events.map(|event| {
        let name = event["event"].as_str().unwrap_or_default().to_owned();
        match event["status"]["state"].as_str() {
            Some(state) => format!("{name} {state}"),
            None => name,
        }
    });
    names.filter(|name| name != "TaskUpdated STARTING").collect()
}
