//! The near end of a stream to the master that leads, as schedulers and agents have one: opened,
//! read and written in batches. It never decides when to open it, nor what to say.

use std::collections::VecDeque;
use std::pin::Pin;
use std::time::Duration;

use stoa_model::limits::WIRE_MESSAGE_BYTES_MAX;
use stoa_model::masters::{Masters, is_address};
use stoa_model::{agent_link, scheduler};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::{Channel, Endpoint};
use tonic::{Status, Streaming};

use crate::batch::{Batch, split};
use crate::leader::unreachable;
use crate::limits::{
    BATCHES_ON_THE_WAY_MAX, CONNECT_SECONDS, FINISH_SECONDS, KEEPALIVE_SECONDS, SENT_PER_BATCH_MAX,
    STREAM_WINDOW_BYTES,
};
use crate::pb::agent::agent_client::AgentClient;
use crate::pb::scheduler::scheduler_client::SchedulerClient;
use crate::redirect::refused;
use crate::search::{Refused, Search};
use crate::{Malformed, pb};

/// A kind of peer of the master: what it says, what it hears, and how both travel.
pub trait Peer: 'static {
    /// What it says.
    type Call: Send;
    /// What it hears.
    type Event: Send;
    /// Calls on the wire.
    type Calls: Batch + 'static;
    /// Events on the wire.
    type Events: Send + 'static;

    /// Opens the stream on a channel.
    fn open(
        channel: Channel,
        calls: ReceiverStream<Self::Calls>,
    ) -> impl Future<Output = Result<Streaming<Self::Events>, Status>> + Send;

    /// Calls that travel together.
    fn encode(calls: &[Self::Call]) -> Self::Calls;

    /// Events that travelled together.
    ///
    /// # Errors
    /// [`Malformed`] if this is no master to talk to.
    fn decode(events: Self::Events) -> Result<Vec<Self::Event>, Malformed>;
}

/// A scheduler as a peer.
#[derive(Debug)]
pub enum SchedulerPeer {}

impl Peer for SchedulerPeer {
    type Call = scheduler::Call;
    type Event = scheduler::Event;
    type Calls = pb::scheduler::SchedulerCalls;
    type Events = pb::scheduler::SchedulerEvents;

    async fn open(
        channel: Channel,
        calls: ReceiverStream<Self::Calls>,
    ) -> Result<Streaming<Self::Events>, Status> {
        let client = SchedulerClient::new(channel);
        let mut client = client.max_decoding_message_size(WIRE_MESSAGE_BYTES_MAX);
        Ok(client.connect(calls).await?.into_inner())
    }

    fn encode(calls: &[scheduler::Call]) -> Self::Calls {
        crate::scheduler::calls_to_proto(calls)
    }

    fn decode(events: Self::Events) -> Result<Vec<scheduler::Event>, Malformed> {
        crate::scheduler::events_from_proto(events)
    }
}

/// An agent as a peer.
#[derive(Debug)]
pub enum AgentPeer {}

impl Peer for AgentPeer {
    type Call = agent_link::Call;
    type Event = agent_link::Event;
    type Calls = pb::agent::AgentCalls;
    type Events = pb::agent::AgentEvents;

    async fn open(
        channel: Channel,
        calls: ReceiverStream<Self::Calls>,
    ) -> Result<Streaming<Self::Events>, Status> {
        let client = AgentClient::new(channel);
        let mut client = client.max_decoding_message_size(WIRE_MESSAGE_BYTES_MAX);
        Ok(client.connect(calls).await?.into_inner())
    }

    fn encode(calls: &[agent_link::Call]) -> Self::Calls {
        crate::agent_link::calls_to_proto(calls)
    }

    fn decode(events: Self::Events) -> Result<Vec<agent_link::Event>, Malformed> {
        crate::agent_link::events_from_proto(events)
    }
}

/// What happened to a link.
#[derive(Debug)]
pub enum LinkInput<E> {
    /// The stream is open.
    Opened,
    /// The master has spoken.
    Events(Vec<E>),
    /// The master has ended the stream in order, which a master that dies does not. What waited is
    /// dropped.
    Ended,
    /// The stream has broken or could not be opened, for this reason. What waited is dropped.
    Closed(String),
}

