//! How one of several masters comes to lead in the simulator: what the edge does around the core of
//! an election, which decides. It never decides who leads, nor when one stops.

use stoa_invariants::{Checked, Invariant, Name, Violation};
use stoa_master_core as master;
use stoa_master_core::election::{Action, Ask, Config, Election, Input, LeaseId};
use stoa_master_core::{Record, Recovered};
use stoa_model::epoch::Epoch;
use stoa_model::instant::Instant;
use stoa_planted::{Bug, is_planted};

use crate::seen::Seen;
use crate::store::{Answer, Question, Request};
use crate::world::World;

/// A master among several.
#[derive(Debug)]
pub struct Candidate {
    election: Election,
    /// The lease under which it leads.
    pub(crate) lease: Option<LeaseId>,
    /// Counts what it reads and writes.
    uses: u64,
    /// The read or write that is under way, and when it was sent.
    under_way: Option<(u64, Instant)>,
}

impl Candidate {
    /// When it has something to do, by its own clock.
    pub(crate) fn deadline(&self, patience_ms: u64) -> Instant {
        let silent_at = self.under_way.map(|(_, sent_at)| sent_at.plus_ms(patience_ms));
        silent_at.into_iter().chain([self.election.next_deadline()]).min().unwrap_or_default()
    }

    /// The epoch under which it may act, if it may.
    pub(crate) fn acts_as(&self, now: Instant) -> Option<Epoch> {
        self.election.acts_as(now)
    }
}

impl World {
    /// Whether masters share a store and elect a leader.
    pub(crate) fn is_shared(&self) -> bool {
        self.masters.len() > 1
    }

    /// A master begins to stand for election.
    pub(crate) fn stand(&mut self, at: usize) {
        let now = self.local(Name::Master(at));
        let lease_ms = self.plan.timing.lease_ms;
        let config = Config {
            lease_ms,
            margin_ms: lease_ms.div_ceil(3),
            keep_alive_ms: lease_ms / 5,
            rest_ms: lease_ms,
            ..Config::new(format!("master{}:5050", at + 1), self.chance.between(0, u64::MAX - 1))
        };
        let election = Election::new(config, now);
        let candidate = Candidate { election, lease: None, uses: 0, under_way: None };
        self.masters[at].candidate = Some(candidate);
    }

    /// The time has come that the candidate's deadline named.
    pub(crate) fn on_candidate(&mut self, at: usize) -> Checked {
        let now = self.local(Name::Master(at));
        let patience_ms = self.plan.timing.lease_ms;
        let Some(candidate) = &mut self.masters[at].candidate else { return Ok(()) };
        let under_way = candidate.under_way;
        let is_silent = |(_, sent_at): &(u64, Instant)| sent_at.plus_ms(patience_ms) <= now;
        if under_way.filter(is_silent).is_some() {
            candidate.under_way = None;
            self.tally.note(Seen::CommitUnknown);
            return self.step_election(at, Input::StoreSilent);
        }
        self.step_election(at, Input::Tick)
    }

    pub(crate) fn step_election(&mut self, at: usize, input: Input) -> Checked {
        let now = self.local(Name::Master(at));
        let Some(candidate) = &mut self.masters[at].candidate else { return Ok(()) };
        let mut actions = Vec::new();
        candidate.election.step(now, input, &mut actions);
        for action in actions {
            self.do_at_election(at, action);
        }
        Ok(())
    }

    fn do_at_election(&mut self, at: usize, action: Action) {
        let name = Name::Master(at);
        match action {
            Action::Grant { ask, .. } => self.ask(at, ask, Request::Grant),
            Action::Campaign { ask, lease } => {
                if let Some(candidate) = &mut self.masters[at].candidate {
                    candidate.lease = Some(lease);
                }
                self.ask(at, ask, Request::Campaign(lease));
            }
            Action::KeepAlive { ask, lease } => self.ask(at, ask, Request::KeepAlive(lease)),
            Action::Revoke { ask, lease } => self.ask(at, ask, Request::Revoke(lease)),
            Action::Lead(epoch) => self.use_store(at, Request::Load(epoch)),
            Action::Stop(why) => {
                self.tally.note(Seen::SteppedDown);
                self.note(format!("{name:>6} !! leads no more: {why}"));
                self.stop_leading(at);
            }
            Action::Refuse(why) => {
                self.note(format!("{name:>6} !! does not lead: {why}"));
            }
            Action::Announce(_) => {}
        }
    }

