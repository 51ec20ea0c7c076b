//! Where masters keep what is durable: on the one master's disk, or in a model of etcd that several
//! share, with a leader key, leases, revisions, and writes that compare. It never decides what is
//! kept, and never whether a master may act.

use std::collections::BTreeMap;

use stoa_invariants::{Checked, Life, Name};
use stoa_master_core::{Record, Recovered};
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
    leases: BTreeMap<u64, Instant>,
    /// When each lease ends that was promised, whatever has become of it.
    promised: BTreeMap<u64, Instant>,
    /// There is no majority until then: nothing is answered.
    pub(crate) down_until: Instant,
    /// Masters that cannot reach it, and until when.
    pub(crate) cut_until: BTreeMap<usize, Instant>,
}

/// The leader key.
#[derive(Clone, Copy, Debug)]
struct Leader {
    lease: u64,
    /// The revision at which the key was made.
    epoch: u64,
}

/// What a master asks of the store.
#[derive(Clone, Debug)]
pub enum Request {
    /// A lease.
    Grant,
    /// To be leader, with this lease, if nobody is.
    Campaign(u64),
    /// That the lease goes on.
    KeepAlive(u64),
    /// All records, if the leader has this epoch.
    Load(u64),
    /// To keep these, if the leader has this epoch.
    Commit(u64, Vec<Record>),
}

/// What the store answers.
#[derive(Clone, Debug)]
pub enum Answer {
    Granted(u64),
    /// The epoch of the new leader.
    Won(u64),
    /// Somebody leads.
    Lost,
    Alive,
    Loaded(Box<Recovered>),
    Committed,
    /// The lease is over, or another leads.
    No,
}

impl Store {
    /// Ends the leases that are over, and what hangs on them.
    fn expire(&mut self, now: Instant) {
        self.leases.retain(|_, until| *until > now);
        if self.leader.is_some_and(|leader| !self.leases.contains_key(&leader.lease)) {
            self.leader = None;
            self.revision += 1;
        }
    }

    /// Whether the lease goes on, as far as anyone was promised.
    pub(crate) fn is_promised(&self, lease: u64, now: Instant) -> bool {
        self.promised.get(&lease).is_some_and(|until| *until > now)
    }

    /// Ends every lease before its time, as stores have done.
    pub(crate) fn lose_leases(&mut self, now: Instant) {
        self.leases.clear();
        self.expire(now);
    }

    /// The epoch of the leader, if there is one.
    pub(crate) fn epoch(&mut self, now: Instant) -> Option<u64> {
        self.expire(now);
        self.leader.map(|leader| leader.epoch)
    }

    fn campaign(&mut self, lease: u64) -> Answer {
        if self.leader.is_some() || !self.leases.contains_key(&lease) {
            return Answer::Lost;
        }
        self.revision += 1;
        let epoch = if is_planted(Bug::StoreReusesEpoch) { 1 } else { self.revision };
        self.leader = Some(Leader { lease, epoch });
        Answer::Won(epoch)
    }

    fn is_led_by(&self, epoch: u64) -> bool {
        self.leader.is_some_and(|leader| leader.epoch == epoch)
            || is_planted(Bug::StoreComparesNothing)
    }
}

impl World {
    /// A master asks the store something, which may never arrive, or never be answered.
    pub(crate) fn ask_store(&mut self, at: usize, number: u64, request: Request) {
        let due = self.now.plus_ms(self.latency_ms() + self.disk_ms(Name::Master(at)));
        let life = self.masters[at].life;
        self.queue.push(due, Happening::StoreHears(at, life, number, Box::new(request)));
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
        (number, request): (u64, Request),
    ) -> Checked {
        if !self.reaches_store(at) {
            return Ok(());
        }
        let answer = self.store_does(at, life, request)?;
        if !self.reaches_store(at) || self.chance.one_in(self.plan.faults.hostile_one_in * 8) {
            self.tally.note(Seen::AnswerUnknown);
            return Ok(());
        }
        let due = self.now.plus_ms(self.latency_ms());
        self.queue.push(due, Happening::StoreSays(at, life, number, Box::new(answer)));
        Ok(())
    }

    fn store_does(&mut self, at: usize, life: Life, request: Request) -> Checked<Answer> {
        let ttl_ms = self.plan.timing.lease_ms;
        self.store.expire(self.now);
        let store = &mut self.store;
        Ok(match request {
            Request::Grant => {
                store.revision += 1;
                store.leases.insert(store.revision, self.now.plus_ms(ttl_ms));
                store.promised.insert(store.revision, self.now.plus_ms(ttl_ms));
                Answer::Granted(store.revision)
            }
            Request::Campaign(lease) => {
                let answer = store.campaign(lease);
                if let Answer::Won(epoch) = answer {
                    self.checker.on_elected((Name::Master(at), life), epoch)?;
                }
                answer
            }
            Request::KeepAlive(lease) => match store.leases.get_mut(&lease) {
                Some(until) => {
                    *until = self.now.plus_ms(ttl_ms);
                    store.promised.insert(lease, *until);
                    Answer::Alive
                }
                None => Answer::No,
            },
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

    /// A record is durable.
    pub(crate) fn keep(&mut self, record: Record) {
        self.checker.on_master_record(&record);
        if let Record::FrameworkRemoved { .. } = record {
            self.counts.frameworks_ended += 1;
        }
        self.store.records.apply(record);
    }
}
