//! A command that has ended: what it printed and what it exited with. It never judges more than a
//! test asks it to.

use std::process::ExitStatus;

use serde_json::Value;

/// How a command ended.
#[derive(Debug)]
pub struct Finished {
    /// As it was written.
    pub line: String,
    /// How it ended.
    pub status: ExitStatus,
    /// All of its standard output.
    pub stdout: Vec<u8>,
    /// All of its standard error.
    pub stderr: String,
}

impl Finished {
    /// The standard output as text.
    ///
    /// # Panics
    /// If it is no text.
    #[track_caller]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).unwrap_or_else(|_| panic!("no text from {self}"))
    }

    /// The exit code; none if a signal ended it.
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// Itself, after it did what it was asked.
    ///
    /// # Panics
    /// If it exited with another code than 0.
    #[track_caller]
    pub fn succeeded(self) -> Self {
        self.exited(0)
    }

    /// Itself, after it exited with this code.
    ///
    /// # Panics
    /// If it exited with another code.
    #[track_caller]
    pub fn exited(self, code: i32) -> Self {
        assert!(self.code() == Some(code), "exit code {code} was expected of {self}");
        self
    }

    /// Itself, after it failed with this code, one `error:` that holds all of `parts`, and a
    /// `hint:` below it.
    ///
    /// # Panics
    /// If one of these is missing.
    #[track_caller]
    pub fn failed(self, code: i32, parts: &[&str]) -> Self {
        let finished = self.exited(code);
        let below = finished.stderr.lines().skip(finished.error_line(parts) + 1);
        let mut hints = below.filter_map(|line| line.strip_prefix("hint: "));
        let has_hint = hints.next().is_some_and(|hint| !hint.trim().is_empty());
        assert!(has_hint, "a `hint:` below the error was expected of {finished}");
        finished
    }

    /// Checks that there is one `error:` and that it holds all of `parts`; answers which line of
    /// stderr it is.
    ///
    /// # Panics
    /// If there is none or there are several, or a part is missing.
    #[track_caller]
    pub fn error_line(&self, parts: &[&str]) -> usize {
        let is_error = |(_, line): &(usize, &str)| line.starts_with("error: ");
        let errors: Vec<_> = self.stderr.lines().enumerate().filter(is_error).collect();
        let [(number, error)] = errors[..] else {
            panic!("one line that begins with `error: ` was expected of {self}");
        };
        for part in parts {
            assert!(error.contains(part), "{part:?} was expected in the error of {self}");
        }
        number
    }

    /// The standard output as one JSON value.
    ///
    /// # Panics
    /// If it is anything else.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.stdout)
            .unwrap_or_else(|error| panic!("no JSON value ({error}) from {self}"))
    }

    /// The one element of a JSON list whose `key` is `value`.
    ///
    /// # Panics
    /// If the output is no list, or has none or several of these.
    #[track_caller]
    pub fn json_where(&self, key: &str, value: &str) -> Value {
        let list = self.json();
        let list = list.as_array().unwrap_or_else(|| panic!("no JSON list from {self}"));
        let matching: Vec<_> = list.iter().filter(|element| element[key] == value).collect();
        match matching[..] {
            [one] => one.clone(),
            _ => panic!("one element with {key} {value} was expected of {self}"),
        }
    }
}

impl std::fmt::Display for Finished {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let stdout = String::from_utf8_lossy(&self.stdout);
        let stdout: String = stdout.chars().take(4_000).collect();
        let Self { line, status, stderr, .. } = self;
        write!(f, "`{line}`, which ended with {status}")?;
        write!(f, "\n--- stdout:\n{stdout}\n--- stderr:\n{stderr}\n---")
    }
}
