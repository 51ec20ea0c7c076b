//! Where masters keep what is durable: on the one master's disk, or in a model of etcd that several
//! share, with a leader key, leases, revisions, and writes that compare. It never decides what is
//! kept, and never whether a master may act.

use std::collections::BTreeMap;

use stoa_invariants::{Checked, Life, Name};
use stoa_master_core::election::{self, Ask, Key, LeaseId};
use stoa_master_core::{Record, Recovered};
use stoa_model::epoch::Epoch;
use stoa_model::instant::Instant;
use stoa_planted::{Bug, is_planted};

use crate::queue::Happening;
use crate::seen::Seen;
use crate::world::World;

/// The store of all masters.
#[derive(Debug, Default)]
pub struct Store {
    /// What is durable.
    pub(crate) records: Recovered,
    revision: u64,
    leader: Option<Leader>,
    /// When each lease ends, by the store's own clock.
    leases: BTreeMap<i64, Instant>,
    /// When each lease ends that was promised, whatever has become of it.
    promised: BTreeMap<i64, Instant>,
    /// There is no majority until then: nothing is answered.
    pub(crate) down_until: Instant,
    /// Masters that cannot reach it, and until when.
    pub(crate) cut_until: BTreeMap<usize, Instant>,
}

/// The leader key.
#[derive(Clone, Copy, Debug)]
struct Leader {
    lease: LeaseId,
    /// Which master it is.
    at: usize,
    /// The revision at which the key was made.
    epoch: Epoch,
}

/// Which question it is.
#[derive(Clone, Copy, Debug)]
pub enum Question {
    /// One of an election.
    Election(Ask),
    /// A read or a write.
    Use(u64),
}

/// What a master asks of the store.
#[derive(Clone, Debug)]
pub enum Request {
    /// A lease.
    Grant,
    /// To be leader, with this lease, if nobody is.
    Campaign(LeaseId),
    /// That the lease goes on.
    KeepAlive(LeaseId),
    /// That the lease ends.
    Revoke(LeaseId),
    /// All records, if the leader has this epoch.
    Load(Epoch),
    /// To keep these, if the leader has this epoch.
    Commit(Epoch, Vec<Record>),
}

/// What the store answers.
#[derive(Clone, Debug)]
pub enum Answer {
    /// The lease, and how long it is.
    Granted(LeaseId, u64),
    /// The epoch of the new leader.
    Won(Epoch),
    /// Somebody leads, or the lease is over.
    Lost(Key),
    /// For so long from now on.
    KeptAlive(u64),
    Revoked,
    Loaded(Box<Recovered>),
    Committed,
    /// The lease is over, or another leads.
    No,
}

impl Store {
    /// Ends the leases that are over, and what hangs on them.
    fn expire(&mut self, now: Instant) {
        self.leases.retain(|_, until| *until > now);
        if self.leader.is_some_and(|leader| !self.leases.contains_key(&leader.lease.0)) {
            self.leader = None;
            self.revision += 1;
        }
    }

    /// Whether the lease goes on, as far as anyone was promised.
    pub(crate) fn is_promised(&self, lease: LeaseId, now: Instant) -> bool {
        self.promised.get(&lease.0).is_some_and(|until| *until > now)
    }

    /// Ends every lease before its time, as stores have done.
    pub(crate) fn lose_leases(&mut self, now: Instant) {
        self.leases.clear();
        self.expire(now);
    }

    /// The epoch of the leader, if there is one.
    pub(crate) fn epoch(&mut self, now: Instant) -> Option<Epoch> {
        self.expire(now);
        self.leader.map(|leader| leader.epoch)
    }

    /// What the leader's key is.
    fn key(&self) -> Key {
        let leader = self.leader.map(|leader| election::Leader {
            address: format!("master{}:5050", leader.at + 1),
            epoch: leader.epoch,
        });
        Key { revision: self.revision, leader }
    }

    fn grant(&mut self, until: Instant, lease_ms: u64) -> Answer {
        self.revision += 1;
        let lease = LeaseId(self.revision as i64);
        self.leases.insert(lease.0, until);
        self.promised.insert(lease.0, until);
        Answer::Granted(lease, lease_ms)
    }

