//! Whether this master leads, decided: one of several is the leader, by a lease at a store that all
//! of them share. A pure state machine like the master itself: [`Election::step`] is the door in,
//! [`Action`] the door out. It never speaks to the store, and never looks at agents and frameworks.
//!
//! A leader stops before its lease can be over at the store, by its own clock, counted from when
//! it asked; whatever it does not know, it takes for the worse. What it is told of the key without
//! asking is a hint: it may stop a leader, and never makes one. Of two that believe they lead, the
//! store takes writes of one, and agents obey the one with the higher epoch.

mod action;
mod config;
mod input;

use std::collections::VecDeque;

use stoa_model::epoch::Epoch;
use stoa_model::instant::Instant;
use stoa_model::jitter::jitter_ms;
use stoa_planted::{Bug, is_planted};

use crate::limits::KEEP_ALIVES_WAITING_MAX;

pub use action::{Action, Why};
pub use config::{Config, IllegalConfig};
pub use input::{Ask, Input, Key, Leader, LeaseId};

/// How far a master has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Candidacy {
    /// It waits; who leads, if anyone is known to, is in [`Election::leader`].
    Follower {
        /// When it stands for election, unless it hears of a leader.
        campaign_at: Instant,
    },
    /// It has asked for a lease, or to lead with the one it has.
    Candidate {
        /// The question.
        ask: Ask,
        /// When it was asked.
        asked_at: Instant,
        /// What it has, once it has one.
        lease: Option<Lease>,
    },
    /// It leads.
    Leader {
        /// Under this epoch.
        epoch: Epoch,
        /// With this lease, and no longer than that lasts.
        lease: Lease,
    },
    /// It has stopped, and ends its lease, so that another can lead at once.
    SteppingDown {
        /// The question.
        ask: Ask,
        /// When the lease is over by itself.
        until: Instant,
    },
}

/// A lease, and until when this master relies on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// As the store names it.
    pub id: LeaseId,
    /// By the master's own clock, and with the margin taken off.
    pub until: Instant,
}

/// One master's candidacy, for as long as its process lives.
#[derive(Debug)]
pub struct Election {
    config: Config,
    candidacy: Candidacy,
    leader: Option<Leader>,
    /// The newest revision of the store at which the key was read.
    revision: u64,
    /// The highest epoch that the key has shown.
    seen: Epoch,
    /// The highest epoch under which this master has led.
    led: Epoch,
    /// The highest epoch that an agent has told of.
    met: Epoch,
    /// It does not campaign before that.
    rests_until: Instant,
    /// Questions asked so far.
    asked: u64,
    /// Keep-alives that are not answered, with when they were sent. The oldest is given up when
    /// there are [`KEEP_ALIVES_WAITING_MAX`].
    keep_alives: VecDeque<(Ask, Instant)>,
    keep_alive_at: Instant,
}

impl Election {
    /// A master that stands for election soon.
    ///
    /// # Panics
    /// If the configuration is not legal: the edge checks it before.
    pub fn new(config: Config, now: Instant) -> Self {
        assert_eq!(config.check(), Ok(()), "the edge checks its configuration");
        let mut election = Self {
            config,
            candidacy: Candidacy::Follower { campaign_at: now },
            leader: None,
            revision: 0,
            seen: Epoch::NONE,
            led: Epoch::NONE,
            met: Epoch::NONE,
            rests_until: now,
            asked: 0,
            keep_alives: VecDeque::new(),
            keep_alive_at: now,
        };
        election.follow(now, 0);
        election
    }

    /// How far it has come.
    pub fn candidacy(&self) -> &Candidacy {
        &self.candidacy
    }

    /// Who leads, as far as is known: where those who come to this master are sent.
    pub fn leader(&self) -> Option<&Leader> {
        self.leader.as_ref()
    }

    /// The epoch under which this master may act at `now`, if it may. The edge asks before each
    /// round of actions, also after it has waited for the store.
    pub fn acts_as(&self, now: Instant) -> Option<Epoch> {
        match self.candidacy {
            Candidacy::Leader { epoch, lease } if holds(lease, now) => Some(epoch),
            _ => None,
        }
    }

