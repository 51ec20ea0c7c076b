//! How one of several masters comes to lead, and when it stops: by a lease, an epoch, and its own
//! clock. It plays what the edge of a master does; it never decides what the core decides.
//!
//! A master asks for a lease, then to be leader with it, then for all records; then it has a core.
//! It leads as long as its lease was prolonged within two thirds of its length by its own clock,
//! counted from when it asked. Whatever it does not know, it takes for the worse.

use stoa_invariants::{Checked, Name};
use stoa_master_core::{Action, Record, Recovered};
use stoa_model::instant::Instant;
use stoa_planted::{Bug, is_planted};

use crate::seen::Seen;
use crate::store::{Answer, Request};
use crate::world::World;

/// How far a master has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Candidacy {
    /// It waits, and asks again later.
    #[default]
    Idle,
    /// It has asked for a lease.
    Granting,
    /// It has asked to lead.
    Campaigning { lease: u64 },
    /// It has won, and asks for what is durable.
    Loading { lease: u64, epoch: u64 },
    /// It leads.
    Leading { lease: u64, epoch: u64 },
}

/// A master among several.
#[derive(Debug, Default)]
pub struct Candidate {
    pub(crate) candidacy: Candidacy,
    /// Counts what it asks; an answer to anything but the last is void.
    asked: u64,
    /// The number of the keep-alive that is under way, and when it was sent.
    keep_alive: Option<(u64, Instant)>,
    /// The number of the commit that is under way, and when it was sent.
    commit: Option<(u64, Instant)>,
    sent_at: Instant,
    /// By its own clock.
    valid_until: Instant,
    next_at: Instant,
}

impl Candidate {
    /// The epoch under which it leads, if it does.
    pub(crate) fn epoch(&self) -> Option<u64> {
        match self.candidacy {
            Candidacy::Leading { epoch, .. } => Some(epoch),
            _ => None,
        }
    }

    /// The lease under which it leads, if it does.
    pub(crate) fn lease(&self) -> Option<u64> {
        match self.candidacy {
            Candidacy::Leading { lease, .. } => Some(lease),
            _ => None,
        }
    }

    /// When it has something to do, by its own clock.
    pub(crate) fn deadline(&self) -> Instant {
        self.next_at
    }
}

impl World {
    /// Whether masters share a store and elect a leader.
    pub(crate) fn is_shared(&self) -> bool {
        self.masters.len() > 1
    }

    /// A master begins to stand for election, some time from now.
    pub(crate) fn stand(&mut self, at: usize) {
        let wait_ms = self.chance.between(0, self.plan.timing.lease_ms);
        let now = self.local(Name::Master(at));
        let next_at = now.plus_ms(wait_ms);
        self.masters[at].candidate = Candidate { next_at, ..Candidate::default() };
    }

    fn ask(&mut self, at: usize, request: Request) -> u64 {
        let now = self.local(Name::Master(at));
        let candidate = &mut self.masters[at].candidate;
        candidate.asked += 1;
        candidate.sent_at = now;
        let number = candidate.asked;
        self.ask_store(at, number, request);
        number
    }

    /// The next thing that a candidate does by itself.
    pub(crate) fn on_candidate(&mut self, at: usize) -> Checked {
        let now = self.local(Name::Master(at));
        let wait_ms = self.plan.timing.lease_ms;
        let Candidacy::Leading { lease, .. } = self.masters[at].candidate.candidacy else {
            let candidate = &mut self.masters[at].candidate;
            candidate.candidacy = Candidacy::Granting;
            candidate.next_at = now.plus_ms(wait_ms);
            self.ask(at, Request::Grant);
            return Ok(());
        };
        if !self.holds_lease(at) {
            self.step_down(at, "its lease may be over");
            return Ok(());
        }
        let commit = self.masters[at].candidate.commit;
        if commit.is_some_and(|(_, sent_at)| sent_at.plus_ms(wait_ms) <= now) {
            self.tally.note(Seen::CommitUnknown);
            self.step_down(at, "nobody knows what became of its commit");
            return Ok(());
        }
        let under_way = self.masters[at].candidate.keep_alive;
        if under_way.is_none_or(|(_, sent_at)| sent_at.plus_ms(wait_ms / 3) <= now) {
            let number = self.ask(at, Request::KeepAlive(lease));
            self.masters[at].candidate.keep_alive = Some((number, now));
        }
        let candidate = &mut self.masters[at].candidate;
        let over_at = candidate.valid_until.max(now.plus_ms(1));
        candidate.next_at = now.plus_ms(wait_ms / 6).min(over_at);
        Ok(())
    }

