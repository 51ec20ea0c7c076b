//! Everyone and everything of one run, and the time. It never draws what goes wrong; `faults.rs`
//! does.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Display;

use stoa_agent_core as agent;
use stoa_invariants::{Checked, Checker, Invariant, Life, Name, Violation};
use stoa_master_core as master;
use stoa_master_core::election;
use stoa_model::instant::Instant;
use stoa_scheduler as session;

use crate::agent::AgentProcess;
use crate::chance::Chance;
use crate::clock::Clock;
use crate::master::MasterProcess;
use crate::network::{End, Network};
use crate::outcome::Counts;
use crate::plan::Plan;
use crate::queue::{Happening, Queue};
use crate::scheduler::SchedulerProcess;
use crate::seen::Tally;
use crate::store::Store;
use crate::transcript::{START, Transcript};

/// Things that may happen at one instant. More is a core that wakes again and again for nothing.
const EVENTS_AT_ONCE_MAX: u64 = 20_000;

/// One world.
#[derive(Debug)]
pub struct World {
    pub(crate) now: Instant,
    pub(crate) plan: Plan,
    pub(crate) chance: Chance,
    pub(crate) queue: Queue,
    pub(crate) network: Network,
    pub(crate) checker: Checker,
    pub(crate) transcript: Transcript,
    pub(crate) counts: Counts,
    pub(crate) tally: Tally,
    pub(crate) store: Store,
    pub(crate) masters: Vec<MasterProcess>,
    pub(crate) agents: Vec<AgentProcess>,
    pub(crate) schedulers: Vec<SchedulerProcess>,
    pub(crate) clocks: BTreeMap<Name, Clock>,
    /// Processes that stand still, and when they go on.
    pub(crate) paused: BTreeMap<Name, Instant>,
    /// What has come to them meanwhile.
    held: BTreeMap<Name, VecDeque<Happening>>,
    /// Processes whose disk is slow, and until when.
    pub(crate) slow: BTreeMap<Name, Instant>,
    at_once: u64,
}

/// What comes next.
enum Due {
    Queue,
    Tick(Name),
}

impl World {
    /// A world with masters that have just started, and nobody else.
    pub(crate) fn new(plan: Plan, chance: Chance) -> Self {
        let masters = plan.masters;
        let mut world = Self {
            now: START,
            plan,
            chance,
            queue: Queue::default(),
            network: Network::default(),
            checker: Checker::default(),
            transcript: Transcript::default(),
            counts: Counts::default(),
            tally: Tally::default(),
            store: Store::default(),
            masters: (0..masters).map(|_| MasterProcess::default()).collect(),
            agents: Vec::new(),
            schedulers: Vec::new(),
            clocks: BTreeMap::new(),
            paused: BTreeMap::new(),
            held: BTreeMap::new(),
            slow: BTreeMap::new(),
            at_once: 0,
        };
        (0..masters).for_each(|at| world.start_master(at));
        world
    }

    /// Lets the next thing happen if it is due by `until`; answers whether it was.
    pub(crate) fn advance(&mut self, until: Instant) -> Checked<bool> {
        let Some((at, due)) = self.next_due().filter(|(at, _)| *at <= until) else {
            self.now = until;
            return Ok(false);
        };
        self.at_once = if at > self.now { 0 } else { self.at_once + 1 };
        if self.at_once > EVENTS_AT_ONCE_MAX {
            return Err(Violation::new(Invariant::O3, format!("not beyond {at}")));
        }
        self.now = at.max(self.now);
        self.counts.events += 1;
        match due {
            Due::Queue => match self.queue.pop() {
                Some(happening) => self.happen(happening)?,
                None => return Ok(false),
            },
            Due::Tick(name) => self.tick(name)?,
        }
        Ok(true)
    }