    /// When a Tick is due.
    pub fn next_deadline(&self) -> Instant {
        match &self.candidacy {
            Candidacy::Follower { campaign_at } => *campaign_at,
            Candidacy::Candidate { asked_at, .. } => asked_at.plus_ms(self.config.lease_ms),
            Candidacy::Leader { lease, .. } => stops_at(*lease).min(self.keep_alive_at),
            Candidacy::SteppingDown { until, .. } => *until,
        }
    }

    /// Applies one input and appends, in order, what the edge must do.
    ///
    /// Deterministic: the same state, `now` and `input` give the same actions.
    pub fn step(&mut self, now: Instant, input: Input, actions: &mut Vec<Action>) {
        // A process that stood still finds out here, before it believes anything.
        if let Candidacy::Leader { lease, .. } = self.candidacy
            && !holds(lease, now)
        {
            self.stop(now, Why::LeaseOld, actions);
        }
        match input {
            Input::Tick => self.on_tick(now, actions),
            Input::Key(key) => self.on_key(now, key, actions),
            Input::Granted { ask, lease, lease_ms } => {
                self.on_granted(now, ask, (lease, lease_ms), actions);
            }
            Input::Won { ask, epoch } => self.on_won(now, ask, epoch, actions),
            Input::Lost { ask, key } => self.on_lost(now, ask, key, actions),
            Input::KeptAlive { ask, lease_ms } => self.on_kept_alive(ask, lease_ms),
            Input::LeaseOver(ask) => self.on_lease_over(now, ask, actions),
            Input::Revoked(ask) => self.on_revoked(now, ask),
            Input::Failed(ask) => self.on_failed(now, ask, actions),
            Input::StoreRefuses => self.stop(now, Why::StoreRefuses, actions),
            Input::StoreSilent => self.stop(now, Why::StoreSilent, actions),
            Input::Met(epoch) => self.on_met(now, epoch, actions),
            Input::StepDown => self.on_step_down(now, actions),
        }
    }

    fn on_tick(&mut self, now: Instant, actions: &mut Vec<Action>) {
        match self.candidacy {
            _ if now < self.next_deadline() => {}
            Candidacy::Follower { .. } => {
                let ask = self.ask();
                self.candidacy = Candidacy::Candidate { ask, asked_at: now, lease: None };
                actions.push(Action::Grant { ask, lease_ms: self.config.lease_ms });
            }
            Candidacy::Candidate { .. } => self.give_up(now, actions),
            Candidacy::Leader { lease, .. } => self.keep_alive(now, lease, actions),
            Candidacy::SteppingDown { .. } => self.rest(now),
        }
    }

    fn keep_alive(&mut self, now: Instant, lease: Lease, actions: &mut Vec<Action>) {
        let ask = self.ask();
        if self.keep_alives.len() == KEEP_ALIVES_WAITING_MAX {
            self.keep_alives.pop_front();
        }
        self.keep_alives.push_back((ask, now));
        self.keep_alive_at = now.plus_ms(self.config.keep_alive_ms);
        actions.push(Action::KeepAlive { ask, lease: lease.id });
    }

    fn on_key(&mut self, now: Instant, key: Key, actions: &mut Vec<Action>) {
        if key.revision < self.revision {
            return;
        }
        self.revision = key.revision;
        let epoch = key.leader.as_ref().map_or(Epoch::NONE, |leader| leader.epoch);
        self.seen = self.seen.max(epoch);
        match self.candidacy {
            Candidacy::Leader { epoch: own, .. } if own == epoch => {}
            Candidacy::Leader { .. } => {
                let why = key.leader.map_or(Why::KeyGone, Why::Deposed);
                self.stop(now, why, actions);
            }
            Candidacy::Follower { .. } => {
                // Nobody may be there to say so when a leader has gone, so it looks by itself.
                self.follow(now, if key.leader.is_some() { self.config.lease_ms } else { 0 });
                self.announce_other(key.leader, actions);
            }
            Candidacy::Candidate { .. } | Candidacy::SteppingDown { .. } => {
                self.announce_other(key.leader, actions);
            }
        }
    }

