//! Task statuses on the wire, with their states and reasons.

use stoa_model::limits::ENTRIES_MAX;
use stoa_model::status::{Download, Reason, TaskStatus, Usage};
use stoa_model::task::TaskState;

use crate::command::guest_path;
use crate::door::{data, list, message, optional, specified, value};
use crate::malformed::Malformed;
use crate::pb;
use crate::wire::{Wire, list_to_proto, message_to_proto, option_to_proto};

impl Wire for TaskStatus {
    type Proto = pb::TaskStatus;

    fn to_proto(&self) -> pb::TaskStatus {
        pb::TaskStatus {
            task: self.task.to_proto(),
            agent: option_to_proto(&self.agent),
            state: self.state.to_proto(),
            reason: self.reason.to_proto(),
            message: message_to_proto(&self.message),
            exit_code: self.exit_code,
            usage: option_to_proto(&self.usage),
            data: self.data.clone(),
            executor: option_to_proto(&self.executor),
            downloads: list_to_proto(&self.downloads),
            at_ms: self.at_ms,
            update: option_to_proto(&self.update),
        }
    }

    fn from_proto(proto: pb::TaskStatus) -> Result<Self, Malformed> {
        Ok(Self {
            task: value("task", proto.task)?,
            agent: optional("agent", proto.agent)?,
            state: value("state", proto.state)?,
            reason: value("reason", proto.reason)?,
            message: message("message", proto.message)?,
            exit_code: proto.exit_code,
            usage: optional("usage", proto.usage)?,
            data: data("data", proto.data)?,
            executor: optional("executor", proto.executor)?,
            downloads: list("downloads", proto.downloads, ENTRIES_MAX)?,
            at_ms: proto.at_ms,
            update: optional("update", proto.update)?,
        })
    }
}

impl Wire for Usage {
    type Proto = pb::Usage;

    fn to_proto(&self) -> pb::Usage {
        let Self { fuel, wall_us, memory_peak_bytes, output_bytes } = *self;
        pb::Usage { fuel, wall_us, memory_peak_bytes, output_bytes }
    }

    fn from_proto(proto: pb::Usage) -> Result<Self, Malformed> {
        let pb::Usage { fuel, wall_us, memory_peak_bytes, output_bytes } = proto;
        Ok(Self { fuel, wall_us, memory_peak_bytes, output_bytes })
    }
}

impl Wire for Download {
    type Proto = pb::Download;

    fn to_proto(&self) -> pb::Download {
        pb::Download { guest_path: self.guest_path.clone(), archive: self.archive.to_proto() }
    }

    fn from_proto(proto: pb::Download) -> Result<Self, Malformed> {
        Ok(Self {
            guest_path: guest_path(proto.guest_path)?,
            archive: value("archive", proto.archive)?,
        })
    }
}

impl Wire for TaskState {
    type Proto = i32;

    fn to_proto(&self) -> i32 {
        let state = match self {
            Self::Staging => pb::TaskState::Staging,
            Self::Starting => pb::TaskState::Starting,
            Self::Running => pb::TaskState::Running,
            Self::Killing => pb::TaskState::Killing,
            Self::Finished => pb::TaskState::Finished,
            Self::Failed => pb::TaskState::Failed,
            Self::Killed => pb::TaskState::Killed,
            Self::Error => pb::TaskState::Error,
            Self::Dropped => pb::TaskState::Dropped,
            Self::Unreachable => pb::TaskState::Unreachable,
            Self::Gone => pb::TaskState::Gone,
            Self::Unknown => pb::TaskState::Unknown,
        };
        state.into()
    }

    fn from_proto(proto: i32) -> Result<Self, Malformed> {
        specified(proto, &Self::ALL)
    }
}

impl Wire for Reason {
    type Proto = i32;

    fn to_proto(&self) -> i32 {
        let reason = match self {
            Self::Progress => pb::Reason::Progress,
            Self::Exited => pb::Reason::Exited,
            Self::Trapped => pb::Reason::Trapped,
            Self::FuelExhausted => pb::Reason::FuelExhausted,
            Self::MemoryExceeded => pb::Reason::MemoryExceeded,
            Self::OutputExceeded => pb::Reason::OutputExceeded,
            Self::DiskExceeded => pb::Reason::DiskExceeded,
            Self::TimedOut => pb::Reason::TimedOut,
            Self::KillRequested => pb::Reason::KillRequested,
            Self::InvalidModule => pb::Reason::InvalidModule,
            Self::MissingImport => pb::Reason::MissingImport,
            Self::GrantDenied => pb::Reason::GrantDenied,
            Self::ArtifactNotFound => pb::Reason::ArtifactNotFound,
            Self::ArtifactFailed => pb::Reason::ArtifactFailed,
            Self::ContainerFailed => pb::Reason::ContainerFailed,
            Self::ExecutorLost => pb::Reason::ExecutorLost,
            Self::ExecutorRefused => pb::Reason::ExecutorRefused,
            Self::ExecutorReported => pb::Reason::ExecutorReported,
            Self::FrameworkRemoved => pb::Reason::FrameworkRemoved,
            Self::OfferInvalid => pb::Reason::OfferInvalid,
            Self::TaskInvalid => pb::Reason::TaskInvalid,
            Self::ResourcesExceeded => pb::Reason::ResourcesExceeded,
            Self::AgentRefused => pb::Reason::AgentRefused,
            Self::AgentLost => pb::Reason::AgentLost,
            Self::AgentUnreachable => pb::Reason::AgentUnreachable,
            Self::AgentReregistered => pb::Reason::AgentReregistered,
            Self::AgentRestarted => pb::Reason::AgentRestarted,
            Self::AgentForgot => pb::Reason::AgentForgot,
            Self::Reconciliation => pb::Reason::Reconciliation,
            Self::AgentGone => pb::Reason::AgentGone,
            Self::AgentDraining => pb::Reason::AgentDraining,
            Self::AgentRebooted => pb::Reason::AgentRebooted,
            Self::HostLost => pb::Reason::HostLost,
        };
        reason.into()
    }

    fn from_proto(proto: i32) -> Result<Self, Malformed> {
        specified(proto, &Self::ALL)
    }
}
