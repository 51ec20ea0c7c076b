//! One test's own place on the disk, with an environment in which `stoa` finds nothing of the
//! person who runs the test. It goes with the test.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use tempfile::TempDir;

use crate::house;
use crate::invocation::Invocation;

/// A directory that is removed when this value is dropped.
#[derive(Debug)]
pub struct Place {
    path: PathBuf,
    files: AtomicUsize,
    _dir: TempDir,
}

impl Default for Place {
    fn default() -> Self {
        Self::new()
    }
}

impl Place {
    /// A new place.
    ///
    /// # Panics
    /// If the system has no temporary directory.
    pub fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("stoa-test-").tempdir();
        let dir = dir.expect("the system has a temporary directory that can be written");
        let path = dir.path().canonicalize().expect("a directory that was just made is there");
        let place = Self { path, files: AtomicUsize::new(0), _dir: dir };
        for name in ["home", "temporary"] {
            place.make_dir(name);
        }
        place
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where processes of this place make their temporary files.
    pub fn temporary(&self) -> PathBuf {
        self.path.join("temporary")
    }

    /// Makes a directory here.
    ///
    /// # Panics
    /// If the disk refuses.
    pub fn make_dir(&self, name: &str) -> PathBuf {
        let path = self.path.join(name);
        std::fs::create_dir_all(&path).expect("a test's own place can be written");
        path
    }

    /// Writes a file here, and the directories it is in.
    ///
    /// # Panics
    /// If the disk refuses.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path.join(name);
        let parent = path.parent().expect("a file in this place is in a directory");
        std::fs::create_dir_all(parent).expect("a test's own place can be written");
        std::fs::write(&path, content).expect("a test's own place can be written");
        path
    }

    /// The path of a file that no other call gets; it is not made.
    pub(crate) fn unused(&self, name: &str) -> PathBuf {
        let number = self.files.fetch_add(1, Ordering::Relaxed);
        self.make_dir("outputs").join(format!("{number:03}-{name}"))
    }

    /// `stoa` with these arguments, about to be run in this place.
    pub fn stoa(&self, arguments: &[&str]) -> Invocation<'_> {
        let mut command = Command::new(house::binary());
        command.args(arguments);
        let line = format!("stoa {}", arguments.join(" "));
        Invocation::new(self, command, line)
    }

    /// A line of shell, about to be run in the root of the clone with `stoa` on its path.
    pub fn shell(&self, line: &str) -> Invocation<'_> {
        let mut command = Command::new("bash");
        command.args(["-c", line]);
        Invocation::new(self, command, line.to_owned()).with_stoa_on_path()
    }

    /// Nothing of the environment is passed on but the path. Compiled code is shared by all tests
    /// of a target directory: it is named by content, and authenticated.
    pub(crate) fn prepare(&self, command: &mut Command) {
        let path = std::env::var_os("PATH").unwrap_or_default();
        command
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.path.join("home"))
            .env("XDG_STATE_HOME", self.path.join("home/state"))
            .env("XDG_CACHE_HOME", house::target().join("tmp/stoa-test-cache"))
            .env("TMPDIR", self.temporary())
            .env("LANG", "C.UTF-8")
            .env("USER", "tester")
            .current_dir(&self.path);
    }
}