    fn on_granted(
        &mut self,
        now: Instant,
        asked: Ask,
        (id, granted_ms): (LeaseId, u64),
        actions: &mut Vec<Action>,
    ) {
        let Candidacy::Candidate { ask, asked_at, lease: None } = self.candidacy else { return };
        if asked != ask {
            return;
        }
        let lease = Lease { id, until: self.until(asked_at, granted_ms) };
        let ask = self.ask();
        self.candidacy = Candidacy::Candidate { ask, asked_at: now, lease: Some(lease) };
        actions.push(Action::Campaign { ask, lease: id });
    }

    fn on_won(&mut self, now: Instant, asked: Ask, epoch: Epoch, actions: &mut Vec<Action>) {
        let Candidacy::Candidate { ask, lease: Some(lease), .. } = self.candidacy else { return };
        if asked != ask {
            return;
        }
        if epoch <= self.met.max(self.led) || epoch < self.seen {
            let met = self.met.max(self.led).max(self.seen);
            actions.push(Action::Refuse(Why::StoreOlder { store: epoch, met }));
            return self.revoke(now, lease.id, actions);
        }
        if !holds(lease, now) {
            actions.push(Action::Refuse(Why::LeaseOld));
            return self.revoke(now, lease.id, actions);
        }
        (self.led, self.seen) = (epoch, self.seen.max(epoch));
        self.revision = self.revision.max(epoch.0);
        self.candidacy = Candidacy::Leader { epoch, lease };
        self.keep_alives.clear();
        self.keep_alive_at = now;
        actions.push(Action::Lead(epoch));
        self.announce(Some(Leader { address: self.config.address.clone(), epoch }), actions);
    }

    fn on_lost(&mut self, now: Instant, asked: Ask, key: Key, actions: &mut Vec<Action>) {
        let Candidacy::Candidate { ask, lease: Some(lease), .. } = self.candidacy else { return };
        if asked != ask {
            return;
        }
        // Nobody waits for this lease, so nobody waits for its end.
        let ask = self.ask();
        actions.push(Action::Revoke { ask, lease: lease.id });
        self.follow(now, self.config.keep_alive_ms);
        self.on_key(now, key, actions);
    }

    fn on_kept_alive(&mut self, asked: Ask, lease_ms: u64) {
        let Some(sent_at) = self.take_keep_alive(asked) else { return };
        let until = self.until(sent_at, lease_ms);
        if let Candidacy::Leader { lease, .. } = &mut self.candidacy {
            lease.until = lease.until.max(until);
        }
    }

    fn on_lease_over(&mut self, now: Instant, asked: Ask, actions: &mut Vec<Action>) {
        if self.take_keep_alive(asked).is_some() {
            self.stop(now, Why::LeaseOver, actions);
        }
    }

    fn on_revoked(&mut self, now: Instant, asked: Ask) {
        if matches!(self.candidacy, Candidacy::SteppingDown { ask, .. } if ask == asked) {
            self.rest(now);
        }
    }

    fn on_failed(&mut self, now: Instant, asked: Ask, actions: &mut Vec<Action>) {
        match self.candidacy {
            Candidacy::Candidate { ask, .. } if ask == asked => self.give_up(now, actions),
            // The lease ends by itself, later; it must not be waited for in the meantime.
            Candidacy::SteppingDown { ask, .. } if ask == asked => self.rest(now),
            _ => drop(self.take_keep_alive(asked)),
        }
    }

    fn on_met(&mut self, now: Instant, met: Epoch, actions: &mut Vec<Action>) {
        self.met = self.met.max(met);
        if let Candidacy::Leader { epoch: own, .. } = self.candidacy
            && own < met
        {
            self.stop(now, Why::EpochHigher { own, met }, actions);
        }
    }

