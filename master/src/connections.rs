//! The streams to peers: what waits for each, and who is too slow. It never decides what to say.

use std::collections::BTreeMap;

use futures_util::stream::{self, Stream, StreamExt};
use stoa_master_core::ConnectionId;
use stoa_protocol::batch::{Batch, split};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use tonic::Status;

use crate::limits::{BATCHES_UNREAD_MAX, EVENTS_PER_BATCH_MAX};

/// What a stream is handed.
#[derive(Debug)]
pub enum Outgoing<E> {
    /// The next events, in order.
    Events(Vec<E>),
    /// Nothing will follow, for this reason.
    CutOff(&'static str),
}

/// The near end of one stream's queue.
pub type Outlet<E> = mpsc::Sender<Outgoing<E>>;

/// A queue for one stream: [`BATCHES_UNREAD_MAX`] batches and room for one last word.
pub fn queue<E>() -> (Outlet<E>, mpsc::Receiver<Outgoing<E>>) {
    mpsc::channel(BATCHES_UNREAD_MAX + 1)
}

/// The far end of a queue as a gRPC stream; `encode` makes one message of a batch.
///
/// A batch that is too large for one message becomes several.
pub fn outgoing<E, P: Batch>(
    inlet: mpsc::Receiver<Outgoing<E>>,
    encode: fn(&[E]) -> P,
) -> impl Stream<Item = Result<P, Status>> {
    let inlet = ReceiverStream::new(inlet);
    inlet.flat_map(move |outgoing| stream::iter(encoded(outgoing, encode)))
}

fn encoded<E, P: Batch>(outgoing: Outgoing<E>, encode: fn(&[E]) -> P) -> Vec<Result<P, Status>> {
    match outgoing {
        Outgoing::Events(events) => split(encode(&events)).into_iter().map(Ok).collect(),
        Outgoing::CutOff(reason) => vec![Err(Status::resource_exhausted(reason))],
    }
}

/// All streams of one kind of peer.
pub struct Connections<E> {
    open: BTreeMap<ConnectionId, Connection<E>>,
}

struct Connection<E> {
    outlet: Outlet<E>,
    waiting: Vec<E>,
}

impl<E> Connections<E> {
    /// No stream.
    pub fn new() -> Self {
        Self { open: BTreeMap::new() }
    }

    /// Takes in a new stream.
    pub fn open(&mut self, id: ConnectionId, outlet: Outlet<E>) {
        self.open.insert(id, Connection { outlet, waiting: Vec::new() });
    }

    /// Has an event ready for the next [`Self::flush`]; one for a stream that is gone is dropped.
    pub fn push(&mut self, id: ConnectionId, event: E) {
        if let Some(connection) = self.open.get_mut(&id) {
            connection.waiting.push(event);
        }
    }

    /// Ends a stream once all that was pushed before has been sent.
    pub fn close(&mut self, id: ConnectionId) {
        if let Some(mut connection) = self.open.remove(&id) {
            connection.flush();
        }
    }

    /// Hands over what is ready; answers whose stream had to be ended because it is not read.
    pub fn flush(&mut self) -> Vec<ConnectionId> {
        let mut cut_off = Vec::new();
        for (id, connection) in &mut self.open {
            if !connection.waiting.is_empty() && !connection.flush() {
                cut_off.push(*id);
            }
        }
        for id in &cut_off {
            self.open.remove(id);
        }
        cut_off
    }
}

impl<E> Connection<E> {
    /// Whether the peer takes what it is told.
    fn flush(&mut self) -> bool {
        while !self.waiting.is_empty() {
            if self.outlet.capacity() <= 1 {
                let reason = "too many messages were left unread; connect anew";
                // It fails only if the stream is gone, and then nobody needs the reason.
                let _ = self.outlet.try_send(Outgoing::CutOff(reason));
                return false;
            }
            let count = self.waiting.len().min(EVENTS_PER_BATCH_MAX);
            let batch = self.waiting.drain(..count).collect();
            if self.outlet.try_send(Outgoing::Events(batch)).is_err() {
                return false;
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peer_that_does_not_read_is_cut_off_with_a_reason_and_loses_nothing_before() {
        let mut connections = Connections::new();
        let (outlet, mut inlet) = queue();
        connections.open(ConnectionId(1), outlet);
        for event in 0..BATCHES_UNREAD_MAX {
            connections.push(ConnectionId(1), event);
            assert_eq!(connections.flush(), []);
        }
        connections.push(ConnectionId(1), usize::MAX);
        assert_eq!(connections.flush(), [ConnectionId(1)]);
        for expected in 0..BATCHES_UNREAD_MAX {
            assert!(matches!(inlet.try_recv(), Ok(Outgoing::Events(got)) if got == [expected]));
        }
        assert!(matches!(inlet.try_recv(), Ok(Outgoing::CutOff(_))));
    }

    #[test]
    fn closed_stream_is_told_what_was_pushed_before() {
        let mut connections = Connections::new();
        let (outlet, mut inlet) = queue();
        connections.open(ConnectionId(1), outlet);
        connections.push(ConnectionId(1), "last words");
        connections.close(ConnectionId(1));
        assert!(matches!(inlet.try_recv(), Ok(Outgoing::Events(got)) if got == ["last words"]));
        assert!(inlet.try_recv().is_err());
    }
}
