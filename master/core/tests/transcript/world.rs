//! The world of a transcript: a clock, names for streams, a store, and the text of what was done.

use std::collections::{BTreeMap, BTreeSet};

use stoa_master_core::{Action, Config, ConnectionId, Input, Master, Recovered};
use stoa_model::agent_link;
use stoa_model::epoch::Epoch;
use stoa_model::ids::{AgentId, OfferId};
use stoa_model::instant::Instant;
use stoa_model::scheduler::{Event, MasterInfo};

use super::{names, parse, parse_agent, print};

/// One master and everything around it.
pub struct World {
    master: Master,
    config: Config,
    now: Instant,
    store: Recovered,
    /// Streams by name; `s…` are schedulers and `a…` agents.
    streams: BTreeMap<String, ConnectionId>,
    opened: u64,
    offers: BTreeMap<OfferId, AgentId>,
    shows_events: bool,
    shows_heartbeats: bool,
    /// Agents that are registered and live: they send a heartbeat whenever time passes.
    living: BTreeSet<ConnectionId>,
    done: String,
}

impl World {
    pub fn new() -> Self {
        let config = Config::new(info(names::MASTER));
        let now = Instant::from_ms(0);
        Self {
            master: Master::new(config.clone(), Recovered::default(), now),
            config,
            now,
            store: Recovered::default(),
            streams: BTreeMap::new(),
            opened: 0,
            offers: BTreeMap::new(),
            shows_events: false,
            shows_heartbeats: false,
            living: BTreeSet::new(),
            done: String::new(),
        }
    }

    /// The actions since the last call, as text.
    pub fn take_done(&mut self) -> String {
        std::mem::take(&mut self.done)
    }

    /// Does what a line says.
    pub fn run(&mut self, line: &str) -> Result<(), String> {
        let (first, rest) = line.split_once(' ').unwrap_or((line, ""));
        match first {
            "show" if rest == "events" => self.shows_events = true,
            "show" if rest == "heartbeats" => self.shows_heartbeats = true,
            "silence" => {
                let silent = self.stream(rest);
                self.living.remove(&silent);
            }
            "config" => self.configure(rest)?,
            "restart" => self.restart(rest),
            "tick" => self.tick(parse::milliseconds(rest)?),
            "state" => self.done.push_str(&print::state(&self.master.state())),
            "query" => {
                let input = parse::query(rest)?;
                self.step(input);
            }
            stream => self.say(stream, rest)?,
        }
        Ok(())
    }

    /// What a stream says: `-> Call …` or `gone`.
    fn say(&mut self, stream: &str, rest: &str) -> Result<(), String> {
        let is_agent = stream.starts_with('a');
        let connection = self.stream(stream);
        let input = match rest.strip_prefix("-> ") {
            None if rest == "gone" => {
                self.streams.remove(stream);
                self.living.remove(&connection);
                match is_agent {
                    true => Input::AgentGone(connection),
                    false => Input::SchedulerGone(connection),
                }
            }
            None => return Err("-> or gone is missing".to_owned()),
            Some(call) if is_agent => Input::AgentCall(connection, parse_agent::call(call)?),
            Some(call) => Input::SchedulerCall(connection, parse::call(call, &self.offers)?),
        };
        self.step(input);
        Ok(())
    }

    fn stream(&mut self, name: &str) -> ConnectionId {
        if let Some(connection) = self.streams.get(name) {
            return *connection;
        }
        self.opened += 1;
        self.streams.insert(name.to_owned(), ConnectionId(self.opened));
        ConnectionId(self.opened)
    }

    /// `config weight.web=3 lease=5s`: only before anything else.
    fn configure(&mut self, settings: &str) -> Result<(), String> {
        for setting in settings.split(' ') {
            let (name, value) = setting.split_once('=').ok_or("NAME=VALUE is missing")?;
            match name.strip_prefix("weight.") {
                Some(role) => {
                    let weight = value.parse().map_err(|_| "no weight")?;
                    let role = role.parse().map_err(|_| "no role")?;
                    self.config.weights.insert(role, weight);
                }
                None if name == "lease" => {
                    self.config.offer_lease_ms = parse::milliseconds(value)?;
                }
                None if name == "lost-percent" => {
                    self.config.agents_lost_percent_max = value.parse().map_err(|_| "no share")?;
                }
                None => return Err(format!("unknown setting {name}")),
            }
        }
        self.master = Master::new(self.config.clone(), Recovered::default(), self.now);
        Ok(())
    }

    /// `restart n`: another master `n`, with what the store has; all streams are broken.
    fn restart(&mut self, id: &str) {
        self.config.master = info(id);
        self.master = Master::new(self.config.clone(), self.store.clone(), self.now);
        self.streams.clear();
        self.living.clear();
    }

    /// Lets time pass, with a Tick whenever one is due.
    fn tick(&mut self, ms: u64) {
        let end = self.now.plus_ms(ms);
        while let Some(due) = self.master.next_deadline().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            for agent in self.living.clone() {
                self.step(Input::AgentCall(agent, agent_link::Call::Heartbeat));
            }
            self.step(Input::Tick);
            let next = self.master.next_deadline();
            assert!(next.is_none_or(|next| next > self.now), "a Tick left something due");
        }
        self.now = end;
    }

    fn step(&mut self, input: Input) {
        let mut actions = Vec::new();
        self.master.step(self.now, input, &mut actions);
        assert_eq!(self.master.check(), Ok(()));
        assert_eq!(self.master.check_work_conserving(), Ok(()));
        for action in actions {
            if let Action::Record(record) = &action {
                self.store.apply(record.clone());
            }
            if let Action::ToScheduler(_, Event::Offer(offers)) = &action {
                let made = offers.iter().map(|offer| (offer.id.clone(), offer.agent.clone()));
                self.offers.extend(made);
            }
            match &action {
                Action::ToAgent(
                    agent,
                    agent_link::Event::Registered(_) | agent_link::Event::Reregistered(_),
                ) => drop(self.living.insert(*agent)),
                Action::CloseAgent(agent) => drop(self.living.remove(agent)),
                _ => {}
            }
            if self.is_shown(&action) {
                let line = print::action(&action, |connection| self.name(connection));
                self.done.push_str(&names::shorten(&line));
                self.done.push('\n');
            }
        }
    }

    fn is_shown(&self, action: &Action) -> bool {
        match action {
            Action::Publish(_) => self.shows_events,
            Action::ToAgent(_, agent_link::Event::Heartbeat)
            | Action::ToScheduler(_, Event::Heartbeat) => self.shows_heartbeats,
            _ => true,
        }
    }

    fn name(&self, connection: ConnectionId) -> String {
        let named = self.streams.iter().find(|(_, of)| **of == connection);
        named.map_or_else(|| format!("{connection:?}"), |(name, _)| name.clone())
    }
}

fn info(id: &str) -> MasterInfo {
    MasterInfo { id: id.to_owned(), version: "0".to_owned(), epoch: Epoch(2) }
}