    fn next_due(&self) -> Option<(Instant, Due)> {
        let queued = self.queue.next_at().map(|at| (at, Due::Queue));
        let masters = self.masters.iter().enumerate().filter_map(|(at, master)| {
            let core = master.core.as_ref().and_then(|core| core.next_deadline());
            let stands = master.candidate.as_ref().filter(|_| master.is_up);
            let candidate = stands.map(|it| it.deadline(self.plan.timing.lease_ms));
            Some((Name::Master(at), core.into_iter().chain(candidate).min()?))
        });
        let agents = self.agents.iter().enumerate().filter_map(|(at, agent)| {
            Some((Name::Agent(at), agent.core.as_ref()?.next_deadline()?))
        });
        let schedulers = self.schedulers.iter().enumerate().filter_map(|(at, scheduler)| {
            Some((Name::Scheduler(at), scheduler.session.as_ref()?.next_deadline()?))
        });
        let ticks = masters.chain(agents).chain(schedulers).map(|(name, deadline)| {
            let at = self.world_time(name, deadline);
            (self.awake_at(name).max(at), Due::Tick(name))
        });
        queued.into_iter().chain(ticks).min_by_key(|(at, _)| *at)
    }

    fn tick(&mut self, name: Name) -> Checked {
        match name {
            Name::Master(at) => {
                let now = self.local(name);
                let patience_ms = self.plan.timing.lease_ms;
                let stands = self.masters[at].candidate.as_ref().filter(|_| self.masters[at].is_up);
                if stands.is_some_and(|it| it.deadline(patience_ms) <= now) {
                    return self.on_candidate(at);
                }
                self.step_master(at, master::Input::Tick)
            }
            Name::Agent(at) => self.step_agent(at, agent::Input::Tick),
            Name::Scheduler(at) => self.step_session(at, session::Input::Tick),
        }
    }

    /// When a process goes on that stands still; long ago if it does not.
    pub(crate) fn awake_at(&self, name: Name) -> Instant {
        self.paused.get(&name).copied().unwrap_or_default()
    }

    fn happen(&mut self, happening: Happening) -> Checked {
        // What comes to a process that stands still waits until it goes on.
        if let Some(name) = self.receiver(&happening) {
            let is_asleep = self.awake_at(name) > self.now;
            if is_asleep || self.held.get(&name).is_some_and(|held| !held.is_empty()) {
                self.held.entry(name).or_default().push_back(happening);
                return Ok(());
            }
        }
        self.happen_now(happening)
    }

    /// A process goes on, with what has come to it meanwhile.
    fn on_wake(&mut self, name: Name) -> Checked {
        if self.awake_at(name) > self.now {
            return Ok(());
        }
        while let Some(happening) = self.held.get_mut(&name).and_then(VecDeque::pop_front) {
            self.happen_now(happening)?;
        }
        Ok(())
    }

    /// Everyone who stands still goes on.
    pub(crate) fn wake_all(&mut self) -> Checked {
        self.paused.clear();
        let names: Vec<Name> = self.held.keys().copied().collect();
        names.into_iter().try_for_each(|name| self.on_wake(name))
    }

    fn happen_now(&mut self, happening: Happening) -> Checked {
        match happening {
            Happening::Opening(name, life, tries) if life == self.life(name) => {
                self.on_opening(name, tries)
            }
            Happening::Up(id, call) => self.on_up(id, *call),
            Happening::Down(id, event) => self.on_down(id, *event),
            Happening::UpEnded(id) => self.on_up_ended(id),
            Happening::DownEnded(id) => self.on_down_ended(id),
            Happening::Written(name, life) if life == self.life(name) => self.on_written(name),
            Happening::Crash(at, life) if life == self.agents[at].life => {
                if self.agents[at].core.is_some() {
                    self.crash_agent(at)?;
                    self.start_later(Name::Agent(at));
                }
                Ok(())
            }
            Happening::Start(name) => {
                self.start(name);
                Ok(())
            }
            Happening::Part(name, master) => {
                self.part_pair_for(name, master, self.plan.timing.lease_ms);
                Ok(())
            }
            Happening::Heal(name, master) => {
                if self.network.cut_off.remove(&(name, master)) {
                    let master = Name::Master(master);
                    self.note(format!("{name:>6} !! can reach {master} again"));
                }
                Ok(())
            }
            Happening::HostHears(at, lives, command)
                if lives == (self.agents[at].life, self.agents[at].host.life) =>
            {
                self.on_host_command(at, *command)
            }
            Happening::HostDoes(at, life, deed) if life == self.agents[at].host.life => {
                self.on_deed(at, deed);
                Ok(())
            }
            Happening::HostSays(at, life, event) if life == self.agents[at].host.life => {
                self.on_host_says(at, *event)
            }
            Happening::AgentLearns(at, life, input) if life == self.agents[at].life => {
                self.step_agent(at, *input)
            }
            Happening::Thought(at, life, thought) if life == self.schedulers[at].life => {
                self.on_thought(at, thought)
            }
            Happening::StoreHears(at, life, question, request) => {
                self.on_store_hears(at, life, (question, *request))
            }
            Happening::StoreSays(at, life, question, answer) if life == self.masters[at].life => {
                self.on_store_says(at, question, *answer)
            }
            Happening::KeySeen(at, life, key) if life == self.masters[at].life => {
                self.step_election(at, election::Input::Key(*key))
            }
            Happening::Wake(name) => self.on_wake(name),
            Happening::Fault => self.on_fault(),
            // It was meant for a process that has ended.
            _ => Ok(()),
        }
    }

