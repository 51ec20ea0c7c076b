//! The agent's state and its one door. It never decides anything itself: each input goes to the
//! file that owns it.

use stoa_model::instant::Instant;
use stoa_planted::{Bug, is_planted};

use crate::action::Action;
use crate::artifacts::Artifacts;
use crate::config::Config;
use crate::deadlines::Deadlines;
use crate::input::Input;
use crate::link::Link;
use crate::logs::Logs;
use crate::publishes::Publishes;
use crate::record::Record;
use crate::recovered::Recovered;
use stoa_model::keys::TaskKey;
use stoa_model::resources::Resources;

/// One agent.
///
/// What must survive it is in `kept`, which changes by records only; the rest it can do without.
#[derive(Debug)]
pub struct Agent {
    pub(crate) config: Config,
    pub(crate) kept: Recovered,
    pub(crate) link: Link,
    pub(crate) artifacts: Artifacts,
    /// The Updates in flight: one for each task that has one to send, each with the milliseconds
    /// it waits after the next time. Empty without an open stream.
    pub(crate) resends: Deadlines<TaskKey, u64>,
    pub(crate) publishes: Publishes,
    pub(crate) logs: Logs,
    /// Updates minted since the start.
    pub(crate) updates_made: u64,
    /// When the first step is due, until it is made.
    pub(crate) begin_at: Option<Instant>,
    /// What the master was told that the agent gives, if that is more than it is to give.
    pub(crate) reported: Option<Resources>,
    /// Whether the master has said that the agent is gone for ever.
    pub(crate) is_over: bool,
}

impl Agent {
    /// An agent that remembers what its checkpoint holds. Its first actions come from the first
    /// step, which is due at once.
    pub fn new(config: Config, recovered: Recovered, now: Instant) -> Self {
        Self {
            config,
            kept: recovered,
            link: Link::default(),
            artifacts: Artifacts::default(),
            resends: Deadlines::default(),
            publishes: Publishes::default(),
            logs: Logs::default(),
            updates_made: 0,
            begin_at: Some(now),
            reported: None,
            is_over: false,
        }
    }

    /// Applies one input and appends, in order, what the edge must do.
    ///
    /// Deterministic: the same state, `now` and `input` give the same actions.
    pub fn step(&mut self, now: Instant, input: Input, actions: &mut Vec<Action>) {
        if self.is_over {
            return;
        }
        if self.begin_at.take().is_some() {
            self.begin(now, actions);
        }
        match input {
            Input::Connected => self.on_connected(now, actions),
            Input::Disconnected => self.on_disconnected(now),
            Input::Master(event) => self.on_master(now, event, actions),
            Input::Host(event) => self.on_host(now, event, actions),
            Input::HostHeard { framework, host, number } => {
                self.on_host_taken(framework, (host, number), actions);
            }
            Input::HostLost { framework, message } => {
                self.on_host_lost(now, &framework, &message, actions);
                actions.push(Action::HostForgotten { framework });
            }
            Input::Fetched(digest) => self.on_fetched(digest, actions),
            Input::FetchFailed { digest, reason, message } => {
                self.on_fetch_failed(now, digest, (reason, message), actions);
            }
            Input::LogRead { request, piece } => self.on_log_read(request, piece, actions),
            Input::Published { framework, task, result } => {
                self.on_published(now, TaskKey { framework, task }, result, actions);
            }
            Input::Tick => self.on_tick(now, actions),
        }
        self.correct_report(now, actions);
        debug_assert_eq!(self.check(), Ok(()), "a step broke an invariant");
    }

    /// When the next Tick is due; there is always one until the agent has ended for good.
    pub fn next_deadline(&self) -> Option<Instant> {
        if self.is_over {
            return None;
        }
        let deadlines = [
            self.begin_at,
            Some(self.link.deadline()),
            self.resends.next(),
            self.publishes.next_deadline(),
            self.logs.next_deadline(),
        ];
        deadlines.into_iter().flatten().min()
    }

    /// Everything that must survive this agent, as replaying its records would give it. Its
    /// snapshot begins a new checkpoint.
    pub fn kept(&self) -> &Recovered {
        &self.kept
    }

    fn on_tick(&mut self, now: Instant, actions: &mut Vec<Action>) {
        self.on_link_deadline(now, actions);
        while let Some((key, delay_ms)) = self.resends.pop_due(now) {
            self.send_head(now, &key, delay_ms, actions);
        }
        self.on_publish_deadline(now, actions);
        self.on_log_deadline(now, actions);
    }

    /// [`Agent::record`], but for a planted bug: then the change is not made durable.
    pub(crate) fn record_unless(&mut self, bug: Bug, record: Record, actions: &mut Vec<Action>) {
        self.record(record, actions);
        if is_planted(bug) {
            actions.pop();
        }
    }

    /// Changes what is kept and has the change made durable.
    pub(crate) fn record(&mut self, record: Record, actions: &mut Vec<Action>) {
        self.kept.apply(&record).expect("the core records only what may follow");
        actions.push(Action::Record(record));
    }
}
