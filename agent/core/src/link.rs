//! The stream to the master: opening it again and again, the greeting, the heartbeats, and when
//! it is given up. It never looks into what travels on it.

use std::collections::BTreeSet;

use stoa_model::agent::AgentInfo;
use stoa_model::agent_link::{Call, Event, Reregister, Welcome};
use stoa_model::epoch::Epoch;
use stoa_model::host;
use stoa_model::ids::FrameworkId;
use stoa_model::instant::Instant;
use stoa_model::jitter::jitter_ms;
use stoa_model::task::TaskState;
use stoa_planted::{Bug, is_planted};

use crate::action::{Action, Warning};
use crate::config::Config;
use crate::limits::{
    CONNECT_MS_MAX, HEARTBEAT_MS_MAX, HEARTBEAT_MS_MIN, HEARTBEATS_MISSED_MAX, WELCOME_MS_MAX,
};
use crate::record::Record;
use crate::{Agent, ExecutorKey, TaskKey};

/// The stream and how often opening it has failed.
#[derive(Debug, Default)]
pub(crate) struct Link {
    state: State,
    /// Attempts since the master last greeted this agent.
    tries: u32,
}

/// How far the stream has come.
#[derive(Debug)]
enum State {
    /// There is none until `connect_at`.
    Down { connect_at: Instant },
    /// It is being opened.
    Connecting { until: Instant },
    /// It is open and Register or Reregister is sent, and nothing else. What that said of
    /// executors that have ended since is corrected once the master has greeted the agent.
    Greeting { until: Instant, ended: Vec<Call> },
    /// The master has greeted the agent.
    Open { silent_at: Instant, heartbeat_at: Instant, heartbeat_ms: u64 },
}

impl Default for State {
    fn default() -> Self {
        Self::Down { connect_at: Instant::default() }
    }
}

impl Link {
    /// Whether the master has greeted this agent on the stream.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.state, State::Open { .. })
    }

    /// When something is due if nothing comes.
    pub(crate) fn deadline(&self) -> Instant {
        match self.state {
            State::Down { connect_at } => connect_at,
            State::Connecting { until } | State::Greeting { until, .. } => until,
            State::Open { silent_at, heartbeat_at, .. } => silent_at.min(heartbeat_at),
        }
    }

    /// There is no stream; the next attempt waits, twice as long each time and never quite as
    /// long as that of other agents.
    fn on_down(&mut self, now: Instant, config: &Config) {
        let doubled = config.reconnect_ms_min.saturating_mul(1 << self.tries.min(32));
        let longest_ms = doubled.min(config.reconnect_ms_max);
        let jitter_ms = jitter_ms(config.incarnation, now, longest_ms / 2);
        self.tries = self.tries.saturating_add(1);
        self.state = State::Down { connect_at: now.plus_ms(longest_ms - jitter_ms) };
    }

    /// The master has greeted this agent.
    fn on_open(&mut self, now: Instant, heartbeat_ms: u64) {
        let heartbeat_ms = heartbeat_ms.clamp(HEARTBEAT_MS_MIN, HEARTBEAT_MS_MAX);
        self.tries = 0;
        self.state = State::Open {
            silent_at: now.plus_ms(HEARTBEATS_MISSED_MAX * heartbeat_ms),
            heartbeat_at: now.plus_ms(heartbeat_ms),
            heartbeat_ms,
        };
    }
}

impl Agent {
    /// Begins to open a stream.
    pub(crate) fn connect(&mut self, now: Instant, actions: &mut Vec<Action>) {
        self.link.state = State::Connecting { until: now.plus_ms(CONNECT_MS_MAX) };
        actions.push(Action::Connect);
    }

    /// Sends to the master if it has greeted this agent; else what is said is of no use any more.
    pub(crate) fn tell(&self, call: Call, actions: &mut Vec<Action>) {
        if self.link.is_open() {
            actions.push(Action::ToMaster(call));
        }
    }

    /// Tells the master that an executor has ended. Without a stream that is of no use: the next
    /// Reregister does not name it.
    pub(crate) fn tell_end(&mut self, call: Call, actions: &mut Vec<Action>) {
        match &mut self.link.state {
            State::Greeting { ended, .. } => ended.push(call),
            _ => self.tell(call, actions),
        }
    }

