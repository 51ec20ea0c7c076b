//! What a person sees while something takes long: on a terminal, and never in a pipe. It never
//! delays what it tells of.

use std::path::Path;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// One thing under way; hidden unless standard error is a terminal. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Progress(ProgressBar);

/// How often a line that shows no number moves.
const MOVES_EVERY: Duration = Duration::from_millis(100);

impl Progress {
    /// Bytes of a file on their way to the cluster.
    pub fn upload(path: &Path, size_bytes: u64) -> Self {
        let name = path.file_name().unwrap_or(path.as_os_str()).display().to_string();
        let bar = ProgressBar::new(size_bytes).with_message(format!("uploading {name}"));
        let style = ProgressStyle::with_template("{msg} {bar:30} {bytes}/{total_bytes}");
        Self(bar.with_style(style.expect("the template is a constant and legal")))
    }

    /// Something whose end nobody knows.
    pub fn waiting() -> Self {
        let style = ProgressStyle::with_template("{spinner} {msg}");
        let style = style.expect("the template is a constant and legal");
        Self(ProgressBar::new_spinner().with_style(style))
    }

    /// Says how much is done.
    pub fn set(&self, done: u64) {
        self.0.set_position(done);
    }

    /// Says what is under way now.
    pub fn say(&self, what: impl Into<String>) {
        self.0.enable_steady_tick(MOVES_EVERY);
        self.0.set_message(what.into());
    }

    /// Removes the line.
    pub fn end(&self) {
        self.0.finish_and_clear();
    }
}
