//! A scheduler's side of the protocol, decided: one state, inputs in, actions out. It never opens
//! a stream and never asks the time.
//!
//! What it takes off an author's mind: it registers, and registers again under the same id after
//! a broken stream; says demand and suppression again; tells which offers are void; repeats kills
//! until the task is over; asks for every live task after each reregistration; and delivers each
//! Update once.

use std::collections::BTreeSet;

use stoa_model::framework::FrameworkInfo;
use stoa_model::ids::{FrameworkId, OfferId, Role};
use stoa_model::instant::Instant;
use stoa_model::scheduler::{Call, Event, ResourceRequest};
use stoa_model::status::{Reason, TaskStatus};
use stoa_model::task::{TaskInfo, TaskState};

use crate::limits::{HEARTBEATS_MISSED_MAX, RECONNECT_MS_MAX, RECONNECT_MS_MIN};
use crate::tasks::{Novelty, Tasks};

/// What a session is made of.
#[derive(Clone, Debug)]
pub struct Config {
    /// What the framework says of itself.
    pub info: FrameworkInfo,
    /// The id of a framework that is to be taken over; none makes a new one.
    pub framework: Option<FrameworkId>,
}

/// What happens to a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The stream is open.
    Connected,
    /// The stream has ended, or could not be opened.
    Disconnected,
    /// The master has spoken.
    Event(Event),
    /// The author wants this to be said.
    Call(Call),
    /// The time has come that `next_deadline` named.
    Tick,
}

/// What must be done for a session, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Open a stream.
    Connect,
    /// Give the stream up.
    Disconnect,
    /// Say this on the stream.
    Send(Call),
    /// Tell the author.
    Deliver(Event),
    /// Nothing will follow: the framework was unregistered, or the master refused it for good.
    End,
}

/// Where the stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    Waiting { until: Instant, wait_ms: u64 },
    Connecting { wait_ms: u64 },
    Registering { wait_ms: u64, deadline: Instant },
    Registered { heard: Instant, heartbeat_ms: u64 },
    Ended,
}

/// How long a master may take to answer Register, in milliseconds.
const REGISTER_ANSWER_MS: u64 = 15_000;

/// One framework's side of the protocol.
pub struct Session {
    info: FrameworkInfo,
    framework: Option<FrameworkId>,
    link: Link,
    offers: BTreeSet<OfferId>,
    tasks: Tasks,
    request: Option<Vec<ResourceRequest>>,
    suppressed: BTreeSet<Role>,
    /// Unregister was called while the stream was broken.
    is_leaving: bool,
}

impl Session {
    /// A session that wants to connect at once.
    pub fn new(config: Config, now: Instant) -> Self {
        Self {
            info: config.info,
            framework: config.framework,
            link: Link::Waiting {
                until: now,
                wait_ms: RECONNECT_MS_MIN,
            },
            offers: BTreeSet::new(),
            tasks: Tasks::default(),
            request: None,
            suppressed: BTreeSet::new(),
            is_leaving: false,
        }
    }

