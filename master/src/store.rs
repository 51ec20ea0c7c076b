//! What is durable at the master: agents and frameworks, and how often it has started, in an
//! embedded database. It never holds tasks or offers: those are rebuilt from what agents report.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use redb::{Builder, Database, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};
use stoa_machine::{Owner, make_file};
use stoa_master_core::{Record, Recovered};
use stoa_model::agent::AgentDuty;
use stoa_model::epoch::Epoch;
use stoa_model::ids::{AgentId, FrameworkId, IllegalId};
use stoa_model::instant::Instant;
use stoa_protocol::wire::{decode, encode};

#[cfg(test)]
mod damage;
mod snapshot;

pub use snapshot::{FillError, SnapshotError, Snapshots};

/// The name of the file in the state directory.
const FILE: &str = Owner::Master.file();

/// What a store's file is known by: under one key, its format.
const ABOUT: TableDefinition<&str, u64> = TableDefinition::new("about");
/// The format that this program writes, and the newest that it reads. Stores of before the first
/// number have none. A table that older programs must not pass over makes a new format.
const FORMAT: u64 = 1;

/// Agent id to what the agent says of itself.
const AGENTS: TableDefinition<&str, &[u8]> = TableDefinition::new("agents");
/// Agent id to the millisecond since which it is unreachable.
const AGENTS_UNREACHABLE: TableDefinition<&str, u64> = TableDefinition::new("agents_unreachable");
/// Agent id to what operators want of it; an agent that is not there is ACTIVE.
const AGENTS_DUTY: TableDefinition<&str, &[u8]> = TableDefinition::new("agents_duty");
/// Ids of agents that are gone for ever. The core bounds them.
const AGENTS_GONE: TableDefinition<&str, ()> = TableDefinition::new("agents_gone");
/// Framework id to what the framework says of itself.
const FRAMEWORKS: TableDefinition<&str, &[u8]> = TableDefinition::new("frameworks");
/// Framework id to the millisecond at which it ends without a scheduler.
const FRAMEWORKS_DISCONNECTED: TableDefinition<&str, u64> =
    TableDefinition::new("frameworks_disconnected");
/// Ids of frameworks that have ended, so that late agents can be told, and the order they ended in.
const FRAMEWORKS_REMOVED: TableDefinition<u64, &str> = TableDefinition::new("frameworks_removed");

/// The epoch of the last start.
const EPOCH: TableDefinition<(), u64> = TableDefinition::new("epoch");

/// Ended frameworks that are remembered. An agent that comes back later than so many ends keeps
/// the tasks of older ones until its operator restarts it.
const FRAMEWORKS_REMOVED_MAX: u64 = 10_000;

/// Bytes of the file that are kept in memory at most. All that is in it is also in the core.
const CACHE_BYTES_MAX: usize = 64 << 20;

/// The master's database.
pub struct Store {
    database: Arc<Database>,
    path: PathBuf,
}

