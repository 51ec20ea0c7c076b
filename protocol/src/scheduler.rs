//! The stream between a scheduler and the master, in batches. It never knows a single message:
//! [`calls`] and [`events`] do.

pub mod calls;
pub mod events;

use stoa_model::limits::BATCH_ENTRIES_MAX;
use stoa_model::scheduler::{Call, Event};

use crate::door::{batch, entries};
use crate::malformed::Malformed;
use crate::pb::scheduler as pb;
use crate::scheduler::calls::{Decoded, call_from_proto, call_to_proto};
use crate::wire::list_to_proto;

/// Calls that travel together, in order. At most `BATCH_ENTRIES_MAX` of them pass the door.
pub fn calls_to_proto(calls: &[Call]) -> pb::SchedulerCalls {
    pb::SchedulerCalls { calls: calls.iter().map(call_to_proto).collect() }
}

/// The calls of a batch, in order, each with what of it was refused.
///
/// # Errors
/// [`Malformed`] if there are too many; nothing of the batch is done, so the stream should end.
pub fn calls_from_proto(proto: pb::SchedulerCalls) -> Result<Vec<Decoded>, Malformed> {
    entries("calls", proto.calls.len(), BATCH_ENTRIES_MAX)?;
    Ok(proto.calls.into_iter().map(call_from_proto).collect())
}

/// Events that travel together, in order. At most `BATCH_ENTRIES_MAX` of them pass the door.
pub fn events_to_proto(events: &[Event]) -> pb::SchedulerEvents {
    pb::SchedulerEvents { events: list_to_proto(events) }
}

/// The events of a batch, in order.
///
/// # Errors
/// [`Malformed`] if one of them is not legal: this is no master to talk to.
pub fn events_from_proto(proto: pb::SchedulerEvents) -> Result<Vec<Event>, Malformed> {
    batch("events", proto.events)
}
