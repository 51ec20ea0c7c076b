//! What is durable at masters that share an etcd: the same as in the embedded store of one master,
//! under the leader's epoch. It never decides who leads.
//!
//! Every read and every write compares the revision at which the leader's key was made with the
//! epoch, so that nothing is written once somebody else leads. Every write also counts: it compares
//! the number of the last commit and makes it the next. So a write of which nobody knows what
//! became is simply made again: whichever of the two is late fails, however late it is, and nothing
//! is lost or done twice.

mod changes;
mod keys;

use std::time::Duration;

use stoa_etcd::limits::PAGE_KEYS_MAX;
use stoa_etcd::{Client, Compare, EtcdError, Kind, Operation, Outcome, Page, Range, Transaction};
use stoa_master_core::election::{Input, Leader};
use stoa_master_core::{Record, Recovered};
use stoa_model::epoch::Epoch;

use crate::limits::{COMMIT_ATTEMPTS_MAX, COMMIT_PAUSE_MS, READS_MAX};

pub use keys::Keys;

/// The layout of the keys that this program writes, and the only one that it reads.
const FORMAT: &str = "1";

/// A cluster's keys in etcd, as the leader of one epoch uses them.
#[derive(Debug)]
pub struct EtcdStore {
    client: Client,
    keys: Keys,
    epoch: Epoch,
    /// None while a commit is being made, and for ever after one that was not made.
    progress: Option<Progress>,
}

/// How far a leader has come.
#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    /// Transactions made under this epoch.
    commits: u64,
    /// Frameworks that have ended, under all epochs.
    ends: u64,
}

/// Why a leader cannot use the store any more.
#[derive(Debug, thiserror::Error)]
pub enum EtcdStoreError {
    /// The leader's key is not that of the epoch. Nothing was changed since.
    #[error(
        "epoch {epoch} leads no more: {}",
        .leader.as_ref().map_or("nobody leads".to_owned(), |leader| {
            format!("{} leads under epoch {}", leader.address, leader.epoch)
        })
    )]
    NotLeader {
        /// The epoch of this master.
        epoch: Epoch,
        /// Who leads, if anybody does.
        leader: Option<Leader>,
    },
    /// A commit may have been made, or may yet be; in vain it was asked for again and again.
    #[error("nobody knows whether the last commit is durable")]
    OutcomeUnknown(#[source] EtcdError),
    /// Etcd does not answer, or refuses. The last commit, or the rest of it, was not made.
    #[error("cannot {doing} the master's store")]
    Etcd {
        /// What was tried.
        doing: &'static str,
        /// Why it failed.
        #[source]
        source: EtcdError,
    },
    /// Somebody else writes under the same epoch.
    #[error(
        "{key} of the master's store is {got:?} under epoch {epoch}, which is not of this master"
    )]
    Foreign {
        /// Which key.
        key: String,
        /// What stands there.
        got: String,
        /// The epoch of this master.
        epoch: Epoch,
    },
    /// The keys are laid out as this program does not know.
    #[error(
        "the master's store has the format {got:?} at {key}, and this program reads {FORMAT:?}"
    )]
    Format {
        /// Which key says so.
        key: String,
        /// What it says.
        got: String,
    },
    /// What stands there cannot be read.
    #[error("the master's store is damaged at {key}")]
    Damaged {
        /// Which key.
        key: String,
        /// Why it cannot be read.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// An earlier commit was not made, or was not waited for.
    #[error("the master's store is not used any more since a commit of it has failed")]
    Over,
}

impl EtcdStoreError {
    /// What the election is to be told.
    pub fn to_input(&self) -> Input {
        match self {
            Self::NotLeader { .. } | Self::Foreign { .. } => Input::StoreRefuses,
            _ => Input::StoreSilent,
        }
    }
}

