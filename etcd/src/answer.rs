//! What etcd answers, checked once: behind this door it is an answer to what was asked. It never
//! judges what the values mean.

use crate::lease::LeaseId;
use crate::pb;
use crate::transaction::{Entry, Outcome, Page};
use pb::response_op::Response;

/// The page of a range, and the revision of the store when it was read.
pub(crate) fn page(answer: pb::RangeResponse) -> Result<(u64, Page), String> {
    let revision = revision(answer.header.as_ref())?;
    Ok((revision, entries(answer.kvs, answer.more)?))
}

/// What became of a transaction.
pub(crate) fn outcome(answer: pb::TxnResponse) -> Result<Outcome, String> {
    let mut pages = Vec::new();
    for response in answer.responses {
        match response.response {
            Some(Response::ResponseRange(range)) => pages.push(entries(range.kvs, range.more)?),
            Some(Response::ResponsePut(_) | Response::ResponseDeleteRange(_)) => {}
            None => return Err("an operation without an answer".to_owned()),
        }
    }
    Ok(Outcome { held: answer.succeeded, revision: revision(answer.header.as_ref())?, pages })
}

/// The revision of the store when a call was applied.
pub(crate) fn revision(header: Option<&pb::ResponseHeader>) -> Result<u64, String> {
    positive(header.ok_or("no header")?.revision)
}

/// Seconds that a lease has left, as milliseconds; nothing if it is over.
pub(crate) fn lease_ms(seconds: i64) -> Option<u64> {
    u64::try_from(seconds).ok().filter(|seconds| *seconds > 0).map(|s| s.saturating_mul(1_000))
}

fn entries(kvs: Vec<pb::KeyValue>, has_more: bool) -> Result<Page, String> {
    let entries: Result<_, String> = kvs.into_iter().map(entry).collect();
    Ok(Page { entries: entries?, has_more })
}

fn entry(kv: pb::KeyValue) -> Result<Entry, String> {
    let key = String::from_utf8(kv.key).map_err(|error| format!("a key is no text: {error}"))?;
    Ok(Entry {
        create_revision: positive(kv.create_revision)?,
        mod_revision: positive(kv.mod_revision)?,
        lease: (kv.lease != 0).then_some(LeaseId(kv.lease)),
        value: kv.value,
        key,
    })
}

fn positive(revision: i64) -> Result<u64, String> {
    let positive = u64::try_from(revision).ok().filter(|revision| *revision > 0);
    positive.ok_or_else(|| format!("the revision {revision}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(revision: i64) -> Option<pb::ResponseHeader> {
        Some(pb::ResponseHeader { cluster_id: 1, member_id: 1, revision })
    }

    fn kv(key: &[u8], create_revision: i64) -> pb::KeyValue {
        let key = key.to_vec();
        pb::KeyValue { key, create_revision, mod_revision: 3, value: vec![7], lease: 5 }
    }

    #[test]
    fn whole_answer_passes() {
        let answer = pb::RangeResponse { header: header(9), kvs: vec![kv(b"a", 2)], more: true };
        let (revision, page) = page(answer).unwrap();
        assert_eq!((revision, page.has_more), (9, true));
        let expected = Entry {
            key: "a".to_owned(),
            value: vec![7],
            create_revision: 2,
            mod_revision: 3,
            lease: Some(LeaseId(5)),
        };
        assert_eq!(page.entries, [expected]);
    }

    #[test]
    fn answers_that_lack_something_are_nonsense() {
        let range = |header, kvs| page(pb::RangeResponse { header, kvs, more: false });
        assert!(range(None, Vec::new()).is_err());
        assert!(range(header(0), Vec::new()).is_err());
        assert!(range(header(-1), Vec::new()).is_err());
        assert!(range(header(1), vec![kv(b"\xff", 1)]).is_err());
        assert!(range(header(1), vec![kv(b"a", -2)]).is_err());
        let responses = vec![pb::ResponseOp { response: None }];
        let answer = pb::TxnResponse { header: header(1), succeeded: true, responses };
        assert!(outcome(answer).is_err());
    }

    #[test]
    fn lease_without_seconds_is_over() {
        assert_eq!([lease_ms(2), lease_ms(0), lease_ms(-1)], [Some(2_000), None, None]);
    }
}