    fn ask(&mut self, at: usize, ask: Ask, request: Request) {
        self.ask_store(at, Question::Election(ask), request);
    }

    /// Reads or writes; the answer has its time.
    fn use_store(&mut self, at: usize, request: Request) {
        let now = self.local(Name::Master(at));
        let Some(candidate) = &mut self.masters[at].candidate else { return };
        candidate.uses += 1;
        let number = candidate.uses;
        candidate.under_way = Some((number, now));
        self.ask_store(at, Question::Use(number), request);
    }

    pub(crate) fn on_store_says(
        &mut self,
        at: usize,
        question: Question,
        answer: Answer,
    ) -> Checked {
        match question {
            Question::Election(ask) => match input(ask, answer) {
                Some(input) => self.step_election(at, input),
                None => Ok(()),
            },
            Question::Use(number) => {
                let Some(candidate) = &mut self.masters[at].candidate else { return Ok(()) };
                match candidate.under_way.take_if(|(asked, _)| *asked == number) {
                    Some(_) => self.on_store_used(at, answer),
                    None => Ok(()),
                }
            }
        }
    }

    fn on_store_used(&mut self, at: usize, answer: Answer) -> Checked {
        match answer {
            Answer::Committed => self.on_master_written(at),
            Answer::Loaded(records) => {
                if let Some(epoch) = self.acts_as(at) {
                    self.note(format!("{:>6} !! leads as {epoch}", Name::Master(at)));
                    self.lead(at, *records, epoch);
                }
                Ok(())
            }
            _ => {
                self.tally.note(Seen::LeaderDeposed);
                self.step_election(at, Input::StoreRefuses)
            }
        }
    }

    /// The epoch under which a master may act, as far as it knows.
    pub(crate) fn acts_as(&self, at: usize) -> Option<Epoch> {
        let now = self.local(Name::Master(at));
        self.masters[at].candidate.as_ref()?.acts_as(now)
    }

    /// Sends the records of a batch to the store, which keeps all of them or none.
    pub(crate) fn commit(&mut self, at: usize) {
        let Some(epoch) = self.acts_as(at) else { return };
        let records: Vec<Record> = self.masters[at].edge.records(|action| match action {
            master::Action::Record(record) => Some(record.clone()),
            _ => None,
        });
        self.use_store(at, Request::Commit(epoch, records));
    }

    /// The master stops to lead; its process goes on and stands again.
    fn stop_leading(&mut self, at: usize) {
        self.lose_streams_of(Name::Master(at));
        let process = &mut self.masters[at];
        process.edge.end();
        process.core = None;
        process.life.0 += 1;
        if let Some(candidate) = &mut process.candidate {
            candidate.under_way = None;
            candidate.lease = None;
        }
    }

    /// The master's core has met a later leader.
    pub(crate) fn on_higher_epoch(&mut self, at: usize, known: Epoch) -> Checked {
        let name = Name::Master(at);
        self.tally.note(Seen::EpochHigher);
        if self.is_shared() {
            return self.step_election(at, Input::Met(known));
        }
        Err(Violation::new(Invariant::L7, format!("{name} has less than {known}, which it gave")))
    }

    /// What a new leader begins with.
    pub(crate) fn known_to_leader(&self, loaded: Recovered) -> Recovered {
        if is_planted(Bug::LeaderForgetsGone) {
            return Recovered { gone: Default::default(), ..loaded };
        }
        loaded
    }
}

/// What an answer of the store means to an election.
fn input(ask: Ask, answer: Answer) -> Option<Input> {
    Some(match answer {
        Answer::Granted(lease, lease_ms) => Input::Granted { ask, lease, lease_ms },
        Answer::Won(epoch) => Input::Won { ask, epoch },
        Answer::Lost(key) => Input::Lost { ask, key },
        Answer::KeptAlive(lease_ms) => Input::KeptAlive { ask, lease_ms },
        Answer::No => Input::LeaseOver(ask),
        Answer::Revoked => Input::Revoked(ask),
        Answer::Loaded(_) | Answer::Committed => return None,
    })
}
