//! What the master says to agents, on the wire.

use stoa_model::agent_link::{Command, Event, RequestId, Welcome};
use stoa_model::epoch::Epoch;

use crate::door::{
    batch, data, grace_max_ms, message, optional, period_ms, required, value, within,
};
use crate::malformed::Malformed;
use crate::pb::agent as pb;
use crate::pb::agent::command::Command as CommandKind;
use crate::pb::agent::event::Event as Kind;
use crate::wire::{Wire, list_to_proto, message_to_proto, option_to_proto};

impl Wire for Event {
    type Proto = pb::Event;

    fn to_proto(&self) -> pb::Event {
        let kind = match self {
            Self::Registered(welcome) => Kind::Registered(welcome.to_proto()),
            Self::Reregistered(welcome) => Kind::Reregistered(welcome.to_proto()),
            Self::Command { number, command } => {
                Kind::Command(pb::Command { number: *number, command: Some(command.to_proto()) })
            }
            Self::Acknowledge { framework, task, update } => Kind::Acknowledge(pb::Acknowledge {
                framework: framework.to_proto(),
                task: task.to_proto(),
                update: update.to_proto(),
            }),
            Self::Message { framework, executor, data } => Kind::Message(pb::Message {
                framework: framework.to_proto(),
                executor: executor.to_proto(),
                data: data.clone(),
            }),
            Self::ReadLog { request, framework, log } => Kind::ReadLog(pb::ReadLog {
                request: request.0,
                framework: framework.to_proto(),
                log: Some(log.to_proto()),
            }),
            Self::Error { message, is_final, epoch } => {
                let message = message_to_proto(message);
                Kind::Error(pb::Error { message, is_final: *is_final, epoch: epoch.0 })
            }
            Self::Heartbeat => Kind::Heartbeat(pb::Heartbeat {}),
        };
        pb::Event { event: Some(kind) }
    }

    fn from_proto(proto: pb::Event) -> Result<Self, Malformed> {
        match proto.event.ok_or_else(|| Malformed::missing("event"))? {
            Kind::Registered(proto) => value("registered", proto).map(Self::Registered),
            Kind::Reregistered(proto) => value("reregistered", proto).map(Self::Reregistered),
            Kind::Command(proto) => {
                numbered(proto).map_err(|malformed| malformed.inside("command"))
            }
            Kind::Acknowledge(proto) => {
                acknowledge(proto).map_err(|malformed| malformed.inside("acknowledge"))
            }
            Kind::Message(proto) => {
                message_event(proto).map_err(|malformed| malformed.inside("message"))
            }
            Kind::ReadLog(proto) => {
                read_log(proto).map_err(|malformed| malformed.inside("read_log"))
            }
            Kind::Error(pb::Error { message: text, is_final, epoch }) => message("message", text)
                .map(|message| Self::Error { message, is_final, epoch: Epoch(epoch) })
                .map_err(|malformed| malformed.inside("error")),
            Kind::Heartbeat(pb::Heartbeat {}) => Ok(Self::Heartbeat),
        }
    }
}

fn numbered(proto: pb::Command) -> Result<Event, Malformed> {
    let number = within("number", proto.number, 1, u64::MAX)?;
    let command = proto.command.ok_or_else(|| Malformed::missing("command"))?;
    Ok(Event::Command { number, command: Command::from_proto(command)? })
}

fn acknowledge(proto: pb::Acknowledge) -> Result<Event, Malformed> {
    Ok(Event::Acknowledge {
        framework: value("framework", proto.framework)?,
        task: value("task", proto.task)?,
        update: value("update", proto.update)?,
    })
}

fn message_event(proto: pb::Message) -> Result<Event, Malformed> {
    Ok(Event::Message {
        framework: value("framework", proto.framework)?,
        executor: value("executor", proto.executor)?,
        data: data("data", proto.data)?,
    })
}

fn read_log(proto: pb::ReadLog) -> Result<Event, Malformed> {
    Ok(Event::ReadLog {
        request: RequestId(proto.request),
        framework: value("framework", proto.framework)?,
        log: required("log", proto.log)?,
    })
}

