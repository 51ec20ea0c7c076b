//! What the master says to schedulers, on the wire.

use stoa_model::epoch::Epoch;
use stoa_model::scheduler::Event;

use crate::door::{data, list, message, optional, period_ms, required, value};
use crate::limits::EVENT_OFFERS_MAX;
use crate::malformed::Malformed;
use crate::pb::scheduler as pb;
use crate::pb::scheduler::event::Event as Kind;
use crate::wire::{Wire, list_to_proto, message_to_proto, option_to_proto};

impl Wire for Event {
    type Proto = pb::Event;

    fn to_proto(&self) -> pb::Event {
        let kind = match self {
            Self::Registered { framework, master, heartbeat_ms } => {
                Kind::Registered(pb::Registered {
                    framework: framework.to_proto(),
                    master: Some(master.to_proto()),
                    heartbeat_ms: *heartbeat_ms,
                })
            }
            Self::Reregistered { framework, master, heartbeat_ms } => {
                Kind::Reregistered(pb::Reregistered {
                    framework: framework.to_proto(),
                    master: Some(master.to_proto()),
                    heartbeat_ms: *heartbeat_ms,
                })
            }
            Self::Offer(offers) => Kind::Offer(pb::Offers { offers: list_to_proto(offers) }),
            Self::Rescind(offers) => Kind::Rescind(pb::Rescind { offers: list_to_proto(offers) }),
            Self::Update(status) => Kind::Update(pb::Update { status: Some(status.to_proto()) }),
            Self::Message { agent, executor, data } => Kind::Message(pb::Message {
                agent: agent.to_proto(),
                executor: executor.to_proto(),
                data: data.clone(),
            }),
            Self::Failure { agent, executor, message } => Kind::Failure(pb::Failure {
                agent: agent.to_proto(),
                executor: option_to_proto(executor),
                message: message_to_proto(message),
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
        let (field, event) = match proto.event.ok_or_else(|| Malformed::missing("event"))? {
            Kind::Registered(proto) => ("registered", registered(proto)),
            Kind::Reregistered(proto) => ("reregistered", reregistered(proto)),
            Kind::Offer(proto) => {
                ("offer", list("offers", proto.offers, EVENT_OFFERS_MAX).map(Self::Offer))
            }
            Kind::Rescind(proto) => {
                ("rescind", list("offers", proto.offers, EVENT_OFFERS_MAX).map(Self::Rescind))
            }
            Kind::Update(proto) => ("update", required("status", proto.status).map(Self::Update)),
            Kind::Message(proto) => ("message", message_event(proto)),
            Kind::Failure(proto) => ("failure", failure(proto)),
            Kind::Error(proto) => ("error", error(proto)),
            Kind::Heartbeat(pb::Heartbeat {}) => ("heartbeat", Ok(Self::Heartbeat)),
        };
        event.map_err(|malformed| malformed.inside(field))
    }
}

fn registered(proto: pb::Registered) -> Result<Event, Malformed> {
    Ok(Event::Registered {
        framework: value("framework", proto.framework)?,
        master: required("master", proto.master)?,
        heartbeat_ms: period_ms("heartbeat_ms", proto.heartbeat_ms)?,
    })
}

fn reregistered(proto: pb::Reregistered) -> Result<Event, Malformed> {
    Ok(Event::Reregistered {
        framework: value("framework", proto.framework)?,
        master: required("master", proto.master)?,
        heartbeat_ms: period_ms("heartbeat_ms", proto.heartbeat_ms)?,
    })
}

fn message_event(proto: pb::Message) -> Result<Event, Malformed> {
    Ok(Event::Message {
        agent: value("agent", proto.agent)?,
        executor: value("executor", proto.executor)?,
        data: data("data", proto.data)?,
    })
}

fn failure(proto: pb::Failure) -> Result<Event, Malformed> {
    Ok(Event::Failure {
        agent: value("agent", proto.agent)?,
        executor: optional("executor", proto.executor)?,
        message: message("message", proto.message)?,
    })
}

fn error(proto: pb::Error) -> Result<Event, Malformed> {
    Ok(Event::Error {
        message: message("message", proto.message)?,
        is_final: proto.is_final,
        epoch: Epoch(proto.epoch),
    })
}
