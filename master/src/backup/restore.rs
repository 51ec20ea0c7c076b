//! A state directory of a backup, and a backup of a state directory whose master is stopped. It
//! never touches a directory that holds anything.

use std::fs::File;
use std::io::{self, BufReader, Write};
use std::path::Path;

use stoa_machine::{Owner, StateDir, StateDirError};

use super::reader::Reader;
use super::{About, BackupError, Checked, RestoreError, Writer, check};
use crate::store::{FillError, SnapshotError, Store};

/// What may stand in a directory in which nothing is kept: a restore that was cut short leaves it.
const LEFTOVERS: [&str; 3] = ["lock", "version", "master.redb.new"];

/// Writes a backup of the state in `dir` to `out`. No process may have the directory.
///
/// # Errors
/// [`RestoreError`] says what cannot be read or written.
pub fn save_stopped<W: Write>(dir: &Path, out: W) -> Result<W, RestoreError> {
    if !dir.join(Owner::Master.file()).exists() && !dir.join("owner").exists() {
        return Err(RestoreError::NoState { path: dir.to_owned() });
    }
    let _state = StateDir::open(dir, Owner::Master)?;
    let (store, _) = Store::open(dir)?;
    let about = About::this(store.snapshots().epoch()?);
    let mut writer = Writer::begin(out, &about).map_err(RestoreError::Write)?;
    let saved = store.snapshots().each(&mut |record| writer.record(&record));
    match saved {
        Ok(()) => writer.finish().map_err(RestoreError::Write),
        Err(SnapshotError::Store(error)) => Err(error.into()),
        Err(SnapshotError::Unwanted(error)) => Err(RestoreError::Write(error)),
    }
}

/// Makes the state directory `dir` of the backup at `path`. The backup is read to its end before
/// anything is made.
///
/// # Errors
/// [`RestoreError`] if the backup or the directory cannot be used; then there is no store in it.
pub fn restore(path: &Path, dir: &Path) -> Result<Checked, RestoreError> {
    let unusable = |source| RestoreError::Backup { path: path.to_owned(), source };
    let open = || File::open(path).map(BufReader::new).map_err(BackupError::Io);
    let checked = open().and_then(check).map_err(unusable)?;
    check_empty(dir)?;
    let state = StateDir::open(dir, Owner::Master)?;
    let mut reader = open().and_then(Reader::begin).map_err(unusable)?;
    Store::fill(state.path(), || reader.next()).map_err(|error| match error {
        FillError::Source(source) => unusable(source),
        FillError::Store(error) => error.into(),
    })?;
    let (store, _) = Store::open(state.path())?;
    store.raise_epoch(checked.about.epoch)?;
    state.settle()?;
    Ok(checked)
}

fn check_empty(dir: &Path) -> Result<(), RestoreError> {
    let failed =
        |source| RestoreError::StateDir(StateDirError::Io { path: dir.to_owned(), source });
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
    };
    for entry in entries {
        let name = entry.map_err(failed)?.file_name().to_string_lossy().into_owned();
        if !LEFTOVERS.contains(&name.as_str()) {
            // Whoever uses it is the better reason. Nothing is made in what is no state directory.
            if dir.join("lock").is_file()
                && let Err(StateDirError::InUse(path)) = StateDir::open(dir, Owner::Master)
            {
                return Err(StateDirError::InUse(path).into());
            }
            return Err(RestoreError::NotEmpty { path: dir.to_owned(), found: name });
        }
    }
    Ok(())
}
