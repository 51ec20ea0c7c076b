//! The machine under a process, as more than one room needs it: a clock, state directories,
//! journals, and artifacts on disk. It never decides anything.

pub mod artifacts;
pub mod clock;
pub mod journal;
pub mod room;
pub mod state_dir;

pub use artifacts::{ArtifactError, ArtifactWriter, Artifacts};
pub use clock::Clock;
pub use journal::{Found, Journal, JournalError};
pub use state_dir::{Owner, StateDir, StateDirError, make_file};