impl Wire for Welcome {
    type Proto = pb::Welcome;

    fn to_proto(&self) -> pb::Welcome {
        pb::Welcome {
            agent: self.agent.to_proto(),
            session: self.session.to_proto(),
            heartbeat_ms: self.heartbeat_ms,
            epoch: self.epoch.0,
        }
    }

    fn from_proto(proto: pb::Welcome) -> Result<Self, Malformed> {
        Ok(Self {
            agent: value("agent", proto.agent)?,
            session: value("session", proto.session)?,
            heartbeat_ms: period_ms("heartbeat_ms", proto.heartbeat_ms)?,
            epoch: Epoch(proto.epoch),
        })
    }
}

impl Wire for Command {
    type Proto = CommandKind;

    fn to_proto(&self) -> CommandKind {
        match self {
            Self::Launch { framework, role, tasks } => CommandKind::Launch(pb::Launch {
                framework: framework.to_proto(),
                role: role.to_proto(),
                tasks: list_to_proto(tasks),
            }),
            Self::Kill { framework, task, policy } => CommandKind::Kill(pb::Kill {
                framework: framework.to_proto(),
                task: task.to_proto(),
                policy: option_to_proto(policy),
            }),
            Self::SetPaused { framework, task, is_paused } => {
                CommandKind::SetPaused(pb::SetPaused {
                    framework: framework.to_proto(),
                    task: task.to_proto(),
                    is_paused: *is_paused,
                })
            }
            Self::Shutdown { framework, executor } => CommandKind::Shutdown(pb::Shutdown {
                framework: framework.to_proto(),
                executor: executor.to_proto(),
            }),
            Self::RemoveFramework { framework } => {
                CommandKind::RemoveFramework(pb::RemoveFramework {
                    framework: framework.to_proto(),
                })
            }
            Self::Drain { grace_max_ms } => {
                CommandKind::Drain(pb::Drain { grace_max_ms: *grace_max_ms })
            }
            Self::Nothing => CommandKind::Nothing(pb::Nothing {}),
        }
    }

    fn from_proto(proto: CommandKind) -> Result<Self, Malformed> {
        let (field, command) = match proto {
            CommandKind::Launch(proto) => ("launch", launch(proto)),
            CommandKind::Kill(proto) => ("kill", kill(proto)),
            CommandKind::SetPaused(proto) => ("set_paused", set_paused(proto)),
            CommandKind::Shutdown(proto) => ("shutdown", shutdown(proto)),
            CommandKind::RemoveFramework(proto) => (
                "remove_framework",
                value("framework", proto.framework)
                    .map(|framework| Self::RemoveFramework { framework }),
            ),
            CommandKind::Drain(proto) => (
                "drain",
                grace_max_ms(proto.grace_max_ms).map(|grace_max_ms| Self::Drain { grace_max_ms }),
            ),
            CommandKind::Nothing(pb::Nothing {}) => ("nothing", Ok(Self::Nothing)),
        };
        command.map_err(|malformed| malformed.inside(field))
    }
}

fn launch(proto: pb::Launch) -> Result<Command, Malformed> {
    Ok(Command::Launch {
        framework: value("framework", proto.framework)?,
        role: value("role", proto.role)?,
        tasks: batch("tasks", proto.tasks)?,
    })
}

fn kill(proto: pb::Kill) -> Result<Command, Malformed> {
    Ok(Command::Kill {
        framework: value("framework", proto.framework)?,
        task: value("task", proto.task)?,
        policy: optional("policy", proto.policy)?,
    })
}

fn set_paused(proto: pb::SetPaused) -> Result<Command, Malformed> {
    Ok(Command::SetPaused {
        framework: value("framework", proto.framework)?,
        task: value("task", proto.task)?,
        is_paused: proto.is_paused,
    })
}

fn shutdown(proto: pb::Shutdown) -> Result<Command, Malformed> {
    Ok(Command::Shutdown {
        framework: value("framework", proto.framework)?,
        executor: value("executor", proto.executor)?,
    })
}
