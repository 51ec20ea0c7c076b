//! An agent that dies: its offers are rescinded, its tasks are unreachable for good reason, and
//! when it comes back they are gone, while everything else goes on.

use std::collections::BTreeSet;

use stoa_harness::{Cluster, Plan, compiled_code};
use stoa_model::ids::OfferId;
use stoa_model::scheduler::Event;
use stoa_model::status::Reason;
use stoa_model::task::TaskState;

use crate::author::{Author, NO_FILTER, on_one_thread, task, uploaded};

/// What runs in the agent's own process ends with it.
const WITHIN: [&str; 2] = ["--isolation", "none"];

/// Agents are given up soon, so that the test need not wait.
const IMPATIENT: [&str; 4] = ["--agent-timeout", "1s", "--heartbeat", "300ms"];

#[test]
fn killed_agent_loses_its_tasks_and_comes_back_for_new_ones() {
    let plan = Plan::of_agents(1).master(&IMPATIENT).each_agent(&WITHIN);
    let mut cluster = Cluster::start(plan);
    on_one_thread(async {
        let mut author = Author::start(&cluster, None);
        author.registered().await;
        run_one_to_its_end(&cluster, &mut author).await;
        let outstanding = run_one_on(&cluster, &mut author).await;
        let compiled = compiled_code(&cluster.agent_state(0).join("compiled"));
        cluster.kill_agent(0);
        hear_of_the_loss(&cluster, &mut author, &outstanding).await;
        cluster.start_agent(0);
        hear_of_the_return(&mut author).await;
        run_another(&cluster, &mut author).await;
        assert_eq!(
            compiled_code(&cluster.agent_state(0).join("compiled")),
            compiled,
            "it was compiled again"
        );
        author.unregister().await;
    });
}

async fn run_one_to_its_end(cluster: &Cluster, author: &mut Author) {
    let hello = uploaded(cluster, "hello").await;
    let offer = author.offer().await;
    author.launch(offer, task("before", hello, &["before"]), NO_FILTER).await;
    author.update("before", "FINISHED").await;
}

/// Answers an offer of what the running task leaves over, which is outstanding from now on.
async fn run_one_on(cluster: &Cluster, author: &mut Author) -> OfferId {
    let sleep = uploaded(cluster, "sleep").await;
    let offer = author.offer().await;
    author.launch(offer, task("sleeper", sleep, &["1000"]), NO_FILTER).await;
    author.update("sleeper", "RUNNING").await;
    author.offer().await.id
}

/// All three are told, in whatever order: the offer is void, the task unreachable, the agent lost.
async fn hear_of_the_loss(cluster: &Cluster, author: &mut Author, outstanding: &OfferId) {
    let mut missing = BTreeSet::from(["Rescind", "Update", "Failure"]);
    while !missing.is_empty() {
        match author.next().await.expect("the framework goes on") {
            Event::Rescind(offers) => {
                assert!(offers.contains(outstanding), "{offers:?} without {outstanding}");
                missing.remove("Rescind");
            }
            Event::Update(status) => {
                assert_eq!(status.task.as_str(), "sleeper");
                assert_eq!(status.state, TaskState::Unreachable);
                assert_eq!(status.reason, Reason::AgentUnreachable);
                assert_eq!(status.update, None, "only what an agent says is acknowledged");
                missing.remove("Update");
            }
            Event::Failure { agent, executor, message } => {
                assert_eq!((agent.as_str(), executor), (cluster.agent(0), None));
                assert!(!message.is_empty(), "people are not told why");
                missing.remove("Failure");
            }
            other => panic!("{other:?} was not expected"),
        }
    }
    let agents = cluster.run(&["agents", "-o", "json"]).succeeded();
    assert_eq!(agents.json_where("agent", cluster.agent(0))["state"], "UNREACHABLE");
    let tasks = cluster.run(&["ps", "-o", "json"]).succeeded();
    assert_eq!(tasks.json_where("task", "sleeper")["state"], "UNREACHABLE");
    cluster.run(&["logs", "sleeper"]).failed(1, &[cluster.agent(0), "not connected"]);
}

async fn hear_of_the_return(author: &mut Author) {
    let status = author.update("sleeper", "GONE").await;
    assert_eq!(status.reason, Reason::AgentRestarted);
    assert!(!status.message.is_empty(), "people are not told why");
}

async fn run_another(cluster: &Cluster, author: &mut Author) {
    let hello = uploaded(cluster, "hello").await;
    let offer = author.offer().await;
    author.launch(offer, task("after", hello, &["after"]), NO_FILTER).await;
    author.update("after", "FINISHED").await;
    assert_eq!(cluster.run(&["logs", "after"]).succeeded().text(), "Hello, after!\n");
    // Ended before the agent died, and still to be read.
    assert_eq!(cluster.run(&["logs", "before"]).succeeded().text(), "Hello, before!\n");
}

#[test]
fn agent_that_has_nothing_to_tell_is_not_given_up() {
    let cluster = Cluster::start(Plan::of_agents(2).master(&IMPATIENT));
    on_one_thread(async {
        let mut author = Author::start(&cluster, None);
        author.registered().await;
        let hog = uploaded(&cluster, "hog").await;
        let offer = author.offer().await;
        author.launch(offer, task("holder", hog, &["1", "2"]), NO_FILTER).await;
        author.update("holder", "RUNNING").await;
        author.update("holder", "FINISHED").await;
        let failures = author.told.iter().filter(|told| told.starts_with("Failure")).count();
        assert_eq!(failures, 0, "an agent that says little was taken for dead: {:?}", author.told);
        author.unregister().await;
    });
}

#[test]
fn launch_on_an_offer_of_a_dead_agent_is_answered() {
    let mut cluster = Cluster::start(Plan::of_agents(1).master(&IMPATIENT));
    on_one_thread(async {
        let hello = uploaded(&cluster, "hello").await;
        let mut author = Author::start(&cluster, None);
        author.registered().await;
        let offer = author.offer().await;
        cluster.kill_agent(0);
        author.until("Rescind", |event| matches!(event, Event::Rescind(_)).then_some(())).await;
        author.launch(offer, task("late", hello, &[]), NO_FILTER).await;
        let status = author.update("late", "DROPPED").await;
        assert_eq!(status.reason, Reason::OfferInvalid);
        author.unregister().await;
    });
}
