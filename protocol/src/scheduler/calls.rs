//! What schedulers say, on the wire. A Launch is refused task by task, so that one illegal task
//! does not take the others with it. It never answers: [`Refused::answer`] is for who sends.

use stoa_model::epoch::Epoch;
use stoa_model::ids::{AgentId, TaskId};
use stoa_model::limits::BATCH_ENTRIES_MAX;
use stoa_model::offer::Filters;
use stoa_model::scheduler::{Call, Event, ResourceRequest};
use stoa_model::status::{Reason, TaskStatus};
use stoa_model::task::{TaskInfo, TaskState};

use crate::door::{batch, data, entries, optional, required, value};
use crate::malformed::Malformed;
use crate::pb::scheduler as pb;
use crate::pb::scheduler::call::Call as Kind;
use crate::wire::{Wire, list_to_proto, option_to_proto};

/// One call of a scheduler, as far as it is legal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// What is to be applied; none if the call is refused as a whole.
    pub call: Option<Call>,
    /// What is refused. Each must be answered.
    pub refused: Vec<Refused>,
}

/// A call, or a part of one, that the door refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The call as a whole, or a task of a Launch whose id cannot be read. Answered by Error.
    Call(Malformed),
    /// A task of a Launch. Answered by an Update.
    Task {
        /// Which.
        task: TaskId,
        /// Where it should have run, if that can be read.
        agent: Option<AgentId>,
        /// Why.
        malformed: Malformed,
    },
}

impl Refused {
    /// What the master says to the scheduler, at `at_ms` since the Unix epoch.
    pub fn answer(self, at_ms: u64) -> Event {
        match self {
            Self::Call(malformed) => {
                Event::Error { message: malformed.to_string(), is_final: false, epoch: Epoch::NONE }
            }
            Self::Task { task, agent, malformed } => {
                let (state, reason) = (TaskState::Error, Reason::TaskInvalid);
                let status = TaskStatus::by_master(task, agent, state, reason, at_ms);
                Event::Update(status.with_message(malformed.to_string()))
            }
        }
    }
}

/// The form of one call on the wire.
pub fn call_to_proto(call: &Call) -> pb::Call {
    let kind = match call {
        Call::Register(info) => Kind::Register(pb::Register { info: Some(info.to_proto()) }),
        Call::Reregister { framework, info } => Kind::Reregister(pb::Reregister {
            framework: framework.to_proto(),
            info: Some(info.to_proto()),
        }),
        Call::Unregister => Kind::Unregister(pb::Unregister {}),
        Call::Request(requests) => Kind::Request(pb::Request { requests: list_to_proto(requests) }),
        Call::Decline { offers, filters } => Kind::Decline(pb::Decline {
            offers: list_to_proto(offers),
            filters: Some(filters.to_proto()),
        }),
        Call::Revive(roles) => Kind::Revive(pb::Revive { roles: list_to_proto(roles) }),
        Call::Suppress(roles) => Kind::Suppress(pb::Suppress { roles: list_to_proto(roles) }),
        Call::Launch { offers, tasks, filters } => Kind::Launch(pb::Launch {
            offers: list_to_proto(offers),
            tasks: list_to_proto(tasks),
            filters: Some(filters.to_proto()),
        }),
        Call::Kill { task, agent, policy } => Kind::Kill(pb::Kill {
            task: task.to_proto(),
            agent: option_to_proto(agent),
            policy: option_to_proto(policy),
        }),
        Call::SetPaused { task, is_paused } => {
            Kind::SetPaused(pb::SetPaused { task: task.to_proto(), is_paused: *is_paused })
        }
        Call::Acknowledge { agent, task, update } => Kind::Acknowledge(pb::Acknowledge {
            agent: agent.to_proto(),
            task: task.to_proto(),
            update: update.to_proto(),
        }),
        Call::Reconcile(tasks) => Kind::Reconcile(pb::Reconcile { tasks: list_to_proto(tasks) }),
        Call::Message { agent, executor, data } => Kind::Message(pb::Message {
            agent: agent.to_proto(),
            executor: executor.to_proto(),
            data: data.clone(),
        }),
        Call::Shutdown { agent, executor } => {
            Kind::Shutdown(pb::Shutdown { agent: agent.to_proto(), executor: executor.to_proto() })
        }
    };
    pb::Call { call: Some(kind) }
}

/// What of one call is legal, and what is not.
pub fn call_from_proto(proto: pb::Call) -> Decoded {
    let Some(kind) = proto.call else {
        return whole("call", Err(Malformed::missing("")));
    };
    match kind {
        Kind::Launch(proto) => launch(proto),
        Kind::Register(proto) => {
            whole("register", required("info", proto.info).map(Call::Register))
        }
        Kind::Reregister(proto) => whole("reregister", reregister(proto)),
        Kind::Unregister(pb::Unregister {}) => whole("unregister", Ok(Call::Unregister)),
        Kind::Request(proto) => {
            whole("request", batch("requests", proto.requests).map(Call::Request))
        }
        Kind::Decline(proto) => whole("decline", decline(proto)),
        Kind::Revive(proto) => whole("revive", batch("roles", proto.roles).map(Call::Revive)),
        Kind::Suppress(proto) => whole("suppress", batch("roles", proto.roles).map(Call::Suppress)),
        Kind::Kill(proto) => whole("kill", kill(proto)),
        Kind::SetPaused(proto) => whole("set_paused", set_paused(proto)),
        Kind::Acknowledge(proto) => whole("acknowledge", acknowledge(proto)),
        Kind::Reconcile(proto) => {
            whole("reconcile", batch("tasks", proto.tasks).map(Call::Reconcile))
        }
        Kind::Message(proto) => whole("message", message(proto)),
        Kind::Shutdown(proto) => whole("shutdown", shutdown(proto)),
    }
}