    /// Whether the master may act, as far as it knows.
    pub(crate) fn holds_lease(&self, at: usize) -> bool {
        let candidate = &self.masters[at].candidate;
        let is_valid = self.local(Name::Master(at)) < candidate.valid_until;
        candidate.epoch().is_some() && (is_valid || is_planted(Bug::LeaderIgnoresLease))
    }

    pub(crate) fn on_store_says(&mut self, at: usize, number: u64, answer: Answer) -> Checked {
        let now = self.local(Name::Master(at));
        let lease_ms = self.plan.timing.lease_ms;
        let candidate = &mut self.masters[at].candidate;
        let keep_alive = candidate.keep_alive.filter(|(asked, _)| *asked == number);
        if let Some((_, sent_at)) = keep_alive {
            candidate.keep_alive = None;
            match answer {
                Answer::Alive => candidate.valid_until = sent_at.plus_ms(lease_ms * 2 / 3),
                _ => self.step_down(at, "its lease is over"),
            }
            return Ok(());
        }
        if candidate.commit.is_some_and(|(asked, _)| asked == number) {
            candidate.commit = None;
            return match answer {
                Answer::Committed => self.on_master_written(at),
                _ => {
                    self.tally.note(Seen::LeaderDeposed);
                    self.step_down(at, "another leads");
                    Ok(())
                }
            };
        }
        if candidate.asked != number {
            return Ok(());
        }
        match (candidate.candidacy, answer) {
            (Candidacy::Granting, Answer::Granted(lease)) => {
                candidate.valid_until = candidate.sent_at.plus_ms(lease_ms * 2 / 3);
                candidate.candidacy = Candidacy::Campaigning { lease };
                self.ask(at, Request::Campaign(lease));
            }
            (Candidacy::Campaigning { lease }, Answer::Won(epoch)) => {
                candidate.candidacy = Candidacy::Loading { lease, epoch };
                self.ask(at, Request::Load(epoch));
            }
            (Candidacy::Loading { lease, epoch }, Answer::Loaded(records)) => {
                candidate.candidacy = Candidacy::Leading { lease, epoch };
                candidate.next_at = now;
                self.note(format!("{:>6} !! leads as {epoch}", Name::Master(at)));
                self.lead(at, *records);
            }
            (Candidacy::Leading { .. }, _) => {}
            _ => candidate.candidacy = Candidacy::Idle,
        }
        Ok(())
    }

    /// Sends the records of a batch to the store, which keeps all of them or none.
    pub(crate) fn commit(&mut self, at: usize) {
        let Some(epoch) = self.masters[at].candidate.epoch() else { return };
        let records: Vec<Record> = self.masters[at].edge.records(|action| match action {
            Action::Record(record) => Some(record.clone()),
            _ => None,
        });
        let number = self.ask(at, Request::Commit(epoch, records));
        let now = self.local(Name::Master(at));
        self.masters[at].candidate.commit = Some((number, now));
    }

    /// The master stops to lead; its process goes on and stands again.
    pub(crate) fn step_down(&mut self, at: usize, why: &str) {
        let name = Name::Master(at);
        self.tally.note(Seen::SteppedDown);
        self.note(format!("{name:>6} !! leads no more: {why}"));
        self.lose_streams_of(name);
        let process = &mut self.masters[at];
        process.edge.end();
        process.core = None;
        process.life.0 += 1;
        self.stand(at);
    }

    /// What a new leader begins with.
    pub(crate) fn known_to_leader(&self, loaded: Recovered) -> Recovered {
        if is_planted(Bug::LeaderForgetsGone) {
            return Recovered { gone: Default::default(), ..loaded };
        }
        loaded
    }
}
