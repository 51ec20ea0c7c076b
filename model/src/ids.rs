//! The names things have for life: frameworks, agents, offers, tasks, executors, sessions.
//! An id that exists is legal; this file never mints one.

use std::fmt;

use crate::limits::ID_BYTES_MAX;

/// Why a text is no id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IllegalId {
    /// The kind of id that was wanted, such as `task id`.
    pub kind: &'static str,
    /// What was got, cut to a length that can be shown.
    pub got: String,
}

impl fmt::Display for IllegalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is no {}: 1 to {ID_BYTES_MAX} visible ASCII characters without '/' and '\\' \
             are allowed, and neither '.' nor '..'",
            self.got, self.kind
        )
    }
}

impl std::error::Error for IllegalId {}

/// Ids become file names and log fields, so they are plain and short.
fn check(kind: &'static str, text: &str) -> Result<(), IllegalId> {
    let plain = text.bytes().all(|b| b.is_ascii_graphic() && b != b'/' && b != b'\\');
    if plain && (1..=ID_BYTES_MAX).contains(&text.len()) && text != "." && text != ".." {
        return Ok(());
    }
    Err(IllegalId { kind, got: text.chars().take(64).collect() })
}

/// Seven types, one rule: a macro keeps the rule in one place.
macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        ///
        /// Invariant: 1 to [`ID_BYTES_MAX`] visible ASCII characters, fit to be a file name.
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(std::sync::Arc<str>);

        impl $name {
            /// Takes a text that obeys the rule of ids.
            ///
            /// # Errors
            /// [`IllegalId`] says what was got and what is allowed.
            pub fn new(text: &str) -> Result<Self, IllegalId> {
                check($kind, text)?;
                Ok(Self(text.into()))
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = IllegalId;

            fn from_str(text: &str) -> Result<Self, IllegalId> {
                Self::new(text)
            }
        }
    };
}

id!(
    /// One registered framework. Minted by the master, kept by the scheduler over failovers.
    FrameworkId,
    "framework id"
);
id!(
    /// One agent. Minted by the master at the first registration, kept in the agent's checkpoint.
    AgentId,
    "agent id"
);
id!(
    /// One offer for the life of the cluster. Minted by the master, never reused.
    OfferId,
    "offer id"
);
id!(
    /// One task of a framework. Chosen by the scheduler, used once per framework.
    TaskId,
    "task id"
);
id!(
    /// One executor of a framework on an agent. Chosen by the scheduler.
    ExecutorId,
    "executor id"
);
id!(
    /// Whom resources are charged to.
    Role,
    "role"
);
id!(
    /// The life of one numbering of commands between a master and an agent. Minted by the master.
    SessionId,
    "session id"
);

/// One Update for ever: sixteen bytes, shown as a UUID. Minted by the agent.
///
/// The agent makes it of its incarnation (eight random bytes per start) and a counter, so the
/// core that mints it needs no randomness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UpdateId(pub u128);

impl fmt::Display for UpdateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = format!("{:032x}", self.0);
        write!(f, "{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_that_could_leave_its_directory_is_refused() {
        for text in ["", ".", "..", "a/b", "a\\b", "a b", "a\n", "ä"] {
            assert!(TaskId::new(text).is_err(), "{text:?} was taken");
        }
        assert!(TaskId::new(&"x".repeat(ID_BYTES_MAX + 1)).is_err());
        assert_eq!(TaskId::new("words-1").map(|id| id.to_string()), Ok("words-1".to_owned()));
    }

    #[test]
    fn update_id_reads_as_a_uuid() {
        assert_eq!(UpdateId(1).to_string(), "00000000-0000-0000-0000-000000000001");
    }
}
