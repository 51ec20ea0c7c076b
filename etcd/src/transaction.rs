//! What can be asked of the keys: a range, and a transaction that compares before it changes. It
//! never sends anything.

use crate::lease::LeaseId;
use crate::limits::PAGE_KEYS_MAX;
use crate::pb;
use pb::compare::{CompareResult, CompareTarget, TargetUnion};
use pb::request_op::Request;

/// One key and what stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// The value.
    pub value: Vec<u8>,
    /// The revision at which the key was made.
    pub create_revision: u64,
    /// The revision at which the value was written.
    pub mod_revision: u64,
    /// With which lease the key ends, if with any.
    pub lease: Option<LeaseId>,
}

/// Which keys are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    from: String,
    to: Option<String>,
    limit: u32,
    revision: u64,
}

impl Range {
    /// One key.
    pub fn key(key: impl Into<String>) -> Self {
        Self { from: key.into(), to: None, limit: 1, revision: 0 }
    }

    /// All keys that begin with `prefix`.
    ///
    /// # Panics
    /// If it does not end with an ASCII character below `~`, such as `/`.
    pub fn prefix(prefix: &str) -> Self {
        let mut to = prefix.to_owned();
        let last = to.pop().filter(|last| last.is_ascii() && *last < '~');
        let last = last.expect("a prefix ends with a separator") as u8;
        to.push((last + 1).into());
        Self { from: prefix.to_owned(), to: Some(to), limit: PAGE_KEYS_MAX, revision: 0 }
    }

    /// At most `limit` keys.
    #[must_use]
    pub fn at_most(self, limit: u32) -> Self {
        Self { limit, ..self }
    }

    /// What was there at this revision.
    #[must_use]
    pub fn at(self, revision: u64) -> Self {
        Self { revision, ..self }
    }

    /// The same keys after `last`.
    #[must_use]
    pub fn after(self, last: &str) -> Self {
        Self { from: format!("{last}\0"), ..self }
    }

    pub(crate) fn to_proto(&self) -> pb::RangeRequest {
        pb::RangeRequest {
            key: self.from.clone().into_bytes(),
            range_end: self.to.clone().unwrap_or_default().into_bytes(),
            limit: i64::from(self.limit),
            revision: to_i64(self.revision),
        }
    }
}

/// The keys of a range, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// What is there.
    pub entries: Vec<Entry>,
    /// Whether the range has more than was asked for.
    pub has_more: bool,
}

/// What must hold for a transaction to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compare {
    /// The key was made at this revision; 0 if it is not there.
    Created {
        /// The key.
        key: String,
        /// The revision.
        at: u64,
    },
    /// The key was written before this revision, or is not there.
    WrittenBefore {
        /// The key.
        key: String,
        /// The revision.
        revision: u64,
    },
    /// The key is there and has this value.
    Value {
        /// The key.
        key: String,
        /// The value.
        value: Vec<u8>,
    },
}

impl Compare {
    fn to_proto(&self) -> pb::Compare {
        let equal = CompareResult::Equal;
        let (key, result, target, union) = match self {
            Self::Created { key, at } => {
                (key, equal, CompareTarget::Create, TargetUnion::CreateRevision(to_i64(*at)))
            }
            Self::WrittenBefore { key, revision } => {
                let union = TargetUnion::ModRevision(to_i64(*revision));
                (key, CompareResult::Less, CompareTarget::Mod, union)
            }
            Self::Value { key, value } => {
                (key, equal, CompareTarget::Value, TargetUnion::Value(value.clone()))
            }
        };
        pb::Compare {
            result: result.into(),
            target: target.into(),
            key: key.clone().into_bytes(),
            target_union: Some(union),
        }
    }
}

/// What a transaction does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Writes a value.
    Put {
        /// Where.
        key: String,
        /// What.
        value: Vec<u8>,
        /// With which lease the key ends, if with any.
        lease: Option<LeaseId>,
    },
    /// Removes a key, if it is there.
    Delete(String),
    /// Reads.
    Range(Range),
}

impl Operation {
    fn to_proto(&self) -> pb::RequestOp {
        let request = match self {
            Self::Put { key, value, lease } => Request::RequestPut(pb::PutRequest {
                key: key.clone().into_bytes(),
                value: value.clone(),
                lease: lease.map_or(0, |lease| lease.0),
            }),
            Self::Delete(key) => Request::RequestDeleteRange(pb::DeleteRangeRequest {
                key: key.clone().into_bytes(),
            }),
            Self::Range(range) => Request::RequestRange(range.to_proto()),
        };
        pb::RequestOp { request: Some(request) }
    }
}

/// Changes that are made all at once, if all comparisons hold.
///
/// A key may be written or removed once in each branch: etcd refuses more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transaction {
    /// What must hold.
    pub compare: Vec<Compare>,
    /// What is done then.
    pub then: Vec<Operation>,
    /// What is done otherwise.
    pub otherwise: Vec<Operation>,
}

impl Transaction {
    /// Whether it changes nothing, whatever holds: then asking twice does no harm.
    pub fn only_reads(&self) -> bool {
        let mut all = self.then.iter().chain(&self.otherwise);
        all.all(|operation| matches!(operation, Operation::Range(_)))
    }

    pub(crate) fn to_proto(&self) -> pb::TxnRequest {
        let list = |operations: &[Operation]| operations.iter().map(Operation::to_proto).collect();
        pb::TxnRequest {
            compare: self.compare.iter().map(Compare::to_proto).collect(),
            success: list(&self.then),
            failure: list(&self.otherwise),
        }
    }
}

/// What became of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Whether the comparisons held.
    pub held: bool,
    /// The revision of the store afterwards.
    pub revision: u64,
    /// What each `Range` of the branch that was done has read, in order.
    pub pages: Vec<Page>,
}

/// Revisions of etcd are positive and count single writes: none is ever out of range.
pub(crate) fn to_i64(revision: u64) -> i64 {
    i64::try_from(revision).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn range_of_a_prefix_ends_before_what_follows_it() {
        let range = Range::prefix("stoa/agents/").after("stoa/agents/A1").at(7).at_most(3);
        let sent = range.to_proto();
        assert_eq!(
            (sent.key.as_slice(), sent.range_end.as_slice()),
            (b"stoa/agents/A1\0".as_slice(), b"stoa/agents0".as_slice())
        );
        assert_eq!((sent.limit, sent.revision), (3, 7));
    }

    #[test]
    fn transaction_with_any_change_does_not_only_read() {
        let read = Operation::Range(Range::key("a"));
        let mut transaction = Transaction { then: vec![read], ..Transaction::default() };
        assert!(transaction.only_reads());
        transaction.otherwise.push(Operation::Delete("a".to_owned()));
        assert!(!transaction.only_reads());
    }
}
