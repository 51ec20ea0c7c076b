//! The door in: everything that can happen to an agent. It never says what follows from it.

use stoa_model::agent_link;
use stoa_model::digest::Digest;
use stoa_model::host;
use stoa_model::ids::{FrameworkId, TaskId};
use stoa_model::status::Reason;

/// What the edge tells the core, one at a time.
///
/// Of the master's stream the edge says `Connected` once, then what the master says, then
/// `Disconnected` once, or `Disconnected` alone if it could not be opened. After
/// [`Action::Disconnect`](crate::Action::Disconnect) it says nothing more of that stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A stream to the master is open.
    Connected,
    /// The stream to the master ended or could not be opened.
    Disconnected,
    /// The master says something.
    Master(agent_link::Event),
    /// The executor host says something.
    Host(host::Event),
    /// All that a host has said up to and with this number was told before. Only of a host that
    /// can outlive the agent.
    HostHeard {
        /// Whose host it is.
        framework: FrameworkId,
        /// Which of those that this framework has had.
        host: u64,
        /// The number of the host's last event.
        number: u64,
    },
    /// The host of a framework has ended with all that it had. It says nothing more.
    HostLost {
        /// Whose host it was.
        framework: FrameworkId,
        /// For people: how it ended.
        message: String,
    },
    /// The artifact is in the agent's store and is what its digest says.
    Fetched(Digest),
    /// The artifact could not be had. The edge has tried again where that made sense.
    FetchFailed {
        /// Which.
        digest: Digest,
        /// `ArtifactNotFound` or `ArtifactFailed`.
        reason: Reason,
        /// For people: what happened.
        message: String,
    },
    /// Answers [`Action::ReadLog`](crate::Action::ReadLog).
    LogRead {
        /// The question.
        request: agent_link::RequestId,
        /// What the file holds, or for people why it cannot be read. A file that is not there
        /// is an empty one: a task that never wrote has no file.
        piece: Result<LogPiece, String>,
    },
    /// Answers [`Action::Publish`](crate::Action::Publish).
    Published {
        /// Whose task it is.
        framework: FrameworkId,
        /// Which.
        task: TaskId,
        /// Whether the master has every archive, or for people why not.
        result: Result<(), String>,
    },
    /// Time has passed; a deadline may be over.
    Tick,
}

/// A piece of a log file and the size the file had when it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPiece {
    /// The bytes from the offset that was asked for; empty at and past the end.
    pub data: Vec<u8>,
    /// Bytes of the whole file.
    pub size_bytes: u64,
}
