//! A directory that belongs to one process: made, locked and versioned. It never reads what the
//! process keeps there; it knows only in which file.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The layout this program reads and writes.
const VERSION: &str = "stoa-state 1\n";

/// Bytes of a version or owner file that are read; longer ones are no such files.
const NOTE_BYTES_MAX: u64 = 64;

/// Whose state a directory holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// A master's.
    Master,
    /// An agent's.
    Agent,
}

impl Owner {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Master, Self::Agent];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Master => "master",
            Self::Agent => "agent",
        }
    }

    /// The file without which its state is lost.
    pub const fn file(self) -> &'static str {
        match self {
            Self::Master => "master.redb",
            Self::Agent => "agent.journal",
        }
    }
}

/// A state directory, locked as long as this value lives.
#[derive(Debug)]
pub struct StateDir {
    path: PathBuf,
    owner: Owner,
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
    /// The directory holds the state of something else.
    #[error(
        "state directory {path} is that of {got}, and this is {}",
        with_article(wanted.as_str())
    )]
    OtherOwner {
        /// The directory.
        path: PathBuf,
        /// Whose it is, as far as that can be read.
        got: String,
        /// Who wanted it.
        wanted: Owner,
    },
    /// What the directory was made for is not there any more.
    #[error("state directory {path} was used before, and its file {file} is missing")]
    Missing {
        /// The directory.
        path: PathBuf,
        /// What is missing.
        file: &'static str,
    },
    /// The world's fault.
    #[error("state directory: cannot use {path}")]
    Io {
        /// What was touched.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
}

