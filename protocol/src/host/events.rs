//! What a host tells its agent, on the wire.

use stoa_model::host::{Event, TaskChange};
use stoa_model::limits::ENTRIES_MAX;

use crate::door::{data, list, message, optional, value};
use crate::malformed::Malformed;
use crate::pb::host as pb;
use crate::pb::host::event::Event as Kind;
use crate::wire::{Wire, list_to_proto, message_to_proto, option_to_proto};

/// An event with its number.
pub(super) fn to_proto(number: u64, event: &Event) -> pb::Event {
    let kind = match event {
        Event::Update(change) => Kind::Update(change.to_proto()),
        Event::Message { framework, executor, data } => Kind::Message(pb::Message {
            framework: framework.to_proto(),
            executor: executor.to_proto(),
            data: data.clone(),
        }),
        Event::ExecutorEnded { framework, executor, message } => {
            Kind::ExecutorEnded(pb::ExecutorEnded {
                framework: framework.to_proto(),
                executor: executor.to_proto(),
                message: message_to_proto(message),
            })
        }
        Event::Output { framework, task, stdout_bytes, stderr_bytes } => Kind::Output(pb::Output {
            framework: framework.to_proto(),
            task: task.to_proto(),
            stdout_bytes: *stdout_bytes,
            stderr_bytes: *stderr_bytes,
        }),
    };
    pb::Event { number, event: Some(kind) }
}

/// The number of an event, and the event.
pub(super) fn from_proto(proto: pb::Event) -> Result<(u64, Event), Malformed> {
    let number = proto.number;
    let (field, event) = match proto.event.ok_or_else(|| Malformed::missing("event"))? {
        Kind::Update(proto) => {
            ("update", TaskChange::from_proto(proto).map(Box::new).map(Event::Update))
        }
        Kind::Message(proto) => ("message", message_event(proto)),
        Kind::ExecutorEnded(proto) => ("executor_ended", executor_ended(proto)),
        Kind::Output(proto) => ("output", output(proto)),
    };
    event.map(|event| (number, event)).map_err(|malformed| malformed.inside(field))
}

fn message_event(proto: pb::Message) -> Result<Event, Malformed> {
    Ok(Event::Message {
        framework: value("framework", proto.framework)?,
        executor: value("executor", proto.executor)?,
        data: data("data", proto.data)?,
    })
}

fn executor_ended(proto: pb::ExecutorEnded) -> Result<Event, Malformed> {
    Ok(Event::ExecutorEnded {
        framework: value("framework", proto.framework)?,
        executor: value("executor", proto.executor)?,
        message: message("message", proto.message)?,
    })
}

fn output(proto: pb::Output) -> Result<Event, Malformed> {
    Ok(Event::Output {
        framework: value("framework", proto.framework)?,
        task: value("task", proto.task)?,
        stdout_bytes: proto.stdout_bytes,
        stderr_bytes: proto.stderr_bytes,
    })
}

impl Wire for TaskChange {
    type Proto = pb::TaskChange;

    fn to_proto(&self) -> pb::TaskChange {
        pb::TaskChange {
            framework: self.framework.to_proto(),
            task: self.task.to_proto(),
            state: self.state.to_proto(),
            reason: self.reason.to_proto(),
            message: message_to_proto(&self.message),
            exit_code: self.exit_code,
            usage: option_to_proto(&self.usage),
            data: self.data.clone(),
            downloads: list_to_proto(&self.downloads),
        }
    }

    fn from_proto(proto: pb::TaskChange) -> Result<Self, Malformed> {
        Ok(Self {
            framework: value("framework", proto.framework)?,
            task: value("task", proto.task)?,
            state: value("state", proto.state)?,
            reason: value("reason", proto.reason)?,
            message: message("message", proto.message)?,
            exit_code: proto.exit_code,
            usage: optional("usage", proto.usage)?,
            data: data("data", proto.data)?,
            downloads: list("downloads", proto.downloads, ENTRIES_MAX)?,
        })
    }
}
