//! What is under way, by the time at which it is due; of what is due at the same time, what was
//! put in first comes first. It never makes anything happen.

use std::collections::BTreeMap;

use stoa_agent_core as agent;
use stoa_invariants::{Life, Name};
use stoa_master_core::ConnectionId;
use stoa_master_core::election::Key;
use stoa_model::instant::Instant;
use stoa_model::{agent_link, host, scheduler};

use crate::author::Thought;
use crate::host::Deed;
use crate::store::{Answer, Question, Request};

/// From a scheduler or an agent to the master.
#[derive(Clone, Debug)]
pub enum Call {
    Scheduler(scheduler::Call),
    Agent(agent_link::Call),
}

/// From the master to a scheduler or an agent.
#[derive(Clone, Debug)]
pub enum Event {
    Scheduler(scheduler::Event),
    Agent(agent_link::Event),
}

/// Something that is to happen.
#[derive(Debug)]
pub enum Happening {
    /// A process tries to open a stream, for the so-many-th time.
    Opening(Name, Life, u64),
    /// A call arrives at the master.
    Up(ConnectionId, Box<Call>),
    /// An event arrives at a scheduler or an agent.
    Down(ConnectionId, Box<Event>),
    /// The master learns that a stream is over.
    UpEnded(ConnectionId),
    /// The other end learns that.
    DownEnded(ConnectionId),
    /// A batch of records is durable.
    Written(Name, Life),
    /// An agent ends, and starts again later.
    Crash(usize, Life),
    /// A process starts again.
    Start(Name),
    /// A peer and a master cannot reach each other for a while.
    Part(Name, usize),
    /// A peer and a master can reach each other again.
    Heal(Name, usize),
    /// A process that stood still goes on.
    Wake(Name),
    /// The agent's command arrives at its host.
    HostHears(usize, (Life, Life), Box<host::Command>),
    /// Something in a host comes to its time.
    HostDoes(usize, Life, Deed),
    /// What a host says arrives at its agent.
    HostSays(usize, Life, Box<host::Event>),
    /// The agent's edge answers its core.
    AgentLearns(usize, Life, Box<agent::Input>),
    /// An author does what it had in mind.
    Thought(usize, Life, Thought),
    /// What a master asks arrives at the store.
    StoreHears(usize, Life, Question, Box<Request>),
    /// What the store answers arrives at the master.
    StoreSays(usize, Life, Question, Box<Answer>),
    /// A master is told what the leader's key is.
    KeySeen(usize, Life, Box<Key>),
    /// Something goes wrong.
    Fault,
}

/// All of it.
#[derive(Debug, Default)]
pub struct Queue {
    due: BTreeMap<(Instant, u64), Happening>,
    count: u64,
}

impl Queue {
    pub fn push(&mut self, at: Instant, what: Happening) {
        self.count += 1;
        self.due.insert((at, self.count), what);
    }

    /// When the next is due.
    pub fn next_at(&self) -> Option<Instant> {
        self.due.first_key_value().map(|((at, _), _)| *at)
    }

    pub fn pop(&mut self) -> Option<Happening> {
        self.due.pop_first().map(|(_, what)| what)
    }
}