    /// Whose turn it is to do something about it.
    fn receiver(&self, happening: &Happening) -> Option<Name> {
        match happening {
            Happening::Opening(name, ..) | Happening::Written(name, _) => Some(*name),
            Happening::Up(id, _) | Happening::UpEnded(id) => self.network.master(*id),
            Happening::Down(id, _) | Happening::DownEnded(id) => self.network.peer(*id),
            Happening::AgentLearns(at, ..) | Happening::HostSays(at, ..) => Some(Name::Agent(*at)),
            Happening::Thought(at, ..) => Some(Name::Scheduler(*at)),
            Happening::StoreSays(at, ..) | Happening::KeySeen(at, ..) => Some(Name::Master(*at)),
            Happening::HostHears(..)
            | Happening::HostDoes(..)
            | Happening::Start(_)
            | Happening::Crash(..)
            | Happening::Part(..)
            | Happening::Heal(..)
            | Happening::Wake(_)
            | Happening::StoreHears(..)
            | Happening::Fault => None,
        }
    }

    fn on_written(&mut self, name: Name) -> Checked {
        match name {
            Name::Master(at) => self.on_master_written(at),
            Name::Agent(at) => self.on_agent_written(at),
            Name::Scheduler(_) => Ok(()),
        }
    }

    /// Starts a process that has ended.
    pub(crate) fn start(&mut self, name: Name) {
        match name {
            Name::Master(at) if !self.masters[at].is_up => self.start_master(at),
            Name::Agent(at) if self.agents[at].core.is_none() => self.start_agent(at),
            Name::Scheduler(at) if self.schedulers[at].session.is_none() => {
                self.start_scheduler(at);
            }
            _ => {}
        }
    }

    /// Which life of the process this is.
    pub(crate) fn life(&self, name: Name) -> Life {
        match name {
            Name::Master(at) => self.masters[at].life,
            Name::Agent(at) => self.agents[at].life,
            Name::Scheduler(at) => self.schedulers[at].life,
        }
    }

    /// The process's end of its stream, if it lives and opens streams.
    pub(crate) fn end_mut(&mut self, name: Name) -> Option<&mut End> {
        match name {
            Name::Master(_) => None,
            Name::Agent(at) => Some(&mut self.agents[at]).filter(|it| it.core.is_some())?.end(),
            Name::Scheduler(at) => {
                Some(&mut self.schedulers[at]).filter(|it| it.session.is_some())?.end()
            }
        }
    }

    /// The processes of one kind, by their places.
    pub(crate) fn names(&self) -> impl Iterator<Item = Name> + use<> {
        let masters = (0..self.masters.len()).map(Name::Master);
        let agents = (0..self.agents.len()).map(Name::Agent);
        masters.chain(agents).chain((0..self.schedulers.len()).map(Name::Scheduler))
    }

    /// How long a disk needs.
    pub(crate) fn disk_ms(&mut self, name: Name) -> u64 {
        let (least, most) = self.plan.timing.disk_ms;
        let is_slow = self.slow.get(&name).is_some_and(|until| *until > self.now);
        let factor = if is_slow { 100 } else { 1 };
        self.chance.between(least, factor * most.max(factor / 10))
    }

    pub(crate) fn note(&mut self, line: impl Display) {
        self.transcript.add(self.now, line);
    }

    /// A message that arrived, or would have; heartbeats say nothing and are not noted.
    pub(crate) fn note_message(&mut self, is_lost: bool, line: Option<String>) {
        self.counts.messages_lost += u64::from(is_lost);
        if let Some(line) = line {
            self.note(format!("{line}{}", if is_lost { "  (lost)" } else { "" }));
        }
    }
}