    fn campaign(&mut self, at: usize, lease: LeaseId) -> Answer {
        if self.leader.is_some() || !self.leases.contains_key(&lease.0) {
            return Answer::Lost(self.key());
        }
        self.revision += 1;
        let epoch = Epoch(if is_planted(Bug::StoreReusesEpoch) { 1 } else { self.revision });
        self.leader = Some(Leader { lease, at, epoch });
        Answer::Won(epoch)
    }

    fn keep_alive(&mut self, lease: LeaseId, until: Instant, lease_ms: u64) -> Answer {
        let Some(known) = self.leases.get_mut(&lease.0) else { return Answer::No };
        *known = until;
        self.promised.insert(lease.0, until);
        Answer::KeptAlive(lease_ms)
    }

    fn is_led_by(&self, epoch: Epoch) -> bool {
        self.leader.is_some_and(|leader| leader.epoch == epoch)
            || is_planted(Bug::StoreComparesNothing)
    }
}

impl World {
    /// A master asks the store something, which may never arrive, or never be answered.
    pub(crate) fn ask_store(&mut self, at: usize, question: Question, request: Request) {
        let due = self.now.plus_ms(self.latency_ms() + self.disk_ms(Name::Master(at)));
        let life = self.masters[at].life;
        self.queue.push(due, Happening::StoreHears(at, life, question, Box::new(request)));
    }

    fn reaches_store(&self, at: usize) -> bool {
        let cut_until = self.store.cut_until.get(&at).copied().unwrap_or_default();
        cut_until <= self.now && self.store.down_until <= self.now
    }

    /// What has arrived is done, also for a master that has ended meanwhile.
    pub(crate) fn on_store_hears(
        &mut self,
        at: usize,
        life: Life,
        (question, request): (Question, Request),
    ) -> Checked {
        if !self.reaches_store(at) {
            return Ok(());
        }
        let before = self.store.key().leader;
        let answer = self.store_does(at, life, request)?;
        if self.store.key().leader != before {
            self.tell_key();
        }
        if !self.reaches_store(at) || self.chance.one_in(self.plan.faults.hostile_one_in * 8) {
            self.tally.note(Seen::AnswerUnknown);
            return Ok(());
        }
        let due = self.now.plus_ms(self.latency_ms());
        self.queue.push(due, Happening::StoreSays(at, life, question, Box::new(answer)));
        Ok(())
    }

    fn store_does(&mut self, at: usize, life: Life, request: Request) -> Checked<Answer> {
        let lease_ms = self.plan.timing.lease_ms;
        let until = self.now.plus_ms(lease_ms);
        self.store.expire(self.now);
        let store = &mut self.store;
        Ok(match request {
            Request::Grant => store.grant(until, lease_ms),
            Request::Campaign(lease) => {
                let answer = store.campaign(at, lease);
                if let Answer::Won(epoch) = answer {
                    self.checker.on_elected((Name::Master(at), life), epoch)?;
                }
                answer
            }
            Request::KeepAlive(lease) => store.keep_alive(lease, until, lease_ms),
            Request::Revoke(lease) => {
                store.leases.remove(&lease.0);
                store.expire(self.now);
                Answer::Revoked
            }
            Request::Load(epoch) if store.is_led_by(epoch) => {
                Answer::Loaded(Box::new(store.records.clone()))
            }
            Request::Commit(epoch, records) if store.is_led_by(epoch) => {
                let leader = store.leader.map(|leader| leader.epoch);
                self.checker.on_committed(Name::Master(at), epoch, leader)?;
                records.into_iter().for_each(|record| self.keep(record));
                self.store.revision += 1;
                Answer::Committed
            }
            Request::Commit(..) => {
                self.tally.note(Seen::CommitRefused);
                Answer::No
            }
            Request::Load(_) => Answer::No,
        })
    }

    /// Tells every master what the key is: late, in another order, or not at all.
    pub(crate) fn tell_key(&mut self) {
        for at in 0..self.masters.len() {
            if self.chance.one_in(4) || !self.reaches_store(at) {
                continue;
            }
            let due = self.now.plus_ms(self.latency_ms());
            let (life, key) = (self.masters[at].life, Box::new(self.store.key()));
            self.queue.push(due, Happening::KeySeen(at, life, key));
        }
    }

    /// A record is durable.
    pub(crate) fn keep(&mut self, record: Record) {
        self.checker.on_master_record(&record);
        if let Record::FrameworkRemoved { .. } = record {
            self.counts.frameworks_ended += 1;
        }
        self.store.records.apply(record);
    }
}
