//! One agent as the master sees it, and how it is told things. It never reads a call.

use std::collections::{BTreeMap, BTreeSet};

use stoa_model::agent::{AgentDuty, AgentInfo};
use stoa_model::agent_link::{Command, Event};
use stoa_model::digest::Digest;
use stoa_model::ids::{AgentId, FrameworkId, OfferId, Role, SessionId};
use stoa_model::instant::Instant;
use stoa_model::operator::AgentStanding;
use stoa_model::resources::Resources;
use stoa_planted::{Bug, is_planted};

use crate::book::Book;
use crate::input::ConnectionId;
use crate::master::Master;
use crate::outbox::Outbox;
use crate::step::Step;
use stoa_model::keys::{ExecutorKey, TaskKey};

/// How an agent stands to the master.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Registered, by this stream.
    Connected { connection: ConnectionId, heard_at: Instant },
    /// Its stream is broken; what its tasks hold stays charged.
    Disconnected,
    /// Known from the store; it has not come back since this master started.
    Recovered,
    /// It did not come back in time; nothing is charged on it.
    Unreachable { since: Instant },
}

impl Standing {
    pub(crate) fn as_model(self) -> AgentStanding {
        match self {
            Self::Connected { .. } => AgentStanding::Connected,
            Self::Disconnected => AgentStanding::Disconnected,
            Self::Recovered => AgentStanding::Recovered,
            Self::Unreachable { .. } => AgentStanding::Unreachable,
        }
    }
}

/// A framework's own executor on an agent.
#[derive(Clone, Debug)]
pub(crate) struct Executor {
    /// Charged as long as the executor lives.
    pub(crate) resources: Resources,
    /// Whom it is charged to: the role of the task that brought it.
    pub(crate) role: Role,
    /// Its component; unknown if an agent came back with it.
    pub(crate) program: Option<Digest>,
    /// Whether the agent has said that it lives. Until then it ends with its last task.
    pub(crate) is_started: bool,
    /// Whether the agent was told to end it since it came back last, as it is drained.
    pub(crate) is_ending: bool,
}

/// An agent and all that is on it.
#[derive(Debug)]
pub(crate) struct Agent {
    pub(crate) info: AgentInfo,
    pub(crate) standing: Standing,
    /// What operators want of it.
    pub(crate) duty: AgentDuty,
    /// The account of `info.resources`.
    pub(crate) book: Book,
    pub(crate) outbox: Outbox,
    pub(crate) offers: BTreeSet<OfferId>,
    pub(crate) tasks: BTreeSet<TaskKey>,
    pub(crate) executors: BTreeMap<ExecutorKey, Executor>,
    /// What removed frameworks hold until the agent has recorded their removal.
    pub(crate) ending: BTreeMap<FrameworkId, Resources>,
}

impl Agent {
    /// An agent on which nothing runs, as far as is known.
    pub(crate) fn new(info: AgentInfo, standing: Standing, session: SessionId) -> Self {
        Self {
            book: Book::new(info.resources.clone()),
            info,
            standing,
            duty: AgentDuty::Active,
            outbox: Outbox::new(session),
            offers: BTreeSet::new(),
            tasks: BTreeSet::new(),
            executors: BTreeMap::new(),
            ending: BTreeMap::new(),
        }
    }

    pub(crate) fn connection(&self) -> Option<ConnectionId> {
        match self.standing {
            Standing::Connected { connection, .. } => Some(connection),
            _ => None,
        }
    }

    /// Whether its resources count: shares are measured by the agents of the pool, and only on
    /// them is anything charged.
    pub(crate) fn is_in_pool(&self) -> bool {
        matches!(self.standing, Standing::Connected { .. } | Standing::Disconnected)
    }

    /// Whether it may be offered now.
    pub(crate) fn is_on_offer(&self) -> bool {
        self.connection().is_some()
            && (self.duty == AgentDuty::Active || is_planted(Bug::MasterOffersDrained))
            && self.book.is_worth_offering()
    }
}

impl Master {
    /// An agent that an index of the master names.
    pub(crate) fn agent_mut(&mut self, id: &AgentId) -> &mut Agent {
        self.agents.get_mut(id).expect("an agent that is referred to is known")
    }

    /// Tells an agent, if it is connected; at most once.
    pub(crate) fn tell_agent(&self, step: &mut Step, id: &AgentId, event: Event) {
        if let Some(connection) = self.agents.get(id).and_then(Agent::connection) {
            step.send_agent(connection, event);
        }
    }

    /// Has an agent do something exactly once, as soon as it is connected.
    pub(crate) fn command(&mut self, step: &mut Step, id: &AgentId, command: Command) {
        let agent = self.agent_mut(id);
        let number = agent.outbox.push(command.clone());
        if let Some(connection) = agent.connection() {
            step.send_agent(connection, Event::Command { number, command });
        }
    }

    /// Has an agent end everything of a framework, unless it is about to be told so already.
    pub(crate) fn command_removal(&mut self, step: &mut Step, id: &AgentId, of: &FrameworkId) {
        if !self.agent_mut(id).outbox.ends_with_removal(of) {
            self.command(step, id, Command::RemoveFramework { framework: of.clone() });
        }
    }
}
