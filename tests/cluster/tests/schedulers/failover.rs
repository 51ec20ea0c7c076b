//! A scheduler that fails over: another takes the framework over, with its tasks, and the first is
//! told so for good.

use stoa_harness::{Cluster, Plan};
use stoa_model::ids::{FrameworkId, TaskId};
use stoa_model::scheduler::{Call, Event};
use stoa_model::status::Reason;

use crate::author::{Author, LONG_FILTER, NO_FILTER, on_one_thread, task, uploaded};

#[test]
fn second_scheduler_takes_over_the_framework_and_its_tasks() {
    let cluster = Cluster::start(Plan::of_agents(1));
    on_one_thread(async {
        let ticker = uploaded(&cluster, "ticker").await;
        let mut first = Author::start(&cluster, None);
        let framework = first.registered().await;
        let offer = first.offer().await;
        first.launch(offer, task("ticker", ticker, &["0.1"]), NO_FILTER).await;
        first.update("ticker", "RUNNING").await;
        let held = first.offer().await;
        let mut second = Author::start(&cluster, Some(framework.clone()));
        assert_eq!(second.reregistered().await, framework);
        first_is_told_for_good(&mut first).await;
        reconcile(&mut second).await;
        old_offer_is_void(&cluster, &mut second, held).await;
        second.call(Call::Kill { task: id("ticker"), agent: None, policy: None }).await;
        let killed = second.update("ticker", "KILLED").await;
        assert_eq!(killed.reason, Reason::KillRequested);
        second.unregister().await;
    });
}

fn id(task: &str) -> TaskId {
    TaskId::new(task).expect("tests choose legal ids")
}

async fn first_is_told_for_good(first: &mut Author) {
    let message = first
        .until("Error", |event| match event {
            Event::Error { message, is_final: true, .. } => Some(message.clone()),
            _ => None,
        })
        .await;
    assert!(!message.is_empty(), "people are not told why");
    assert_eq!(first.next().await, None, "something came after the last Error");
}

/// Asked by name, asked for all, and asked for what nobody knows: each is answered.
async fn reconcile(second: &mut Author) {
    for question in [vec![(id("ticker"), None)], Vec::new()] {
        second.call(Call::Reconcile(question)).await;
        let answer = second.update("ticker", "RUNNING").await;
        assert_eq!(answer.reason, Reason::Reconciliation);
    }
    second.call(Call::Reconcile(vec![(id("nobody"), None)])).await;
    let answer = second.update("nobody", "UNKNOWN").await;
    assert_eq!(answer.reason, Reason::Reconciliation);
}

async fn old_offer_is_void(cluster: &Cluster, second: &mut Author, held: stoa_model::offer::Offer) {
    let hello = uploaded(cluster, "hello").await;
    second.launch(held, task("late", hello, &[]), NO_FILTER).await;
    let dropped = second.update("late", "DROPPED").await;
    assert_eq!(dropped.reason, Reason::OfferInvalid);
}

#[test]
fn framework_that_nobody_knows_is_refused() {
    let cluster = Cluster::shared();
    on_one_thread(async {
        let unknown = FrameworkId::new("nobody").expect("the text is a legal id");
        let mut author = Author::start(&cluster, Some(unknown));
        first_is_told_for_good(&mut author).await;
    });
}

#[test]
fn unregistered_framework_ends_its_tasks() {
    let cluster = Cluster::shared();
    on_one_thread(async {
        let spin = uploaded(&cluster, "spin").await;
        let mut author = Author::start(&cluster, None);
        author.registered().await;
        let offer = author.offer().await;
        author.launch(offer, task("orphan", spin, &[]), LONG_FILTER).await;
        author.update("orphan", "RUNNING").await;
        author.unregister().await;
    });
    let over = cluster.wait_for_state("orphan", "KILLED");
    assert_eq!(over["reason"], "FRAMEWORK_REMOVED");
}
