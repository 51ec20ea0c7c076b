//! Walls around a process that runs what nobody vouches for: what it may touch of the files of its
//! machine, which calls of the kernel it may make, what its limits are. Once raised they never come
//! down, neither for it nor for what it starts. It never decides what a process needs.
//!
//! Source: landlock(7), seccomp(2), prctl(2), setrlimit(2).

mod calls;
mod files;

use std::io;
use std::path::PathBuf;

use rustix::process::{
    DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit,
};
use rustix::thread::set_no_new_privs;

/// What a process may still do when its walls stand. Everything else fails as the kernel says:
/// with `EACCES` for files, with `EPERM` for calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Walls {
    /// Files, and directories with all that is below, that it may read if they are there.
    pub reads: Vec<PathBuf>,
    /// Directories below which it may do all but start programs and make devices. They must be
    /// there.
    pub writes: Vec<PathBuf>,
    /// Files and sockets that it may have open at a time; fewer if the machine allows no more.
    pub open_files_max: u64,
}

/// The walls stand, except for those that this kernel cannot raise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Raised {
    /// For people: what is missing, each with what it would have kept away.
    pub missing: Vec<&'static str>,
}

/// Why the walls do not stand. The process must not go on.
#[derive(Debug, thiserror::Error)]
pub enum WallError {
    /// The walls hold for one thread and for those that it starts.
    #[error("walls are raised before the first thread starts, but {0} threads run")]
    Threads(usize),
    /// A directory that is to be written is not there.
    #[error("cannot let {path} through the walls")]
    Path {
        /// Which.
        path: PathBuf,
        /// Why.
        source: landlock::PathFdError,
    },
    /// The kernel refuses the wall around files.
    #[error("cannot raise the wall around files")]
    Files(#[from] landlock::RulesetError),
    /// The kernel refuses the filter of calls.
    #[error("cannot raise the wall around calls of the kernel: {0}")]
    Calls(String),
    /// The kernel refuses a limit.
    #[error("cannot {doing}")]
    Limit {
        /// What was tried.
        doing: &'static str,
        /// Why it failed.
        source: io::Error,
    },
}

impl Walls {
    /// Raises them around the calling process, for good.
    ///
    /// # Errors
    /// [`WallError`]; some of the walls may stand by then.
    pub fn raise(&self) -> Result<Raised, WallError> {
        let threads = std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count);
        if threads != 1 {
            return Err(WallError::Threads(threads));
        }
        let limit = |doing| {
            move |error: rustix::io::Errno| WallError::Limit { doing, source: error.into() }
        };
        set_no_new_privs(true).map_err(limit("give up new privileges"))?;
        // Nobody else of this user reads its memory, and no secret of it lands in a core dump.
        set_dumpable_behavior(DumpableBehavior::NotDumpable)
            .map_err(limit("become unreadable for others"))?;
        setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })
            .map_err(limit("forbid core dumps"))?;
        let most = getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX);
        let files = Some(self.open_files_max.min(most));
        setrlimit(Resource::Nofile, Rlimit { current: files, maximum: files })
            .map_err(limit("bound the open files"))?;
        let mut missing = files::raise(&self.reads, &self.writes)?;
        missing.extend(calls::raise().map_err(WallError::Calls)?);
        Ok(Raised { missing })
    }
}
