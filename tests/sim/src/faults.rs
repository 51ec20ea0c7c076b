//! What goes wrong, when and to whom. It never does more than the real world can: processes end
//! anywhere, streams break, but what is durable stays.

use stoa_invariants::{Checked, Name};

use crate::agent::Soon;
use crate::plan::Fault;
use crate::queue::Happening;
use crate::seen::Seen;
use crate::world::World;

/// The longest time a process is away.
const AWAY_MS_MAX: u64 = 8_000;

/// The longest time a disk is slow.
const SLOW_MS_MAX: u64 = 10_000;

impl World {
    /// Sets the next fault, if there are to be any more.
    pub(crate) fn begin_faults(&mut self) {
        let every_ms = self.plan.faults.every_ms;
        if every_ms > 0 && self.counts.faults < self.plan.faults.count {
            let delay_ms = self.chance.between(0, 2 * every_ms);
            self.queue.push(self.now.plus_ms(delay_ms), Happening::Fault);
        }
    }

    pub(crate) fn on_fault(&mut self) -> Checked {
        self.counts.faults += 1;
        self.check_kills()?;
        let kind = self.chance.weighted(&self.plan.faults.weights).map(|at| Fault::ALL[at].0);
        match kind {
            Some(Fault::Cut) => self.cut_one(),
            Some(Fault::Partition) => self.part(),
            Some(Fault::Clog) => self.clog_one(),
            Some(Fault::Swizzle) => self.swizzle(),
            Some(Fault::MasterCrash) => {
                let at = self.chance.index(self.masters.len());
                self.crash(Name::Master(at))?;
            }
            Some(Fault::AgentCrash) => {
                let at = self.chance.index(self.agents.len());
                self.crash(Name::Agent(at))?;
            }
            Some(Fault::SchedulerCrash) => {
                let at = self.chance.index(self.schedulers.len());
                self.crash(Name::Scheduler(at))?;
            }
            Some(Fault::Reboot) => {
                let at = self.chance.index(self.agents.len());
                self.reboot(at)?;
            }
            Some(Fault::HostCrash) => {
                let at = self.chance.index(self.agents.len());
                self.crash_host(at);
            }
            Some(Fault::Pause) => self.pause_one(),
            Some(Fault::SlowDisk) => self.slow_one(),
            Some(Fault::Order) => {
                self.tally.note(Seen::Ordered);
                self.order_something()?;
            }
            Some(Fault::StoreDown) => self.stop_store(),
            Some(Fault::StoreCut) => self.cut_from_store(),
            Some(Fault::Overthrow) => self.overthrow(),
            None => {}
        }
        self.begin_faults();
        Ok(())
    }

    fn cut_one(&mut self) {
        let whole: Vec<_> = self.network.whole().collect();
        if let Some((id, peer)) =
            self.chance.pick(whole).and_then(|id| Some((id, self.network.peer(id)?)))
        {
            self.tally.note(Seen::Cut);
            self.note(format!("{peer:>6} !! its stream breaks"));
            self.cut(id);
        }
    }

    /// A peer, or everyone, is parted from one master or from all.
    fn part(&mut self) {
        let at = self.chance.index(self.masters.len());
        let peers: Vec<Name> = self.names().filter(|it| !matches!(it, Name::Master(_))).collect();
        if self.chance.one_in(4) {
            self.tally.note(Seen::Isolated);
            return peers.into_iter().for_each(|peer| self.part_pair(peer, at));
        }
        let Some(peer) = self.chance.pick(peers) else { return };
        self.tally.note(Seen::CutOff);
        if self.chance.one_in(2) {
            return self.part_pair(peer, at);
        }
        (0..self.masters.len()).for_each(|at| self.part_pair(peer, at));
    }

    fn part_pair(&mut self, peer: Name, master: usize) {
        let delay_ms = self.chance.between(0, 3 * self.plan.timing.unreachable_ms);
        self.part_pair_for(peer, master, delay_ms);
    }

    pub(crate) fn part_pair_for(&mut self, peer: Name, master: usize, delay_ms: u64) {
        if !self.network.cut_off.insert((peer, master)) {
            return;
        }
        self.note(format!("{peer:>6} !! cannot reach {}", Name::Master(master)));
        for id in self.network.whole_between(peer, master) {
            self.cut(id);
        }
        self.queue.push(self.now.plus_ms(delay_ms), Happening::Heal(peer, master));
    }

    fn clog_one(&mut self) {
        let delay_ms = self.chance.between(0, 4 * self.plan.timing.unreachable_ms);
        self.tally.note(Seen::Clogged);
        self.clog_some(delay_ms);
    }

    fn clog_some(&mut self, delay_ms: u64) {
        let at = self.chance.index(self.masters.len());
        let peers: Vec<Name> = self.names().filter(|it| !matches!(it, Name::Master(_))).collect();
        let Some(peer) = self.chance.pick(peers) else { return };
        let ends = (peer, Name::Master(at));
        let (from, to) = if self.chance.one_in(2) { ends } else { (ends.1, ends.0) };
        self.note(format!("{from:>6} !! is not heard by {to} for {delay_ms}ms"));
        self.network.clog(from, to, self.now.plus_ms(delay_ms));
    }

    /// The best finder of bugs of FoundationDB: links are clogged one by one, and let go in
    /// another order.
    fn swizzle(&mut self) {
        self.tally.note(Seen::Swizzled);
        for _ in 0..self.chance.between(2, 6) {
            let delay_ms = self.chance.between(0, 2 * self.plan.timing.unreachable_ms);
            self.clog_some(delay_ms);
        }
    }

