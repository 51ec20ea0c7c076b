//! What an executor may see of the files of its tasks, within what each task was granted.

use std::fmt;

#[cfg(target_arch = "wasm32")]
use crate::bindings::stoa::executor::files as host;
#[cfg(not(target_arch = "wasm32"))]
use crate::double::files as host;

#[doc(inline)]
pub use crate::bindings::stoa::executor::files::Entry;

/// Why a call was refused. Stoa counts refusals; who is refused too often is ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such task, or it is not this executor's, or it is over.
    UnknownTask(String),
    /// The path is in none of the directories that the task was granted; the text names it.
    NotGranted(String),
    /// There is no such file or directory, or it is of the other kind; the text names it.
    NotFound(String),
    /// It could not be read; the text says why.
    Failed(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownTask(task) => write!(f, "no task {task} of this executor is under way"),
            Self::NotGranted(path) => write!(f, "not granted to the task: {path}"),
            Self::NotFound(path) => write!(f, "not found: {path}"),
            Self::Failed(why) => write!(f, "cannot be read: {why}"),
        }
    }
}

impl std::error::Error for Refusal {}

impl From<Refusal> for String {
    fn from(refusal: Refusal) -> Self {
        refusal.to_string()
    }
}

/// The entries of a directory of the task, sorted by name. The path is the one in the guest.
///
/// # Errors
/// A [`Refusal`] that says why it cannot be listed.
pub fn list_directory(task: &str, path: &str) -> Result<Vec<Entry>, Refusal> {
    host::list_directory(task, path)
}

/// Up to `bytes_max` bytes of a file of the task from `offset` on; none at its end. The path is the
/// one in the guest.
///
/// # Errors
/// A [`Refusal`] that says why it cannot be read.
pub fn read_file(task: &str, path: &str, offset: u64, bytes_max: u32) -> Result<Vec<u8>, Refusal> {
    host::read_file(task, path, offset, bytes_max)
}
