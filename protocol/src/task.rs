//! Tasks and executors on the wire.

use stoa_model::framework::ROLE_DEFAULT;
use stoa_model::ids::Role;
use stoa_model::limits::ENTRIES_MAX;
use stoa_model::task::{
    EXECUTOR_IDLE_MS_DEFAULT, ExecutorInfo, ExecutorRecord, ExecutorTask, KillPolicy, Label,
    Limits, OUTPUT_BYTES_DEFAULT, TaskBody, TaskInfo, TaskRecord,
};

use crate::command::{environment, environment_to_proto, programs};
use crate::door::{data, duration_ms, list, optional, period_ms, required, text, value};
use crate::limits::{LABEL_BYTES_MAX, NAME_BYTES_MAX};
use crate::malformed::Malformed;
use crate::pb;
use crate::wire::{Wire, list_to_proto, option_to_proto};

impl Wire for Label {
    type Proto = pb::Label;

    fn to_proto(&self) -> pb::Label {
        pb::Label { key: self.key.clone(), value: self.value.clone() }
    }

    fn from_proto(proto: pb::Label) -> Result<Self, Malformed> {
        Ok(Self { key: key(proto.key)?, value: text("value", proto.value, LABEL_BYTES_MAX)? })
    }
}

/// The key of a label or an attribute.
pub(crate) fn key(key: String) -> Result<String, Malformed> {
    if key.is_empty() {
        return Err(Malformed::missing("key"));
    }
    text("key", key, LABEL_BYTES_MAX)
}

impl Wire for TaskInfo {
    type Proto = pb::TaskInfo;

    fn to_proto(&self) -> pb::TaskInfo {
        pb::TaskInfo {
            id: self.id.to_proto(),
            name: self.name.clone(),
            agent: self.agent.to_proto(),
            resources: Some(self.resources.to_proto()),
            body: Some(self.body.to_proto()),
            limits: Some(self.limits.to_proto()),
            labels: list_to_proto(&self.labels),
            kill_policy: Some(self.kill_policy.to_proto()),
            max_completion_ms: self.max_completion_ms,
        }
    }

    fn from_proto(proto: pb::TaskInfo) -> Result<Self, Malformed> {
        let max_completion_ms = proto.max_completion_ms;
        Ok(Self {
            id: value("id", proto.id)?,
            name: text("name", proto.name, NAME_BYTES_MAX)?,
            agent: value("agent", proto.agent)?,
            resources: required("resources", proto.resources)?,
            body: TaskBody::from_proto(proto.body.ok_or_else(|| Malformed::missing("body"))?)?,
            limits: optional("limits", proto.limits)?.unwrap_or_default(),
            labels: list("labels", proto.labels, ENTRIES_MAX)?,
            kill_policy: optional("kill_policy", proto.kill_policy)?.unwrap_or_default(),
            max_completion_ms: max_completion_ms
                .map(|ms| period_ms("max_completion_ms", ms))
                .transpose()?,
        })
    }
}

impl Wire for TaskBody {
    type Proto = pb::task_info::Body;

    fn to_proto(&self) -> pb::task_info::Body {
        match self {
            Self::Command(command) => pb::task_info::Body::Command(command.to_proto()),
            Self::Executor(task) => pb::task_info::Body::Executor(task.to_proto()),
        }
    }

    fn from_proto(proto: pb::task_info::Body) -> Result<Self, Malformed> {
        match proto {
            pb::task_info::Body::Command(command) => Ok(Self::Command(value("command", command)?)),
            pb::task_info::Body::Executor(task) => {
                Ok(Self::Executor(Box::new(value("executor", task)?)))
            }
        }
    }
}

impl Wire for ExecutorTask {
    type Proto = pb::ExecutorTask;

    fn to_proto(&self) -> pb::ExecutorTask {
        pb::ExecutorTask {
            executor: Some(self.executor.to_proto()),
            data: self.data.clone(),
            programs: list_to_proto(&self.programs),
            environment: environment_to_proto(&self.environment),
            grants: Some(self.grants.to_proto()),
        }
    }

