//! A process of a test's own: what it prints goes to files, and it is killed with the test. It
//! never touches a process that it did not start.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::finished::Finished;
use crate::place::Place;
use crate::waiting::{LIMIT, look_until};

/// Lines of stderr that are shown when a test fails.
const LINES_SHOWN_MAX: usize = 60;

/// A running process, alone in its process group.
#[derive(Debug)]
pub struct Process {
    line: String,
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
    limit: Duration,
}

impl Process {
    #[track_caller]
    pub(crate) fn start(
        place: &Place,
        command: &mut Command,
        line: String,
        limit: Duration,
    ) -> Self {
        let (stdout, stderr) = (place.unused("stdout"), place.unused("stderr"));
        let file = |path: &Path| File::create(path).expect("a test's own place can be written");
        let child = command.stdout(file(&stdout)).stderr(file(&stderr)).process_group(0).spawn();
        let child = child.unwrap_or_else(|error| panic!("cannot start `{line}`: {error}"));
        Self { line, child, stdout, stderr, limit }
    }

    /// What it has printed.
    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&read(&self.stdout)).into_owned()
    }

    /// What it has complained of.
    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&read(&self.stderr)).into_owned()
    }

    /// Waits until a whole line of stdout begins with `start`; answers the rest of it.
    ///
    /// # Panics
    /// If the process ends before, or takes longer than [`LIMIT`].
    #[track_caller]
    pub fn wait_for_line(&mut self, start: &str) -> String {
        self.wait_for_stdout(&format!("a line `{start}…`"), |stdout| {
            let whole = stdout.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
            let mut rests = whole.filter_map(|line| line.strip_prefix(start));
            rests.next().map(str::to_owned)
        })
    }

    /// Waits until `find` finds something in stdout.
    ///
    /// # Panics
    /// If the process ends before, or takes longer than [`LIMIT`].
    #[track_caller]
    pub fn wait_for_stdout<T>(&mut self, what: &str, find: impl Fn(&str) -> Option<T>) -> T {
        let found = look_until(Instant::now() + LIMIT, &mut || {
            let has_ended = self.has_ended();
            match find(&self.stdout()) {
                Some(found) => Ok(Ok(found)),
                None if has_ended => Ok(Err("it has ended")),
                None => Err("it runs".to_owned()),
            }
        });
        match found {
            Ok(Ok(found)) => found,
            Ok(Err(why)) => panic!("no {what} from `{}`: {why}", self.line),
            Err(why) => panic!("no {what} from `{}` after {LIMIT:?}: {why}", self.line),
        }
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Ends it at once, as `kill -9` does; it cannot tidy up.
    pub fn kill(&mut self) {
        if self.has_ended() {
            return;
        }
        // The whole group: a shell's commands, or the parts of a measurement, end with it. Its id
        // cannot be another's, as nobody has waited for the child yet.
        let _ = kill_process_group(self.pid(), Signal::KILL);
        let _ = self.child.wait();
    }

    /// Sends it a signal.
    ///
    /// # Panics
    /// If it has ended already.
    #[track_caller]
    pub fn signal(&mut self, signal: Signal) {
        assert!(!self.has_ended(), "`{}` has ended already", self.line);
        kill_process(self.pid(), signal).expect("a child that was not waited for is there");
    }

    /// Asks it to end, and waits until it has.
    ///
    /// # Panics
    /// If it has ended already, or takes longer than its limit.
    #[track_caller]
    pub fn end(mut self) -> Finished {
        self.signal(Signal::TERM);
        self.finish()
    }

    /// Waits until it has ended.
    ///
    /// # Panics
    /// If it takes longer than its limit, with what it has printed by then.
    #[track_caller]
    pub fn finish(mut self) -> Finished {
        let deadline = Instant::now() + self.limit;
        let ended = look_until(deadline, &mut || match self.child.try_wait() {
            Ok(Some(status)) => Ok(status),
            Ok(None) => Err("it still runs".to_owned()),
            Err(error) => Err(error.to_string()),
        });
        let status: ExitStatus = ended.unwrap_or_else(|why| {
            panic!("waited {:?} in vain for the end of `{}`: {why}", self.limit, self.line)
        });
        Finished {
            line: self.line.clone(),
            status,
            stdout: read(&self.stdout),
            stderr: self.stderr(),
        }
    }

    /// The process and what it has printed, for a person who wonders what went wrong.
    pub fn shown(&self) -> String {
        let stderr = self.stderr();
        let lines: Vec<_> = stderr.lines().collect();
        let shown = &lines[lines.len().saturating_sub(LINES_SHOWN_MAX)..];
        let stdout: String = self.stdout().chars().take(4_000).collect();
        let stderr = shown.join("\n");
        format!("`{}`\n--- stdout:\n{stdout}\n--- stderr:\n{stderr}\n---\n", self.line)
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("while the test failed: {}", self.shown());
        }
        self.kill();
    }
}

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_default()
}