/// One stream to the master that leads, or none.
pub struct Link<P: Peer> {
    search: Search,
    stream: Stream<P>,
    waiting: VecDeque<P::Call>,
}

/// A stream on its way, or the reason why there will be none.
type Opening<P> = Pin<Box<dyn Future<Output = Result<Box<Open<P>>, Refused>> + Send>>;

enum Stream<P: Peer> {
    Closed,
    /// To this address.
    Opening(String, Opening<P>),
    Open(Box<Open<P>>),
}

struct Open<P: Peer> {
    calls: mpsc::Sender<P::Calls>,
    /// Batches that are encoded and not handed over yet.
    encoded: VecDeque<P::Calls>,
    events: Streaming<P::Events>,
}

impl<P: Peer> Link<P> {
    /// No stream yet, to one of these masters.
    pub fn new(masters: Masters) -> Self {
        Self { search: Search::new(masters), stream: Stream::Closed, waiting: VecDeque::new() }
    }

    /// The search for the master that leads, which begins with the one that led last.
    pub fn search(&self) -> &Search {
        &self.search
    }

    /// Starts to open a stream to the master that leads: one master after the other is tried;
    /// [`Self::next`] tells how it goes.
    pub fn open(&mut self) {
        self.close();
        if self.search.next().is_none() {
            self.search.end_round();
        }
        self.open_next();
    }

    /// Gives the stream up; nothing is told of it any more. A master that was being tried is not
    /// the first to be tried again.
    pub fn close(&mut self) {
        self.waiting.clear();
        if let Stream::Opening(address, _) = std::mem::replace(&mut self.stream, Stream::Closed) {
            let why = "no answer in time".to_owned();
            self.search.on_refused(&address, Refused::Unreachable(why));
        }
    }

    /// Tries the next master of this round, if there is one; answers whether.
    fn open_next(&mut self) -> bool {
        let next = self.search.next().map(str::to_owned);
        self.stream = match next {
            Some(address) => Stream::Opening(address.clone(), Box::pin(open(address))),
            None => Stream::Closed,
        };
        matches!(self.stream, Stream::Opening(..))
    }

    /// Has a call ready for the stream; dropped if there is none.
    pub fn send(&mut self, call: P::Call) {
        if matches!(self.stream, Stream::Open(_)) {
            self.waiting.push_back(call);
        }
    }

    /// Calls that have not been handed to the stream yet, but for those encoded already.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Writes what is ready and waits for what happens next; events only if `may_read`. It may be
    /// dropped and called again at any time without a loss.
    pub async fn next(&mut self, may_read: bool) -> LinkInput<P::Event> {
        loop {
            match &mut self.stream {
                Stream::Closed => return std::future::pending().await,
                Stream::Opening(address, opening) => {
                    let opened = opening.await;
                    let address = std::mem::take(address);
                    if let Some(input) = self.on_opened(&address, opened) {
                        return input;
                    }
                }
                Stream::Open(open) => {
                    return match open.next(&mut self.waiting, may_read).await {
                        Ok(events) => LinkInput::Events(events),
                        Err(end) => self.on_end(end),
                    };
                }
            }
        }
    }

    /// What an attempt has come to; nothing yet if another master is to be tried.
    fn on_opened(
        &mut self,
        address: &str,
        opened: Result<Box<Open<P>>, Refused>,
    ) -> Option<LinkInput<P::Event>> {
        match opened {
            Ok(open) => {
                self.search.on_found(address);
                self.stream = Stream::Open(open);
                Some(LinkInput::Opened)
            }
            Err(refused) => {
                self.search.on_refused(address, refused);
                if self.open_next() {
                    return None;
                }
                Some(LinkInput::Closed(self.search.end_round().to_string()))
            }
        }
    }

    fn on_end(&mut self, end: End) -> LinkInput<P::Event> {
        self.close();
        match end {
            End::Ordered => LinkInput::Ended,
            End::Broken(why) => LinkInput::Closed(why),
        }
    }

