//! A directory that belongs to one process: made, locked and versioned. It never looks at what
//! the process keeps there.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// The layout this program reads and writes.
const VERSION: &str = "stoa-state 1\n";

/// A state directory, locked as long as this value lives.
#[derive(Debug)]
pub struct StateDir {
    path: PathBuf,
    _lock: File,
}

/// Why a directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateDirError {
    /// Another process holds the lock.
    #[error("state directory {0} is in use by another process")]
    InUse(PathBuf),
    /// The directory was written by another version.
    #[error("state directory {path} has the layout {got:?}, and this program reads {VERSION:?}")]
    Version {
        /// The directory.
        path: PathBuf,
        /// What its version file says.
        got: String,
    },
    /// The world's fault.
    #[error("state directory {path} cannot be used")]
    Io {
        /// What was touched.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
}

impl StateDir {
    /// Makes the directory if need be, and takes it for this process.
    ///
    /// # Errors
    /// [`StateDirError`] names the directory and who is in the way.
    pub fn open(path: &Path) -> Result<Self, StateDirError> {
        let failed = |source| StateDirError::Io { path: path.to_owned(), source };
        std::fs::create_dir_all(path).map_err(failed)?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path.join("lock"))
            .map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StateDirError::InUse(path.to_owned())),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        check_version(path)?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Makes the file `name` in `dir`, unless it is there: whole or not at all. `fill` writes it under
/// another name; then it is synced, and then it has its own. Answers where it is.
///
/// # Errors
/// What `fill` fails with, or the disk.
pub fn make_file<E: From<io::Error>>(
    dir: &Path,
    name: &str,
    fill: impl FnOnce(&Path) -> Result<(), E>,
) -> Result<PathBuf, E> {
    let path = dir.join(name);
    if path.try_exists()? {
        return Ok(path);
    }
    let new = dir.join(format!("{name}.new"));
    match std::fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    fill(&new)?;
    File::open(&new)?.sync_all()?;
    std::fs::rename(&new, &path)?;
    File::open(dir)?.sync_all()?;
    Ok(path)
}

fn check_version(path: &Path) -> Result<(), StateDirError> {
    let file = path.join("version");
    let failed = |source| StateDirError::Io { path: path.join("version"), source };
    match std::fs::read_to_string(&file) {
        Ok(text) if text == VERSION => Ok(()),
        Ok(got) => Err(StateDirError::Version { path: path.to_owned(), got }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            make_file(path, "version", |path| std::fs::write(path, VERSION)).map_err(failed)?;
            Ok(())
        }
        Err(source) => Err(failed(source)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directory_of_another_process_is_refused_until_it_ends() {
        let dir = tempfile::tempdir().unwrap();
        let first = StateDir::open(dir.path()).unwrap();
        assert!(matches!(StateDir::open(dir.path()), Err(StateDirError::InUse(_))));
        drop(first);
        StateDir::open(dir.path()).unwrap();
    }

    #[test]
    fn file_whose_making_was_cut_short_is_made_anew() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("data.new"), "to").unwrap();
        let fill = |path: &Path| std::fs::write(path, "torn no more");
        let path = make_file(dir.path(), "data", fill).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "torn no more");
        make_file(dir.path(), "data", |_| Err(io::Error::other("it is there already"))).unwrap();
    }

    #[test]
    fn directory_of_another_version_is_named_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("version"), "stoa-state 99\n").unwrap();
        assert!(matches!(StateDir::open(dir.path()), Err(StateDirError::Version { .. })));
    }
}
