//! A scheduler's side of the protocol, decided: one state, inputs in, actions out. It never opens
//! a stream and never asks the time.
//!
//! What it takes off an author's mind: it registers, and registers again under the same id after
//! a broken stream; says demand and suppression again; tells which offers are void; repeats kills
//! until the task is over; asks for every live task after each reregistration; and delivers each
//! Update once. Without a stream a Launch is answered at once, and what must reach the master is
//! kept until there is one; only a Message is dropped. Unregister is said again on every stream
//! until a master has ended the framework.

use std::collections::BTreeSet;

use stoa_model::epoch::Epoch;
use stoa_model::framework::FrameworkInfo;
use stoa_model::ids::{AgentId, ExecutorId, FrameworkId, OfferId, Role};
use stoa_model::instant::Instant;
use stoa_model::jitter::jitter_ms;
use stoa_model::scheduler::{Call, Event, ResourceRequest};
use stoa_model::status::{Reason, TaskStatus};
use stoa_model::task::{TaskInfo, TaskState};
use stoa_planted::{Bug, is_planted};

use crate::action::{Action, Warning};
use crate::limits::{
    HEARTBEAT_MS_MAX, HEARTBEAT_MS_MIN, HEARTBEATS_MISSED_MAX, RECONNECT_MS_MAX, RECONNECT_MS_MIN,
};
use crate::tasks::{Novelty, Tasks};

/// What a session is made of.
#[derive(Clone, Debug)]
pub struct Config {
    /// What the framework says of itself.
    pub info: FrameworkInfo,
    /// The id of a framework that is to be taken over; none makes a new one.
    pub framework: Option<FrameworkId>,
    /// The highest epoch of a master that an earlier session of the framework has heard of. Authors
    /// who keep the id keep the epoch beside it: the event that gives the one has the other.
    pub epoch: Epoch,
}

/// What happens to a session.
///
/// Each Connect is answered by `Connected` or `Disconnected`; after `Connected` the stream is over
/// with `Disconnected` or `Ended`, or with a Disconnect, which is not answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The stream is open.
    Connected,
    /// The stream has broken, or could not be opened.
    Disconnected,
    /// The master has ended the stream in order, as it does once a framework is unregistered. A
    /// master that dies does not.
    Ended,
    /// The master has spoken.
    Event(Event),
    /// The author wants this to be said.
    Call(Call),
    /// The time has come that `next_deadline` named.
    Tick,
}

/// Where the stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    Waiting {
        until: Instant,
        wait_ms: u64,
    },
    Connecting {
        wait_ms: u64,
    },
    Registering {
        wait_ms: u64,
        deadline: Instant,
    },
    Registered {
        heard: Instant,
        heartbeat_ms: u64,
    },
    /// Unregister is said, and the master has yet to end the stream.
    Leaving {
        deadline: Instant,
    },
    Ended,
}

/// How long a master may take to answer Register, in milliseconds.
const REGISTER_ANSWER_MS: u64 = 15_000;

/// How long a master may take to end the stream after Unregister, in milliseconds.
const UNREGISTER_ANSWER_MS: u64 = 5_000;

/// One framework's side of the protocol.
#[derive(Debug)]
pub struct Session {
    info: FrameworkInfo,
    framework: Option<FrameworkId>,
    /// The highest that a master has greeted it with, in this session or before.
    epoch: Epoch,
    link: Link,
    /// Of its jitter: when it began.
    seed: u64,
    offers: BTreeSet<OfferId>,
    tasks: Tasks,
    request: Option<Vec<ResourceRequest>>,
    suppressed: BTreeSet<Role>,
    /// Executors whose Shutdown was called while the stream was broken.
    shutdowns: BTreeSet<(AgentId, ExecutorId)>,
    /// All tasks were asked for while the stream was broken.
    asks_for_all: bool,
    /// Unregister was called. It is said on every stream until a master confirms it.
    is_leaving: bool,
}

impl Session {
    /// A session that wants to connect at once.
    pub fn new(config: Config, now: Instant) -> Self {
        Self {
            info: config.info,
            framework: config.framework,
            epoch: config.epoch,
            link: Link::Waiting { until: now, wait_ms: RECONNECT_MS_MIN },
            seed: now.ms,
            offers: BTreeSet::new(),
            tasks: Tasks::default(),
            request: None,
            suppressed: BTreeSet::new(),
            shutdowns: BTreeSet::new(),
            asks_for_all: false,
            is_leaving: false,
        }
    }

