//! The store as it is at one moment, record by record, and a store that is made of records. It
//! never holds more than one of them.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use redb::Database;
use stoa_machine::make_file;
use stoa_master_core::Record;
use stoa_model::epoch::Epoch;

use super::{
    FILE, ReadError, StoreError, begin, last_epoch, make_tables, read, refused, write_record,
};

/// Reads the store while others write to it; cheap to clone.
#[derive(Clone)]
pub struct Snapshots {
    pub(super) database: Arc<Database>,
    pub(super) path: PathBuf,
}

/// Why a snapshot was not read to its end.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Whoever reads wants no more, and says why.
    #[error("the records cannot be taken in")]
    Unwanted(#[source] io::Error),
}

/// Why a store was not made.
#[derive(Debug, thiserror::Error)]
pub enum FillError<E: std::error::Error + 'static> {
    /// The records could not be had.
    #[error(transparent)]
    Source(E),
    /// The disk or the database refuses.
    #[error(transparent)]
    Store(StoreError),
}

impl Snapshots {
    /// The epoch of the master's last start. Blocks.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be read.
    pub fn epoch(&self) -> Result<Epoch, StoreError> {
        last_epoch(&self.database).map_err(|error| refused("read", &self.path, error))
    }

    /// Tells `visit` all records as they are now; what is committed meanwhile is not among them.
    /// Blocks.
    ///
    /// # Errors
    /// [`SnapshotError`] if the store cannot be read, or `visit` wants no more.
    pub fn each(
        &self,
        visit: &mut dyn FnMut(Record) -> io::Result<()>,
    ) -> Result<(), SnapshotError> {
        read(&self.database, visit).map_err(|error| match error {
            ReadError::Database(source) => refused("read", &self.path, source).into(),
            ReadError::Damaged { entry, source } => {
                StoreError::Damaged { path: self.path.clone(), place: entry, source }.into()
            }
            ReadError::Unwanted(error) => SnapshotError::Unwanted(error),
        })
    }
}

impl super::Store {
    /// Makes the store in `dir`, where there is none, of all that `next` answers: whole or not at
    /// all. Blocks.
    ///
    /// # Errors
    /// [`FillError`]; then there is no store.
    pub fn fill<E: std::error::Error + 'static>(
        dir: &Path,
        mut next: impl FnMut() -> Result<Option<Record>, E>,
    ) -> Result<(), FillError<E>> {
        // What `make_file` hands on is the disk's error or ours.
        let made = make_file(dir, FILE, |path| fill(path, &mut next));
        made.map(|_| ()).map_err(|error| match error {
            Fill::Source(error) => FillError::Source(error),
            Fill::Database(error) => FillError::Store(refused("write", &dir.join(FILE), error)),
        })
    }
}

enum Fill<E> {
    Source(E),
    Database(redb::Error),
}

impl<E> From<io::Error> for Fill<E> {
    fn from(error: io::Error) -> Self {
        Self::Database(redb::Error::Io(error))
    }
}

fn fill<E>(
    path: &Path,
    next: &mut impl FnMut() -> Result<Option<Record>, E>,
) -> Result<(), Fill<E>> {
    let failed = Fill::Database;
    let database = Database::create(path).map_err(|error| failed(error.into()))?;
    make_tables(&database).map_err(failed)?;
    let transaction = begin(&database).map_err(failed)?;
    while let Some(record) = next().map_err(Fill::Source)? {
        write_record(&transaction, &record).map_err(failed)?;
    }
    transaction.commit().map_err(|error| failed(error.into()))
}

#[cfg(test)]
mod tests {
    use stoa_model::ids::FrameworkId;

    use super::*;
    use crate::store::Store;

    fn removed(n: u64) -> Record {
        Record::FrameworkRemoved { id: FrameworkId::new(&format!("F{n}")).unwrap() }
    }

    #[tokio::test]
    async fn what_is_committed_while_a_snapshot_is_read_is_not_in_it() {
        let dir = tempfile::tempdir().unwrap();
        let (store, _) = Store::open(dir.path()).unwrap();
        let before: Vec<_> = (0..100).map(removed).collect();
        store.commit(before.clone()).await.unwrap();
        let database = Arc::clone(&store.database);
        let mut seen = Vec::new();
        let visit = &mut |record| {
            let other = removed(1_000 + seen.len() as u64);
            super::super::write(&database, &[other]).map_err(io::Error::other)?;
            seen.push(record);
            Ok(())
        };
        store.snapshots().each(visit).unwrap();
        assert_eq!(seen, before);
        let mut count = 0;
        let visit = &mut |_| {
            count += 1;
            Ok(())
        };
        store.snapshots().each(visit).unwrap();
        assert_eq!(count, 200);
    }

    #[tokio::test]
    async fn whoever_wants_no_more_is_told_no_more() {
        let dir = tempfile::tempdir().unwrap();
        let (store, _) = Store::open(dir.path()).unwrap();
        store.commit(vec![removed(1), removed(2)]).await.unwrap();
        let mut count = 0;
        let visit = &mut |_| {
            count += 1;
            Err(io::Error::other("enough"))
        };
        let error = store.snapshots().each(visit).unwrap_err();
        assert!(matches!(error, SnapshotError::Unwanted(_)), "{error:?}");
        assert_eq!(count, 1);
    }
}