/// Why the store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database refused.
    #[error("cannot {doing} the master's store {path}")]
    Database {
        /// What was tried.
        doing: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: Box<redb::Error>,
    },
    /// Another process has the database open.
    #[error("the master's store {path} is in use by another process")]
    InUse {
        /// Which file.
        path: PathBuf,
    },
    /// The database is of another version.
    #[error("the master's store {path} has the format {got}, and this program reads {allowed}")]
    Version {
        /// Which file.
        path: PathBuf,
        /// Its format.
        got: String,
        /// What can be read.
        allowed: String,
    },
    /// What stands in the database cannot be read.
    #[error("the master's store {path} is damaged: {place} cannot be read")]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// Which entry, or a word for all of it.
        place: String,
        /// Why it cannot be read.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Store {
    /// Opens the database in the state directory `dir`, checks every page of it, and reads all of
    /// it.
    ///
    /// # Errors
    /// [`StoreError`] if it is damaged, of another version or in use, or the disk refuses.
    pub fn open(dir: &Path) -> Result<(Self, Recovered), StoreError> {
        let path = dir.join(FILE);
        let failed = |source| refused("open", &path, source);
        make_file(dir, FILE, |path| make_tables(&Database::create(path)?)).map_err(failed)?;
        let database = checking().open(&path).map_err(|error| failed(error.into()))?;
        check_format(&database, &path)?;
        // One that an older master has made lacks the newer tables.
        make_tables(&database).map_err(failed)?;
        let store = Self { database: Arc::new(database), path };
        let mut recovered = Recovered::default();
        let apply = &mut |record| {
            recovered.apply(record);
            Ok(())
        };
        store.snapshots().each(apply).map_err(|error| match error {
            SnapshotError::Store(error) => error,
            SnapshotError::Unwanted(_) => unreachable!("every record is taken in"),
        })?;
        Ok((store, recovered))
    }

    /// What reads the store while others write to it.
    pub fn snapshots(&self) -> Snapshots {
        Snapshots { database: Arc::clone(&self.database), path: self.path.clone() }
    }

    /// Begins another leadership: its epoch is above all before and above `above`, and durable.
    ///
    /// # Errors
    /// [`StoreError`] if the disk refuses.
    pub fn raise_epoch(&self, above: Epoch) -> Result<Epoch, StoreError> {
        raise_epoch(&self.database, above).map_err(|source| StoreError::Database {
            doing: "raise the epoch in",
            path: self.path.clone(),
            source: Box::new(source),
        })
    }

    /// Makes records durable, all of them or none.
    ///
    /// # Errors
    /// [`StoreError`] if the disk refuses; then none of them is durable.
    pub async fn commit(&self, records: Vec<Record>) -> Result<(), StoreError> {
        let database = Arc::clone(&self.database);
        let write = move || write(&database, &records);
        let written = tokio::task::spawn_blocking(write).await.expect("writing does not panic");
        written.map_err(|source| refused("write", &self.path, source))
    }
}

/// What opens a file that may be damaged: the sums of all its pages are compared first, as the
/// database trusts a file that was closed, and panics over one that was changed since.
fn checking() -> Builder {
    let mut builder = Builder::new();
    builder.set_check_integrity_on_open(true).set_cache_size(CACHE_BYTES_MAX);
    builder
}

/// What the database's refusal means.
fn refused(doing: &'static str, path: &Path, source: redb::Error) -> StoreError {
    let path = path.to_owned();
    let is_cut = |error: &io::Error| {
        matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
    };
    match source {
        redb::Error::DatabaseAlreadyOpen => StoreError::InUse { path },
        redb::Error::UpgradeRequired(got) => StoreError::Version {
            path,
            got: format!("{got} of its database"),
            allowed: "a newer one".to_owned(),
        },
        redb::Error::Io(error) if !is_cut(&error) => {
            StoreError::Database { doing, path, source: Box::new(redb::Error::Io(error)) }
        }
        source @ (redb::Error::Corrupted(_)
        | redb::Error::Io(_)
        | redb::Error::TableTypeMismatch { .. }
        | redb::Error::TableIsMultimap(_)
        | redb::Error::TypeDefinitionChanged { .. }) => {
            StoreError::Damaged { path, place: "the file".to_owned(), source: Box::new(source) }
        }
        source => StoreError::Database { doing, path, source: Box::new(source) },
    }
}

/// A format that is newer than this program may hold what it would pass over.
fn check_format(database: &Database, path: &Path) -> Result<(), StoreError> {
    let got = format_of(database).map_err(|source| refused("open", path, source))?;
    if got <= FORMAT {
        return Ok(());
    }
    let (got, allowed) = (got.to_string(), format!("up to {FORMAT}"));
    Err(StoreError::Version { path: path.to_owned(), got, allowed })
}

fn format_of(database: &Database) -> Result<u64, redb::Error> {
    match database.begin_read()?.open_table(ABOUT) {
        Ok(about) => Ok(about.get("format")?.map_or(0, |format| format.value())),
        Err(redb::TableError::TableDoesNotExist(_)) => Ok(0),
        Err(error) => Err(error.into()),
    }
}

