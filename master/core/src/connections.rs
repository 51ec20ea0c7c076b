//! Who is at the other end of a stream. It never sends anything.

use std::collections::BTreeMap;

use crate::input::ConnectionId;

/// What is known of the peer of a connection; nothing is known of one that has not registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Peer<Id> {
    /// A registered framework or agent, whose one stream this is.
    Registered(Id),
    /// The master has ended the stream; what it still says is passed over.
    Closed,
}

/// The streams of all schedulers, or of all agents. An entry lives until the edge says Gone, so
/// there are never more than open streams.
#[derive(Debug)]
pub(crate) struct Connections<Id> {
    peers: BTreeMap<ConnectionId, Peer<Id>>,
}

impl<Id> Default for Connections<Id> {
    fn default() -> Self {
        Self { peers: BTreeMap::new() }
    }
}

impl<Id> Connections<Id> {
    pub(crate) fn peer(&self, connection: ConnectionId) -> Option<&Peer<Id>> {
        self.peers.get(&connection)
    }

    pub(crate) fn register(&mut self, connection: ConnectionId, id: Id) {
        self.peers.insert(connection, Peer::Registered(id));
    }

    /// From now on, what the connection says is passed over.
    pub(crate) fn close(&mut self, connection: ConnectionId) {
        self.peers.insert(connection, Peer::Closed);
    }

    /// Forgets a stream that has ended; answers whose it was if it was not closed before.
    pub(crate) fn forget(&mut self, connection: ConnectionId) -> Option<Id> {
        match self.peers.remove(&connection) {
            Some(Peer::Registered(id)) => Some(id),
            Some(Peer::Closed) | None => None,
        }
    }

    /// Every stream with a registered peer.
    pub(crate) fn registered(&self) -> impl Iterator<Item = (ConnectionId, &Id)> {
        self.peers.iter().filter_map(|(connection, peer)| match peer {
            Peer::Registered(id) => Some((*connection, id)),
            Peer::Closed => None,
        })
    }
}