    pub(crate) fn on_connected(&mut self, now: Instant, actions: &mut Vec<Action>) {
        match self.link.state {
            State::Connecting { .. } => {
                let until = now.plus_ms(WELCOME_MS_MAX);
                self.link.state = State::Greeting { until, ended: Vec::new() };
                let greeting = self.greeting();
                actions.push(Action::ToMaster(greeting));
            }
            // It was given up while it was being opened.
            State::Down { .. } => actions.push(Action::Disconnect),
            State::Greeting { .. } | State::Open { .. } => {
                self.give_up(now, Warning::EventUnexpected { event: "Connected" }, actions);
            }
        }
    }

    fn greeting(&mut self) -> Call {
        let given = self.given();
        self.reported = Some(given.clone()).filter(|given| *given != self.config.info.resources);
        let info = AgentInfo { resources: given, ..self.config.info.clone() };
        let is_mute = is_planted(Bug::AgentObeysLowerEpoch);
        let epoch = if is_mute { Epoch::NONE } else { self.kept.epoch };
        let Some(identity) = &self.kept.identity else {
            return Call::Register { info, epoch };
        };
        let agent = identity.agent.clone();
        let is_hidden = |state| state == TaskState::Staging && is_planted(Bug::AgentHidesTasks);
        let tasks = self.kept.tasks.iter().filter(|(_, task)| !is_hidden(task.state()));
        let executors = self.kept.executors.iter();
        Call::Reregister(Box::new(Reregister {
            session: Some((identity.session.clone(), identity.applied)),
            tasks: tasks.map(|(key, task)| task.to_record(&key.framework, &agent)).collect(),
            executors: executors
                .map(|(key, executor)| (key.framework.clone(), executor.record.clone()))
                .collect(),
            agent,
            info,
            epoch,
        }))
    }

    pub(crate) fn on_disconnected(&mut self, now: Instant) {
        if !matches!(self.link.state, State::Down { .. }) {
            self.on_link_down(now);
        }
    }

    /// Nothing is in flight and nobody waits for answers any more.
    fn on_link_down(&mut self, now: Instant) {
        self.link.on_down(now, &self.config);
        self.resends.clear();
        self.publishes.pause();
        self.logs.on_link_down();
    }

    /// Ends the stream for `reason`; it is opened again later.
    pub(crate) fn give_up(&mut self, now: Instant, reason: Warning, actions: &mut Vec<Action>) {
        actions.push(Action::Warn(reason));
        actions.push(Action::Disconnect);
        self.on_link_down(now);
    }

    pub(crate) fn on_link_deadline(&mut self, now: Instant, actions: &mut Vec<Action>) {
        match &mut self.link.state {
            State::Down { connect_at } if *connect_at <= now => self.connect(now, actions),
            State::Connecting { until } if *until <= now => {
                self.give_up(now, Warning::MasterSlow { waited_ms: CONNECT_MS_MAX }, actions);
            }
            State::Greeting { until, .. } if *until <= now => {
                self.give_up(now, Warning::MasterSlow { waited_ms: WELCOME_MS_MAX }, actions);
            }
            State::Open { silent_at, heartbeat_ms, .. } if *silent_at <= now => {
                let silent_ms = HEARTBEATS_MISSED_MAX * *heartbeat_ms;
                self.give_up(now, Warning::MasterSilent { silent_ms }, actions);
            }
            State::Open { heartbeat_at, heartbeat_ms, .. } if *heartbeat_at <= now => {
                *heartbeat_at = now.plus_ms(*heartbeat_ms);
                actions.push(Action::ToMaster(Call::Heartbeat));
            }
            _ => {}
        }
    }

    pub(crate) fn on_master(&mut self, now: Instant, event: Event, actions: &mut Vec<Action>) {
        match (&mut self.link.state, event) {
            // The rest of a stream that was given up.
            (State::Down { .. } | State::Connecting { .. }, _) => {}
            (_, Event::Error { is_final: true, message, epoch }) => {
                self.on_gone(now, (message, epoch), actions);
            }
            (_, Event::Error { message, is_final: false, .. }) => {
                self.give_up(now, Warning::MasterRefuses(message), actions);
            }
            (State::Greeting { .. }, event) => self.on_greeting(now, event, actions),
            (State::Open { silent_at, heartbeat_ms, .. }, event) => {
                *silent_at = now.plus_ms(HEARTBEATS_MISSED_MAX * *heartbeat_ms);
                self.on_event(now, event, actions);
            }
        }
    }

    /// Whether who leads under this epoch leads no more.
    fn is_former(&self, epoch: Epoch) -> bool {
        epoch < self.kept.epoch && !is_planted(Bug::AgentObeysLowerEpoch)
    }

