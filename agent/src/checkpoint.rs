//! What is durable at the agent: a log of records in an embedded database, rewritten shorter when
//! it has grown. It never says what a record means; `stoa_agent_core::Recovered` does.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use stoa_agent_core::{IllegalRecord, Record, Recovered};
use stoa_machine::make_file;

use crate::limits::LOG_RECORDS_MAX;
use crate::record_bytes::{RecordError, from_bytes, to_bytes};

const LOG: TableDefinition<u64, &[u8]> = TableDefinition::new("log");

/// The agent's database.
pub struct Checkpoint {
    database: Arc<Database>,
    path: PathBuf,
    next: u64,
    length: u64,
}

/// Why the checkpoint cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The database refused.
    #[error("cannot {doing} the agent's checkpoint {path}")]
    Database {
        /// What was tried.
        doing: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: Box<redb::Error>,
    },
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
    /// Opens the database in the state directory `dir`, and reads all of it.
    ///
    /// # Errors
    /// [`CheckpointError`] if it is damaged or the disk refuses.
    pub fn open(dir: &Path) -> Result<(Self, Recovered), CheckpointError> {
        let path = dir.join("agent.redb");
        let failed = |source: redb::Error| database_error("open", &path, source);
        make_file(dir, "agent.redb", make_database).map_err(failed)?;
        let database = Database::open(&path).map_err(|error| failed(error.into()))?;
        let log = read(&database).map_err(failed)?;
        let mut recovered = Recovered::default();
        for (number, bytes) in &log {
            let record = from_bytes(bytes).map_err(|source| CheckpointError::Damaged {
                path: path.clone(),
                number: *number,
                source,
            })?;
            recovered.apply(&record).map_err(|source| CheckpointError::Illegal {
                path: path.clone(),
                number: *number,
                source,
            })?;
        }
        let next = log.last().map_or(0, |(number, _)| number + 1);
        let length = log.len() as u64;
        Ok((Self { database: Arc::new(database), path, next, length }, recovered))
    }

    /// Makes records durable, all of them or none.
    ///
    /// # Errors
    /// [`CheckpointError`] if the disk refuses; then none of them is durable.
    pub async fn commit(&mut self, records: &[Record]) -> Result<(), CheckpointError> {
        let first = self.next;
        self.next += records.len() as u64;
        self.length += records.len() as u64;
        self.write(first, records, Rest::Keep).await
    }

    /// Whether the log is so long that it should be [replaced](Self::replace).
    pub fn is_long(&self) -> bool {
        self.length > LOG_RECORDS_MAX
    }

    /// Puts a shorter log that means the same in the place of the one that has grown.
    ///
    /// # Errors
    /// [`CheckpointError`] if the disk refuses; then the long one stays.
    pub async fn replace(&mut self, records: &[Record]) -> Result<(), CheckpointError> {
        let first = self.next;
        self.next += records.len() as u64;
        self.length = records.len() as u64;
        self.write(first, records, Rest::Remove).await
    }

    async fn write(
        &self,
        first: u64,
        records: &[Record],
        rest: Rest,
    ) -> Result<(), CheckpointError> {
        let database = Arc::clone(&self.database);
        let records: Vec<_> = records.iter().map(to_bytes).collect();
        let write = move || write(&database, first, &records, rest);
        let written = tokio::task::spawn_blocking(write).await.expect("writing does not panic");
        written.map_err(|source| database_error("write", &self.path, source))
    }
}

/// What becomes of the records that are there already.
#[derive(Clone, Copy)]
enum Rest {
    Keep,
    Remove,
}

fn database_error(doing: &'static str, path: &Path, source: redb::Error) -> CheckpointError {
    CheckpointError::Database { doing, path: path.to_owned(), source: Box::new(source) }
}

fn make_database(path: &Path) -> Result<(), redb::Error> {
    let transaction = Database::create(path)?.begin_write()?;
    transaction.open_table(LOG)?;
    transaction.commit()?;
    Ok(())
}

fn read(database: &Database) -> Result<Vec<(u64, Vec<u8>)>, redb::Error> {
    let mut log = Vec::new();
    for entry in database.begin_read()?.open_table(LOG)?.iter()? {
        let (number, bytes) = entry?;
        log.push((number.value(), bytes.value().to_vec()));
    }
    Ok(log)
}

fn write(
    database: &Database,
    first: u64,
    records: &[Vec<u8>],
    rest: Rest,
) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    {
        let mut log = transaction.open_table(LOG)?;
        if matches!(rest, Rest::Remove) {
            log.retain(|_, _| false)?;
        }
        for (number, bytes) in (first..).zip(records) {
            log.insert(number, bytes.as_slice())?;
        }
    }
    transaction.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use stoa_model::ids::FrameworkId;

    use super::*;

    fn removed(name: &str) -> Record {
        Record::FrameworkRemoved { framework: FrameworkId::new(name).unwrap() }
    }

    #[tokio::test]
    async fn log_is_read_back_in_order_also_after_it_was_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let (mut checkpoint, _) = Checkpoint::open(dir.path()).unwrap();
        checkpoint.commit(&[removed("a"), removed("b")]).await.unwrap();
        checkpoint.commit(&[removed("c")]).await.unwrap();
        checkpoint.replace(&[removed("d")]).await.unwrap();
        checkpoint.commit(&[removed("e")]).await.unwrap();
        let log = read(&checkpoint.database).unwrap();
        let log: Vec<_> = log.iter().map(|(_, bytes)| from_bytes(bytes).unwrap()).collect();
        assert_eq!(log, [removed("d"), removed("e")]);
    }

    #[tokio::test]
    async fn damaged_record_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let (checkpoint, _) = Checkpoint::open(dir.path()).unwrap();
        write(&checkpoint.database, 7, &[vec![200, 1]], Rest::Keep).unwrap();
        drop(checkpoint);
        let error = Checkpoint::open(dir.path()).err().unwrap();
        assert!(matches!(error, CheckpointError::Damaged { number: 7, .. }), "{error}");
    }
}
