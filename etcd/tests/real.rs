//! The client against a real etcd: what it reads and writes, and what it says when members fail.

use std::time::Duration;

use stoa_etcd::limits::{CALL_BYTES_MAX, OPERATIONS_PER_TXN_MAX};
use stoa_etcd::{
    Client, Compare, EtcdError, Kind, LeaseId, Notice, Operation, Pace, Place, Range, Transaction,
    Unfit, Warning,
};
use stoa_harness::Etcd;

/// A client that has patience, as machines under load are slow.
fn client(url: &str) -> Client {
    client_with(url, Duration::from_secs(5))
}

/// A client that soon gives up what does not answer.
fn hasty_client(url: &str) -> Client {
    client_with(url, Duration::from_secs(1))
}

fn client_with(url: &str, call: Duration) -> Client {
    let place: Place = url.parse().expect("the harness says where its etcd is");
    Client::new(&place, Pace { call, ..Pace::default() })
}

fn put(key: &str, value: impl Into<Vec<u8>>) -> Operation {
    Operation::Put { key: key.to_owned(), value: value.into(), lease: None }
}

fn all(then: Vec<Operation>) -> Transaction {
    Transaction { then, ..Transaction::default() }
}

async fn value(client: &Client, key: &str) -> Option<Vec<u8>> {
    let (_, page) = client.range(&Range::key(key)).await.expect("etcd serves");
    page.entries.into_iter().next().map(|entry| entry.value)
}

#[tokio::test]
async fn range_is_read_page_by_page_at_one_revision() {
    let etcd = Etcd::start(1);
    let client = client(&etcd.url("x"));
    let puts = (0..5).map(|n| put(&format!("x/{n}"), [n])).chain([put("y", [9])]);
    let written = client.transact(&all(puts.collect())).await.unwrap();
    assert!(written.held);

    let range = Range::prefix("x/").at_most(2);
    let (revision, first) = client.range(&range).await.unwrap();
    assert_eq!(revision, written.revision);
    let keys = |page: &stoa_etcd::Page| -> Vec<String> {
        page.entries.iter().map(|entry| entry.key.clone()).collect()
    };
    assert_eq!((keys(&first), first.has_more), (vec!["x/0".to_owned(), "x/1".to_owned()], true));
    assert_eq!(first.entries[0].create_revision, revision);

    // What is written between two pages is not seen.
    let later = vec![put("x/2", [7]), Operation::Delete("x/3".to_owned()), put("x/5", [5])];
    client.transact(&all(later)).await.unwrap();
    let mut read = first.entries.clone();
    let mut has_more = true;
    while has_more {
        let next = range.clone().at(revision).after(&read.last().unwrap().key);
        let (_, page) = client.range(&next).await.unwrap();
        has_more = page.has_more;
        read.extend(page.entries);
    }
    let read: Vec<_> = read.iter().map(|entry| entry.value[0]).collect();
    assert_eq!(read, [0, 1, 2, 3, 4]);
    assert_eq!(value(&client, "x/2").await, Some(vec![7]));
    assert_eq!(value(&client, "x/3").await, None);
}

#[tokio::test]
async fn transaction_changes_nothing_unless_all_that_it_compares_holds() {
    let etcd = Etcd::start(1);
    let client = client(&etcd.url("x"));
    let created = |at| Compare::Created { key: "a".to_owned(), at };
    let make = |compare, value: u8| Transaction {
        compare: vec![compare],
        then: vec![put("a", [value])],
        otherwise: vec![Operation::Range(Range::key("a"))],
    };
    let made = client.transact(&make(created(0), 1)).await.unwrap();
    assert!(made.held && made.pages.is_empty());
    let again = client.transact(&make(created(0), 2)).await.unwrap();
    assert!(!again.held);
    let there = &again.pages[0].entries[0];
    assert_eq!((there.value.as_slice(), there.create_revision), ([1].as_slice(), made.revision));

    let has = |value: u8| Compare::Value { key: "a".to_owned(), value: vec![value] };
    let before = |revision| Compare::WrittenBefore { key: "a".to_owned(), revision };
    let cases = [
        (created(made.revision), true),
        (created(made.revision + 1), false),
        (before(made.revision + 9), true),
        (before(made.revision), false),
        (has(3), true),
        (has(4), false),
        (Compare::Value { key: "b".to_owned(), value: Vec::new() }, false),
        (Compare::WrittenBefore { key: "b".to_owned(), revision: 1 }, true),
    ];
    for (compare, holds) in cases {
        let outcome = client.transact(&make(compare.clone(), 3)).await.unwrap();
        assert_eq!(outcome.held, holds, "{compare:?}");
    }
    assert_eq!(value(&client, "a").await, Some(vec![3]));
}