    /// The id of the framework, once a master has given one.
    pub fn framework(&self) -> Option<&FrameworkId> {
        self.framework.as_ref()
    }

    /// The highest epoch of a master that it has heard of, to be kept beside the id.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Whether the framework is to end, and nothing but that is waited for.
    pub fn is_leaving(&self) -> bool {
        self.is_leaving
    }

    /// Applies one input and appends, in order, what the edge must do.
    ///
    /// Deterministic: the same state, `now` and `input` give the same actions.
    pub fn step(&mut self, now: Instant, input: Input, actions: &mut Vec<Action>) {
        if self.link == Link::Ended {
            return;
        }
        match input {
            Input::Connected => self.on_connected(now, actions),
            Input::Disconnected => self.on_disconnected(now, actions),
            Input::Ended if matches!(self.link, Link::Leaving { .. }) => self.end(actions),
            Input::Ended => self.on_disconnected(now, actions),
            Input::Event(event) => self.on_event(now, event, actions),
            Input::Call(call) => self.on_call(now, call, actions),
            Input::Tick => self.on_tick(now, actions),
        }
    }

    /// When the next Tick is due.
    pub fn next_deadline(&self) -> Option<Instant> {
        match self.link {
            Link::Waiting { until, .. } => Some(until),
            Link::Registering { deadline, .. } | Link::Leaving { deadline } => Some(deadline),
            Link::Registered { heard, heartbeat_ms } => {
                Some(heard.plus_ms(HEARTBEATS_MISSED_MAX * heartbeat_ms))
            }
            Link::Connecting { .. } | Link::Ended => None,
        }
    }

    fn on_connected(&mut self, now: Instant, actions: &mut Vec<Action>) {
        let Link::Connecting { wait_ms } = self.link else {
            return;
        };
        self.link = Link::Registering { wait_ms, deadline: now.plus_ms(REGISTER_ANSWER_MS) };
        actions.push(Action::Send(match &self.framework {
            None => Call::Register(self.info.clone()),
            Some(framework) => {
                Call::Reregister { framework: framework.clone(), info: self.info.clone() }
            }
        }));
    }

    fn on_disconnected(&mut self, now: Instant, actions: &mut Vec<Action>) {
        let wait_ms = match self.link {
            Link::Waiting { .. } | Link::Ended => return,
            Link::Connecting { wait_ms } | Link::Registering { wait_ms, .. } => wait_ms,
            Link::Registered { .. } | Link::Leaving { .. } => RECONNECT_MS_MIN,
        };
        if self.is_leaving && self.framework.is_none() {
            // Nothing was registered, so there is nothing to unregister.
            return self.end(actions);
        }
        let next_ms = (2 * wait_ms).min(RECONNECT_MS_MAX);
        // Schedulers that have lost the same master do not come to the next at the same time.
        let until = now.plus_ms(wait_ms - jitter_ms(self.seed, now, wait_ms / 2));
        self.link = Link::Waiting { until, wait_ms: next_ms };
        if !self.is_leaving {
            self.void_offers(actions);
        }
    }

    fn on_tick(&mut self, now: Instant, actions: &mut Vec<Action>) {
        if self.next_deadline().is_none_or(|deadline| now < deadline) {
            return;
        }
        match self.link {
            Link::Waiting { wait_ms, .. } => {
                self.link = Link::Connecting { wait_ms };
                actions.push(Action::Connect);
            }
            Link::Registering { .. } | Link::Registered { .. } | Link::Leaving { .. } => {
                actions.push(Action::Disconnect);
                self.on_disconnected(now, actions);
            }
            Link::Connecting { .. } | Link::Ended => {}
        }
    }

    fn on_event(&mut self, now: Instant, event: Event, actions: &mut Vec<Action>) {
        match &mut self.link {
            Link::Registering { .. } => self.on_greeting(now, event, actions),
            Link::Registered { heard, .. } => {
                *heard = now;
                self.on_news(event, actions);
            }
            // All that is waited for is the end.
            Link::Leaving { .. } => {
                if let Event::Error { is_final: true, .. } = event {
                    self.end(actions);
                }
            }
            // The rest of a stream that was given up.
            Link::Waiting { .. } | Link::Connecting { .. } | Link::Ended => {}
        }
    }

