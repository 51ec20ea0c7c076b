//! What operators ask, on the wire. What they are told is in `cluster.rs`, and a refusal is a
//! status made by `rich_error.rs`.

use stoa_model::ids::AgentId;
use stoa_model::operator::{AgentOrder, AgentState, LogRequest, Query, TaskName};
use stoa_model::task::{KillPolicy, TaskRecord};

use crate::door::{grace_max_ms, optional, required, value};
use crate::malformed::Malformed;
use crate::pb;
use crate::pb::agent_order as order_pb;
use crate::pb::agent_order::Order;
use crate::pb::ordered_agent::Agent;
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

/// The request of [`Query::SetPaused`].
pub fn set_paused_to_proto(task: &TaskName, is_paused: bool) -> pb::SetPausedTask {
    pb::SetPausedTask { task: Some(task.to_proto()), is_paused }
}

/// The [`Query::SetPaused`] of a request.
///
/// # Errors
/// [`Malformed`] names the field that is not legal.
pub fn set_paused_from_proto(proto: pb::SetPausedTask) -> Result<Query, Malformed> {
    Ok(Query::SetPaused { task: required("task", proto.task)?, is_paused: proto.is_paused })
}

/// A task that is to be frozen or to go on, and whether that is news.
pub fn paused_to_proto(task: &TaskRecord, is_news: bool) -> pb::PausedTask {
    pb::PausedTask { task: Some(task.to_proto()), is_news }
}

/// The task that is to be frozen or to go on, and whether that is news.
///
/// # Errors
/// [`Malformed`] names the field that is not legal.
pub fn paused_from_proto(proto: pb::PausedTask) -> Result<(TaskRecord, bool), Malformed> {
    Ok((required("task", proto.task)?, proto.is_news))
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

/// The request of [`Query::Agent`].
pub fn order_to_proto(agent: &AgentId, order: AgentOrder) -> pb::AgentOrder {
    let order = match order {
        AgentOrder::Drain { grace_max_ms } => Order::Drain(order_pb::Drain { grace_max_ms }),
        AgentOrder::Undrain => Order::Undrain(order_pb::Undrain {}),
        AgentOrder::Deactivate => Order::Deactivate(order_pb::Deactivate {}),
        AgentOrder::Reactivate => Order::Reactivate(order_pb::Reactivate {}),
        AgentOrder::Gone => Order::Gone(order_pb::Gone {}),
    };
    pb::AgentOrder { agent: agent.to_proto(), order: Some(order) }
}

/// The [`Query::Agent`] of a request.
///
/// # Errors
/// [`Malformed`] names the field that is not legal.
pub fn order_from_proto(proto: pb::AgentOrder) -> Result<Query, Malformed> {
    let order = match proto.order.ok_or_else(|| Malformed::missing("order"))? {
        Order::Drain(drain) => {
            let grace_max_ms = grace_max_ms(drain.grace_max_ms);
            AgentOrder::Drain { grace_max_ms: grace_max_ms.map_err(|it| it.inside("drain"))? }
        }
        Order::Undrain(order_pb::Undrain {}) => AgentOrder::Undrain,
        Order::Deactivate(order_pb::Deactivate {}) => AgentOrder::Deactivate,
        Order::Reactivate(order_pb::Reactivate {}) => AgentOrder::Reactivate,
        Order::Gone(order_pb::Gone {}) => AgentOrder::Gone,
    };
    Ok(Query::Agent { agent: value("agent", proto.agent)?, order })
}

/// An agent after an order, unless it is gone.
pub fn ordered_to_proto(agent: Result<&AgentState, &AgentId>) -> pb::OrderedAgent {
    let agent = match agent {
        Ok(state) => Agent::State(state.to_proto()),
        Err(gone) => Agent::Gone(gone.to_proto()),
    };
    pb::OrderedAgent { agent: Some(agent) }
}

/// The agent after an order: its state, or its id if it is gone.
///
/// # Errors
/// [`Malformed`] names the field that is not legal.
pub fn ordered_from_proto(
    proto: pb::OrderedAgent,
) -> Result<Result<AgentState, AgentId>, Malformed> {
    match proto.agent.ok_or_else(|| Malformed::missing("agent"))? {
        Agent::State(state) => value("state", state).map(Ok),
        Agent::Gone(id) => value("gone", id).map(Err),
    }
}