#[tokio::test]
async fn what_is_too_much_is_not_sent_and_what_is_too_long_is_said() {
    let etcd = Etcd::start(1);
    let client = client(&etcd.url("x"));
    let puts = |count| (0..count).map(|n| put(&format!("x/{n:03}"), [0])).collect();
    client.transact(&all(puts(OPERATIONS_PER_TXN_MAX))).await.unwrap();
    let error = client.transact(&all(puts(OPERATIONS_PER_TXN_MAX + 1))).await.unwrap_err();
    assert!(matches!(error, EtcdError::TooMuch { got: 129, unit: "operations", .. }), "{error}");

    let large = vec![0; CALL_BYTES_MAX - 100];
    let twice = all(vec![put("x/000", [large.clone(), large.clone()].concat())]);
    let error = client.transact(&twice).await.unwrap_err();
    assert!(matches!(error, EtcdError::TooMuch { unit: "bytes", .. }), "{error}");

    for n in 0..22 {
        client.transact(&all(vec![put(&format!("y/{n:03}"), large.clone())])).await.unwrap();
    }
    let error = client.range(&Range::prefix("y/")).await.unwrap_err();
    assert!(matches!(error, EtcdError::AnswerTooLong { .. }), "{error}");
    let (_, page) = client.range(&Range::prefix("y/").at_most(11)).await.unwrap();
    assert_eq!((page.entries.len(), page.has_more), (11, true));
}

#[tokio::test]
async fn lease_takes_its_key_with_it() {
    let etcd = Etcd::start(1);
    let client = client(&etcd.url("x"));
    let (lease, lease_ms) = client.grant(1_500).await.unwrap();
    assert!(lease_ms >= 1_500, "{lease_ms}");
    let bound = |lease| {
        let key = "a".to_owned();
        all(vec![Operation::Put { key, value: vec![1], lease: Some(lease) }])
    };
    client.transact(&bound(lease)).await.unwrap();
    let (_, page) = client.range(&Range::key("a")).await.unwrap();
    assert_eq!(page.entries[0].lease, Some(lease));
    assert!(client.keep_alive(lease).await.unwrap().unwrap() >= 1_000);

    client.revoke(lease).await.unwrap();
    assert_eq!(value(&client, "a").await, None);
    assert_eq!(client.keep_alive(lease).await, Ok(None));
    assert_eq!(client.revoke(lease).await, Ok(()));
    assert_eq!(client.keep_alive(LeaseId(7)).await, Ok(None));
    let error = client.transact(&bound(lease)).await.unwrap_err();
    assert!(matches!(error, EtcdError::Refused { kind: Kind::LeaseOver, .. }), "{error}");
}

