//! A master's process: its core, the records on their way to the store, and its ends and starts.
//! It never decides what the core decides.

use stoa_invariants::{Checked, Invariant, Life, Name, Patience, Step, Violation};
use stoa_master_core::election;
use stoa_master_core::{Action, Config, Input, Master, Record, Recovered};
use stoa_model::agent::AgentDuty;
use stoa_model::epoch::Epoch;
use stoa_model::operator::ClusterEvent;
use stoa_model::scheduler::{self, MasterInfo};
use stoa_planted::{Bug, is_planted};

use crate::edge::{Batch, Edge};
use crate::elections::Candidate;
use crate::queue::{Event, Happening};
use crate::seen::Seen;
use crate::world::World;

/// One master.
#[derive(Debug, Default)]
pub struct MasterProcess {
    /// Whether the process runs.
    pub(crate) is_up: bool,
    /// None while it does not lead.
    pub(crate) core: Option<Master>,
    pub(crate) life: Life,
    /// None for a master that has a store of its own, and leads always.
    pub(crate) candidate: Option<Candidate>,
    pub(crate) edge: Edge<Action>,
    /// It ends in the middle of its next batch.
    pub(crate) will_crash: bool,
}

fn is_record(action: &Action) -> bool {
    matches!(action, Action::Record(_))
}

impl World {
    pub(crate) fn start_master(&mut self, at: usize) {
        let process = &mut self.masters[at];
        process.life.0 += 1;
        process.is_up = true;
        self.set_clock(Name::Master(at));
        self.note(format!("{:>6} !! starts", Name::Master(at)));
        if self.is_shared() {
            return self.stand(at);
        }
        let records = self.store.records.clone();
        let starts = Epoch(u64::from(self.masters[at].life.0));
        self.lead(at, records, starts);
    }

    /// The master knows what its store knows, and acts from now on.
    pub(crate) fn lead(&mut self, at: usize, known: Recovered, epoch: Epoch) {
        let now = self.local(Name::Master(at));
        let timing = &self.plan.timing;
        let id = format!("m{epoch}");
        let config = Config {
            heartbeat_ms: timing.heartbeat_ms,
            agent_unreachable_ms: timing.unreachable_ms,
            agent_reregister_ms: timing.reregister_ms,
            offer_lease_ms: timing.offer_lease_ms,
            agent_loss_interval_ms: timing.loss_ms.0,
            agents_lost_window_ms: timing.loss_ms.1,
            ..Config::new(MasterInfo { id, version: "0.1.0".to_owned(), epoch })
        };
        let patience =
            Patience { unreachable_ms: timing.unreachable_ms, loss_interval_ms: timing.loss_ms.0 };
        self.checker.on_master_start(Name::Master(at), now, patience);
        let known = self.known_to_leader(known);
        self.masters[at].core = Some(Master::new(config, known, now));
    }

    pub(crate) fn step_master(&mut self, at: usize, input: Input) -> Checked {
        let now = self.local(Name::Master(at));
        if self.masters[at].core.is_some() && !self.may_act(at) {
            return self.step_election(at, election::Input::Tick);
        }
        let is_leader = self.is_leader(at);
        let Some(core) = &mut self.masters[at].core else { return Ok(()) };
        let mut actions = Vec::new();
        let is_tick = input == Input::Tick;
        let seen = input.clone();
        core.step(now, input, &mut actions);
        // A debug build has checked already, in the step.
        if !cfg!(debug_assertions) {
            core.check().map_err(|why| Violation::new(Invariant::O1, why))?;
        }
        let is_removal =
            |it: &Action| matches!(it, Action::Record(Record::FrameworkRemoved { .. }));
        if is_tick && actions.iter().any(is_removal) {
            self.tally.note(Seen::FrameworkTimedOut);
        }
        let step = Step { master: Name::Master(at), now, input: &seen, actions: &actions };
        self.checker.on_master_step(&step)?;
        if !actions.is_empty() {
            let state = core.state();
            self.checker.on_state(Name::Master(at), &state)?;
            if is_leader {
                self.check_drained(&state)?;
            }
        }
        self.masters[at].edge.extend(actions);
        self.flush_master(at)
    }

    fn flush_master(&mut self, at: usize) -> Checked {
        loop {
            match self.masters[at].edge.begin(is_record) {
                Batch::None => return Ok(()),
                Batch::Do(batch) => self.do_master(at, batch)?,
                Batch::Write => {
                    if is_planted(Bug::EdgeSendsBeforeDurableAtMaster) {
                        for action in self.masters[at].edge.take_rest(is_record) {
                            self.do_at_master(at, action)?;
                        }
                    }
                    if self.masters[at].will_crash && self.chance.one_in(2) {
                        self.crash_master(at);
                        return Ok(());
                    }
                    if self.is_shared() {
                        self.commit(at);
                        return Ok(());
                    }
                    let due = self.now.plus_ms(self.disk_ms(Name::Master(at)));
                    let life = self.masters[at].life;
                    self.queue.push(due, Happening::Written(Name::Master(at), life));
                    return Ok(());
                }
            }
        }
    }