    /// The id of the framework, once a master has given one.
    pub fn framework(&self) -> Option<&FrameworkId> {
        self.framework.as_ref()
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
            Input::Event(event) => self.on_event(now, event, actions),
            Input::Call(call) => self.on_call(now, call, actions),
            Input::Tick => self.on_tick(now, actions),
        }
    }

    /// When the next Tick is due.
    pub fn next_deadline(&self) -> Option<Instant> {
        match self.link {
            Link::Waiting { until, .. } => Some(until),
            Link::Registering { deadline, .. } => Some(deadline),
            Link::Registered {
                heard,
                heartbeat_ms,
            } => Some(heard.plus_ms(HEARTBEATS_MISSED_MAX * heartbeat_ms)),
            Link::Connecting { .. } | Link::Ended => None,
        }
    }

    fn on_connected(&mut self, now: Instant, actions: &mut Vec<Action>) {
        let Link::Connecting { wait_ms } = self.link else {
            return;
        };
        self.link = Link::Registering {
            wait_ms,
            deadline: now.plus_ms(REGISTER_ANSWER_MS),
        };
        actions.push(Action::Send(match &self.framework {
            None => Call::Register(self.info.clone()),
            Some(framework) => Call::Reregister {
                framework: framework.clone(),
                info: self.info.clone(),
            },
        }));
    }

    fn on_disconnected(&mut self, now: Instant, actions: &mut Vec<Action>) {
        let wait_ms = match self.link {
            Link::Waiting { .. } | Link::Ended => return,
            Link::Connecting { wait_ms } | Link::Registering { wait_ms, .. } => wait_ms,
            Link::Registered { .. } => RECONNECT_MS_MIN,
        };
        let next_ms = (2 * wait_ms).min(RECONNECT_MS_MAX);
        self.link = Link::Waiting {
            until: now.plus_ms(wait_ms),
            wait_ms: next_ms,
        };
        self.void_offers(actions);
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
            Link::Registering { .. } | Link::Registered { .. } => {
                actions.push(Action::Disconnect);
                self.on_disconnected(now, actions);
            }
            Link::Connecting { .. } | Link::Ended => {}
        }
    }

    fn on_event(&mut self, now: Instant, event: Event, actions: &mut Vec<Action>) {
        if let Link::Registered { heard, .. } = &mut self.link {
            *heard = now;
        }
        match event {
            Event::Registered {
                ref framework,
                heartbeat_ms,
                ..
            }
            | Event::Reregistered {
                ref framework,
                heartbeat_ms,
                ..
            } => {
                self.framework = Some(framework.clone());
                self.link = Link::Registered {
                    heard: now,
                    heartbeat_ms,
                };
                actions.push(Action::Deliver(event));
                self.say_again(actions);
            }
            Event::Offer(offers) => {
                self.offers
                    .extend(offers.iter().map(|offer| offer.id.clone()));
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
            Event::Heartbeat => {}
        }
    }

    fn on_update(&mut self, status: TaskStatus, actions: &mut Vec<Action>) {
        match self.tasks.on_update(&status) {
            Novelty::New => actions.push(Action::Deliver(Event::Update(status))),
            Novelty::Delivered => {}
            Novelty::Acknowledged => {
                if let (Some(agent), Some(update)) = (status.agent, status.update) {
                    let task = status.task;
                    actions.push(Action::Send(Call::Acknowledge {
                        agent,
                        task,
                        update,
                    }));
                }
            }
        }
    }

    fn on_call(&mut self, now: Instant, call: Call, actions: &mut Vec<Action>) {
        let is_registered = matches!(self.link, Link::Registered { .. });
        self.remember(&call);
        match call {
            // The session registers by itself, with what its Config says.
            Call::Register(_) | Call::Reregister { .. } => {}
            Call::Launch { tasks, .. } if !is_registered => drop_tasks(now, &tasks, actions),
            Call::Unregister if is_registered => self.unregister(actions),
            Call::Unregister if self.framework.is_none() => self.end(actions),
            call if is_registered => actions.push(Action::Send(call)),
            // What must be said again is remembered; the rest is void with the stream.
            _ => {}
        }
    }

    /// Keeps of a call what must outlive the stream it goes out on.
    fn remember(&mut self, call: &Call) {
        match call {
            Call::Launch { offers, tasks, .. } => {
                self.forget_offers(offers);
                if matches!(self.link, Link::Registered { .. }) {
                    for task in tasks {
                        self.tasks.on_launch(task.id.clone(), task.agent.clone());
                    }
                }
            }
            Call::Decline { offers, .. } => self.forget_offers(offers),
            Call::Kill { task, policy, .. } => self.tasks.on_kill(task, *policy),
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

    fn unregister(&mut self, actions: &mut Vec<Action>) {
        actions.push(Action::Send(Call::Unregister));
        self.end(actions);
    }

    /// What the master must hear after it has (re)registered the framework.
    fn say_again(&mut self, actions: &mut Vec<Action>) {
        if self.is_leaving {
            self.unregister(actions);
            return;
        }
        if let Some(request) = &self.request {
            actions.push(Action::Send(Call::Request(request.clone())));
        }
        if !self.suppressed.is_empty() {
            let roles = self.suppressed.iter().cloned().collect();
            actions.push(Action::Send(Call::Suppress(roles)));
        }
        actions.extend(
            self.tasks
                .calls_after_reregistration()
                .into_iter()
                .map(Action::Send),
        );
    }

    fn named(&self, roles: &[Role]) -> BTreeSet<Role> {
        let all = if roles.is_empty() {
            &self.info.roles
        } else {
            roles
        };
        all.iter().cloned().collect()
    }

    fn forget_offers(&mut self, offers: &[OfferId]) {
        for offer in offers {
            self.offers.remove(offer);
        }
    }

    fn void_offers(&mut self, actions: &mut Vec<Action>) {
        let offers: Vec<_> = std::mem::take(&mut self.offers).into_iter().collect();
        if !offers.is_empty() {
            actions.push(Action::Deliver(Event::Rescind(offers)));
        }
    }

    fn end(&mut self, actions: &mut Vec<Action>) {
        self.link = Link::Ended;
        actions.push(Action::End);
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
