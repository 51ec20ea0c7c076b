//! What operators are told, on the wire: the master's view and what happens in it. The number of
//! entries is bounded by who asks, through the size of a message.

use stoa_model::ids::{FrameworkId, OfferId};
use stoa_model::operator::{AgentStanding, AgentState, ClusterEvent, ClusterState, FrameworkState};

use crate::door::{list, required, specified, value};
use crate::malformed::Malformed;
use crate::pb;
use crate::pb::cluster_event::Event as Kind;
use crate::wire::{Wire, list_to_proto};

impl Wire for ClusterState {
    type Proto = pb::ClusterState;

    fn to_proto(&self) -> pb::ClusterState {
        pb::ClusterState {
            master: Some(self.master.to_proto()),
            agents: list_to_proto(&self.agents),
            frameworks: list_to_proto(&self.frameworks),
            offers: list_to_proto(&self.offers),
            tasks: list_to_proto(&self.tasks),
            agents_held: self.agents_held,
        }
    }

    fn from_proto(proto: pb::ClusterState) -> Result<Self, Malformed> {
        Ok(Self {
            master: required("master", proto.master)?,
            agents: list("agents", proto.agents, usize::MAX)?,
            frameworks: list("frameworks", proto.frameworks, usize::MAX)?,
            offers: list("offers", proto.offers, usize::MAX)?,
            tasks: list("tasks", proto.tasks, usize::MAX)?,
            agents_held: proto.agents_held,
        })
    }
}

impl Wire for AgentStanding {
    type Proto = i32;

    fn to_proto(&self) -> i32 {
        match self {
            Self::Connected => pb::AgentStanding::Connected.into(),
            Self::Disconnected => pb::AgentStanding::Disconnected.into(),
            Self::Recovered => pb::AgentStanding::Recovered.into(),
            Self::Unreachable => pb::AgentStanding::Unreachable.into(),
        }
    }

    fn from_proto(proto: i32) -> Result<Self, Malformed> {
        let all = [Self::Connected, Self::Disconnected, Self::Recovered, Self::Unreachable];
        specified(proto, &all)
    }
}

impl Wire for AgentState {
    type Proto = pb::AgentState;

    fn to_proto(&self) -> pb::AgentState {
        pb::AgentState {
            id: self.id.to_proto(),
            info: Some(self.info.to_proto()),
            standing: self.standing.to_proto(),
            free: Some(self.free.to_proto()),
            offered: Some(self.offered.to_proto()),
            used: Some(self.used.to_proto()),
            duty: Some(self.duty.to_proto()),
        }
    }

    fn from_proto(proto: pb::AgentState) -> Result<Self, Malformed> {
        Ok(Self {
            id: value("id", proto.id)?,
            info: required("info", proto.info)?,
            standing: value("standing", proto.standing)?,
            free: required("free", proto.free)?,
            offered: required("offered", proto.offered)?,
            used: required("used", proto.used)?,
            duty: required("duty", proto.duty)?,
        })
    }
}

impl Wire for FrameworkState {
    type Proto = pb::FrameworkState;

    fn to_proto(&self) -> pb::FrameworkState {
        pb::FrameworkState {
            id: self.id.to_proto(),
            info: Some(self.info.to_proto()),
            is_connected: self.is_connected,
            tasks_live: self.tasks_live,
            allocated: Some(self.allocated.to_proto()),
        }
    }

    fn from_proto(proto: pb::FrameworkState) -> Result<Self, Malformed> {
        Ok(Self {
            id: value("id", proto.id)?,
            info: required("info", proto.info)?,
            is_connected: proto.is_connected,
            tasks_live: proto.tasks_live,
            allocated: required("allocated", proto.allocated)?,
        })
    }
}

impl Wire for ClusterEvent {
    type Proto = pb::ClusterEvent;

    fn to_proto(&self) -> pb::ClusterEvent {
        pb::ClusterEvent { event: Some(kind_to_proto(self)) }
    }

    fn from_proto(proto: pb::ClusterEvent) -> Result<Self, Malformed> {
        kind_from_proto(proto.event.ok_or_else(|| Malformed::missing("event"))?)
    }
}

fn kind_to_proto(event: &ClusterEvent) -> Kind {
    use ClusterEvent as Event;
    match event {
        Event::AgentRegistered(agent, info) => Kind::AgentRegistered(pb::AgentRegistered {
            agent: agent.to_proto(),
            info: Some(info.to_proto()),
        }),
        Event::AgentReregistered(agent) => Kind::AgentReregistered(agent.to_proto()),
        Event::AgentDisconnected(agent) => Kind::AgentDisconnected(agent.to_proto()),
        Event::AgentUnreachable(agent) => Kind::AgentUnreachable(agent.to_proto()),
        Event::AgentUnregistered(agent) => Kind::AgentUnregistered(agent.to_proto()),
        Event::AgentGone(agent) => Kind::AgentGone(agent.to_proto()),
        Event::AgentDutyChanged(agent, duty) => Kind::AgentDutyChanged(pb::AgentDutyChanged {
            agent: agent.to_proto(),
            duty: Some(duty.to_proto()),
        }),
        Event::BreakerTripped { away, agents } => {
            Kind::BreakerTripped(pb::BreakerTripped { away: *away, agents: *agents })
        }
        Event::BreakerReset => Kind::BreakerReset(true),
        Event::FrameworkRegistered(framework, info) => {
            Kind::FrameworkRegistered(pb::FrameworkRegistered {
                framework: framework.to_proto(),
                info: Some(info.to_proto()),
            })
        }
        Event::FrameworkReregistered(id) => Kind::FrameworkReregistered(id.to_proto()),
        Event::FrameworkDisconnected(id) => Kind::FrameworkDisconnected(id.to_proto()),
        Event::FrameworkRemoved(id) => Kind::FrameworkRemoved(id.to_proto()),
        Event::OfferMade(offer, framework, agent, role, resources) => {
            Kind::OfferMade(pb::OfferMade {
                offer: offer.to_proto(),
                framework: framework.to_proto(),
                agent: agent.to_proto(),
                role: role.to_proto(),
                resources: Some(resources.to_proto()),
            })
        }
        Event::OfferDeclined(offer, framework) => Kind::OfferDeclined(pb::OfferClosed {
            offer: offer.to_proto(),
            framework: framework.to_proto(),
        }),
        Event::OfferRescinded(offer, framework) => Kind::OfferRescinded(pb::OfferClosed {
            offer: offer.to_proto(),
            framework: framework.to_proto(),
        }),
        Event::TaskLaunched(framework, task, agent, resources) => {
            Kind::TaskLaunched(pb::TaskLaunched {
                framework: framework.to_proto(),
                task: task.to_proto(),
                agent: agent.to_proto(),
                resources: Some(resources.to_proto()),
            })
        }
        Event::TaskUpdated(framework, status) => Kind::TaskUpdated(pb::TaskUpdated {
            framework: framework.to_proto(),
            status: Some(status.to_proto()),
        }),
    }
}

