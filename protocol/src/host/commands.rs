//! What an agent tells a host, on the wire.

use stoa_model::host::Command;

use crate::door::{data, duration_ms, required, value};
use crate::malformed::Malformed;
use crate::pb::host as pb;
use crate::pb::host::command::Command as Kind;
use crate::wire::Wire;

impl Wire for Command {
    type Proto = pb::Command;

    fn to_proto(&self) -> pb::Command {
        let kind = match self {
            Self::Launch { framework, agent, task } => Kind::Launch(pb::Launch {
                framework: framework.to_proto(),
                agent: agent.to_proto(),
                task: Some(task.to_proto()),
            }),
            Self::Kill { framework, task, policy } => Kind::Kill(pb::Kill {
                framework: framework.to_proto(),
                task: task.to_proto(),
                policy: Some(policy.to_proto()),
            }),
            Self::SetPaused { framework, task, is_paused } => Kind::SetPaused(pb::SetPaused {
                framework: framework.to_proto(),
                task: task.to_proto(),
                is_paused: *is_paused,
            }),
            Self::Message { framework, executor, data } => Kind::Message(pb::Message {
                framework: framework.to_proto(),
                executor: executor.to_proto(),
                data: data.clone(),
            }),
            Self::Acknowledge { framework, task, update } => Kind::Acknowledge(pb::Acknowledge {
                framework: framework.to_proto(),
                task: task.to_proto(),
                update: update.to_proto(),
            }),
            Self::Shutdown { framework, executor, grace_ms } => Kind::Shutdown(pb::Shutdown {
                framework: framework.to_proto(),
                executor: executor.to_proto(),
                grace_ms: *grace_ms,
            }),
            Self::RemoveFramework { framework } => {
                Kind::RemoveFramework(pb::RemoveFramework { framework: framework.to_proto() })
            }
            Self::Reregistered { agent } => {
                Kind::Reregistered(pb::Reregistered { agent: agent.to_proto() })
            }
        };
        pb::Command { command: Some(kind) }
    }

    fn from_proto(proto: pb::Command) -> Result<Self, Malformed> {
        let (field, command) = match proto.command.ok_or_else(|| Malformed::missing("command"))? {
            Kind::Launch(proto) => ("launch", launch(proto)),
            Kind::Kill(proto) => ("kill", kill(proto)),
            Kind::SetPaused(proto) => ("set_paused", set_paused(proto)),
            Kind::Message(proto) => ("message", message(proto)),
            Kind::Acknowledge(proto) => ("acknowledge", acknowledge(proto)),
            Kind::Shutdown(proto) => ("shutdown", shutdown(proto)),
            Kind::RemoveFramework(pb::RemoveFramework { framework }) => (
                "remove_framework",
                value("framework", framework).map(|framework| Self::RemoveFramework { framework }),
            ),
            Kind::Reregistered(pb::Reregistered { agent }) => {
                ("reregistered", value("agent", agent).map(|agent| Self::Reregistered { agent }))
            }
        };
        command.map_err(|malformed| malformed.inside(field))
    }
}

fn launch(proto: pb::Launch) -> Result<Command, Malformed> {
    Ok(Command::Launch {
        framework: value("framework", proto.framework)?,
        agent: value("agent", proto.agent)?,
        task: Box::new(required("task", proto.task)?),
    })
}

fn kill(proto: pb::Kill) -> Result<Command, Malformed> {
    Ok(Command::Kill {
        framework: value("framework", proto.framework)?,
        task: value("task", proto.task)?,
        policy: required("policy", proto.policy)?,
    })
}

fn set_paused(proto: pb::SetPaused) -> Result<Command, Malformed> {
    Ok(Command::SetPaused {
        framework: value("framework", proto.framework)?,
        task: value("task", proto.task)?,
        is_paused: proto.is_paused,
    })
}

fn message(proto: pb::Message) -> Result<Command, Malformed> {
    Ok(Command::Message {
        framework: value("framework", proto.framework)?,
        executor: value("executor", proto.executor)?,
        data: data("data", proto.data)?,
    })
}

fn acknowledge(proto: pb::Acknowledge) -> Result<Command, Malformed> {
    Ok(Command::Acknowledge {
        framework: value("framework", proto.framework)?,
        task: value("task", proto.task)?,
        update: value("update", proto.update)?,
    })
}

fn shutdown(proto: pb::Shutdown) -> Result<Command, Malformed> {
    Ok(Command::Shutdown {
        framework: value("framework", proto.framework)?,
        executor: value("executor", proto.executor)?,
        grace_ms: duration_ms("grace_ms", proto.grace_ms)?,
    })
}
