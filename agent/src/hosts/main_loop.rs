//! An executor host in a process of its own, seen from within: it obeys whichever agent is there,
//! and keeps what it has to say until an agent has recorded it. It never ends because an agent is
//! away for a while.

use std::collections::VecDeque;
use std::pin::pin;
use std::time::Duration;

use stoa_executor_host::{Config, Host, HostHandle, StartError};
use stoa_machine::WallError;
use stoa_model::host::{Command, Event};
use stoa_protocol::host::{FrameError, FromHost, ToHost, append, read, write};
use tokio::io::BufReader;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::hosts::business::Business;
use crate::hosts::walls;
use crate::limits::{HOST_ALONE_MS, HOST_EVENTS_UNTAKEN_MAX, HOST_IDLE_MS};

/// Frames of an agent that may wait. Then its socket is read no further.
const FRAMES_WAITING_MAX: usize = 256;

/// Frames that are written together at most.
const FRAMES_TOGETHER_MAX: usize = 256;

/// Frames that may wait for an agent besides the events that it has not taken: more are left out
/// with the stream.
const ANSWERS_WAITING_MAX: usize = 64;

/// Milliseconds from the word to end to the end: what executors have to end, and a little more.
const ENDING_MS: u64 = 2_000;

/// Why an executor host could not start or go on.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The host itself.
    #[error(transparent)]
    Host(#[from] StartError),
    /// It must not run what nobody vouches for without its walls.
    #[error(transparent)]
    Walls(#[from] WallError),
    /// What it was given to listen on.
    #[error("cannot listen on the socket of this executor host")]
    Listener(#[source] std::io::Error),
}

/// Raises the walls of this process, which may have no other thread yet, and runs an executor host
/// until an agent tells it to end, or none is there for long.
///
/// # Errors
/// [`ServeError`] if it cannot start, or cannot listen any more.
pub async fn serve(
    config: Config,
    listener: std::os::unix::net::UnixListener,
) -> Result<(), ServeError> {
    let raised = walls::of(&config)?.raise()?;
    for missing in raised.missing {
        tracing::warn!("a wall of this executor host is missing: {missing}");
    }
    listener.set_nonblocking(true).map_err(ServeError::Listener)?;
    let listener = UnixListener::from_std(listener).map_err(ServeError::Listener)?;
    let (handle, events) = Host::start(config)?;
    let server = Server {
        handle,
        events,
        outbox: Outbox::default(),
        business: Business::default(),
        idle_since: Instant::now(),
        agent: None,
        streams: JoinSet::new(),
        ends_at: Instant::now() + ms(HOST_ALONE_MS),
        is_ending: false,
    };
    server.run(listener).await
}

/// What is said and not yet taken.
#[derive(Debug, Default)]
struct Outbox {
    events: VecDeque<(u64, Event)>,
    /// The number of the last event that was said.
    last: u64,
}

impl Outbox {
    fn has_room(&self) -> bool {
        self.events.len() < HOST_EVENTS_UNTAKEN_MAX
    }

    fn push(&mut self, event: Event) -> FromHost {
        self.last += 1;
        self.events.push_back((self.last, event.clone()));
        FromHost::Event { number: self.last, event }
    }

    /// An agent has recorded everything up to and with this number.
    fn on_taken(&mut self, number: u64) {
        while self.events.front().is_some_and(|(first, _)| *first <= number) {
            self.events.pop_front();
        }
    }

    /// What an agent is to hear that is there again.
    fn all(&self) -> impl Iterator<Item = FromHost> {
        self.events
            .iter()
            .map(|(number, event)| FromHost::Event { number: *number, event: event.clone() })
    }
}

/// The agent that is there.
struct Agent {
    frames: mpsc::Receiver<ToHost>,
    /// To it; more than fits is left out with the stream.
    words: mpsc::Sender<FromHost>,
    /// Whether it has said which events it has; until then it is told nothing.
    is_attached: bool,
}

impl Agent {
    /// Answers whether the agent can go on: one that does not read what must not be lost cannot.
    fn tell(&self, frame: FromHost) -> bool {
        let may_be_lost = matches!(frame, FromHost::Event { number: 0, .. });
        let is_room_short = self.words.capacity() <= HOST_EVENTS_UNTAKEN_MAX + ANSWERS_WAITING_MAX;
        if !self.is_attached || (may_be_lost && is_room_short) {
            return true;
        }
        self.words.try_send(frame).is_ok()
    }
}

struct Server {
    handle: HostHandle,
    events: mpsc::Receiver<Event>,
    outbox: Outbox,
    business: Business,
    /// Since when nothing has happened; counts only while nothing lives.
    idle_since: Instant,
    agent: Option<Agent>,
    streams: JoinSet<()>,
    /// When it ends if no agent comes, or as it was told.
    ends_at: Instant,
    is_ending: bool,
}

impl Server {
    async fn run(mut self, listener: UnixListener) -> Result<(), ServeError> {
        loop {
            tokio::select! {
                accepted = listener.accept() => {
                    let (stream, _) = accepted.map_err(ServeError::Listener)?;
                    self.on_agent(stream);
                }
                frame = frame_of(&mut self.agent) => match frame {
                    Some(frame) => self.on_frame(frame).await,
                    None => self.on_agent_gone(),
                },
                Some(event) = self.events.recv(), if self.outbox.has_room() => self.say(event),
                Some(ended) = self.streams.join_next() => {
                    ended.expect("a stream does not panic");
                }
                () = sleep_until(self.idle_since + ms(HOST_IDLE_MS)), if self.is_idle() => {
                    if self.agent.is_none() {
                        return Ok(());
                    }
                    // An agent that has more to do for the host says so, and else ends it.
                    self.idle_since = Instant::now();
                    self.answer(FromHost::Idle { commands: self.business.commands });
                }
                () = sleep_until(self.ends_at), if self.is_ending || self.agent.is_none() => {
                    tracing::warn!(told = self.is_ending, "this executor host ends");
                    return Ok(());
                }
            }
        }
    }

    fn is_idle(&self) -> bool {
        self.business.is_idle() && self.outbox.events.is_empty() && !self.is_ending
    }

    /// A new agent takes the place of the one before, whose stream is broken if it is not there
    /// any more.
    fn on_agent(&mut self, stream: UnixStream) {
        let (from, to) = stream.into_split();
        let (to_server, frames) = mpsc::channel(FRAMES_WAITING_MAX);
        let (words, from_server) = mpsc::channel(HOST_EVENTS_UNTAKEN_MAX * 2 + ANSWERS_WAITING_MAX);
        self.agent = Some(Agent { frames, words, is_attached: false });
        self.streams.spawn(hear(from, to_server));
        self.streams.spawn(tell(to, from_server));
    }

    fn on_agent_gone(&mut self) {
        self.agent = None;
        if !self.is_ending {
            self.ends_at = Instant::now() + ms(HOST_ALONE_MS);
        }
    }

    async fn on_frame(&mut self, frame: ToHost) {
        match frame {
            // What ends is no host to go on with.
            ToHost::Attach { .. } if self.is_ending => self.agent = None,
            ToHost::Attach { taken } => {
                if let Some(agent) = &mut self.agent {
                    agent.is_attached = true;
                }
                self.business.commands = 0;
                self.outbox.on_taken(taken);
                let version = env!("CARGO_PKG_VERSION").to_owned();
                self.answer(FromHost::Hello { version });
                let again: Vec<_> = self.outbox.all().collect();
                again.into_iter().for_each(|frame| self.answer(frame));
            }
            ToHost::Command(command) => {
                self.business.on_command(&command);
                self.idle_since = Instant::now();
                self.obey(command).await;
            }
            ToHost::Taken { number } => self.outbox.on_taken(number),
            ToHost::Ask => self.answer(FromHost::Alive),
            ToHost::End => {
                self.is_ending = true;
                self.ends_at = Instant::now() + ms(ENDING_MS);
            }
        }
    }

    /// The host may be waiting for its own events to be taken, so they are, also beyond the bound:
    /// as many as are on the way when it takes the command.
    async fn obey(&mut self, command: Command) {
        let mut said = Vec::new();
        {
            let mut sending = pin!(self.handle.send(command));
            loop {
                tokio::select! {
                    biased;
                    () = &mut sending => break,
                    Some(event) = self.events.recv() => said.push(event),
                }
            }
        }
        said.into_iter().for_each(|event| self.say(event));
    }

    fn say(&mut self, event: Event) {
        self.business.on_event(&event);
        self.idle_since = Instant::now();
        let frame = match event {
            // A log says by itself how long it is; a record for each line would cost more than it.
            Event::Output { .. } => FromHost::Event { number: 0, event },
            event => self.outbox.push(event),
        };
        self.answer(frame);
    }

    /// An agent that does not read is as good as gone: it hears all of it when it comes again.
    fn answer(&mut self, frame: FromHost) {
        if self.agent.as_ref().is_some_and(|agent| !agent.tell(frame)) {
            self.on_agent_gone();
        }
    }
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

async fn frame_of(agent: &mut Option<Agent>) -> Option<ToHost> {
    match agent {
        Some(agent) => agent.frames.recv().await,
        None => std::future::pending().await,
    }
}

async fn hear(from: OwnedReadHalf, to_server: mpsc::Sender<ToHost>) {
    let mut from = BufReader::new(from);
    loop {
        match read(&mut from).await {
            Ok(frame) => {
                if to_server.send(frame).await.is_err() {
                    return;
                }
            }
            Err(FrameError::Ended) => return,
            Err(error) => {
                tracing::warn!(%error, "the stream of the agent is given up");
                return;
            }
        }
    }
}

async fn tell(mut to: OwnedWriteHalf, mut words: mpsc::Receiver<FromHost>) {
    let (mut frames, mut bytes) = (Vec::new(), Vec::new());
    while words.recv_many(&mut frames, FRAMES_TOGETHER_MAX).await > 0 {
        bytes.clear();
        for frame in frames.drain(..) {
            if let Err(error) = append(&frame, &mut bytes) {
                tracing::error!(%error, "what the agent was to hear does not fit");
                return;
            }
        }
        if write(&mut to, &bytes).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stoa_model::ids::{ExecutorId, FrameworkId};

    fn event(byte: u64) -> Event {
        Event::Message {
            framework: FrameworkId::new("f").unwrap(),
            executor: ExecutorId::new("e").unwrap(),
            data: byte.to_le_bytes().to_vec(),
        }
    }

    #[test]
    fn what_is_not_taken_is_said_again_in_order() {
        let mut outbox = Outbox::default();
        let said: Vec<_> = (0..4).map(|byte| outbox.push(event(byte))).collect();
        assert_eq!(said[0], FromHost::Event { number: 1, event: event(0) });
        assert_eq!(outbox.all().collect::<Vec<_>>(), said);
        outbox.on_taken(2);
        assert_eq!(outbox.all().collect::<Vec<_>>(), said[2..]);
        outbox.on_taken(9);
        assert_eq!(outbox.all().count(), 0);
        assert_eq!(outbox.push(event(7)), FromHost::Event { number: 5, event: event(7) });
    }

    #[test]
    fn agent_is_told_nothing_before_it_has_said_what_it_has() {
        let (_to_server, frames) = mpsc::channel(1);
        let (words, mut heard) = mpsc::channel(2 * HOST_EVENTS_UNTAKEN_MAX + ANSWERS_WAITING_MAX);
        let mut agent = Agent { frames, words, is_attached: false };
        assert!(agent.tell(FromHost::Event { number: 1, event: event(1) }));
        assert!(heard.try_recv().is_err());
        agent.is_attached = true;
        assert!(agent.tell(FromHost::Alive));
        assert_eq!(heard.try_recv(), Ok(FromHost::Alive));
    }

    #[test]
    fn what_may_be_lost_leaves_room_for_what_may_not() {
        let (_to_server, frames) = mpsc::channel(1);
        let (words, _heard) = mpsc::channel(2 * HOST_EVENTS_UNTAKEN_MAX + ANSWERS_WAITING_MAX);
        let agent = Agent { frames, words, is_attached: true };
        for _ in 0..4 * HOST_EVENTS_UNTAKEN_MAX {
            assert!(agent.tell(FromHost::Event { number: 0, event: event(0) }));
        }
        for number in 1..=HOST_EVENTS_UNTAKEN_MAX as u64 {
            assert!(agent.tell(FromHost::Event { number, event: event(number) }), "{number}");
        }
    }

    #[test]
    fn outbox_has_room_until_its_bound() {
        let mut outbox = Outbox::default();
        for byte in 0..HOST_EVENTS_UNTAKEN_MAX as u64 {
            assert!(outbox.has_room());
            outbox.push(event(byte));
        }
        assert!(!outbox.has_room());
        outbox.on_taken(1);
        assert!(outbox.has_room());
    }
}