    /// Registered answers Register, and Reregistered answers Reregister; but for an Error nothing
    /// comes before. A former leader is not believed.
    fn on_greeting(&mut self, now: Instant, event: Event, actions: &mut Vec<Action>) {
        if let Some(got) = said_under(&event) {
            let known = self.epoch;
            if got < known && !is_planted(Bug::SessionBelievesLowerEpoch) {
                actions.push(Action::Warn(Warning::EpochLower { known, got }));
                actions.push(Action::Disconnect);
                return self.on_disconnected(now, actions);
            }
            self.epoch = known.max(got);
        }
        let (framework, heartbeat_ms) = match &event {
            Event::Registered { framework, heartbeat_ms, .. } if self.framework.is_none() => {
                (framework.clone(), *heartbeat_ms)
            }
            Event::Reregistered { framework, heartbeat_ms, .. }
                if self.framework.as_ref() == Some(framework) =>
            {
                (framework.clone(), *heartbeat_ms)
            }
            // The framework is unregistered: the stream broke before the master could say so.
            Event::Error { is_final: true, .. } if self.is_leaving => return self.end(actions),
            Event::Error { .. } => return self.on_news(event, actions),
            Event::Heartbeat => return,
            _ => {
                actions.push(Action::Disconnect);
                return self.on_disconnected(now, actions);
            }
        };
        self.framework = Some(framework);
        let heartbeat_ms = heartbeat_ms.clamp(HEARTBEAT_MS_MIN, HEARTBEAT_MS_MAX);
        self.link = Link::Registered { heard: now, heartbeat_ms };
        if !self.is_leaving {
            actions.push(Action::Deliver(event));
        }
        self.say_again(now, actions);
    }

    fn on_news(&mut self, event: Event, actions: &mut Vec<Action>) {
        match event {
            Event::Offer(offers) => {
                self.offers.extend(offers.iter().map(|offer| offer.id.clone()));
                actions.push(Action::Deliver(Event::Offer(offers)));
            }
            Event::Rescind(offers) => {
                self.forget_offers(&offers);
                actions.push(Action::Deliver(Event::Rescind(offers)));
            }
            Event::Update(status) => self.on_update(status, actions),
            Event::Error { is_final, .. } => {
                actions.push(Action::Deliver(event));
                if is_final {
                    self.end(actions);
                }
            }
            Event::Message { .. } | Event::Failure { .. } => actions.push(Action::Deliver(event)),
            Event::Heartbeat | Event::Registered { .. } | Event::Reregistered { .. } => {}
        }
    }

    fn on_update(&mut self, status: TaskStatus, actions: &mut Vec<Action>) {
        match self.tasks.on_update(&status) {
            Novelty::New => {
                let kill = self.tasks.kill_after_return(&status);
                actions.push(Action::Deliver(Event::Update(status)));
                actions.extend(kill.map(Action::Send));
            }
            Novelty::Delivered if is_planted(Bug::SessionDeliversTwice) => {
                actions.push(Action::Deliver(Event::Update(status)));
            }
            Novelty::Delivered => {}
            Novelty::Acknowledged if is_planted(Bug::SessionForgetsAcknowledge) => {}
            Novelty::Acknowledged => {
                if let (Some(agent), Some(update)) = (status.agent, status.update) {
                    let task = status.task;
                    actions.push(Action::Send(Call::Acknowledge { agent, task, update }));
                }
            }
        }
    }

    fn on_call(&mut self, now: Instant, mut call: Call, actions: &mut Vec<Action>) {
        if self.is_leaving {
            return;
        }
        let is_registered = self.is_registered();
        self.remember(&mut call);
        match call {
            // The session registers by itself, with what its Config says.
            Call::Register(_) | Call::Reregister { .. } => {}
            Call::Launch { tasks, .. }
                if !is_registered && !is_planted(Bug::SessionLaunchesInSilence) =>
            {
                drop_tasks(now, &tasks, actions);
            }
            Call::Launch { .. } if !is_registered => {}
            Call::Unregister if is_registered => self.unregister(now, actions),
            // While Register is on its way, its answer is awaited: else a framework would be left.
            Call::Unregister if self.framework.is_none() && !self.is_registering() => {
                self.end(actions);
            }
            call if is_registered => actions.push(Action::Send(call)),
            // What must be said again is remembered; the rest is void with the stream.
            _ => {}
        }
    }

