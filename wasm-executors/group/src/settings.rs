//! What a framework asks of this executor in the data of its ExecutorInfo. It never knows a group.

use serde::Deserialize;

use crate::json;
use crate::limits::{WAIT_MS_DEFAULT, WAIT_MS_MAX};

/// What a framework asks of this executor, all of it legal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Settings {
    /// Milliseconds from the first member's coming in which the others must come.
    pub(crate) wait_ms: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { wait_ms: WAIT_MS_DEFAULT }
    }
}

impl Settings {
    /// Reads the data of an ExecutorInfo; no data asks for the defaults.
    ///
    /// # Errors
    /// Which field is wrong, what it holds and what is allowed.
    pub(crate) fn read(data: &[u8]) -> Result<Self, String> {
        const WHERE: &str = "the data of the ExecutorInfo";
        if data.trim_ascii().is_empty() {
            return Ok(Self::default());
        }
        let settings: Self = json::read(WHERE, data)?;
        match settings.wait_ms {
            1..=WAIT_MS_MAX => Ok(settings),
            ms => Err(format!(
                "{WHERE}: field wait_ms: {ms} milliseconds, 1 to {WAIT_MS_MAX} are allowed"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_to_wait_can_be_asked_for() {
        assert_eq!(Settings::read(b" "), Ok(Settings { wait_ms: 60_000 }));
        assert_eq!(Settings::read(b"{}"), Ok(Settings { wait_ms: 60_000 }));
        assert_eq!(Settings::read(br#"{"wait_ms": 5}"#), Ok(Settings { wait_ms: 5 }));
    }

    #[test]
    fn wrong_data_is_refused_by_the_name_of_its_field() {
        let refused = [
            (r#"{"wait": 5}"#, "unknown field `wait`, expected `wait_ms`"),
            (r#"{"wait_ms": 0}"#, "field wait_ms: 0 milliseconds, 1 to"),
            (r#"{"wait_ms": "5"}"#, "field wait_ms: invalid type: string \"5\""),
            ("[5]", "the data of the ExecutorInfo: not an object"),
            ("{} {}", "trailing characters"),
        ];
        for (data, expected) in refused {
            let error = Settings::read(data.as_bytes()).unwrap_err();
            assert!(error.contains(expected), "{data}: {error}");
        }
    }
}
