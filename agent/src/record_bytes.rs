//! The checkpoint's records as bytes: a tag, then fields, each with its length before it. A tag is
//! never given to another record; 3, 4 and 6 are read, and not written any more. Values are encoded
//! as on the wire.

use std::sync::Arc;

use stoa_agent_core::Record;
use stoa_model::digest::Digest;
use stoa_model::epoch::Epoch;
use stoa_model::framework::ROLE_DEFAULT;
use stoa_model::ids::{Role, UpdateId};
use stoa_model::status::Reason;
use stoa_model::task::KillPolicy;
use stoa_protocol::wire::{Stored, decode, encode};

/// Why bytes are no record.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Shorter than their own lengths say, or empty.
    #[error("the record ends too early")]
    Short,
    /// A record of another version, or damage.
    #[error("no record has the tag {0}")]
    Tag(u8),
    /// A field that cannot be read.
    #[error("field {field} of the record with tag {tag} cannot be read: {why}")]
    Field {
        /// Of which record.
        tag: u8,
        /// Which field, counted from 0.
        field: usize,
        /// Why.
        why: String,
    },
}

/// The bytes of a record.
pub fn to_bytes(record: &Record) -> Vec<u8> {
    match record {
        Record::Registered { agent, session } => fields(1, &[text(agent), text(session)]),
        Record::CommandApplied { number } => fields(2, &[&number.to_le_bytes()]),
        Record::Launched { framework, role, task } => {
            fields(20, &[text(framework), text(role), &encode(task.as_ref())])
        }
        Record::Refused { framework, role, task, status } => {
            let task = encode(task.as_ref());
            fields(21, &[text(framework), text(role), &task, &encode(status)])
        }
        Record::Delivered { framework, task } => fields(5, &[text(framework), text(task)]),
        Record::KillRequested { framework, task, policy, reason } => {
            let (grace_ms, reason) = (policy.grace_ms.to_le_bytes(), reason.as_str().as_bytes());
            fields(18, &[text(framework), text(task), &grace_ms, reason])
        }
        Record::PausedSet { framework, task, is_paused } => {
            fields(24, &[text(framework), text(task), &[u8::from(*is_paused)]])
        }
        Record::Booted { boot } => fields(19, &[boot.as_bytes()]),
        Record::EpochRaised { epoch } => fields(22, &[&epoch.0.to_le_bytes()]),
        Record::Updated { framework, status } => fields(7, &[text(framework), &encode(status)]),
        Record::Published { framework, task, failure: None } => {
            fields(8, &[text(framework), text(task)])
        }
        Record::Published { framework, task, failure: Some(why) } => {
            fields(9, &[text(framework), text(task), why.as_bytes()])
        }
        Record::Acknowledged { framework, task, update } => {
            fields(10, &[text(framework), text(task), &update.0.to_le_bytes()])
        }
        Record::ExecutorAdmitted { framework, executor, program } => {
            fields(11, &[text(framework), &encode(executor), &program.0])
        }
        Record::ExecutorStarted { framework, executor } => {
            fields(12, &[text(framework), text(executor)])
        }
        Record::ShutdownRequested { framework, executor } => {
            fields(13, &[text(framework), text(executor)])
        }
        Record::ExecutorEnded { framework, executor } => {
            fields(14, &[text(framework), text(executor)])
        }
        Record::HostHeard { framework, host, number } => {
            fields(23, &[text(framework), &host.to_le_bytes(), &number.to_le_bytes()])
        }
        Record::FrameworkRemoved { framework } => fields(15, &[text(framework)]),
        Record::SandboxKept { framework, task } => fields(16, &[text(framework), text(task)]),
        Record::SandboxRemoved { framework, task } => fields(17, &[text(framework), text(task)]),
    }
}

/// The record that [`to_bytes`] made `bytes` of.
///
/// # Errors
/// [`RecordError`] if `bytes` are something else.
pub fn from_bytes(bytes: &[u8]) -> Result<Record, RecordError> {
    let (&tag, rest) = bytes.split_first().ok_or(RecordError::Short)?;
    let mut fields = Fields { tag, next: 0, rest };
    Ok(match tag {
        1 => Record::Registered { agent: fields.id()?, session: fields.id()? },
        2 => Record::CommandApplied { number: u64::from_le_bytes(fields.array()?) },
        // Of older versions, which did not say whom a task is charged to.
        3 => Record::Launched {
            framework: fields.id()?,
            role: role_default(),
            task: Arc::new(fields.value()?),
        },
        4 => Record::Refused {
            framework: fields.id()?,
            role: role_default(),
            task: Arc::new(fields.value()?),
            status: fields.value()?,
        },
        5 => Record::Delivered { framework: fields.id()?, task: fields.id()? },
        6 => Record::KillRequested {
            framework: fields.id()?,
            task: fields.id()?,
            policy: KillPolicy { grace_ms: u64::from_le_bytes(fields.array()?) },
            reason: Reason::KillRequested,
        },
        7 => Record::Updated { framework: fields.id()?, status: fields.value()? },
        8 => Record::Published { framework: fields.id()?, task: fields.id()?, failure: None },
        9 => Record::Published {
            framework: fields.id()?,
            task: fields.id()?,
            failure: Some(fields.id()?),
        },
        10 => Record::Acknowledged {
            framework: fields.id()?,
            task: fields.id()?,
            update: UpdateId(u128::from_le_bytes(fields.array()?)),
        },
        11 => Record::ExecutorAdmitted {
            framework: fields.id()?,
            executor: fields.value()?,
            program: Digest(fields.array()?),
        },
        12 => Record::ExecutorStarted { framework: fields.id()?, executor: fields.id()? },
        13 => Record::ShutdownRequested { framework: fields.id()?, executor: fields.id()? },
        14 => Record::ExecutorEnded { framework: fields.id()?, executor: fields.id()? },
        15 => Record::FrameworkRemoved { framework: fields.id()? },
        16 => Record::SandboxKept { framework: fields.id()?, task: fields.id()? },
        17 => Record::SandboxRemoved { framework: fields.id()?, task: fields.id()? },
        _ => return newer(fields),
    })
}