    /// Writes what is ready and ends the stream; waits until the master has read all of it, or for
    /// a while.
    pub async fn finish(mut self) {
        let Stream::Open(mut open) = std::mem::replace(&mut self.stream, Stream::Closed) else {
            return;
        };
        let finish = async {
            while let Some(batch) = next_batch::<P>(&mut open.encoded, &mut self.waiting) {
                if open.calls.send(batch).await.is_err() {
                    return;
                }
            }
            let Open { calls, mut events, .. } = *open;
            drop(calls);
            while let Ok(Some(_)) = events.message().await {}
        };
        // A master that does not end the stream in time has been told all there was.
        let _ = tokio::time::timeout(Duration::from_secs(FINISH_SECONDS), finish).await;
    }
}

/// Why nothing follows on a stream.
enum End {
    /// The master has ended it.
    Ordered,
    /// It has broken, for this reason.
    Broken(String),
}

/// The next batch to hand over, if anything is ready.
fn next_batch<P: Peer>(
    encoded: &mut VecDeque<P::Calls>,
    waiting: &mut VecDeque<P::Call>,
) -> Option<P::Calls> {
    if encoded.is_empty() && !waiting.is_empty() {
        let count = waiting.len().min(SENT_PER_BATCH_MAX);
        let batch: Vec<_> = waiting.drain(..count).collect();
        encoded.extend(split(P::encode(&batch)));
    }
    encoded.pop_front()
}

impl<P: Peer> Open<P> {
    /// Writes what is ready until there are events, or it is clear that there will be none.
    async fn next(
        &mut self,
        waiting: &mut VecDeque<P::Call>,
        may_read: bool,
    ) -> Result<Vec<P::Event>, End> {
        loop {
            let has_more = !waiting.is_empty() || !self.encoded.is_empty();
            if !has_more && !may_read {
                std::future::pending::<()>().await;
            }
            tokio::select! {
                permit = self.calls.reserve(), if has_more => {
                    let ended = |_| End::Broken("the stream has ended".to_owned());
                    let permit = permit.map_err(ended)?;
                    if let Some(batch) = next_batch::<P>(&mut self.encoded, waiting) {
                        permit.send(batch);
                    }
                }
                message = self.events.message(), if may_read => {
                    let broken = |status: Status| End::Broken(status.message().to_owned());
                    let batch = message.map_err(broken)?.ok_or(End::Ordered)?;
                    return P::decode(batch).map_err(|it| End::Broken(it.to_string()));
                }
            }
        }
    }
}

async fn open<P: Peer>(address: String) -> Result<Box<Open<P>>, Refused> {
    let channel = connect(&address).await.map_err(unreachable)?;
    let (calls, receiver) = mpsc::channel(BATCHES_ON_THE_WAY_MAX);
    let events = P::open(channel, ReceiverStream::new(receiver));
    let events = events.await.map_err(|status| refused(&status))?;
    Ok(Box::new(Open { calls, encoded: VecDeque::new(), events }))
}

/// Why no connection could be made.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Not the address of a master.
    #[error("{0:?} is no address of a master: HOST:PORT, such as 127.0.0.1:5050, is allowed")]
    Address(String),
    /// Nobody answers there.
    #[error("cannot connect to the master at {address}: {why}")]
    Unreachable {
        /// Where.
        address: String,
        /// Why.
        why: String,
    },
}

/// Connects to the master at `address`, a `HOST:PORT`.
///
/// # Errors
/// [`ConnectError`] if it is no address, or nobody answers there in time.
pub async fn connect(address: &str) -> Result<Channel, ConnectError> {
    let illegal = || ConnectError::Address(address.to_owned());
    if !is_address(address) {
        return Err(illegal());
    }
    let endpoint = Endpoint::from_shared(format!("http://{address}")).map_err(|_| illegal())?;
    let endpoint = endpoint
        .tcp_nodelay(true)
        .connect_timeout(Duration::from_secs(CONNECT_SECONDS))
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(STREAM_WINDOW_BYTES)
        .http2_keep_alive_interval(Duration::from_secs(KEEPALIVE_SECONDS));
    endpoint.connect().await.map_err(|error| ConnectError::Unreachable {
        address: address.to_owned(),
        why: innermost(&error),
    })
}

/// The cause at the end of the chain, which is the one that people can act on.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