/// Begins a transaction that is durable before it counts. Without that the database would take
/// damage of the newest one for a commit that was cut short, and go back to the one before it.
fn begin(database: &Database) -> Result<WriteTransaction, redb::Error> {
    let mut transaction = database.begin_write()?;
    transaction.set_two_phase_commit(true);
    Ok(transaction)
}

fn make_tables(database: &Database) -> Result<(), redb::Error> {
    let transaction = begin(database)?;
    transaction.open_table(ABOUT)?.insert("format", FORMAT)?;
    transaction.open_table(AGENTS)?;
    transaction.open_table(AGENTS_UNREACHABLE)?;
    transaction.open_table(AGENTS_DUTY)?;
    transaction.open_table(AGENTS_GONE)?;
    transaction.open_table(FRAMEWORKS)?;
    transaction.open_table(FRAMEWORKS_DISCONNECTED)?;
    transaction.open_table(FRAMEWORKS_REMOVED)?;
    transaction.open_table(EPOCH)?;
    transaction.commit()?;
    Ok(())
}

fn last_epoch(database: &Database) -> Result<Epoch, redb::Error> {
    let table = database.begin_read()?.open_table(EPOCH)?;
    Ok(table.get(())?.map_or(Epoch::NONE, |last| Epoch(last.value())))
}

fn raise_epoch(database: &Database, above: Epoch) -> Result<Epoch, redb::Error> {
    let transaction = begin(database)?;
    let epoch = {
        let mut table = transaction.open_table(EPOCH)?;
        let last = table.get(())?.map_or(Epoch::NONE, |last| Epoch(last.value()));
        let epoch = last.max(above).next();
        table.insert((), epoch.0)?;
        epoch
    };
    transaction.commit()?;
    Ok(epoch)
}

fn write(database: &Database, records: &[Record]) -> Result<(), redb::Error> {
    let transaction = begin(database)?;
    for record in records {
        write_record(&transaction, record)?;
    }
    transaction.commit()?;
    Ok(())
}

fn write_record(transaction: &WriteTransaction, record: &Record) -> Result<(), redb::Error> {
    match record {
        Record::Agent { id, info } => {
            let bytes = encode(info);
            transaction.open_table(AGENTS)?.insert(id.as_str(), bytes.as_slice())?;
        }
        Record::AgentUnreachable { id, since } => {
            transaction.open_table(AGENTS_UNREACHABLE)?.insert(id.as_str(), since.ms)?;
        }
        Record::AgentReachable { id } => {
            transaction.open_table(AGENTS_UNREACHABLE)?.remove(id.as_str())?;
        }
        Record::AgentRemoved { id } => remove_agent(transaction, id)?,
        Record::AgentDuty { id, duty: AgentDuty::Active } => {
            transaction.open_table(AGENTS_DUTY)?.remove(id.as_str())?;
        }
        Record::AgentDuty { id, duty } => {
            let bytes = encode(duty);
            transaction.open_table(AGENTS_DUTY)?.insert(id.as_str(), bytes.as_slice())?;
        }
        Record::AgentGone { id } => {
            remove_agent(transaction, id)?;
            transaction.open_table(AGENTS_GONE)?.insert(id.as_str(), ())?;
        }
        Record::Framework { id, info } => {
            let bytes = encode(info);
            transaction.open_table(FRAMEWORKS)?.insert(id.as_str(), bytes.as_slice())?;
        }
        Record::FrameworkDisconnected { id, deadline } => {
            transaction.open_table(FRAMEWORKS_DISCONNECTED)?.insert(id.as_str(), deadline.ms)?;
        }
        Record::FrameworkConnected { id } => {
            transaction.open_table(FRAMEWORKS_DISCONNECTED)?.remove(id.as_str())?;
        }
        Record::FrameworkRemoved { id } => {
            transaction.open_table(FRAMEWORKS)?.remove(id.as_str())?;
            transaction.open_table(FRAMEWORKS_DISCONNECTED)?.remove(id.as_str())?;
            remember_removed(transaction, id)?;
        }
    }
    Ok(())
}

