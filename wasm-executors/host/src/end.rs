//! How a container ended, or why none could be made, in the words of the model and of the world.
//! It never decides what a task's state is: its executor does.

use stoa_model::limits::MESSAGE_BYTES_MAX;
use stoa_model::status::Reason;

use crate::world::stoa::executor::types;

/// How a container ended, or why none could be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) reason: Reason,
    pub(crate) exit_code: Option<i32>,
    /// For people, in a sentence without a full stop.
    pub(crate) message: String,
}

impl End {
    pub(crate) fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, exit_code: None, message: message.into() }
    }

    pub(crate) fn exited(code: i32) -> Self {
        let message = match code {
            0 => String::new(),
            code => format!("exited with code {code}"),
        };
        Self { reason: Reason::Exited, exit_code: Some(code), message }
    }

    pub(crate) fn killed() -> Self {
        Self::new(Reason::KillRequested, "killed")
    }

    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(Reason::ContainerFailed, message)
    }

    pub(crate) fn denied(message: impl Into<String>) -> Self {
        Self::new(Reason::GrantDenied, message)
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(Reason::InvalidModule, message)
    }

    /// As executors see it.
    pub(crate) fn to_wit(&self) -> types::Reason {
        let message = || self.message.clone();
        match self.reason {
            Reason::Exited => types::Reason::Exited(self.exit_code.unwrap_or(0)),
            Reason::Trapped => types::Reason::Trapped(message()),
            Reason::FuelExhausted => types::Reason::FuelExhausted,
            Reason::MemoryExceeded => types::Reason::MemoryExceeded,
            Reason::OutputExceeded => types::Reason::OutputExceeded,
            Reason::DiskExceeded => types::Reason::DiskExceeded,
            Reason::TimedOut => types::Reason::TimedOut,
            Reason::KillRequested => types::Reason::Killed,
            Reason::InvalidModule => types::Reason::InvalidModule(message()),
            Reason::MissingImport => types::Reason::MissingImport(message()),
            Reason::GrantDenied => types::Reason::GrantDenied(message()),
            _ => types::Reason::ContainerFailed(message()),
        }
    }

    /// What an executor says a state comes from.
    pub(crate) fn from_wit(because: types::Reason) -> Self {
        match because {
            types::Reason::Exited(code) => Self::exited(code),
            types::Reason::Trapped(text) => Self::new(Reason::Trapped, text),
            types::Reason::FuelExhausted => Self::new(Reason::FuelExhausted, "out of fuel"),
            types::Reason::MemoryExceeded => Self::new(Reason::MemoryExceeded, "out of memory"),
            types::Reason::OutputExceeded => Self::new(Reason::OutputExceeded, "too much output"),
            types::Reason::DiskExceeded => Self::new(Reason::DiskExceeded, "out of disk"),
            types::Reason::TimedOut => Self::new(Reason::TimedOut, "out of time"),
            types::Reason::Killed => Self::killed(),
            types::Reason::InvalidModule(text) => Self::invalid(text),
            types::Reason::MissingImport(text) => Self::new(Reason::MissingImport, text),
            types::Reason::GrantDenied(text) => Self::denied(text),
            types::Reason::ContainerFailed(text) => Self::failed(text),
        }
    }
}

/// A message within its bound, cut between characters.
pub(crate) fn cut_text(mut message: String) -> String {
    if message.len() > MESSAGE_BYTES_MAX {
        message.truncate(message.floor_char_boundary(MESSAGE_BYTES_MAX - '…'.len_utf8()));
        message.push('…');
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_end_reads_back_as_it_was_told() {
        let ends = [
            End::exited(0),
            End::exited(3),
            End::killed(),
            End::failed("f"),
            End::denied("d"),
            End::invalid("i"),
            End::new(Reason::Trapped, "t"),
            End::new(Reason::MissingImport, "m"),
            End::new(Reason::FuelExhausted, "out of fuel"),
            End::new(Reason::TimedOut, "out of time"),
        ];
        for end in ends {
            assert_eq!(End::from_wit(end.to_wit()), end);
        }
    }
}
