//! What operators ask, on the wire. What they are told is in `cluster.rs`, and a refusal is a
//! status made by `rich_error.rs`.

use stoa_model::operator::{LogRequest, Query, TaskName};
use stoa_model::task::KillPolicy;

use crate::door::{optional, required, value};
use crate::malformed::Malformed;
use crate::pb;
use crate::wire::{Wire, option_to_proto};

impl Wire for TaskName {
    type Proto = pb::TaskName;

    fn to_proto(&self) -> pb::TaskName {
        pb::TaskName { framework: option_to_proto(&self.framework), task: self.task.to_proto() }
    }

    fn from_proto(proto: pb::TaskName) -> Result<Self, Malformed> {
        Ok(Self {
            framework: optional("framework", proto.framework)?,
            task: value("task", proto.task)?,
        })
    }
}

/// The request of [`Query::Kill`].
pub fn kill_to_proto(task: &TaskName, policy: &Option<KillPolicy>) -> pb::KillTask {
    pb::KillTask { task: Some(task.to_proto()), policy: option_to_proto(policy) }
}

/// The [`Query::Kill`] of a request.
///
/// # Errors
/// [`Malformed`] names the field that is not legal.
pub fn kill_from_proto(proto: pb::KillTask) -> Result<Query, Malformed> {
    Ok(Query::Kill {
        task: required("task", proto.task)?,
        policy: optional("policy", proto.policy)?,
    })
}

/// The request of [`Query::ReadLog`]; the task of `log` is not looked at, as `task` has it.
pub fn read_log_to_proto(task: &TaskName, log: &LogRequest) -> pb::ReadLogRequest {
    pb::ReadLogRequest {
        task: Some(task.to_proto()),
        stream: log.stream.to_proto(),
        offset: log.offset,
        bytes_max: log.bytes_max,
        wait: log.wait,
    }
}

/// The [`Query::ReadLog`] of a request.
///
/// # Errors
/// [`Malformed`] names the field that is not legal.
pub fn read_log_from_proto(proto: pb::ReadLogRequest) -> Result<Query, Malformed> {
    let task: TaskName = required("task", proto.task)?;
    let log = LogRequest {
        task: task.task.clone(),
        stream: value("stream", proto.stream)?,
        offset: proto.offset,
        bytes_max: proto.bytes_max,
        wait: proto.wait,
    };
    Ok(Query::ReadLog { task, log })
}