/// A call that is either legal or refused as a whole, in the field that `Call` has it in.
fn whole(field: &str, call: Result<Call, Malformed>) -> Decoded {
    match call {
        Ok(call) => Decoded { call: Some(call), refused: Vec::new() },
        Err(malformed) => {
            Decoded { call: None, refused: vec![Refused::Call(malformed.inside(field))] }
        }
    }
}

/// A Launch of its legal tasks. If the rest of it is not legal, all its tasks are refused; too
/// many tasks are answered by one Error, lest a small call could make a flood of Updates.
fn launch(proto: pb::Launch) -> Decoded {
    if let Err(malformed) = entries("tasks", proto.tasks.len(), BATCH_ENTRIES_MAX) {
        return whole("launch", Err(malformed));
    }
    let (offers, filters) = match (batch("offers", proto.offers), filters(proto.filters)) {
        (Ok(offers), Ok(filters)) => (offers, filters),
        (Err(malformed), _) | (_, Err(malformed)) => {
            return refuse_all(&proto.tasks, &malformed.inside("launch"));
        }
    };
    let mut tasks = Vec::with_capacity(proto.tasks.len());
    let mut refused = Vec::new();
    for (index, task) in proto.tasks.into_iter().enumerate() {
        let name = Name::of(&task);
        match TaskInfo::from_proto(task) {
            Ok(task) => tasks.push(task),
            Err(malformed) => {
                refused.push(name.refuse(malformed.at(index).inside("tasks").inside("launch")));
            }
        }
    }
    Decoded { call: Some(Call::Launch { offers, tasks, filters }), refused }
}

/// The answer to the Launch, and to each of its tasks that can be answered.
fn refuse_all(tasks: &[crate::pb::TaskInfo], malformed: &Malformed) -> Decoded {
    let names = tasks.iter().map(Name::of).filter(|name| name.task.is_some());
    let each = names.map(|name| name.refuse(malformed.clone()));
    let refused = std::iter::once(Refused::Call(malformed.clone())).chain(each).collect();
    Decoded { call: None, refused }
}

/// What can be read of a task whose description may not be legal.
struct Name {
    task: Option<TaskId>,
    agent: Option<AgentId>,
}

impl Name {
    fn of(proto: &crate::pb::TaskInfo) -> Self {
        Self { task: TaskId::new(&proto.id).ok(), agent: AgentId::new(&proto.agent).ok() }
    }

    fn refuse(self, malformed: Malformed) -> Refused {
        match self.task {
            Some(task) => Refused::Task { task, agent: self.agent, malformed },
            None => Refused::Call(malformed),
        }
    }
}

fn filters(proto: Option<crate::pb::Filters>) -> Result<Filters, Malformed> {
    Ok(optional("filters", proto)?.unwrap_or_default())
}

fn reregister(proto: pb::Reregister) -> Result<Call, Malformed> {
    Ok(Call::Reregister {
        framework: value("framework", proto.framework)?,
        info: required("info", proto.info)?,
    })
}

fn decline(proto: pb::Decline) -> Result<Call, Malformed> {
    Ok(Call::Decline { offers: batch("offers", proto.offers)?, filters: filters(proto.filters)? })
}

fn kill(proto: pb::Kill) -> Result<Call, Malformed> {
    Ok(Call::Kill {
        task: value("task", proto.task)?,
        agent: optional("agent", proto.agent)?,
        policy: optional("policy", proto.policy)?,
    })
}

fn set_paused(proto: pb::SetPaused) -> Result<Call, Malformed> {
    Ok(Call::SetPaused { task: value("task", proto.task)?, is_paused: proto.is_paused })
}

fn acknowledge(proto: pb::Acknowledge) -> Result<Call, Malformed> {
    Ok(Call::Acknowledge {
        agent: value("agent", proto.agent)?,
        task: value("task", proto.task)?,
        update: value("update", proto.update)?,
    })
}

fn message(proto: pb::Message) -> Result<Call, Malformed> {
    Ok(Call::Message {
        agent: value("agent", proto.agent)?,
        executor: value("executor", proto.executor)?,
        data: data("data", proto.data)?,
    })
}

fn shutdown(proto: pb::Shutdown) -> Result<Call, Malformed> {
    Ok(Call::Shutdown {
        agent: value("agent", proto.agent)?,
        executor: value("executor", proto.executor)?,
    })
}

impl Wire for ResourceRequest {
    type Proto = pb::ResourceRequest;

    fn to_proto(&self) -> pb::ResourceRequest {
        pb::ResourceRequest {
            agent: option_to_proto(&self.agent),
            resources: Some(self.resources.to_proto()),
        }
    }

    fn from_proto(proto: pb::ResourceRequest) -> Result<Self, Malformed> {
        Ok(Self {
            agent: optional("agent", proto.agent)?,
            resources: required("resources", proto.resources)?,
        })
    }
}

/// A task whose state is asked for, and where the scheduler believes it is.
impl Wire for (TaskId, Option<AgentId>) {
    type Proto = pb::ReconcileTask;

    fn to_proto(&self) -> pb::ReconcileTask {
        pb::ReconcileTask { task: self.0.to_proto(), agent: option_to_proto(&self.1) }
    }

    fn from_proto(proto: pb::ReconcileTask) -> Result<Self, Malformed> {
        Ok((value("task", proto.task)?, optional("agent", proto.agent)?))
    }
}
