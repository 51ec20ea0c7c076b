//! Members of etcd that are killed, or stand still, while a leader commits: nothing is lost, and
//! nothing is done twice.

use std::cell::Cell;
use std::time::Duration;

use stoa_etcd::{Client, Range};
use stoa_harness::Etcd;
use stoa_master::{EtcdStore, EtcdStoreError};
use stoa_master_core::Record;
use stoa_master_core::election::Input;

use crate::records::{admitted, sum};
use crate::scene::{client, depose, hasty_client, keys, lead, open, recovered};

/// Commits one record after another; `done` says how many are durable.
async fn commit_all(store: &mut EtcdStore, records: &[Record], done: &Cell<usize>) {
    for record in records {
        store.commit(vec![record.clone()]).await.expect("it is known to be durable");
        done.set(done.get() + 1);
    }
}

/// Waits until so many are durable.
async fn wait_for(done: &Cell<usize>, count: usize) {
    while done.get() < count {
        tokio::task::yield_now().await;
    }
}

/// Every key of what is kept was written once, and the commits are counted without a gap.
async fn assert_written_once(client: &Client, commits: usize) {
    let (_, page) = client.range(&Range::prefix(&keys().state())).await.expect("it serves");
    assert_eq!(page.entries.len(), commits);
    for entry in &page.entries {
        assert_eq!(entry.create_revision, entry.mod_revision, "{} was written twice", entry.key);
    }
    let revisions: Vec<_> = page.entries.iter().map(|entry| entry.mod_revision).collect();
    assert!(revisions.is_sorted(), "in the order of the commits: {revisions:?}");
    let (_, page) = client.range(&Range::key(keys().commit())).await.expect("it serves");
    let mark = String::from_utf8_lossy(&page.entries[0].value).into_owned();
    assert!(mark.ends_with(&format!(".{commits}")), "{mark}");
}

#[tokio::test]
async fn member_that_is_killed_while_a_leader_commits_costs_nothing() {
    let mut etcd = Etcd::start(3);
    let client = client(&etcd);
    let epoch = lead(&client, "one:1", None).await;
    let (mut store, _) = open(&client, epoch).await.unwrap();
    let records: Vec<_> = (100..160).map(admitted).collect();
    let done = Cell::new(0);
    // Each of them once, so that one of them was the leader of etcd.
    let kills = async {
        for (member, count) in [(0, 10), (1, 25), (2, 40)] {
            wait_for(&done, count).await;
            etcd.kill(member);
            wait_for(&done, count + 5).await;
            etcd.restart(member);
        }
    };
    tokio::join!(commit_all(&mut store, &records, &done), kills);
    assert_written_once(&client, records.len()).await;
    assert_eq!(recovered(&client).await, sum(&records));
}

#[tokio::test]
async fn commit_to_a_member_that_stands_still_is_made_once() {
    let mut etcd = Etcd::start(1);
    let client = client(&etcd);
    let epoch = lead(&client, "one:1", None).await;
    let (mut store, _) = open(&hasty_client(&etcd), epoch).await.unwrap();
    let records: Vec<_> = (100..130).map(admitted).collect();
    let done = Cell::new(0);
    // Longer than a call is waited for, so that it is made again while the first is on its way.
    let freezes = async {
        for count in [5, 15, 25] {
            wait_for(&done, count).await;
            etcd.freeze(0);
            tokio::time::sleep(Duration::from_millis(1_500)).await;
            etcd.thaw(0);
        }
    };
    tokio::join!(commit_all(&mut store, &records, &done), freezes);
    assert_written_once(&client, records.len()).await;
    assert_eq!(recovered(&client).await, sum(&records));
}

#[tokio::test]
async fn commit_of_which_nobody_knows_is_found_or_not_and_nothing_comes_after_it() {
    let mut etcd = Etcd::start(1);
    let client = client(&etcd);
    let epoch = lead(&client, "one:1", None).await;
    let (mut store, _) = open(&hasty_client(&etcd), epoch).await.unwrap();
    store.commit(vec![admitted(1)]).await.unwrap();
    etcd.freeze(0);
    let error = store.commit(vec![admitted(2)]).await.unwrap_err();
    assert!(matches!(error, EtcdStoreError::OutcomeUnknown(_)), "{error}");
    assert_eq!(error.to_input(), Input::StoreSilent);
    etcd.thaw(0);
    etcd.wait_until_it_serves(0);
    assert!(matches!(store.commit(vec![admitted(3)]).await, Err(EtcdStoreError::Over)));

    depose(&client).await;
    let epoch = lead(&client, "two:1", None).await;
    let (mut next, found) = open(&client, epoch).await.unwrap();
    let either = [vec![admitted(1)], vec![admitted(1), admitted(2)]];
    let there = either.iter().find(|records| sum(*records) == found);
    let there = there.unwrap_or_else(|| panic!("neither of both: {found:?}"));
    next.commit(vec![admitted(4)]).await.unwrap();
    let expected = sum(there.iter().chain(&[admitted(4)]));
    assert_eq!(recovered(&client).await, expected);
}

#[tokio::test]
async fn commit_that_is_not_waited_for_is_the_last() {
    let etcd = Etcd::start(1);
    let client = client(&etcd);
    let epoch = lead(&client, "one:1", None).await;
    let (mut store, _) = open(&client, epoch).await.unwrap();
    tokio::select! {
        biased;
        done = store.commit(vec![admitted(1)]) => panic!("{done:?} without an answer"),
        () = std::future::ready(()) => {}
    }
    assert!(matches!(store.commit(vec![admitted(2)]).await, Err(EtcdStoreError::Over)));
}
