//! Batches that are too large for one message, in several. It never reorders what is in them.

use prost::Message;
use stoa_model::limits::{BATCH_ENTRIES_MAX, WIRE_MESSAGE_BYTES_MAX};

use crate::pb::agent::{AgentCalls, AgentEvents};
use crate::pb::scheduler::{SchedulerCalls, SchedulerEvents};

/// The bytes that the tag and the length of one entry take at most.
const ENTRY_BYTES_MAX: usize = 6;

/// A message that is nothing but a list.
pub trait Batch: Message + Sized {
    /// What it is a list of.
    type Entry: Message;

    /// The batch of these entries.
    fn from_entries(entries: Vec<Self::Entry>) -> Self;

    /// Its entries.
    fn into_entries(self) -> Vec<Self::Entry>;

    /// How many there are.
    fn count(&self) -> usize;
}

/// Four types, one shape: a macro keeps it in one place.
macro_rules! batch {
    ($name:ident, $field:ident, $entry:ty) => {
        impl Batch for $name {
            type Entry = $entry;

            fn from_entries($field: Vec<Self::Entry>) -> Self {
                Self { $field }
            }

            fn into_entries(self) -> Vec<Self::Entry> {
                self.$field
            }

            fn count(&self) -> usize {
                self.$field.len()
            }
        }
    };
}

batch!(SchedulerCalls, calls, crate::pb::scheduler::Call);
batch!(SchedulerEvents, events, crate::pb::scheduler::Event);
batch!(AgentCalls, calls, crate::pb::agent::Call);
batch!(AgentEvents, events, crate::pb::agent::Event);

/// The same entries in as few batches as the transport and the door let in, in order. An entry
/// that is too large by itself has a batch of its own, which the transport will refuse.
pub fn split<B: Batch>(batch: B) -> Vec<B> {
    if batch.count() <= BATCH_ENTRIES_MAX && batch.encoded_len() <= WIRE_MESSAGE_BYTES_MAX {
        return vec![batch];
    }
    let mut batches = Vec::new();
    let (mut entries, mut bytes) = (Vec::new(), 0);
    for entry in batch.into_entries() {
        let entry_bytes = entry.encoded_len() + ENTRY_BYTES_MAX;
        let is_full = entries.len() == BATCH_ENTRIES_MAX;
        if is_full || (bytes + entry_bytes > WIRE_MESSAGE_BYTES_MAX && !entries.is_empty()) {
            batches.push(B::from_entries(std::mem::take(&mut entries)));
            bytes = 0;
        }
        bytes += entry_bytes;
        entries.push(entry);
    }
    batches.push(B::from_entries(entries));
    batches
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pb::agent::{Event, Message as Bytes, event};

    fn events(count: usize, data_bytes: usize) -> AgentEvents {
        let message = |i: usize| Bytes {
            framework: i.to_string(),
            executor: String::new(),
            data: vec![0; data_bytes],
        };
        let event = |i| Event { event: Some(event::Event::Message(message(i))) };
        AgentEvents { events: (0..count).map(event).collect() }
    }

    #[test]
    fn batch_that_fits_stays_whole() {
        assert_eq!(split(events(3, 10)).len(), 1);
        assert_eq!(split(AgentEvents::default()), [AgentEvents::default()]);
    }

    #[test]
    fn large_batch_is_split_in_order_and_every_part_fits() {
        for (count, data_bytes) in [(40, 1 << 20), (BATCH_ENTRIES_MAX * 2 + 1, 0)] {
            let whole = events(count, data_bytes);
            let parts = split(whole.clone());
            assert_eq!(parts.len(), 3);
            for part in &parts {
                assert!(part.encoded_len() <= WIRE_MESSAGE_BYTES_MAX);
                assert!(part.count() <= BATCH_ENTRIES_MAX);
            }
            let joined: Vec<_> = parts.into_iter().flat_map(Batch::into_entries).collect();
            assert_eq!(joined, whole.events);
        }
    }
}
