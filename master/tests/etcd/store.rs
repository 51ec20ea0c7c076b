//! What is durable in etcd, and who may write it.

use stoa_etcd::{Operation, Transaction};
use stoa_harness::Etcd;
use stoa_master::EtcdStoreError;
use stoa_master_core::election::{Input, Leader};
use stoa_master_core::limits::FRAMEWORKS_REMOVED_MAX;
use stoa_master_core::{Record, Recovered};
use stoa_model::epoch::Epoch;

use crate::records::{admitted, admitted_with, agent, framework, of_every_kind, registered, sum};
use crate::scene::{all_keys, client, depose, keys, lead, open, recovered};

#[tokio::test]
async fn next_leader_finds_what_the_last_one_has_committed() {
    let etcd = Etcd::start(1);
    let client = client(&etcd);
    let epoch = lead(&client, "one:1", None).await;
    let (mut store, nothing) = open(&client, epoch).await.unwrap();
    assert_eq!(nothing, Recovered::default());
    let batches = of_every_kind();
    for batch in &batches {
        store.commit(batch.clone()).await.unwrap();
    }
    store.commit(Vec::new()).await.unwrap();
    let expected = sum(batches.iter().flatten());
    assert_eq!(recovered(&client).await, expected);

    // And goes on where it has ended.
    depose(&client).await;
    let epoch = lead(&client, "two:1", None).await;
    let (mut store, _) = open(&client, epoch).await.unwrap();
    let more = vec![admitted(9), Record::FrameworkRemoved { id: framework(1) }];
    store.commit(more.clone()).await.unwrap();
    let expected = sum(batches.iter().flatten().chain(&more));
    let found = recovered(&client).await;
    assert_eq!(found, expected);
    assert_eq!(found.removed, [framework(3), framework(1)], "in the order in which they ended");
}

#[tokio::test]
async fn many_records_are_written_in_order_and_read_page_by_page() {
    let etcd = Etcd::start(1);
    let client = client(&etcd);
    let epoch = lead(&client, "one:1", None).await;
    let (mut store, _) = open(&client, epoch).await.unwrap();
    let mut records: Vec<_> = (0..2_300).map(admitted).collect();
    records.extend((0..300).map(|n| Record::AgentGone { id: agent(n) }));
    records.extend((0..40).map(registered));
    records.extend((0..40).map(|n| Record::FrameworkRemoved { id: framework(n) }));
    store.commit(records.clone()).await.unwrap();
    let found = recovered(&client).await;
    assert!(found == sum(&records), "{} agents were found", found.agents.len());
}

#[tokio::test]
async fn large_values_are_read_in_smaller_pages() {
    let etcd = Etcd::start(1);
    let client = client(&etcd);
    let epoch = lead(&client, "one:1", None).await;
    let (mut store, _) = open(&client, epoch).await.unwrap();
    // 37 MiB, more than is taken of etcd at once.
    let records: Vec<_> = (0..80).map(|n| admitted_with(n, 120)).collect();
    store.commit(records.clone()).await.unwrap();
    let found = recovered(&client).await;
    assert!(found == sum(&records), "{} agents were found", found.agents.len());
}

#[tokio::test]
async fn removed_frameworks_are_remembered_up_to_a_bound() {
    let etcd = Etcd::start(1);
    let client = client(&etcd);
    let epoch = lead(&client, "one:1", None).await;
    let (mut store, _) = open(&client, epoch).await.unwrap();
    let removed = |n| Record::FrameworkRemoved { id: framework(n) };
    store.commit((0..FRAMEWORKS_REMOVED_MAX + 5).map(removed).collect()).await.unwrap();
    let found = recovered(&client).await.removed;
    assert_eq!(found.len(), FRAMEWORKS_REMOVED_MAX);
    assert_eq!(found[0], framework(5));
}