    fn from_proto(proto: pb::ExecutorTask) -> Result<Self, Malformed> {
        Ok(Self {
            executor: required("executor", proto.executor)?,
            data: data("data", proto.data)?,
            programs: programs(proto.programs)?,
            environment: environment(proto.environment)?,
            grants: optional("grants", proto.grants)?.unwrap_or_default(),
        })
    }
}

impl Wire for ExecutorInfo {
    type Proto = pb::ExecutorInfo;

    fn to_proto(&self) -> pb::ExecutorInfo {
        pb::ExecutorInfo {
            id: self.id.to_proto(),
            name: self.name.clone(),
            program: self.program.to_proto(),
            resources: Some(self.resources.to_proto()),
            data: self.data.clone(),
            programs: list_to_proto(&self.programs),
            idle_ms: Some(self.idle_ms),
        }
    }

    fn from_proto(proto: pb::ExecutorInfo) -> Result<Self, Malformed> {
        let idle_ms = proto.idle_ms.unwrap_or(EXECUTOR_IDLE_MS_DEFAULT);
        Ok(Self {
            id: value("id", proto.id)?,
            name: text("name", proto.name, NAME_BYTES_MAX)?,
            program: value("program", proto.program)?,
            programs: programs(proto.programs)?,
            resources: required("resources", proto.resources)?,
            data: data("data", proto.data)?,
            idle_ms: period_ms("idle_ms", idle_ms)?,
        })
    }
}

impl Wire for Limits {
    type Proto = pb::Limits;

    fn to_proto(&self) -> pb::Limits {
        pb::Limits { fuel: self.fuel, output_bytes: Some(self.output_bytes) }
    }

    fn from_proto(proto: pb::Limits) -> Result<Self, Malformed> {
        let output_bytes = proto.output_bytes.unwrap_or(OUTPUT_BYTES_DEFAULT);
        Ok(Self { fuel: proto.fuel, output_bytes })
    }
}

impl Wire for KillPolicy {
    type Proto = pb::KillPolicy;

    fn to_proto(&self) -> pb::KillPolicy {
        pb::KillPolicy { grace_ms: self.grace_ms }
    }

    fn from_proto(proto: pb::KillPolicy) -> Result<Self, Malformed> {
        Ok(Self { grace_ms: duration_ms("grace_ms", proto.grace_ms)? })
    }
}

impl Wire for TaskRecord {
    type Proto = pb::TaskRecord;

    fn to_proto(&self) -> pb::TaskRecord {
        pb::TaskRecord {
            framework: self.framework.to_proto(),
            id: self.id.to_proto(),
            name: self.name.clone(),
            agent: self.agent.to_proto(),
            resources: Some(self.resources.to_proto()),
            executor: option_to_proto(&self.executor),
            labels: list_to_proto(&self.labels),
            state: self.state.to_proto(),
            status: option_to_proto(&self.status),
            role: Some(self.role.to_proto()),
            is_paused: self.is_paused,
        }
    }

    fn from_proto(proto: pb::TaskRecord) -> Result<Self, Malformed> {
        Ok(Self {
            framework: value("framework", proto.framework)?,
            id: value("id", proto.id)?,
            name: text("name", proto.name, NAME_BYTES_MAX)?,
            agent: value("agent", proto.agent)?,
            resources: required("resources", proto.resources)?,
            role: role(proto.role)?,
            executor: optional("executor", proto.executor)?,
            labels: list("labels", proto.labels, ENTRIES_MAX)?,
            state: value("state", proto.state)?,
            status: optional("status", proto.status)?,
            is_paused: proto.is_paused,
        })
    }
}

impl Wire for ExecutorRecord {
    type Proto = pb::ExecutorRecord;

    fn to_proto(&self) -> pb::ExecutorRecord {
        pb::ExecutorRecord {
            id: self.id.to_proto(),
            resources: Some(self.resources.to_proto()),
            role: Some(self.role.to_proto()),
        }
    }

    fn from_proto(proto: pb::ExecutorRecord) -> Result<Self, Malformed> {
        Ok(Self {
            id: value("id", proto.id)?,
            resources: required("resources", proto.resources)?,
            role: role(proto.role)?,
        })
    }
}

/// Whom something is charged to. What is kept of older versions does not say.
fn role(role: Option<String>) -> Result<Role, Malformed> {
    value("role", role.unwrap_or_else(|| ROLE_DEFAULT.to_owned()))
}