impl EtcdStore {
    /// Reads all that is durable, and begins to write under `epoch`. Once in an epoch.
    ///
    /// # Errors
    /// [`EtcdStoreError`] if somebody else leads, etcd does not answer, or what is there cannot be
    /// read.
    pub async fn open(
        client: Client,
        keys: Keys,
        epoch: Epoch,
    ) -> Result<(Self, Recovered), EtcdStoreError> {
        let mut store = Self { client, keys, epoch, progress: None };
        let (recovered, ends) = store.read().await?;
        let format = put(store.keys.format(), FORMAT);
        let is_first = Compare::WrittenBefore { key: store.keys.commit(), revision: epoch.0 };
        store.make_once(is_first, vec![format], 0).await?;
        store.progress = Some(Progress { commits: 0, ends });
        Ok((store, recovered))
    }

    /// Makes records durable, in order: if that fails, those up to one of them may be, and none
    /// after it. A commit that fails, or is not waited for, is the last of this store.
    ///
    /// # Errors
    /// [`EtcdStoreError`] says what is known of it.
    pub async fn commit(&mut self, records: Vec<Record>) -> Result<(), EtcdStoreError> {
        let mut progress = self.progress.take().ok_or(EtcdStoreError::Over)?;
        for batch in changes::batches(&self.keys, &records, &mut progress.ends) {
            let change = |(key, value)| match value {
                Some(value) => Operation::Put { key, value, lease: None },
                None => Operation::Delete(key),
            };
            let last = mark(self.epoch, progress.commits).into_bytes();
            let is_next = Compare::Value { key: self.keys.commit(), value: last };
            progress.commits += 1;
            let operations = batch.into_iter().map(change).collect();
            self.make_once(is_next, operations, progress.commits).await?;
        }
        self.progress = Some(progress);
        Ok(())
    }

    /// What must hold for all that is read or written under this epoch.
    fn leads(&self) -> Compare {
        Compare::Created { key: self.keys.leader(), at: self.epoch.0 }
    }

    /// Makes the transaction of this number, if it is the next one: again and again until somebody
    /// knows that it was made, by this or by an earlier attempt, or that it is not to be made.
    async fn make_once(
        &self,
        is_next: Compare,
        mut operations: Vec<Operation>,
        number: u64,
    ) -> Result<(), EtcdStoreError> {
        operations.push(put(self.keys.commit(), mark(self.epoch, number)));
        let ask = |key| Operation::Range(Range::key(key));
        let transaction = Transaction {
            compare: vec![self.leads(), is_next],
            then: operations,
            otherwise: vec![ask(self.keys.leader()), ask(self.keys.commit())],
        };
        let mut unknown = None;
        let mut attempt = 1;
        loop {
            let source = match self.client.transact(&transaction).await {
                Ok(outcome) if outcome.held => return Ok(()),
                Ok(outcome) => return self.judge(outcome, number, unknown.is_some()),
                Err(source) => source,
            };
            let may_help = match &source {
                EtcdError::OutcomeUnknown { .. } => {
                    unknown = Some(source.clone());
                    true
                }
                EtcdError::Unreachable { .. } => true,
                _ => false,
            };
            tracing::warn!(%source, attempt, "a commit was not made");
            if !may_help || attempt == COMMIT_ATTEMPTS_MAX {
                return Err(match unknown {
                    Some(source) => EtcdStoreError::OutcomeUnknown(source),
                    None => EtcdStoreError::Etcd { doing: "write", source },
                });
            }
            attempt += 1;
            tokio::time::sleep(Duration::from_millis(COMMIT_PAUSE_MS)).await;
        }
    }

    /// What it means that a comparison has not held.
    fn judge(
        &self,
        outcome: Outcome,
        number: u64,
        may_be_made: bool,
    ) -> Result<(), EtcdStoreError> {
        let epoch = self.epoch;
        let mut pages = outcome.pages.into_iter();
        let leader = leader(&pages.next().unwrap_or_default());
        if leader.as_ref().is_none_or(|leader| leader.epoch != epoch) {
            return Err(EtcdStoreError::NotLeader { epoch, leader });
        }
        let got = text(&pages.next().unwrap_or_default()).unwrap_or_default();
        if may_be_made && got == mark(epoch, number) {
            return Ok(());
        }
        Err(EtcdStoreError::Foreign { key: self.keys.commit(), got, epoch })
    }

