//! Why a backup cannot be made, read or restored. It never says what a person can do about it.

use std::io;
use std::path::PathBuf;

use stoa_machine::StateDirError;

use crate::store::StoreError;

/// Why a file is no backup that can be used.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// Something else entirely.
    #[error("it is no backup of a master: it starts with {got:?}")]
    Foreign {
        /// What it starts with.
        got: String,
    },
    /// Made by a newer program.
    #[error("it has the format {got}, and this program reads up to {allowed}")]
    Version {
        /// Its format.
        got: String,
        /// The newest that can be read.
        allowed: u32,
    },
    /// It ends before its end.
    #[error("it is cut off at byte {at}")]
    Cut {
        /// How long it is.
        at: u64,
    },
    /// It was changed since it was made.
    #[error("it is damaged in the part at byte {at}: {what}")]
    Damaged {
        /// Where the part begins.
        at: u64,
        /// What does not read.
        what: String,
    },
    /// The disk's fault.
    #[error("it cannot be read")]
    Io(#[from] io::Error),
}

/// Why a state directory cannot be saved to a backup, or made of one.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The backup cannot be used.
    #[error("cannot restore {path}")]
    Backup {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: BackupError,
    },
    /// Something is kept in the directory.
    #[error("cannot restore to {path}: the directory holds {found:?}, and an empty one is wanted")]
    NotEmpty {
        /// The directory.
        path: PathBuf,
        /// Something in it.
        found: String,
    },
    /// There is no state of a master.
    #[error("there is no state of a master in {path}")]
    NoState {
        /// The directory.
        path: PathBuf,
    },
    /// The directory cannot be used.
    #[error(transparent)]
    StateDir(#[from] StateDirError),
    /// The store cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The backup cannot be written.
    #[error("cannot write the backup")]
    Write(#[source] io::Error),
}
