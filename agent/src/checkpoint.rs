//! What is durable at the agent: a journal of records, rewritten shorter when it has grown. It
//! never says what a record means; `stoa_agent_core::Recovered` does.

use std::path::{Path, PathBuf};

use stoa_agent_core::{IllegalRecord, Record, Recovered};
use stoa_machine::{Journal, JournalError, Owner};

use crate::limits::JOURNAL_RECORDS_MAX;
use crate::record_bytes::{RecordError, from_bytes, to_bytes};

const FILE: &str = Owner::Agent.file();

/// The agent's journal.
pub struct Checkpoint {
    /// None only while a thread writes, and after it could not.
    journal: Option<Journal>,
    length: u64,
}

/// Why the checkpoint cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// Its file cannot be used.
    #[error("the agent's checkpoint cannot be used")]
    Journal(#[from] JournalError),
    /// A record cannot be read.
    #[error("the agent's checkpoint {path} is damaged at record {number}")]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// Which record.
        number: u64,
        /// Why it cannot be read.
        #[source]
        source: RecordError,
    },
    /// A record cannot follow those before it.
    #[error("the agent's checkpoint {path} makes no sense at record {number}")]
    Illegal {
        /// Which file.
        path: PathBuf,
        /// Which record.
        number: u64,
        /// Why it cannot be there.
        #[source]
        source: IllegalRecord,
    },
}

impl Checkpoint {
    /// Opens the journal in the state directory `dir`, and reads all of it.
    ///
    /// # Errors
    /// [`CheckpointError`] if it is damaged or the disk refuses.
    pub fn open(dir: &Path) -> Result<(Self, Recovered), CheckpointError> {
        let (journal, found) = Journal::open(dir, FILE)?;
        let path = || journal.path();
        if found.torn_bytes > 0 {
            let (path, bytes) = (path(), found.torn_bytes);
            tracing::warn!(path = %path.display(), bytes, "an unfinished batch is dropped");
        }
        let mut recovered = Recovered::default();
        for (number, bytes) in (0..).zip(&found.entries) {
            let record = from_bytes(bytes).map_err(|source| CheckpointError::Damaged {
                path: path(),
                number,
                source,
            })?;
            recovered.apply(&record).map_err(|source| CheckpointError::Illegal {
                path: path(),
                number,
                source,
            })?;
        }
        let length = found.entries.len() as u64;
        Ok((Self { journal: Some(journal), length }, recovered))
    }

    /// Makes records durable, all of them or none.
    ///
    /// # Errors
    /// [`CheckpointError`] if the disk refuses; then none of them may be relied on, and the
    /// checkpoint must be opened anew.
    pub async fn commit(&mut self, records: &[Record]) -> Result<(), CheckpointError> {
        self.length += records.len() as u64;
        self.write(records, Journal::append).await
    }

    /// Whether the journal is so long that it should be [replaced](Self::replace).
    pub fn is_long(&self) -> bool {
        self.length > JOURNAL_RECORDS_MAX
    }

    /// Puts a shorter journal that means the same in the place of the one that has grown.
    ///
    /// # Errors
    /// [`CheckpointError`] if the disk refuses; then the long one stays.
    pub async fn replace(&mut self, records: &[Record]) -> Result<(), CheckpointError> {
        self.length = records.len() as u64;
        self.write(records, Journal::replace).await
    }

    /// Writes on a thread that may block.
    async fn write(
        &mut self,
        records: &[Record],
        write: fn(&mut Journal, &[Vec<u8>]) -> Result<(), JournalError>,
    ) -> Result<(), CheckpointError> {
        let mut journal = self.journal.take().expect("nobody writes after a failure");
        let entries: Vec<_> = records.iter().map(to_bytes).collect();
        let write = move || write(&mut journal, &entries).map(|()| journal);
        let written = tokio::task::spawn_blocking(write).await.expect("writing does not panic");
        self.journal = Some(written?);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use stoa_model::epoch::Epoch;
    use stoa_model::ids::{ExecutorId, FrameworkId, TaskId};

    use super::*;

    fn removed(name: &str) -> Record {
        Record::FrameworkRemoved { framework: FrameworkId::new(name).unwrap() }
    }

    #[tokio::test]
    async fn records_are_read_back_in_order_also_after_they_were_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let (mut checkpoint, _) = Checkpoint::open(dir.path()).unwrap();
        checkpoint.commit(&[removed("a"), removed("b")]).await.unwrap();
        checkpoint.commit(&[removed("c")]).await.unwrap();
        checkpoint.replace(&[removed("d")]).await.unwrap();
        checkpoint.commit(&[removed("e")]).await.unwrap();
        let (_, found) = Journal::open(dir.path(), FILE).unwrap();
        let records: Vec<_> =
            found.entries.iter().map(|bytes| from_bytes(bytes).unwrap()).collect();
        assert_eq!(records, [removed("d"), removed("e")]);
    }