fn kind_from_proto(kind: Kind) -> Result<ClusterEvent, Malformed> {
    use ClusterEvent as Event;
    let inside = |field| move |malformed: Malformed| malformed.inside(field);
    match kind {
        Kind::AgentRegistered(proto) => agent_registered(proto).map_err(inside("agent_registered")),
        Kind::AgentReregistered(id) => {
            value("agent_reregistered", id).map(Event::AgentReregistered)
        }
        Kind::AgentDisconnected(id) => {
            value("agent_disconnected", id).map(Event::AgentDisconnected)
        }
        Kind::AgentUnreachable(id) => value("agent_unreachable", id).map(Event::AgentUnreachable),
        Kind::AgentUnregistered(id) => {
            value("agent_unregistered", id).map(Event::AgentUnregistered)
        }
        Kind::AgentGone(id) => value("agent_gone", id).map(Event::AgentGone),
        Kind::AgentDutyChanged(proto) => {
            agent_duty_changed(proto).map_err(inside("agent_duty_changed"))
        }
        Kind::BreakerTripped(pb::BreakerTripped { away, agents }) => {
            Ok(Event::BreakerTripped { away, agents })
        }
        Kind::BreakerReset(_) => Ok(Event::BreakerReset),
        Kind::FrameworkRegistered(proto) => {
            framework_registered(proto).map_err(inside("framework_registered"))
        }
        Kind::FrameworkReregistered(id) => {
            value("framework_reregistered", id).map(Event::FrameworkReregistered)
        }
        Kind::FrameworkDisconnected(id) => {
            value("framework_disconnected", id).map(Event::FrameworkDisconnected)
        }
        Kind::FrameworkRemoved(id) => value("framework_removed", id).map(Event::FrameworkRemoved),
        Kind::OfferMade(proto) => offer_made(proto).map_err(inside("offer_made")),
        Kind::OfferDeclined(proto) => {
            offer_closed(proto, Event::OfferDeclined).map_err(inside("offer_declined"))
        }
        Kind::OfferRescinded(proto) => {
            offer_closed(proto, Event::OfferRescinded).map_err(inside("offer_rescinded"))
        }
        Kind::TaskLaunched(proto) => task_launched(proto).map_err(inside("task_launched")),
        Kind::TaskUpdated(proto) => task_updated(proto).map_err(inside("task_updated")),
    }
}

fn agent_registered(proto: pb::AgentRegistered) -> Result<ClusterEvent, Malformed> {
    let agent = value("agent", proto.agent)?;
    Ok(ClusterEvent::AgentRegistered(agent, required("info", proto.info)?))
}

fn agent_duty_changed(proto: pb::AgentDutyChanged) -> Result<ClusterEvent, Malformed> {
    let agent = value("agent", proto.agent)?;
    Ok(ClusterEvent::AgentDutyChanged(agent, required("duty", proto.duty)?))
}

fn framework_registered(proto: pb::FrameworkRegistered) -> Result<ClusterEvent, Malformed> {
    let framework = value("framework", proto.framework)?;
    Ok(ClusterEvent::FrameworkRegistered(framework, required("info", proto.info)?))
}

fn offer_made(proto: pb::OfferMade) -> Result<ClusterEvent, Malformed> {
    Ok(ClusterEvent::OfferMade(
        value("offer", proto.offer)?,
        value("framework", proto.framework)?,
        value("agent", proto.agent)?,
        value("role", proto.role)?,
        required("resources", proto.resources)?,
    ))
}

fn offer_closed(
    proto: pb::OfferClosed,
    event: fn(OfferId, FrameworkId) -> ClusterEvent,
) -> Result<ClusterEvent, Malformed> {
    Ok(event(value("offer", proto.offer)?, value("framework", proto.framework)?))
}

fn task_launched(proto: pb::TaskLaunched) -> Result<ClusterEvent, Malformed> {
    Ok(ClusterEvent::TaskLaunched(
        value("framework", proto.framework)?,
        value("task", proto.task)?,
        value("agent", proto.agent)?,
        required("resources", proto.resources)?,
    ))
}

fn task_updated(proto: pb::TaskUpdated) -> Result<ClusterEvent, Malformed> {
    let framework = value("framework", proto.framework)?;
    Ok(ClusterEvent::TaskUpdated(framework, required("status", proto.status)?))
}