impl StateDir {
    /// Makes the directory if need be, and takes it for this process, which is an `owner`.
    ///
    /// # Errors
    /// [`StateDirError`] names the directory and who is in the way, or what is missing in it.
    pub fn open(path: &Path, owner: Owner) -> Result<Self, StateDirError> {
        let failed = |path: PathBuf| move |source| StateDirError::Io { path, source };
        std::fs::create_dir_all(path).map_err(failed(path.to_owned()))?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path.join("lock"))
            .map_err(failed(path.join("lock")))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StateDirError::InUse(path.to_owned())),
            Err(TryLockError::Error(source)) => return Err(failed(path.join("lock"))(source)),
        }
        let is_used = check_owner(path, owner)?;
        check_version(path, is_used)?;
        Ok(Self { path: path.to_owned(), owner, _lock: lock })
    }

    /// Notes whose the directory is, once the [file](Owner::file) of its owner is there: from then
    /// on a directory without that file has lost its state.
    ///
    /// # Errors
    /// [`StateDirError`] if the disk refuses.
    pub fn settle(&self) -> Result<(), StateDirError> {
        let line = format!("{}\n", self.owner.as_str());
        make_file(&self.path, "owner", |path| std::fs::write(path, line))
            .map(|_| ())
            .map_err(|source| StateDirError::Io { path: self.path.join("owner"), source })
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

/// Whether the directory was used before, by this owner and no other.
fn check_owner(path: &Path, owner: Owner) -> Result<bool, StateDirError> {
    let has = |owner: Owner| path.join(owner.file()).exists();
    let other =
        |got: String| StateDirError::OtherOwner { path: path.to_owned(), got, wanted: owner };
    match read_note(path, "owner")? {
        Some(got) if got.trim_end() != owner.as_str() => {
            let known = Owner::ALL.into_iter().find(|owner| owner.as_str() == got.trim_end());
            Err(other(known.map_or(format!("{got:?}"), |owner| with_article(owner.as_str()))))
        }
        Some(_) if has(owner) => Ok(true),
        Some(_) => Err(StateDirError::Missing { path: path.to_owned(), file: owner.file() }),
        // Made by an older version, which did not note it, or not made to its end.
        None => match Owner::ALL.into_iter().find(|other| *other != owner && has(*other)) {
            Some(found) => Err(other(with_article(found.as_str()))),
            None => Ok(has(owner)),
        },
    }
}

fn check_version(path: &Path, is_used: bool) -> Result<(), StateDirError> {
    match read_note(path, "version")? {
        Some(text) if text == VERSION => Ok(()),
        Some(got) => Err(StateDirError::Version { path: path.to_owned(), got }),
        None if is_used => Err(StateDirError::Missing { path: path.to_owned(), file: "version" }),
        None => {
            let made = make_file(path, "version", |path| std::fs::write(path, VERSION));
            made.map(|_| ())
                .map_err(|source| StateDirError::Io { path: path.join("version"), source })
        }
    }
}

/// A short file of text, if it is there. What is no text is shown as well as it can be.
fn read_note(dir: &Path, name: &str) -> Result<Option<String>, StateDirError> {
    let path = dir.join(name);
    let mut bytes = Vec::new();
    let read = File::open(&path).and_then(|file| file.take(NOTE_BYTES_MAX).read_to_end(&mut bytes));
    match read {
        Ok(_) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(StateDirError::Io { path, source }),
    }
}

fn with_article(name: &str) -> String {
    let article = if name.starts_with('a') { "an" } else { "a" };
    format!("{article} {name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(dir: &Path) -> Result<StateDir, StateDirError> {
        StateDir::open(dir, Owner::Master)
    }

    /// A directory that a master has used.
    fn used() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let state = open(dir.path()).unwrap();
        std::fs::write(dir.path().join(Owner::Master.file()), "all it knows").unwrap();
        state.settle().unwrap();
        dir
    }

    #[test]
    fn directory_of_another_process_is_refused_until_it_ends() {
        let dir = tempfile::tempdir().unwrap();
        let first = open(dir.path()).unwrap();
        assert!(matches!(open(dir.path()), Err(StateDirError::InUse(_))));
        drop(first);
        open(dir.path()).unwrap();
    }

    #[test]
    fn directory_of_another_owner_is_refused_also_if_an_older_version_made_it() {
        let dir = used();
        for is_older in [false, true] {
            if is_older {
                std::fs::remove_file(dir.path().join("owner")).unwrap();
            }
            let error = StateDir::open(dir.path(), Owner::Agent).unwrap_err().to_string();
            assert!(error.contains("is that of a master, and this is an agent"), "{error}");
            open(dir.path()).unwrap();
        }
    }

    #[test]
    fn used_directory_without_its_file_or_its_version_is_named() {
        for file in [Owner::Master.file(), "version"] {
            let dir = used();
            std::fs::remove_file(dir.path().join(file)).unwrap();
            let error = open(dir.path()).unwrap_err().to_string();
            assert!(error.contains(file) && error.contains("missing"), "{error}");
            assert!(!dir.path().join(file).exists(), "it was made anew");
        }
    }

    #[test]
    fn directory_whose_making_was_cut_short_is_made_to_its_end() {
        let dir = tempfile::tempdir().unwrap();
        open(dir.path()).unwrap();
        open(dir.path()).unwrap();
        std::fs::write(dir.path().join(Owner::Master.file()), "").unwrap();
        open(dir.path()).unwrap().settle().unwrap();
        assert_eq!(std::fs::read_to_string(dir.path().join("owner")).unwrap(), "master\n");
    }

    #[test]
    fn damaged_version_or_owner_is_shown_whatever_it_holds() {
        let long = [b'x'; 100_000];
        for name in ["version", "owner"] {
            for bytes in [&b""[..], b"stoa-stat", b"\xff\xfe", b"maste", &long] {
                let dir = used();
                std::fs::write(dir.path().join(name), bytes).unwrap();
                let error = open(dir.path()).unwrap_err();
                let text = error.to_string();
                assert!(text.contains(&dir.path().display().to_string()), "{text}");
                assert!(text.len() < 400, "{text}");
                let expected = match error {
                    StateDirError::Version { .. } => "version",
                    StateDirError::OtherOwner { .. } => "owner",
                    other => panic!("{other:?}"),
                };
                assert_eq!(expected, name);
            }
        }
        let dir = used();
        std::fs::remove_file(dir.path().join("lock")).unwrap();
        std::fs::create_dir(dir.path().join("lock")).unwrap();
        let error = open(dir.path()).unwrap_err().to_string();
        assert!(error.contains("lock"), "{error}");
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
        assert!(matches!(open(dir.path()), Err(StateDirError::Version { .. })));
    }
}