    /// Keeps of a call what must outlive the stream it goes out on, and adds where the task is if
    /// the author left that out.
    fn remember(&mut self, call: &mut Call) {
        let is_registered = self.is_registered();
        match call {
            Call::Launch { offers, tasks, .. } => {
                self.forget_offers(offers);
                if is_registered {
                    for task in tasks {
                        self.tasks.on_launch(task.id.clone(), task.agent.clone());
                    }
                }
            }
            Call::Decline { offers, .. } => self.forget_offers(offers),
            Call::Kill { task, agent, policy } => {
                *agent = self.tasks.on_kill(task.clone(), agent.take(), *policy);
            }
            Call::Reconcile(tasks) if tasks.is_empty() => self.asks_for_all = !is_registered,
            Call::Reconcile(tasks) => {
                for (task, agent) in tasks {
                    *agent = self.tasks.on_question(task.clone(), agent.take());
                }
            }
            Call::Shutdown { agent, executor } if !is_registered => {
                self.shutdowns.insert((agent.clone(), executor.clone()));
            }
            Call::Acknowledge { task, update, .. } => self.tasks.on_acknowledge(task, *update),
            Call::Request(requests) => self.request = Some(requests.clone()),
            Call::Suppress(roles) => self.suppressed.extend(self.named(roles)),
            Call::Revive(roles) => {
                let revived = self.named(roles);
                self.suppressed.retain(|role| !revived.contains(role));
            }
            Call::Unregister => self.is_leaving = true,
            _ => {}
        }
    }

    fn is_registered(&self) -> bool {
        matches!(self.link, Link::Registered { .. })
    }

    fn is_registering(&self) -> bool {
        matches!(self.link, Link::Registering { .. })
    }

    fn unregister(&mut self, now: Instant, actions: &mut Vec<Action>) {
        actions.push(Action::Send(Call::Unregister));
        self.link = Link::Leaving { deadline: now.plus_ms(UNREGISTER_ANSWER_MS) };
        self.is_leaving = !is_planted(Bug::SessionForgetsUnregister);
    }

    /// What the master must hear after it has (re)registered the framework.
    fn say_again(&mut self, now: Instant, actions: &mut Vec<Action>) {
        if self.is_leaving {
            self.unregister(now, actions);
            return;
        }
        if let Some(request) = &self.request {
            actions.push(Action::Send(Call::Request(request.clone())));
        }
        if !self.suppressed.is_empty() {
            let roles = self.suppressed.iter().cloned().collect();
            actions.push(Action::Send(Call::Suppress(roles)));
        }
        actions.extend(self.tasks.calls_after_reregistration().into_iter().map(Action::Send));
        if std::mem::take(&mut self.asks_for_all) {
            actions.push(Action::Send(Call::Reconcile(Vec::new())));
        }
        for (agent, executor) in std::mem::take(&mut self.shutdowns) {
            actions.push(Action::Send(Call::Shutdown { agent, executor }));
        }
    }

    fn named(&self, roles: &[Role]) -> BTreeSet<Role> {
        let all = if roles.is_empty() { &self.info.roles } else { roles };
        all.iter().cloned().collect()
    }

    fn forget_offers(&mut self, offers: &[OfferId]) {
        for offer in offers {
            self.offers.remove(offer);
        }
    }

    fn void_offers(&mut self, actions: &mut Vec<Action>) {
        let offers: Vec<_> = std::mem::take(&mut self.offers).into_iter().collect();
        if !offers.is_empty() && !is_planted(Bug::SessionKeepsOffers) {
            actions.push(Action::Deliver(Event::Rescind(offers)));
        }
    }

    fn end(&mut self, actions: &mut Vec<Action>) {
        self.link = Link::Ended;
        actions.push(Action::End);
    }
}

/// The epoch under which a master says first what must be believed.
fn said_under(event: &Event) -> Option<Epoch> {
    match event {
        Event::Registered { master, .. } | Event::Reregistered { master, .. } => Some(master.epoch),
        Event::Error { is_final: true, epoch, .. } => Some(*epoch),
        _ => None,
    }
}

/// A Launch without a stream uses offers that are void: its tasks end here, never in silence.
fn drop_tasks(now: Instant, tasks: &[TaskInfo], actions: &mut Vec<Action>) {
    actions.extend(tasks.iter().map(|task| {
        let status = TaskStatus::by_master(
            task.id.clone(),
            Some(task.agent.clone()),
            TaskState::Dropped,
            Reason::OfferInvalid,
            now.ms,
        );
        let message = "the stream to the master is broken, so its offers are void";
        Action::Deliver(Event::Update(status.with_message(message)))
    }));
}
