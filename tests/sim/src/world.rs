//! Everyone and everything of one run, and the time. It never draws what goes wrong; `faults.rs`
//! does.

use std::fmt::Display;

use stoa_agent_core as agent;
use stoa_master_core as master;
use stoa_model::instant::Instant;
use stoa_scheduler as session;

use crate::agent::AgentProcess;
use crate::book::Book;
use crate::chance::Chance;
use crate::master::MasterProcess;
use crate::names::{Life, Name};
use crate::network::{End, Network};
use crate::outcome::{Checked, Counts, Violation};
use crate::plan::Plan;
use crate::queue::{Happening, Queue};
use crate::scheduler::SchedulerProcess;
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
    pub(crate) book: Book,
    pub(crate) transcript: Transcript,
    pub(crate) counts: Counts,
    pub(crate) master: MasterProcess,
    pub(crate) agents: Vec<AgentProcess>,
    pub(crate) schedulers: Vec<SchedulerProcess>,
    at_once: u64,
}

/// What comes next.
enum Due {
    Queue,
    Tick(Name),
}

impl World {
    /// A world with a master that has just started, and nobody else.
    pub(crate) fn new(plan: Plan, chance: Chance) -> Self {
        let mut world = Self {
            now: START,
            plan,
            chance,
            queue: Queue::default(),
            network: Network::default(),
            book: Book::default(),
            transcript: Transcript::default(),
            counts: Counts::default(),
            master: MasterProcess::default(),
            agents: Vec::new(),
            schedulers: Vec::new(),
            at_once: 0,
        };
        world.start_master();
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
            return Err(Violation::new("time goes on", format!("not beyond {at}")));
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
        let master = self.master.core.as_ref().and_then(|core| core.next_deadline());
        let master = master.map(|at| (at, Due::Tick(Name::Master)));
        let agents = self.agents.iter().enumerate().filter_map(|(index, agent)| {
            let at = agent.core.as_ref()?.next_deadline()?;
            Some((at, Due::Tick(Name::Agent(index))))
        });
        let schedulers = self.schedulers.iter().enumerate().filter_map(|(index, scheduler)| {
            let at = scheduler.session.as_ref()?.next_deadline()?;
            Some((at, Due::Tick(Name::Scheduler(index))))
        });
        queued.into_iter().chain(master).chain(agents).chain(schedulers).min_by_key(|(at, _)| *at)
    }

    fn tick(&mut self, name: Name) -> Checked {
        match name {
            Name::Master => self.step_master(master::Input::Tick),
            Name::Agent(at) => self.step_agent(at, agent::Input::Tick),
            Name::Scheduler(at) => self.step_session(at, session::Input::Tick),
        }
    }

    fn happen(&mut self, happening: Happening) -> Checked {
        match happening {
            Happening::Opening(name, life, tries) if life == self.life(name) => {
                self.on_opening(name, tries)
            }
            Happening::Up(id, call) => self.on_up(id, *call),
            Happening::Down(id, event) => self.on_down(id, *event),
            Happening::UpEnded(id) => self.on_up_ended(id),
            Happening::DownEnded(id) => self.on_down_ended(id),
            Happening::Written(name, life) if life == self.life(name) => self.on_written(name),
            Happening::Start(name) => {
                self.start(name);
                Ok(())
            }
            Happening::Heal(name) => {
                if self.network.cut_off.remove(&name) {
                    self.note(format!("{name:>6} !! can be reached again"));
                }
                Ok(())
            }
            Happening::HostHears(at, life, command) if life == self.agents[at].life => {
                self.on_host_command(at, *command)
            }
            Happening::HostDoes(at, life, deed) if life == self.agents[at].life => {
                self.on_deed(at, deed);
                Ok(())
            }
            Happening::HostSays(at, life, event) if life == self.agents[at].life => {
                self.on_host_says(at, *event)
            }
            Happening::AgentLearns(at, life, input) if life == self.agents[at].life => {
                self.step_agent(at, *input)
            }
            Happening::Thought(at, life, thought) if life == self.schedulers[at].life => {
                self.on_thought(at, thought)
            }
            Happening::Fault => self.on_fault(),
            // It was meant for a process that has ended.
            _ => Ok(()),
        }
    }

    fn on_written(&mut self, name: Name) -> Checked {
        match name {
            Name::Master => self.on_master_written(),
            Name::Agent(at) => self.on_agent_written(at),
            Name::Scheduler(_) => Ok(()),
        }
    }

    /// Starts a process that has ended.
    pub(crate) fn start(&mut self, name: Name) {
        match name {
            Name::Master if self.master.core.is_none() => self.start_master(),
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
            Name::Master => self.master.life,
            Name::Agent(at) => self.agents[at].life,
            Name::Scheduler(at) => self.schedulers[at].life,
        }
    }

    /// The process's end of its stream, if it lives and opens streams.
    pub(crate) fn end_mut(&mut self, name: Name) -> Option<&mut End> {
        match name {
            Name::Master => None,
            Name::Agent(at) => Some(&mut self.agents[at]).filter(|it| it.core.is_some())?.end(),
            Name::Scheduler(at) => {
                Some(&mut self.schedulers[at]).filter(|it| it.session.is_some())?.end()
            }
        }
    }

    /// How long a disk needs.
    pub(crate) fn disk_ms(&mut self) -> u64 {
        let (least, most) = self.plan.timing.disk_ms;
        self.chance.between(least, most)
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