    fn on_step_down(&mut self, now: Instant, actions: &mut Vec<Action>) {
        match self.candidacy {
            Candidacy::Leader { .. } => self.stop(now, Why::Asked, actions),
            Candidacy::Candidate { lease: Some(lease), .. } => {
                self.revoke(now, lease.id, actions);
            }
            Candidacy::Candidate { lease: None, .. } | Candidacy::Follower { .. } => {
                self.rest(now);
            }
            Candidacy::SteppingDown { .. } => {}
        }
    }

    /// A leader stops; its lease is ended unless it is over.
    fn stop(&mut self, now: Instant, why: Why, actions: &mut Vec<Action>) {
        let Candidacy::Leader { lease, .. } = self.candidacy else { return };
        let is_over = why == Why::LeaseOver;
        let leader = match &why {
            Why::Deposed(leader) => Some(leader.clone()),
            _ => None,
        };
        self.keep_alives.clear();
        actions.push(Action::Stop(why));
        self.announce(leader, actions);
        if is_over { self.rest(now) } else { self.revoke(now, lease.id, actions) }
    }

    /// A candidate gives up. The key may be there all the same, so the lease is ended.
    fn give_up(&mut self, now: Instant, actions: &mut Vec<Action>) {
        if let Candidacy::Candidate { lease: Some(lease), .. } = self.candidacy {
            let ask = self.ask();
            actions.push(Action::Revoke { ask, lease: lease.id });
        }
        self.follow(now, self.config.keep_alive_ms);
    }

    fn revoke(&mut self, now: Instant, lease: LeaseId, actions: &mut Vec<Action>) {
        let ask = self.ask();
        let until = now.plus_ms(self.config.lease_ms);
        self.candidacy = Candidacy::SteppingDown { ask, until };
        actions.push(Action::Revoke { ask, lease });
    }

    /// Lets another have the lead for a while.
    fn rest(&mut self, now: Instant) {
        self.rests_until = now.plus_ms(self.config.rest_ms);
        self.follow(now, 0);
    }

    /// Follows, and stands for election after so long and a little, if it has rested by then.
    fn follow(&mut self, now: Instant, wait_ms: u64) {
        let soon = now.plus_ms(wait_ms).max(self.rests_until);
        // Masters that wait for the same thing do not move at the same time.
        let jitter_ms = jitter_ms(self.config.seed, now, self.config.keep_alive_ms);
        let campaign_at = soon.plus_ms(jitter_ms);
        self.candidacy = Candidacy::Follower { campaign_at };
    }

    /// A key with this master's own address is that of its former process, which leads nobody.
    fn announce_other(&mut self, leader: Option<Leader>, actions: &mut Vec<Action>) {
        let other = leader.filter(|leader| leader.address != self.config.address);
        self.announce(other, actions);
    }

    fn announce(&mut self, leader: Option<Leader>, actions: &mut Vec<Action>) {
        if self.leader != leader {
            self.leader.clone_from(&leader);
            actions.push(Action::Announce(leader));
        }
    }

    /// Until when a lease of this length holds that was asked for then. A store may give less than
    /// it is asked for; more is not relied on.
    fn until(&self, asked_at: Instant, lease_ms: u64) -> Instant {
        let lease_ms = lease_ms.min(self.config.lease_ms);
        asked_at.plus_ms(lease_ms.saturating_sub(self.config.margin_ms))
    }

    fn take_keep_alive(&mut self, asked: Ask) -> Option<Instant> {
        let at = self.keep_alives.iter().position(|(ask, _)| *ask == asked)?;
        self.keep_alives.remove(at).map(|(_, sent_at)| sent_at)
    }

    fn ask(&mut self) -> Ask {
        self.asked += 1;
        Ask(self.asked)
    }
}

fn holds(lease: Lease, now: Instant) -> bool {
    now < stops_at(lease)
}

/// When a leader with this lease stops.
fn stops_at(lease: Lease) -> Instant {
    if is_planted(Bug::LeaderIgnoresLease) { Instant::from_ms(u64::MAX) } else { lease.until }
}