/// The records whose tags came last.
fn newer(mut fields: Fields<'_>) -> Result<Record, RecordError> {
    Ok(match fields.tag {
        18 => Record::KillRequested {
            framework: fields.id()?,
            task: fields.id()?,
            policy: KillPolicy { grace_ms: u64::from_le_bytes(fields.array()?) },
            reason: fields.reason()?,
        },
        19 => Record::Booted { boot: fields.id()? },
        20 => Record::Launched {
            framework: fields.id()?,
            role: fields.id()?,
            task: Arc::new(fields.value()?),
        },
        21 => Record::Refused {
            framework: fields.id()?,
            role: fields.id()?,
            task: Arc::new(fields.value()?),
            status: fields.value()?,
        },
        22 => Record::EpochRaised { epoch: Epoch(u64::from_le_bytes(fields.array()?)) },
        23 => Record::HostHeard {
            framework: fields.id()?,
            host: u64::from_le_bytes(fields.array()?),
            number: u64::from_le_bytes(fields.array()?),
        },
        24 => Record::PausedSet {
            framework: fields.id()?,
            task: fields.id()?,
            is_paused: fields.array::<1>()? == [1],
        },
        tag => return Err(RecordError::Tag(tag)),
    })
}

/// Ids of all kinds as bytes.
trait Text {
    fn bytes(&self) -> &[u8];
}

macro_rules! text {
    ($($id:ident),*) => {$(
        impl Text for stoa_model::ids::$id {
            fn bytes(&self) -> &[u8] {
                self.as_str().as_bytes()
            }
        }
    )*};
}

text!(AgentId, ExecutorId, FrameworkId, Role, SessionId, TaskId);

fn role_default() -> Role {
    Role::new(ROLE_DEFAULT).expect("the default role is legal")
}

fn text(id: &impl Text) -> &[u8] {
    id.bytes()
}

fn fields(tag: u8, fields: &[&[u8]]) -> Vec<u8> {
    let mut bytes = vec![tag];
    for field in fields {
        let length = u32::try_from(field.len()).expect("model::limits bounds every value");
        bytes.extend(length.to_le_bytes());
        bytes.extend(*field);
    }
    bytes
}

/// Reads one field after the other.
struct Fields<'a> {
    tag: u8,
    next: usize,
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    fn bytes(&mut self) -> Result<&'a [u8], RecordError> {
        let (length, rest) = self.rest.split_first_chunk().ok_or(RecordError::Short)?;
        let length = u32::from_le_bytes(*length) as usize;
        let (field, rest) = rest.split_at_checked(length).ok_or(RecordError::Short)?;
        self.rest = rest;
        self.next += 1;
        Ok(field)
    }

    fn unreadable(&self, why: impl std::fmt::Display) -> RecordError {
        RecordError::Field { tag: self.tag, field: self.next - 1, why: why.to_string() }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], RecordError> {
        let bytes = self.bytes()?;
        bytes.try_into().map_err(|why| self.unreadable(why))
    }

    /// An id, or any text that is read from a string.
    fn id<T: std::str::FromStr<Err: std::fmt::Display>>(&mut self) -> Result<T, RecordError> {
        let bytes = self.bytes()?;
        let text = std::str::from_utf8(bytes).map_err(|why| self.unreadable(why))?;
        text.parse().map_err(|why: T::Err| self.unreadable(why))
    }

    fn reason(&mut self) -> Result<Reason, RecordError> {
        let name: String = self.id()?;
        let found = Reason::ALL.into_iter().find(|reason| reason.as_str() == name);
        found.ok_or_else(|| self.unreadable(format!("{name:?} is no reason")))
    }

    fn value<T: Stored>(&mut self) -> Result<T, RecordError> {
        let bytes = self.bytes()?;
        decode(bytes).map_err(|why| self.unreadable(why))
    }
}
