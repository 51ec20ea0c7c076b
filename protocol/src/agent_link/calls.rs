//! What agents say, on the wire.

use stoa_model::agent_link::{Call, RequestId, Reregister};
use stoa_model::epoch::Epoch;
use stoa_model::ids::{FrameworkId, SessionId};
use stoa_model::status::TaskStatus;
use stoa_model::task::ExecutorRecord;

use crate::door::{data, list, message, optional, required, value};
use crate::limits::REREGISTER_ENTRIES_MAX;
use crate::malformed::Malformed;
use crate::pb::agent as pb;
use crate::pb::agent::call::Call as Kind;
use crate::wire::{Wire, list_to_proto, message_to_proto, option_to_proto};

impl Wire for Call {
    type Proto = pb::Call;

    fn to_proto(&self) -> pb::Call {
        let kind = match self {
            Self::Register { info, epoch } => {
                Kind::Register(pb::Register { info: Some(info.to_proto()), epoch: epoch.0 })
            }
            Self::Reregister(reregister) => Kind::Reregister(reregister.to_proto()),
            Self::Unregister => Kind::Unregister(pb::Unregister {}),
            Self::Update { framework, status, latest } => Kind::Update(pb::Update {
                framework: framework.to_proto(),
                status: Some(status.to_proto()),
                latest: latest.to_proto(),
            }),
            Self::Applied { number } => Kind::Applied(pb::Applied { number: *number }),
            Self::Message { framework, executor, data } => Kind::Message(pb::Message {
                framework: framework.to_proto(),
                executor: executor.to_proto(),
                data: data.clone(),
            }),
            Self::ExecutorEnded { framework, executor, message } => {
                Kind::ExecutorEnded(pb::ExecutorEnded {
                    framework: framework.to_proto(),
                    executor: executor.to_proto(),
                    message: message_to_proto(message),
                })
            }
            Self::Log { request, chunk } => {
                let result = match chunk {
                    Ok(chunk) => pb::log::Result::Chunk(chunk.to_proto()),
                    Err(why) => pb::log::Result::Unavailable(message_to_proto(why)),
                };
                Kind::Log(pb::Log { request: request.0, result: Some(result) })
            }
            Self::Heartbeat => Kind::Heartbeat(pb::Heartbeat {}),
        };
        pb::Call { call: Some(kind) }
    }

    fn from_proto(proto: pb::Call) -> Result<Self, Malformed> {
        let (field, call) = match proto.call.ok_or_else(|| Malformed::missing("call"))? {
            Kind::Register(pb::Register { info, epoch }) => {
                let register = |info| Self::Register { info, epoch: Epoch(epoch) };
                ("register", required("info", info).map(register))
            }
            Kind::Reregister(proto) => {
                ("reregister", Reregister::from_proto(proto).map(Box::new).map(Self::Reregister))
            }
            Kind::Unregister(pb::Unregister {}) => ("unregister", Ok(Self::Unregister)),
            Kind::Update(proto) => ("update", update(proto)),
            Kind::Applied(pb::Applied { number }) => ("applied", Ok(Self::Applied { number })),
            Kind::Message(proto) => ("message", message_call(proto)),
            Kind::ExecutorEnded(proto) => ("executor_ended", executor_ended(proto)),
            Kind::Log(proto) => ("log", log(proto)),
            Kind::Heartbeat(pb::Heartbeat {}) => ("heartbeat", Ok(Self::Heartbeat)),
        };
        call.map_err(|malformed| malformed.inside(field))
    }
}

/// A status that an agent made says where the task is and wants to be acknowledged.
fn update(proto: pb::Update) -> Result<Call, Malformed> {
    let status: TaskStatus = required("status", proto.status)?;
    for (field, is_there) in
        [("agent", status.agent.is_some()), ("update", status.update.is_some())]
    {
        if !is_there {
            return Err(Malformed::missing(field).inside("status"));
        }
    }
    Ok(Call::Update {
        framework: value("framework", proto.framework)?,
        status,
        latest: value("latest", proto.latest)?,
    })
}

fn message_call(proto: pb::Message) -> Result<Call, Malformed> {
    Ok(Call::Message {
        framework: value("framework", proto.framework)?,
        executor: value("executor", proto.executor)?,
        data: data("data", proto.data)?,
    })
}

fn executor_ended(proto: pb::ExecutorEnded) -> Result<Call, Malformed> {
    Ok(Call::ExecutorEnded {
        framework: value("framework", proto.framework)?,
        executor: value("executor", proto.executor)?,
        message: message("message", proto.message)?,
    })
}

fn log(proto: pb::Log) -> Result<Call, Malformed> {
    let chunk = match proto.result.ok_or_else(|| Malformed::missing("result"))? {
        pb::log::Result::Chunk(chunk) => Ok(value("chunk", chunk)?),
        pb::log::Result::Unavailable(why) => Err(message("unavailable", why)?),
    };
    Ok(Call::Log { request: RequestId(proto.request), chunk })
}

impl Wire for Reregister {
    type Proto = pb::Reregister;

    fn to_proto(&self) -> pb::Reregister {
        pb::Reregister {
            epoch: self.epoch.0,
            agent: self.agent.to_proto(),
            info: Some(self.info.to_proto()),
            session: option_to_proto(&self.session),
            tasks: list_to_proto(&self.tasks),
            executors: list_to_proto(&self.executors),
        }
    }

    fn from_proto(proto: pb::Reregister) -> Result<Self, Malformed> {
        Ok(Self {
            epoch: Epoch(proto.epoch),
            agent: value("agent", proto.agent)?,
            info: required("info", proto.info)?,
            session: optional("session", proto.session)?,
            tasks: list("tasks", proto.tasks, REREGISTER_ENTRIES_MAX)?,
            executors: list("executors", proto.executors, REREGISTER_ENTRIES_MAX)?,
        })
    }
}

/// The last session and the highest number recorded there.
impl Wire for (SessionId, u64) {
    type Proto = pb::LastSession;

    fn to_proto(&self) -> pb::LastSession {
        pb::LastSession { session: self.0.to_proto(), number: self.1 }
    }

    fn from_proto(proto: pb::LastSession) -> Result<Self, Malformed> {
        Ok((value("session", proto.session)?, proto.number))
    }
}

/// A framework's own executor that lives.
impl Wire for (FrameworkId, ExecutorRecord) {
    type Proto = pb::LiveExecutor;

    fn to_proto(&self) -> pb::LiveExecutor {
        pb::LiveExecutor { framework: self.0.to_proto(), executor: Some(self.1.to_proto()) }
    }

    fn from_proto(proto: pb::LiveExecutor) -> Result<Self, Malformed> {
        Ok((value("framework", proto.framework)?, required("executor", proto.executor)?))
    }
}
