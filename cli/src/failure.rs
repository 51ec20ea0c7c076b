//! How a command fails: a code, one line in the user's words, and a hint to paste.

use std::fmt;

/// Exit codes of `stoa run` beside the task's own. Source: DESIGN of the command line; 124 to 137
/// as `timeout`, shells and container runners use them.
pub mod code {
    /// The task's time was over.
    pub const TIMEOUT: u8 = 124;
    /// The cluster or this command failed before the task ran.
    pub const CLUSTER: u8 = 125;
    /// The task cannot start: not wasm, a missing import, a denied grant.
    pub const CANNOT_START: u8 = 126;
    /// An artifact was not found.
    pub const NOT_FOUND: u8 = 127;
    /// The task trapped.
    pub const TRAP: u8 = 134;
    /// The task was ended by a limit.
    pub const LIMIT: u8 = 137;
    /// The task was killed.
    pub const KILLED: u8 = 143;
    /// Any other command failed.
    pub const FAILURE: u8 = 1;
    /// The flags make no sense; for every command but `run`.
    pub const USAGE: u8 = 2;
}

/// Why a command ends without having done what it was asked.
#[derive(Debug)]
pub struct Failure {
    /// What the process exits with.
    pub code: u8,
    /// What, where, what was got, what is allowed.
    pub message: String,
    /// Something to paste or to try.
    pub hint: Option<String>,
}

impl Failure {
    /// A failure with no hint.
    pub fn new(code: u8, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None }
    }

    /// This failure with a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// This failure with another code.
    #[must_use]
    pub fn with_code(mut self, code: u8) -> Self {
        self.code = code;
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Failure {}

/// An error and all its sources in one line: `cannot open x: permission denied`.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}
