//! A session's hands: the gRPC stream, the clock, and two channels to the author. It never
//! decides anything: [`Session`] does.

use std::collections::VecDeque;
use std::time::Duration;

use stoa_machine::Clock;
use stoa_model::masters::Masters;
use stoa_model::scheduler::{Call, Event};
use stoa_protocol::link::{Link, LinkInput, SchedulerPeer};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::action::Action;
use crate::limits::{CALLS_WAITING_MAX, EVENTS_WAITING_MAX, UNREGISTER_MS_MAX};
use crate::session::{Config, Input, Session};

/// A scheduler's connection to its master, kept up for as long as this value lives.
#[derive(Debug)]
pub struct Client {
    calls: Option<mpsc::Sender<Call>>,
    events: mpsc::Receiver<Event>,
    main_loop: JoinHandle<()>,
}

/// The framework has ended: it was unregistered, or the master refused it for good.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the framework has ended")]
pub struct Ended;

/// No master has confirmed Unregister.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "no master has confirmed that the framework is unregistered; it ends at its failover timeout"
)]
pub struct Unconfirmed;

impl Client {
    /// Starts a session with the one of `masters` that leads. It is not connected yet: the event
    /// Registered says when it is.
    pub fn start(masters: Masters, config: Config) -> Self {
        let (calls, author_calls) = mpsc::channel(CALLS_WAITING_MAX);
        let (author_events, events) = mpsc::channel(EVENTS_WAITING_MAX);
        let clock = Clock::start();
        let main_loop = MainLoop {
            session: Session::new(config, clock.now()),
            clock,
            link: Link::new(masters),
            calls: author_calls,
            events: author_events,
            undelivered: VecDeque::new(),
        };
        Self { calls: Some(calls), events, main_loop: tokio::spawn(main_loop.run()) }
    }

    /// Says something to the master; waits while too much is waiting already.
    ///
    /// # Errors
    /// [`Ended`] if nothing can be said any more.
    pub async fn call(&self, call: Call) -> Result<(), Ended> {
        let calls = self.calls.as_ref().ok_or(Ended)?;
        calls.send(call).await.map_err(|_| Ended)
    }

    /// What happens next; nothing once the framework has ended.
    pub async fn event(&mut self) -> Option<Event> {
        self.events.recv().await
    }

    /// Unregisters the framework and waits until a master has confirmed that, on as many streams as
    /// it takes.
    ///
    /// # Errors
    /// [`Unconfirmed`] if no master has within [`UNREGISTER_MS_MAX`].
    pub async fn unregister(&mut self) -> Result<(), Unconfirmed> {
        let leaving = async {
            // A session that has ended already has nothing to unregister.
            let _ = self.call(Call::Unregister).await;
            self.end().await;
        };
        let limit = Duration::from_millis(UNREGISTER_MS_MAX);
        let is_confirmed = tokio::time::timeout(limit, leaving).await.is_ok();
        if is_confirmed {
            return Ok(());
        }
        self.main_loop.abort();
        Err(Unconfirmed)
    }

    /// Leaves the framework to live on without a scheduler, until its failover timeout or as its
    /// info says; waits until the master has heard what was said before.
    pub async fn leave(&mut self) {
        self.end().await;
    }

    async fn end(&mut self) {
        self.calls = None;
        while self.events.recv().await.is_some() {}
        // A loop that was aborted before has nothing left to say.
        let _ = (&mut self.main_loop).await;
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.main_loop.abort();
    }
}

struct MainLoop {
    session: Session,
    clock: Clock,
    link: Link<SchedulerPeer>,
    calls: mpsc::Receiver<Call>,
    events: mpsc::Sender<Event>,
    /// What the author has not taken yet; when it is much, the stream is not read.
    undelivered: VecDeque<Event>,
}

impl MainLoop {
    async fn run(mut self) {
        let mut inputs = vec![Input::Tick];
        loop {
            let mut actions = Vec::new();
            for input in inputs.drain(..) {
                self.session.step(self.clock.now(), input, &mut actions);
            }
            for action in actions {
                match action {
                    Action::Connect => self.link.open(),
                    Action::Disconnect => self.link.close(),
                    Action::Send(call) => self.link.send(call),
                    Action::Deliver(event) => self.undelivered.push_back(event),
                    Action::Warn(warning) => tracing::warn!("{warning}"),
                    Action::End => return self.end().await,
                }
            }
            match self.wait().await {
                Some(next) => inputs = next,
                None => return self.end().await,
            }
        }
    }

    /// Waits for what happens next; nothing if the author says no more.
    async fn wait(&mut self) -> Option<Vec<Input>> {
        let deadline = self.session.next_deadline().map(|at| self.clock.wake_at(at));
        let may_read = self.undelivered.len() < EVENTS_WAITING_MAX;
        let has_room = self.link.waiting() < CALLS_WAITING_MAX;
        Some(tokio::select! {
            permit = self.events.reserve(), if !self.undelivered.is_empty() => {
                if let (Ok(permit), Some(event)) = (permit, self.undelivered.pop_front()) {
                    permit.send(event);
                }
                Vec::new()
            }
            // One that leaves waits for the master, and not for its author.
            call = self.calls.recv(), if has_room && !self.session.is_leaving() => {
                vec![Input::Call(call?)]
            }
            input = self.link.next(may_read) => match input {
                LinkInput::Opened => vec![Input::Connected],
                LinkInput::Events(events) => events.into_iter().map(Input::Event).collect(),
                LinkInput::Ended => vec![Input::Ended],
                LinkInput::Closed(why) => {
                    tracing::debug!(why, "the stream to the master is closed");
                    vec![Input::Disconnected]
                }
            },
            () = sleep_until(deadline) => vec![Input::Tick],
        })
    }

    /// Hands over what is left, and flushes what was said last.
    async fn end(self) {
        for event in self.undelivered {
            // An author who is gone, or has left, needs no more events.
            let _ = self.events.send(event).await;
        }
        drop(self.events);
        self.link.finish().await;
    }
}

async fn sleep_until(deadline: Option<std::time::Instant>) {
    match deadline {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