#[tokio::test]
async fn former_leader_changes_nothing() {
    let etcd = Etcd::start(1);
    let client = client(&etcd);
    let old_epoch = lead(&client, "one:1", None).await;
    let (mut old, _) = open(&client, old_epoch).await.unwrap();
    old.commit(vec![admitted(1)]).await.unwrap();
    depose(&client).await;
    let before = all_keys(&client).await;
    let not_leader = |result: Result<(), EtcdStoreError>, expected: Option<Leader>| match result {
        Err(error @ EtcdStoreError::NotLeader { .. }) => {
            assert_eq!(error.to_input(), Input::StoreRefuses);
            let EtcdStoreError::NotLeader { epoch, leader } = error else { unreachable!() };
            assert_eq!((epoch, leader), (old_epoch, expected));
        }
        other => panic!("{other:?}"),
    };
    not_leader(old.commit(vec![admitted(2)]).await, None);
    assert_eq!(all_keys(&client).await, before);
    assert!(matches!(old.commit(vec![admitted(2)]).await, Err(EtcdStoreError::Over)));

    let epoch = lead(&client, "two:1", None).await;
    assert!(epoch > old_epoch);
    let leader = Some(Leader { address: "two:1".to_owned(), epoch });
    let (mut new, found) = open(&client, epoch).await.unwrap();
    assert_eq!(found, sum(&[admitted(1)]));
    new.commit(vec![admitted(3)]).await.unwrap();
    let before = all_keys(&client).await;
    not_leader(open(&client, old_epoch).await.map(|_| ()), leader);
    assert_eq!(all_keys(&client).await, before);
    // The one that leads was not disturbed.
    new.commit(vec![admitted(4)]).await.unwrap();
    assert_eq!(recovered(&client).await, sum(&[admitted(1), admitted(3), admitted(4)]));
}

#[tokio::test]
async fn second_writer_of_an_epoch_is_refused() {
    let etcd = Etcd::start(1);
    let client = client(&etcd);
    let epoch = lead(&client, "one:1", None).await;
    let (mut store, _) = open(&client, epoch).await.unwrap();
    let second = open(&client, epoch).await.map(|_| ());
    assert!(matches!(second, Err(EtcdStoreError::Foreign { .. })), "{second:?}");
    store.commit(vec![admitted(1)]).await.unwrap();
    set(&client, &keys().commit(), "somebody else").await;
    let error = store.commit(vec![admitted(2)]).await.unwrap_err();
    assert!(error.to_string().contains("somebody else"), "{error}");
    assert_eq!(recovered(&client).await, sum(&[admitted(1)]));
}

#[tokio::test]
async fn what_cannot_be_read_is_named_and_left_alone() {
    let etcd = Etcd::start(1);
    let client = client(&etcd);
    assert!(matches!(
        open(&client, Epoch(1)).await,
        Err(EtcdStoreError::NotLeader { leader: None, .. })
    ));
    let epoch = lead(&client, "one:1", None).await;
    let (mut store, _) = open(&client, epoch).await.unwrap();
    store.commit(vec![admitted(1)]).await.unwrap();
    depose(&client).await;
    let epoch = lead(&client, "two:1", None).await;

    let cases =
        [("format", "2", "1"), ("state/agents/A1", "\u{7f}", ""), ("state/attic/A1", "", "")];
    for (name, bad, good) in cases {
        let key = format!("{}/{name}", crate::scene::PREFIX);
        set(&client, &key, bad).await;
        let before = all_keys(&client).await;
        let error = open(&client, epoch).await.map(|_| ()).unwrap_err();
        assert!(error.to_string().contains(&key), "{error}");
        assert_eq!(all_keys(&client).await, before, "nothing is changed by looking");
        if good.is_empty() {
            let then = vec![Operation::Delete(key)];
            client.transact(&Transaction { then, ..Transaction::default() }).await.unwrap();
        } else {
            set(&client, &key, good).await;
        }
    }
    open(&client, epoch).await.unwrap();
}

async fn set(client: &stoa_etcd::Client, key: &str, value: &str) {
    let then = vec![Operation::Put { key: key.to_owned(), value: value.into(), lease: None }];
    let transaction = Transaction { then, ..Transaction::default() };
    client.transact(&transaction).await.expect("etcd serves");
}
