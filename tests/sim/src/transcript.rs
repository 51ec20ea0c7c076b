//! What happened, a line each, for people. It never decides how a message reads; `print.rs` does.

use std::fmt::Display;

use stoa_model::instant::Instant;

/// When the time of every world begins. Lines count from here.
pub const START: Instant = Instant::from_ms(1_000_000);

/// The lines so far.
#[derive(Debug, Default)]
pub struct Transcript {
    text: String,
}

impl Transcript {
    /// Adds a line.
    pub fn add(&mut self, now: Instant, line: impl Display) {
        let ms = now.ms_since(START);
        self.text.push_str(&format!("{}.{:03}s {line}\n", ms / 1_000, ms % 1_000));
    }

    /// Takes the lines so far.
    pub fn take(&mut self) -> String {
        std::mem::take(&mut self.text)
    }
}