    /// Obeys no former leader.
    fn refuse_master(&mut self, now: Instant, got: Epoch, actions: &mut Vec<Action>) {
        let obeyed = self.kept.epoch;
        self.give_up(now, Warning::EpochLower { obeyed, got }, actions);
    }

    /// The agent is gone for ever. Schedulers are told that its tasks do not run, so the host is
    /// told to end them; the checkpoint stays as it is, since nobody will hear of it.
    fn on_gone(
        &mut self,
        now: Instant,
        (message, epoch): (String, Epoch),
        actions: &mut Vec<Action>,
    ) {
        if self.is_former(epoch) {
            return self.refuse_master(now, epoch, actions);
        }
        let of_tasks = self.kept.tasks.keys().map(|key| &key.framework);
        let frameworks: BTreeSet<&FrameworkId> =
            of_tasks.chain(self.kept.executors.keys().map(|key| &key.framework)).collect();
        actions.push(Action::Disconnect);
        for framework in frameworks.into_iter().cloned() {
            actions.push(Action::ToHost(host::Command::RemoveFramework { framework }));
        }
        actions.push(Action::End(message));
        self.is_over = true;
    }

    /// Registered answers Register and Reregistered answers Reregister; nothing comes before. A
    /// former leader is not obeyed.
    fn on_greeting(&mut self, now: Instant, event: Event, actions: &mut Vec<Action>) {
        if let Event::Registered(welcome) | Event::Reregistered(welcome) = &event
            && self.is_former(welcome.epoch)
        {
            return self.refuse_master(now, welcome.epoch, actions);
        }
        match (event, &self.kept.identity) {
            (Event::Registered(welcome), None) => self.on_welcome(now, welcome, actions),
            (Event::Reregistered(welcome), Some(identity)) => {
                if welcome.agent == identity.agent {
                    return self.on_welcome(now, welcome, actions);
                }
                let (own, got) = (identity.agent.clone(), welcome.agent);
                self.give_up(now, Warning::IdentityChanged { own, got }, actions);
            }
            (Event::Heartbeat, _) => {}
            (event, _) => {
                self.give_up(now, Warning::EventUnexpected { event: name(&event) }, actions);
            }
        }
    }

    fn on_welcome(&mut self, now: Instant, welcome: Welcome, actions: &mut Vec<Action>) {
        let epoch = welcome.epoch;
        if epoch > self.kept.epoch {
            let record = Record::EpochRaised { epoch };
            self.record_unless(Bug::AgentForgetsEpoch, record, actions);
        }
        let session = self.kept.identity.as_ref().map(|identity| &identity.session);
        if session != Some(&welcome.session) {
            let Welcome { agent, session, .. } = welcome;
            self.record(Record::Registered { agent, session }, actions);
        }
        let ended = match &mut self.link.state {
            State::Greeting { ended, .. } => std::mem::take(ended),
            _ => Vec::new(),
        };
        self.link.on_open(now, welcome.heartbeat_ms);
        self.resume_launches(actions);
        self.resume_publishes(actions);
        self.resume_updates(now, actions);
        actions.extend(ended.into_iter().map(Action::ToMaster));
    }

    fn on_event(&mut self, now: Instant, event: Event, actions: &mut Vec<Action>) {
        match event {
            Event::Command { number, command } => self.on_command(now, number, command, actions),
            Event::Acknowledge { framework, task, update } => {
                self.on_acknowledge(now, TaskKey { framework, task }, update, actions);
            }
            Event::Message { framework, executor, data } => {
                let key = ExecutorKey { framework, executor };
                self.on_message_from_master(key, data, actions);
            }
            Event::ReadLog { request, framework, log } => {
                self.on_read_log(now, request, (framework, log), actions);
            }
            Event::Heartbeat => {}
            Event::Registered(_) | Event::Reregistered(_) | Event::Error { .. } => {
                self.give_up(now, Warning::EventUnexpected { event: name(&event) }, actions);
            }
        }
    }
}

/// The event's name, as it stands on the wire.
fn name(event: &Event) -> &'static str {
    match event {
        Event::Registered(_) => "Registered",
        Event::Reregistered(_) => "Reregistered",
        Event::Command { .. } => "Command",
        Event::Acknowledge { .. } => "Acknowledge",
        Event::Message { .. } => "Message",
        Event::ReadLog { .. } => "ReadLog",
        Event::Error { .. } => "Error",
        Event::Heartbeat => "Heartbeat",
    }
}
