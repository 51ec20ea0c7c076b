//! The machine under a process, as more than one room needs it: a clock, state directories, and
//! artifacts on disk. It never decides anything.

pub mod artifacts;
pub mod clock;
pub mod room;
pub mod state_dir;

pub use artifacts::{ArtifactError, ArtifactWriter, Artifacts};
pub use clock::Clock;
pub use state_dir::{StateDir, StateDirError, make_file};