    #[tokio::test]
    async fn epoch_that_was_obeyed_is_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let (mut checkpoint, _) = Checkpoint::open(dir.path()).unwrap();
        let raised = |epoch| Record::EpochRaised { epoch: Epoch(epoch) };
        checkpoint.commit(&[raised(5), raised(u64::MAX)]).await.unwrap();
        drop(checkpoint);
        let (_, recovered) = Checkpoint::open(dir.path()).unwrap();
        assert_eq!(recovered.snapshot(), [raised(u64::MAX)]);
    }

    #[test]
    fn records_of_hosts_and_pauses_come_back_from_their_bytes() {
        let framework = FrameworkId::new("F1").unwrap();
        let task = TaskId::new("T1").unwrap();
        let paused = |is_paused| Record::PausedSet {
            framework: framework.clone(),
            task: task.clone(),
            is_paused,
        };
        let heard = Record::HostHeard { framework: framework.clone(), host: u64::MAX, number: 7 };
        for record in [heard, paused(true), paused(false)] {
            assert_eq!(from_bytes(&to_bytes(&record)).unwrap(), record);
        }
    }

    #[tokio::test]
    async fn damaged_record_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let (mut checkpoint, _) = Checkpoint::open(dir.path()).unwrap();
        checkpoint.commit(&[removed("a")]).await.unwrap();
        let (mut journal, _) = Journal::open(dir.path(), FILE).unwrap();
        journal.append(&[vec![200, 1]]).unwrap();
        let error = Checkpoint::open(dir.path()).err().unwrap();
        assert!(matches!(error, CheckpointError::Damaged { number: 1, .. }), "{error}");
    }

    /// What the sums of the journal let pass was written so; even then nothing breaks.
    #[tokio::test]
    async fn changed_record_is_another_record_or_named_and_never_breaks_anything() {
        let framework = FrameworkId::new("F1").unwrap();
        let executor = ExecutorId::new("E1").unwrap();
        let task = TaskId::new("T1").unwrap();
        let records = [
            Record::Registered { agent: "A1".parse().unwrap(), session: "S1".parse().unwrap() },
            Record::CommandApplied { number: 7 },
            Record::Booted { boot: "b".to_owned() },
            Record::Delivered { framework: framework.clone(), task: task.clone() },
            Record::SandboxKept { framework: framework.clone(), task },
            Record::ExecutorStarted { framework: framework.clone(), executor },
            removed("F1"),
        ];
        let dir = tempfile::tempdir().unwrap();
        for record in &records {
            let bytes = to_bytes(record);
            let cut = (0..bytes.len()).map(|end| bytes[..end].to_vec());
            let flipped = (0..8 * bytes.len()).map(|bit| {
                let mut bytes = bytes.clone();
                bytes[bit / 8] ^= 1 << (bit % 8);
                bytes
            });
            for bytes in cut.chain(flipped) {
                let path = dir.path().join(FILE);
                let _ = std::fs::remove_file(&path);
                let (mut journal, _) = Journal::open(dir.path(), FILE).unwrap();
                journal.append(&[to_bytes(&removed("F0")), bytes]).unwrap();
                match Checkpoint::open(dir.path()) {
                    Ok(_) => {}
                    Err(
                        error @ (CheckpointError::Damaged { number: 1, .. }
                        | CheckpointError::Illegal { number: 1, .. }),
                    ) => assert!(error.to_string().contains(FILE), "{error}"),
                    Err(error) => panic!("{record:?}: {error:?}"),
                }
            }
        }
    }
}