    pub(crate) fn on_master_written(&mut self, at: usize) -> Checked {
        let batch = self.masters[at].edge.written();
        self.do_master(at, batch)?;
        self.flush_master(at)
    }

    /// Makes the records of a batch durable, then does the rest of it in order; if the master is
    /// to end, it ends anywhere in between.
    fn do_master(&mut self, at: usize, batch: Vec<Action>) -> Checked {
        let (mut records, rest): (Vec<_>, Vec<_>) = batch.into_iter().partition(is_record);
        if self.is_shared() {
            // The store has them.
            records.clear();
        }
        if !self.masters[at].will_crash {
            records.into_iter().for_each(|record| self.keep_at_master(record));
            return rest.into_iter().try_for_each(|action| self.do_at_master(at, action));
        }
        self.tally.note(Seen::CrashedAtBoundary);
        let boundary = self.boundary(records.len(), records.len() + rest.len());
        let is_written = boundary >= records.len();
        let done = boundary.saturating_sub(records.len());
        records.into_iter().take(boundary).for_each(|record| self.keep_at_master(record));
        if is_written {
            rest.into_iter().take(done).try_for_each(|action| self.do_at_master(at, action))?;
        }
        self.crash_master(at);
        Ok(())
    }

    fn keep_at_master(&mut self, action: Action) {
        if let Action::Record(record) = action {
            self.keep(record);
        }
    }

    /// Whether the master may act, as far as it knows.
    fn may_act(&self, at: usize) -> bool {
        !self.is_shared() || self.acts_as(at).is_some()
    }

    /// Whether it leads, whatever it knows.
    pub(crate) fn is_leader(&mut self, at: usize) -> bool {
        let epoch = self.acts_as(at);
        !self.is_shared() || epoch.is_some() && self.store.epoch(self.now) == epoch
    }

    /// The master that leads and knows it.
    pub(crate) fn leader(&mut self) -> Option<usize> {
        (0..self.masters.len()).find(|at| self.masters[*at].core.is_some() && self.is_leader(*at))
    }

    fn do_at_master(&mut self, at: usize, action: Action) -> Checked {
        if self.masters[at].core.is_none() {
            return Ok(());
        }
        if !self.may_act(at) {
            return self.step_election(at, election::Input::Tick);
        }
        let lease = self.masters[at].candidate.as_ref().and_then(|it| it.lease);
        if let Some((epoch, lease)) = self.acts_as(at).zip(lease) {
            let life = self.masters[at].life;
            let holds = self.store.is_promised(lease, self.now);
            self.checker.on_leader_says((Name::Master(at), life), epoch, holds)?;
        }
        self.checker.on_master_does(Name::Master(at), &action)?;
        if let Action::ToScheduler(_, scheduler::Event::Error { is_final: true, message, .. }) =
            &action
            && message.contains("another scheduler")
        {
            self.tally.note(Seen::TakenOver);
        }
        match action {
            Action::ToScheduler(id, event) => self.send_down(id, Event::Scheduler(event)),
            Action::ToAgent(id, event) => self.send_down(id, Event::Agent(event)),
            Action::CloseScheduler(id) | Action::CloseAgent(id) => self.close(id),
            Action::Answer(request, answer) => self.on_answer(request, &answer),
            Action::Publish(event) => self.note_published(&event),
            Action::Record(_) => {}
            Action::Stop { known } => return self.on_higher_epoch(at, known),
        }
        Ok(())
    }

    fn note_published(&mut self, event: &ClusterEvent) {
        match event {
            ClusterEvent::BreakerTripped { .. } => self.tally.note(Seen::BreakerTripped),
            ClusterEvent::AgentDutyChanged(_, AgentDuty::Drained) => {
                self.tally.note(Seen::Drained);
            }
            _ => {}
        }
    }

    /// The master ends. Of what was on its way to the disk some may have got there.
    pub(crate) fn crash_master(&mut self, at: usize) {
        let under_way = self.masters[at].edge.end();
        let mut records: Vec<_> = under_way.into_iter().filter(is_record).collect();
        if self.is_shared() {
            records.clear();
        }
        let kept = self.chance.index(records.len() + 1);
        self.note_tail(records.len(), kept);
        records.into_iter().take(kept).for_each(|record| self.keep_at_master(record));
        self.lose_streams_of(Name::Master(at));
        self.tally.note(Seen::MasterCrashed);
        let process = &mut self.masters[at];
        process.core = None;
        process.candidate = None;
        process.is_up = false;
        process.will_crash = false;
        self.note(format!("{:>6} !! ends", Name::Master(at)));
    }
}
