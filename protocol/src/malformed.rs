//! Why a value was refused at the door: which field, what was got, what is allowed. It never says
//! what becomes of the call; whoever opened the door does.

use std::borrow::Cow;
use std::fmt::Display;

use crate::limits::SHOWN_CHARS_MAX;

/// A field that is not legal. The peer's fault, answered in words that name the field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} is {got}; allowed: {allowed}")]
pub struct Malformed {
    /// The path from the call to the field, such as `launch.tasks[3].resources.ports[0]`.
    pub field: String,
    /// What was got, short enough to be shown.
    pub got: String,
    /// What is allowed.
    pub allowed: Cow<'static, str>,
}

impl Malformed {
    /// The value at hand is wrong; whoever holds it names the field by [`inside`](Self::inside).
    pub(crate) fn here(got: impl Display, allowed: impl Into<Cow<'static, str>>) -> Self {
        Self { field: String::new(), got: got.to_string(), allowed: allowed.into() }
    }

    /// The text at hand is wrong.
    pub(crate) fn text(got: &str, allowed: impl Into<Cow<'static, str>>) -> Self {
        Self::here(shown(got), allowed)
    }

    /// A required field is not there.
    pub(crate) fn missing(field: &str) -> Self {
        Self::here("missing", "a value, as the field is required").inside(field)
    }

    /// The same, seen from the message that has it in `field`.
    #[must_use]
    pub(crate) fn inside(mut self, field: &str) -> Self {
        let separator = if self.field.is_empty() || self.field.starts_with('[') { "" } else { "." };
        self.field = format!("{field}{separator}{}", self.field);
        self
    }

    /// The same, seen from the list that has it at `index`.
    #[must_use]
    pub(crate) fn at(self, index: usize) -> Self {
        self.inside(&format!("[{index}]"))
    }
}

/// A text in quotes, cut to a length that can be shown.
fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => format!("{:?} and {} bytes more", &text[..end], text.len() - end),
        None => format!("{text:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nesting_builds_the_path() {
        let malformed = Malformed::here("70000", "0 to 65535")
            .inside("last")
            .at(0)
            .inside("ports")
            .inside("resources")
            .at(3)
            .inside("tasks");
        assert_eq!(
            malformed.to_string(),
            "tasks[3].resources.ports[0].last is 70000; allowed: 0 to 65535"
        );
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        let malformed = Malformed::text(&"ä".repeat(1_000), "less");
        assert!(malformed.got.ends_with("and 1872 bytes more"), "{}", malformed.got);
    }
}
