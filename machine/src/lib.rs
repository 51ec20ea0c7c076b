//! The machine under a process, as more than one room needs it: a clock, state directories,
//! journals, artifacts on disk, and walls
//! around a process. It never decides anything.

pub mod artifacts;
pub mod clock;
pub mod journal;
pub mod room;
pub mod state_dir;
pub mod walls;

pub use artifacts::{ArtifactError, ArtifactWriter, Artifacts};
pub use clock::Clock;
pub use journal::{Found, Journal, JournalError};
pub use state_dir::{Owner, StateDir, StateDirError, make_file};
pub use walls::{Raised, WallError, Walls};