#[tokio::test]
async fn watch_tells_of_changes_and_of_its_own_end() {
    let mut etcd = Etcd::start(1);
    let client = client(&etcd.url("x"));
    let long = Duration::from_secs(20);
    let short = Duration::from_millis(50);
    let first = client.transact(&all(vec![put("a", [1])])).await.unwrap();
    let mut watch = client.watch("a", first.revision + 1).await.unwrap();
    assert_eq!(watch.next(short).await, Ok(Notice::Quiet));
    client.transact(&all(vec![put("b", [1])])).await.unwrap();
    assert_eq!(watch.next(short).await, Ok(Notice::Quiet));
    client.transact(&all(vec![put("a", [2])])).await.unwrap();
    assert_eq!(watch.next(long).await, Ok(Notice::Changed));
    client.transact(&all(vec![Operation::Delete("a".to_owned())])).await.unwrap();
    assert_eq!(watch.next(long).await, Ok(Notice::Changed));
    // One that begins in the past hears what has happened since.
    let mut late = client.watch("a", first.revision).await.unwrap();
    assert_eq!(late.next(long).await, Ok(Notice::Changed));
    etcd.kill(0);
    let error = watch.next(long).await.unwrap_err();
    assert!(error.to_string().contains("watch a key"), "{error}");
}

#[tokio::test]
async fn members_that_are_away_are_passed_over() {
    let mut etcd = Etcd::start(3);
    let named = client(&etcd.url("x"));
    let (members, warnings) = named.check().await.unwrap();
    assert_eq!(members.len(), 3);
    let is_of_version =
        |warning: &Warning| matches!(warning, Warning::OldVersion { .. } | Warning::Away(_));
    assert!(warnings.iter().all(is_of_version), "{warnings:?}");

    named.transact(&all(vec![put("a", [1])])).await.unwrap();
    etcd.kill(0);
    etcd.wait_until_it_serves(1);
    assert_eq!(value(&named, "a").await, Some(vec![1]));
    // Nothing was sent to the one that is away, so that even a change can go on to the next.
    let anew = client(&etcd.url("x"));
    anew.transact(&all(vec![put("a", [2])])).await.unwrap();
    let (members, warnings) = anew.check().await.unwrap();
    assert_eq!(members.len(), 2);
    let away = warnings.iter().find(|warning| matches!(warning, Warning::Away(_)));
    let away = away.expect("one is away").to_string();
    assert!(etcd.url_of(0, "x").contains(away.split(": ").next().unwrap()), "{away}");

    etcd.restart(0);
    etcd.kill(1);
    etcd.wait_until_it_serves(0);
    assert_eq!(value(&anew, "a").await, Some(vec![2]));
}

#[tokio::test]
async fn nobody_knows_what_a_silent_member_has_done() {
    let mut etcd = Etcd::start(1);
    let client = hasty_client(&etcd.url("x"));
    client.transact(&all(vec![put("a", [1])])).await.unwrap();
    etcd.freeze(0);
    let error = client.transact(&all(vec![put("a", [2])])).await.unwrap_err();
    assert!(matches!(error, EtcdError::OutcomeUnknown { .. }), "{error}");
    let error = client.range(&Range::key("a")).await.unwrap_err();
    let EtcdError::Unreachable { tried, .. } = &error else { panic!("{error}") };
    assert!(etcd.url("x").contains(tried[0].endpoint.as_str()), "{error}");
    etcd.thaw(0);
    etcd.wait_until_it_serves(0);
    assert!(matches!(value(&client, "a").await.as_deref(), Some([1 | 2])));

    etcd.kill(0);
    let unreachable = hasty_client(&etcd.url("x"));
    let error = unreachable.transact(&all(vec![put("a", [3])])).await.unwrap_err();
    assert!(matches!(error, EtcdError::Unreachable { .. }), "nothing was sent: {error}");
    let error = unreachable.check().await.unwrap_err();
    assert!(error.to_string().contains("hint: "), "{error}");
}

#[tokio::test]
async fn two_clusters_are_not_taken_for_one() {
    let (one, other) = (Etcd::start(1), Etcd::start(1));
    let both = one.url("x").replace("/x", &other.url("x").replace("etcd://", ","));
    let error = client(&both).check().await.unwrap_err();
    assert!(matches!(error, EtcdError::Unfit(Unfit::TwoClusters { .. })), "{error}");
}