    /// All that is durable, at one revision, and how many frameworks have ended.
    async fn read(&self) -> Result<(Recovered, u64), EtcdStoreError> {
        let mut reads = 1;
        loop {
            match self.read_once().await {
                Err(EtcdStoreError::Etcd {
                    source: EtcdError::Refused { kind: Kind::Compacted, .. },
                    ..
                }) if reads < READS_MAX => reads += 1,
                read => return read,
            }
        }
    }

    async fn read_once(&self) -> Result<(Recovered, u64), EtcdStoreError> {
        let mut recovered = Recovered::default();
        let (mut revision, mut ends, mut is_empty) = (0, 0, true);
        let mut limit = PAGE_KEYS_MAX;
        let mut range = Range::prefix(&self.keys.state());
        loop {
            let asked = range.clone().at(revision).at_most(limit);
            let outcome = match self.read_page(asked).await {
                Err(EtcdStoreError::Etcd { source: EtcdError::AnswerTooLong { .. }, .. })
                    if limit > 1 =>
                {
                    limit = limit.div_ceil(2);
                    continue;
                }
                outcome => outcome?,
            };
            // The first page says at which revision all the others are read.
            revision = if revision == 0 { outcome.revision } else { revision };
            let mut pages = outcome.pages.into_iter();
            let page = pages.next().unwrap_or_default();
            is_empty &= page.entries.is_empty();
            self.check_format(text(&pages.next().unwrap_or_default()), is_empty)?;
            for entry in &page.entries {
                let (record, end) = changes::record(&self.keys, &entry.key, &entry.value)
                    .map_err(|source| EtcdStoreError::Damaged { key: entry.key.clone(), source })?;
                ends = end.map_or(ends, |end| ends.max(end.saturating_add(1)));
                recovered.apply(record);
            }
            match page.entries.last() {
                Some(last) if page.has_more => range = range.after(&last.key),
                _ => return Ok((recovered, ends)),
            }
        }
    }

    /// One page, and the format of all of them.
    async fn read_page(&self, range: Range) -> Result<Outcome, EtcdStoreError> {
        let ask = |key| Operation::Range(Range::key(key));
        let transaction = Transaction {
            compare: vec![self.leads()],
            then: vec![Operation::Range(range), ask(self.keys.format())],
            otherwise: vec![ask(self.keys.leader())],
        };
        let outcome = self.client.transact(&transaction).await;
        let outcome = outcome.map_err(|source| EtcdStoreError::Etcd { doing: "read", source })?;
        if outcome.held {
            return Ok(outcome);
        }
        let leader = leader(&outcome.pages.into_iter().next().unwrap_or_default());
        Err(EtcdStoreError::NotLeader { epoch: self.epoch, leader })
    }

    /// Only where nothing is there may nothing say how it is laid out.
    fn check_format(&self, got: Option<String>, is_empty: bool) -> Result<(), EtcdStoreError> {
        match got {
            Some(got) if got == FORMAT => Ok(()),
            None if is_empty => Ok(()),
            got => {
                let got = got.unwrap_or_default();
                Err(EtcdStoreError::Format { key: self.keys.format(), got })
            }
        }
    }
}

/// What the number of a commit is written as.
fn mark(epoch: Epoch, number: u64) -> String {
    format!("{epoch}.{number}")
}

fn put(key: String, value: impl Into<Vec<u8>>) -> Operation {
    Operation::Put { key, value: value.into(), lease: None }
}

/// What stands at the one key of a page, if anything does.
fn text(page: &Page) -> Option<String> {
    page.entries.first().map(|entry| String::from_utf8_lossy(&entry.value).into_owned())
}

/// Who leads, as the page of the leader's key says.
pub(crate) fn leader(page: &Page) -> Option<Leader> {
    let entry = page.entries.first()?;
    let address = String::from_utf8_lossy(&entry.value).into_owned();
    Some(Leader { address, epoch: Epoch(entry.create_revision) })
}
