//! A command line about to be run. It never runs for longer than its limit.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::finished::Finished;
use crate::house;
use crate::place::Place;
use crate::process::Process;
use crate::waiting::LIMIT;

/// A command with its input and its limit.
#[derive(Debug)]
pub struct Invocation<'a> {
    place: &'a Place,
    command: Command,
    line: String,
    limit: Duration,
}

impl<'a> Invocation<'a> {
    pub(crate) fn new(place: &'a Place, mut command: Command, line: String) -> Self {
        place.prepare(&mut command);
        command.stdin(Stdio::null());
        Self { place, command, line, limit: LIMIT }
    }

    pub(crate) fn with_stoa_on_path(mut self) -> Self {
        let bin = self.place.make_dir("bin");
        let link = bin.join("stoa");
        if !link.exists() {
            std::os::unix::fs::symlink(house::binary(), link)
                .expect("a test's own place can be written");
        }
        let path = std::env::var("PATH").unwrap_or_default();
        self.command.env("PATH", format!("{}:{path}", bin.display())).current_dir(house::root());
        self
    }

    /// With a variable in the environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// In this directory instead of the place.
    #[must_use]
    pub fn current_dir(mut self, dir: &Path) -> Self {
        self.command.current_dir(dir);
        self
    }

    /// With these bytes as standard input, which is empty otherwise.
    ///
    /// # Panics
    /// If the disk refuses.
    #[must_use]
    pub fn stdin(mut self, bytes: impl AsRef<[u8]>) -> Self {
        let path = self.place.unused("stdin");
        std::fs::write(&path, bytes).expect("a test's own place can be written");
        self.command.stdin(File::open(&path).expect("the file was just written"));
        self
    }

    /// With a longer time until the test is failed.
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Runs to the end.
    ///
    /// # Panics
    /// If it takes longer than its limit, with what it has printed by then.
    #[track_caller]
    pub fn finish(self) -> Finished {
        self.start().finish()
    }

    /// Starts, and leaves it running.
    ///
    /// # Panics
    /// If it cannot be started.
    #[track_caller]
    pub fn start(mut self) -> Process {
        Process::start(self.place, &mut self.command, self.line, self.limit)
    }
}