    /// Ends a process that runs: at once, or in the middle of what it does next. It starts again
    /// after a while.
    fn crash(&mut self, name: Name) -> Checked {
        let is_later = self.chance.one_in(2);
        match name {
            Name::Master(at) if is_later => {
                self.masters[at].will_crash = self.masters[at].is_up;
            }
            Name::Master(at) if self.masters[at].is_up => self.crash_master(at),
            Name::Agent(at) if is_later && self.chance.one_in(2) => {
                let after = if self.chance.one_in(2) { Soon::AfterKill } else { Soon::AfterLaunch };
                self.agents[at].will_crash_soon = Some(after);
            }
            Name::Agent(at) if is_later => {
                self.agents[at].will_crash = self.agents[at].core.is_some();
            }
            Name::Agent(at) if self.agents[at].core.is_some() => self.crash_agent(at)?,
            Name::Scheduler(at) if is_later => {
                self.schedulers[at].will_crash = self.schedulers[at].session.is_some();
            }
            Name::Scheduler(at) if self.schedulers[at].session.is_some() => {
                self.crash_scheduler(at);
            }
            _ => {}
        }
        // One that ends later starts later: several starts are set, of which most find it running.
        for _ in 0..if is_later { 4 } else { 1 } {
            self.start_later(name);
        }
        Ok(())
    }

    pub(crate) fn start_later(&mut self, name: Name) {
        let delay_ms = self.chance.between(1, AWAY_MS_MAX);
        self.queue.push(self.now.plus_ms(delay_ms), Happening::Start(name));
    }

    /// A process stands still; the world goes on without it.
    fn pause_one(&mut self) {
        let names: Vec<Name> = self.names().collect();
        let Some(name) = self.chance.pick(names) else { return };
        let most_ms = 4 * self.plan.timing.unreachable_ms;
        let delay_ms = self.chance.between(100, most_ms);
        self.tally.note(match name {
            Name::Master(_) => Seen::MasterPaused,
            Name::Agent(_) => Seen::AgentPaused,
            Name::Scheduler(_) => Seen::SchedulerPaused,
        });
        self.note(format!("{name:>6} !! stands still for {delay_ms}ms"));
        let until = self.now.plus_ms(delay_ms).max(self.awake_at(name));
        self.paused.insert(name, until);
        if let Name::Agent(at) = name {
            self.agents[at].calm_since = until;
        }
        self.queue.push(until, Happening::Wake(name));
    }

    fn stop_store(&mut self) {
        if !self.is_shared() {
            return;
        }
        if self.chance.one_in(2) {
            self.tally.note(Seen::LeasesLost);
            self.note(" store !! ends all leases before their time");
            return self.store.lose_leases(self.now);
        }
        let delay_ms = self.chance.between(0, 3 * self.plan.timing.lease_ms);
        self.tally.note(Seen::StoreDown);
        self.note(format!(" store !! answers nobody for {delay_ms}ms"));
        self.store.down_until = self.now.plus_ms(delay_ms);
    }

    fn cut_from_store(&mut self) {
        if !self.is_shared() {
            return;
        }
        // Mostly the one that leads.
        let at = self.leader().filter(|_| !self.chance.one_in(3));
        let at = at.unwrap_or_else(|| self.chance.index(self.masters.len()));
        let delay_ms = self.chance.between(0, 3 * self.plan.timing.lease_ms);
        self.tally.note(Seen::StoreCut);
        self.note(format!("{:>6} !! cannot reach the store for {delay_ms}ms", Name::Master(at)));
        self.store.cut_until.insert(at, self.now.plus_ms(delay_ms));
    }

    /// Two masters believe that they lead, and peers meet the later one first.
    fn overthrow(&mut self) {
        let Some(at) = self.leader().filter(|_| self.is_shared()) else { return };
        let lease_ms = self.plan.timing.lease_ms;
        self.tally.note(Seen::Overthrown);
        self.note(format!("{:>6} !! loses its lease, and hears nothing of it", Name::Master(at)));
        self.store.cut_until.insert(at, self.now.plus_ms(lease_ms));
        self.store.lose_leases(self.now);
        self.tell_key();
        // From an agent that comes back a former leader learns what it is; not from a scheduler.
        let only_schedulers = self.chance.one_in(2);
        let moves = |name: &Name| match name {
            Name::Master(_) => false,
            Name::Agent(_) => !only_schedulers,
            Name::Scheduler(_) => true,
        };
        let peers: Vec<Name> = self.names().filter(moves).collect();
        for peer in peers {
            let back_ms = self.chance.between(lease_ms / 5, lease_ms * 2 / 5);
            for id in self.network.whole_between(peer, at) {
                self.cut_unheard(id);
            }
            self.part_pair_for(peer, at, back_ms);
            let due = self.now.plus_ms(back_ms);
            for other in (0..self.masters.len()).filter(|other| *other != at) {
                self.queue.push(due, Happening::Part(peer, other));
            }
        }
    }

    fn slow_one(&mut self) {
        let names: Vec<Name> =
            self.names().filter(|it| !matches!(it, Name::Scheduler(_))).collect();
        let Some(name) = self.chance.pick(names) else { return };
        let delay_ms = self.chance.between(0, SLOW_MS_MAX);
        self.tally.note(Seen::DiskSlow);
        self.note(format!("{name:>6} !! has a slow disk for {delay_ms}ms"));
        self.slow.insert(name, self.now.plus_ms(delay_ms));
    }
}
