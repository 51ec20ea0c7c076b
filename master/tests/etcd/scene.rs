//! An etcd with a cluster's keys in it, and who leads there, made by hand.

use std::time::Duration;

use stoa_etcd::{Client, Compare, LeaseId, Operation, Pace, Place, Range, Transaction};
use stoa_harness::Etcd;
use stoa_master::{EtcdStore, EtcdStoreError, Keys};
use stoa_master_core::Recovered;
use stoa_model::epoch::Epoch;

/// The prefix of the cluster.
pub const PREFIX: &str = "test/stoa";

/// A client of all members that has patience, as machines under load are slow.
pub fn client(etcd: &Etcd) -> Client {
    client_with(etcd, Duration::from_secs(5))
}

/// A client of all members that soon gives up what does not answer.
pub fn hasty_client(etcd: &Etcd) -> Client {
    client_with(etcd, Duration::from_secs(1))
}

fn client_with(etcd: &Etcd, call: Duration) -> Client {
    let place: Place = etcd.url(PREFIX).parse().expect("the harness says where its etcd is");
    Client::new(&place, Pace { call, ..Pace::default() })
}

/// The keys of the cluster.
pub fn keys() -> Keys {
    Keys::below(PREFIX)
}

/// Makes the leader's key, as one who wins an election does; nobody may lead.
pub async fn lead(client: &Client, address: &str, lease: Option<LeaseId>) -> Epoch {
    let key = keys().leader();
    let put = Operation::Put { key: key.clone(), value: address.into(), lease };
    let compare = vec![Compare::Created { key, at: 0 }];
    let transaction = Transaction { compare, then: vec![put], otherwise: Vec::new() };
    let outcome = client.transact(&transaction).await.expect("etcd serves");
    assert!(outcome.held, "somebody leads");
    Epoch(outcome.revision)
}

/// Removes the leader's key.
pub async fn depose(client: &Client) {
    let then = vec![Operation::Delete(keys().leader())];
    let transaction = Transaction { then, ..Transaction::default() };
    client.transact(&transaction).await.expect("etcd serves");
}

/// Opens the store under an epoch.
pub async fn open(client: &Client, epoch: Epoch) -> Result<(EtcdStore, Recovered), EtcdStoreError> {
    EtcdStore::open(client.clone(), keys(), epoch).await
}

/// What another leader finds: deposes the one that is there.
pub async fn recovered(client: &Client) -> Recovered {
    depose(client).await;
    let epoch = lead(client, "reader:1", None).await;
    open(client, epoch).await.expect("the reader leads").1
}

/// Every key of the cluster with its value and how often it was written, in order.
pub async fn all_keys(client: &Client) -> Vec<(String, Vec<u8>, u64)> {
    let (_, page) = client.range(&Range::prefix(&format!("{PREFIX}/"))).await.expect("it serves");
    assert!(!page.has_more, "a test with so few keys reads them at once");
    let entries = page.entries.into_iter();
    entries.map(|entry| (entry.key, entry.value, entry.mod_revision)).collect()
}
