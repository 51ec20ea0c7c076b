//! The socket between an agent and an executor host in a process of its own: frames, each with its
//! length before it. It never knows a single command or event: [`commands`] and [`events`] do.

mod commands;
mod events;

use prost::Message;
use stoa_model::host::{Command, Event};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::door::text;
use crate::limits::{HOST_FRAME_BYTES_MAX, NAME_BYTES_MAX};
use crate::malformed::Malformed;
use crate::pb::host as pb;
use crate::pb::host::{from_host::Frame as Heard, to_host::Frame as Told};
use crate::wire::Wire;

/// From an agent to a host. The first is [`ToHost::Attach`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToHost {
    /// The agent is there, for the first time or again, and has recorded the events of this host
    /// up to and with this number.
    Attach {
        /// 0 is none.
        taken: u64,
    },
    /// Do this, in the order of the frames.
    Command(Command),
    /// All events up to and with this one are recorded.
    Taken {
        /// Its number.
        number: u64,
    },
    /// Answered by [`FromHost::Alive`].
    Ask,
    /// End as soon as the executors that were told to end have had their grace.
    End,
}

/// From a host to an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FromHost {
    /// Answers [`ToHost::Attach`], before anything else.
    Hello {
        /// The version of the program that the host runs.
        version: String,
    },
    /// Something has happened.
    Event {
        /// Counts from 1 in each host, without gaps; 0 is that of an event which may be lost, and
        /// is not said again.
        number: u64,
        /// What.
        event: Event,
    },
    /// Answers [`ToHost::Ask`].
    Alive,
    /// Nothing has lived in the host for a while, and all of its events are taken.
    Idle {
        /// How many commands it has got since the Attach; if more are on the way, it is idle no
        /// more.
        commands: u64,
    },
}

/// Why a frame could not be read or written: the other side is gone, or not to be talked to.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The other side has closed the socket between two frames.
    #[error("the other side has ended")]
    Ended,
    /// The socket broke.
    #[error("the socket broke")]
    Broken(#[from] std::io::Error),
    /// A length that no frame has.
    #[error("a frame of {got} bytes, {HOST_FRAME_BYTES_MAX} are allowed")]
    TooLarge {
        /// The length that was read, or that was to be written.
        got: usize,
    },
    /// Bytes that are no message.
    #[error("a frame that is no message")]
    NoMessage(#[from] prost::DecodeError),
    /// A message that is not legal.
    #[error("a frame that is not legal")]
    Malformed(#[from] Malformed),
}

/// A value that travels in a frame of its own.
pub trait Frame: Wire<Proto: Message + Default> {}

impl Frame for ToHost {}
impl Frame for FromHost {}

/// Appends the frame of a value.
///
/// # Errors
/// [`FrameError::TooLarge`]; then nothing is appended.
pub fn append<T: Frame>(value: &T, to: &mut Vec<u8>) -> Result<(), FrameError> {
    let proto = value.to_proto();
    let got = proto.encoded_len();
    let length = u32::try_from(got).ok().filter(|_| got <= HOST_FRAME_BYTES_MAX);
    let length = length.ok_or(FrameError::TooLarge { got })?;
    to.extend_from_slice(&length.to_le_bytes());
    to.extend_from_slice(&proto.encode_to_vec());
    Ok(())
}

/// Writes frames that [`append`] has made.
///
/// # Errors
/// [`FrameError::Broken`].
pub async fn write(
    socket: &mut (impl AsyncWriteExt + Unpin),
    frames: &[u8],
) -> Result<(), FrameError> {
    Ok(socket.write_all(frames).await?)
}

/// Reads the next frame. Not to be dropped in between: what was read of a frame goes with it.
///
/// # Errors
/// [`FrameError`]; nothing that follows can be told apart.
pub async fn read<T: Frame>(socket: &mut (impl AsyncReadExt + Unpin)) -> Result<T, FrameError> {
    let mut length = [0; 4];
    match socket.read_exact(&mut length).await {
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            return Err(FrameError::Ended);
        }
        Err(error) => return Err(error.into()),
    }
    let got = u32::from_le_bytes(length) as usize;
    if got > HOST_FRAME_BYTES_MAX {
        return Err(FrameError::TooLarge { got });
    }
    let mut bytes = vec![0; got];
    socket.read_exact(&mut bytes).await?;
    Ok(T::from_proto(T::Proto::decode(bytes.as_slice())?)?)
}

impl Wire for ToHost {
    type Proto = pb::ToHost;

    fn to_proto(&self) -> pb::ToHost {
        let frame = match self {
            Self::Attach { taken } => Told::Attach(pb::Attach { taken: *taken }),
            Self::Command(command) => Told::Command(command.to_proto()),
            Self::Taken { number } => Told::Taken(pb::Taken { number: *number }),
            Self::Ask => Told::Ask(pb::Ask {}),
            Self::End => Told::End(pb::End {}),
        };
        pb::ToHost { frame: Some(frame) }
    }

    fn from_proto(proto: pb::ToHost) -> Result<Self, Malformed> {
        Ok(match proto.frame.ok_or_else(|| Malformed::missing("frame"))? {
            Told::Attach(pb::Attach { taken }) => Self::Attach { taken },
            Told::Command(command) => Self::Command(crate::door::value("command", command)?),
            Told::Taken(pb::Taken { number }) => Self::Taken { number },
            Told::Ask(pb::Ask {}) => Self::Ask,
            Told::End(pb::End {}) => Self::End,
        })
    }
}

impl Wire for FromHost {
    type Proto = pb::FromHost;

    fn to_proto(&self) -> pb::FromHost {
        let frame = match self {
            Self::Hello { version } => Heard::Hello(pb::Hello { version: version.clone() }),
            Self::Event { number, event } => Heard::Event(events::to_proto(*number, event)),
            Self::Alive => Heard::Alive(pb::Alive {}),
            Self::Idle { commands } => Heard::Idle(pb::Idle { commands: *commands }),
        };
        pb::FromHost { frame: Some(frame) }
    }

    fn from_proto(proto: pb::FromHost) -> Result<Self, Malformed> {
        Ok(match proto.frame.ok_or_else(|| Malformed::missing("frame"))? {
            Heard::Hello(pb::Hello { version }) => {
                Self::Hello { version: text("version", version, NAME_BYTES_MAX)? }
            }
            Heard::Event(proto) => {
                let (number, event) =
                    events::from_proto(proto).map_err(|malformed| malformed.inside("event"))?;
                Self::Event { number, event }
            }
            Heard::Alive(pb::Alive {}) => Self::Alive,
            Heard::Idle(pb::Idle { commands }) => Self::Idle { commands },
        })
    }
}
