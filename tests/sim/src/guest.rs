//! What a simulated guest does, as text, so that it travels with its task. It never runs; the host
//! plays it.

use std::fmt;

/// One guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guest {
    /// Milliseconds from RUNNING to its end; none if it never ends by itself.
    pub runs_ms: Option<u64>,
    /// The code it exits with.
    pub exit: i32,
    /// Whether it leaves a directory that travels back.
    pub has_download: bool,
}

impl Guest {
    /// One that never ends by itself.
    pub fn endless() -> Self {
        Self { runs_ms: None, exit: 0, has_download: false }
    }

    /// Reads what [`fmt::Display`] wrote; words that mean nothing here are passed over.
    pub fn parse(text: &str) -> Self {
        let mut guest = Self { runs_ms: None, exit: 0, has_download: false };
        for (name, value) in text.split(' ').filter_map(|word| word.split_once('=')) {
            match name {
                "runs_ms" => guest.runs_ms = value.parse().ok(),
                "exit" => guest.exit = value.parse().unwrap_or(0),
                "download" => guest.has_download = value == "yes",
                _ => {}
            }
        }
        guest
    }
}

impl fmt::Display for Guest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(runs_ms) = self.runs_ms {
            write!(f, "runs_ms={runs_ms} ")?;
        }
        let download = if self.has_download { " download=yes" } else { "" };
        write!(f, "exit={}{download}", self.exit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guest_reads_back_as_it_is_written() {
        for runs_ms in [None, Some(5)] {
            let guest = Guest { runs_ms, exit: 3, has_download: runs_ms.is_some() };
            assert_eq!(Guest::parse(&guest.to_string()), guest);
        }
    }
}