fn remove_agent(transaction: &WriteTransaction, id: &AgentId) -> Result<(), redb::Error> {
    transaction.open_table(AGENTS)?.remove(id.as_str())?;
    transaction.open_table(AGENTS_UNREACHABLE)?.remove(id.as_str())?;
    transaction.open_table(AGENTS_DUTY)?.remove(id.as_str())?;
    Ok(())
}

fn remember_removed(transaction: &WriteTransaction, id: &FrameworkId) -> Result<(), redb::Error> {
    let mut removed = transaction.open_table(FRAMEWORKS_REMOVED)?;
    let next = removed.last()?.map_or(0, |(key, _)| key.value() + 1);
    removed.insert(next, id.as_str())?;
    if let Some(too_old) = next.checked_sub(FRAMEWORKS_REMOVED_MAX) {
        removed.remove(too_old)?;
    }
    Ok(())
}

enum ReadError {
    Database(redb::Error),
    /// Whoever reads wants no more.
    Unwanted(io::Error),
    Damaged {
        entry: String,
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl<E: Into<redb::Error>> From<E> for ReadError {
    fn from(error: E) -> Self {
        Self::Database(error.into())
    }
}

fn damaged<E>(entry: &str) -> impl FnOnce(E) -> ReadError
where
    E: std::error::Error + Send + Sync + 'static,
{
    let entry = entry.to_owned();
    move |error| ReadError::Damaged { entry, source: Box::new(error) }
}

/// Tells `visit` the records that lead to what stands in the database at one moment.
fn read(
    database: &Database,
    visit: &mut dyn FnMut(Record) -> io::Result<()>,
) -> Result<(), ReadError> {
    let transaction = database.begin_read()?;
    let mut visit = |record| visit(record).map_err(ReadError::Unwanted);
    for entry in transaction.open_table(AGENTS)?.iter()? {
        let (key, bytes) = entry?;
        let info = decode(bytes.value()).map_err(damaged(key.value()))?;
        visit(Record::Agent { id: agent_id(key.value())?, info })?;
    }
    for entry in transaction.open_table(AGENTS_UNREACHABLE)?.iter()? {
        let (key, since) = entry?;
        let since = Instant::from_ms(since.value());
        visit(Record::AgentUnreachable { id: agent_id(key.value())?, since })?;
    }
    for entry in transaction.open_table(AGENTS_DUTY)?.iter()? {
        let (key, bytes) = entry?;
        let duty = decode(bytes.value()).map_err(damaged(key.value()))?;
        visit(Record::AgentDuty { id: agent_id(key.value())?, duty })?;
    }
    for entry in transaction.open_table(AGENTS_GONE)?.iter()? {
        let (key, _) = entry?;
        visit(Record::AgentGone { id: agent_id(key.value())? })?;
    }
    for entry in transaction.open_table(FRAMEWORKS)?.iter()? {
        let (key, bytes) = entry?;
        let info = decode(bytes.value()).map_err(damaged(key.value()))?;
        visit(Record::Framework { id: framework_id(key.value())?, info })?;
    }
    for entry in transaction.open_table(FRAMEWORKS_DISCONNECTED)?.iter()? {
        let (key, deadline) = entry?;
        let deadline = Instant::from_ms(deadline.value());
        visit(Record::FrameworkDisconnected { id: framework_id(key.value())?, deadline })?;
    }
    for entry in transaction.open_table(FRAMEWORKS_REMOVED)?.iter()? {
        let (_, key) = entry?;
        visit(Record::FrameworkRemoved { id: framework_id(key.value())? })?;
    }
    Ok(())
}

fn agent_id(text: &str) -> Result<AgentId, ReadError> {
    AgentId::new(text).map_err(damaged::<IllegalId>(text))
}

fn framework_id(text: &str) -> Result<FrameworkId, ReadError> {
    FrameworkId::new(text).map_err(damaged::<IllegalId>(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_start_has_a_higher_epoch() {
        let dir = tempfile::tempdir().unwrap();
        for (above, expected) in [(0, 1), (0, 2), (1, 3), (900, 901), (5, 902)] {
            let (store, _) = Store::open(dir.path()).unwrap();
            assert_eq!(store.raise_epoch(Epoch(above)).unwrap(), Epoch(expected));
        }
    }
}
