//! What a run is made of: how many there are, how long it lasts, and what may go wrong. It never
//! makes anything happen.

use crate::chance::Chance;

/// How often things go wrong, as weights against each other; 0 is never.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults {
    /// Milliseconds between two faults on average; 0 for a run without any.
    pub every_ms: u64,
    /// A stream breaks; both ends learn of it at different times.
    pub cut: u32,
    /// An agent's or a scheduler's streams break and cannot be opened for a while.
    pub partition: u32,
    /// The master ends and starts again from its records.
    pub master_crash: u32,
    /// An agent and its host end, and it starts again from its checkpoint.
    pub agent_crash: u32,
    /// A scheduler ends, and another takes its framework over.
    pub scheduler_crash: u32,
    /// An operator wants something of an agent: a drain, its end, or that it goes on.
    pub order: u32,
    /// One in so many artifacts cannot be fetched or published; 0 is never.
    pub artifact_one_in: u64,
}

impl Faults {
    /// Nothing goes wrong.
    pub fn none() -> Self {
        Self {
            every_ms: 0,
            cut: 0,
            partition: 0,
            master_crash: 0,
            agent_crash: 0,
            scheduler_crash: 0,
            order: 0,
            artifact_one_in: 0,
        }
    }

    /// Everything goes wrong now and then.
    pub fn all() -> Self {
        Self {
            every_ms: 2_000,
            cut: 6,
            partition: 2,
            master_crash: 2,
            agent_crash: 2,
            scheduler_crash: 2,
            order: 3,
            artifact_one_in: 20,
        }
    }

    /// These faults as one seed sees them: some never, some more often, so that rare meetings of
    /// two kinds are not drowned by the others.
    fn of_seed(&self, chance: &mut Chance) -> Self {
        let mut some = |weight: u32| match chance.between(0, 3) {
            0 => 0,
            1 => weight.saturating_mul(4),
            _ => weight,
        };
        let [cut, partition] = [some(self.cut), some(self.partition)];
        let crashes = [self.master_crash, self.agent_crash, self.scheduler_crash].map(&mut some);
        let [master_crash, agent_crash, scheduler_crash] = crashes;
        let order = some(self.order);
        let every_ms = self.every_ms.saturating_mul(chance.between(1, 8)) / 4;
        Self {
            every_ms,
            cut,
            partition,
            master_crash,
            agent_crash,
            scheduler_crash,
            order,
            ..*self
        }
    }
}

/// A run, as drawn from its seed.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) agents: usize,
    pub(crate) schedulers: usize,
    /// Tasks that each scheduler launches at most.
    pub(crate) tasks: u32,
    /// Milliseconds in which faults happen.
    pub(crate) faulty_ms: u64,
    pub(crate) faults: Faults,
    pub(crate) timing: Timing,
}

/// How fast things are.
#[derive(Clone, Debug)]
pub(crate) struct Timing {
    /// Whether what may take some time takes all of it.
    pub(crate) is_exact: bool,
    /// The shortest and the longest time a message travels.
    pub(crate) latency_ms: (u64, u64),
    /// The shortest and the longest time a disk needs to make a batch durable.
    pub(crate) disk_ms: (u64, u64),
    /// The longest time until someone learns that the other end of a stream is gone.
    pub(crate) learns_ms: u64,
    /// The master's, for everyone.
    pub(crate) heartbeat_ms: u64,
    pub(crate) unreachable_ms: u64,
    pub(crate) reregister_ms: u64,
    pub(crate) offer_lease_ms: u64,
    /// Between two agents that the master gives up, and for how long they count.
    pub(crate) loss_ms: (u64, u64),
    /// How long frameworks wait for a scheduler.
    pub(crate) failover_ms: u64,
}

impl Plan {
    pub(crate) fn of_seed(faults: &Faults, chance: &mut Chance) -> Self {
        Self {
            agents: chance.between(1, 4) as usize,
            schedulers: chance.between(1, 3) as usize,
            tasks: chance.between(2, 16) as u32,
            faulty_ms: chance.between(10_000, 60_000),
            faults: faults.of_seed(chance),
            timing: Timing::of_seed(chance),
        }
    }
}

impl Timing {
    fn of_seed(chance: &mut Chance) -> Self {
        let heartbeat_ms = chance.between(200, 2_000);
        let unreachable_ms = heartbeat_ms * chance.between(3, 6);
        Self {
            is_exact: false,
            latency_ms: (0, [1, 5, 20, 200][chance.index(4)]),
            disk_ms: (0, [0, 2, 10, 50][chance.index(4)]),
            learns_ms: 3 * unreachable_ms,
            heartbeat_ms,
            unreachable_ms,
            reregister_ms: unreachable_ms * chance.between(1, 4),
            offer_lease_ms: chance.between(500, 20_000),
            loss_ms: (chance.between(1, 1_000), 4 * unreachable_ms),
            // Long enough that what comes to rest in time does so by itself.
            failover_ms: match chance.one_in(4) {
                true => chance.between(500, 10_000),
                false => 7 * 24 * 3_600_000,
            },
        }
    }

    /// Everything takes a millisecond, and nobody is impatient.
    pub(crate) fn of_stage() -> Self {
        Self {
            is_exact: true,
            latency_ms: (1, 1),
            disk_ms: (1, 1),
            learns_ms: 1,
            heartbeat_ms: 15_000,
            unreachable_ms: 75_000,
            reregister_ms: 600_000,
            offer_lease_ms: 60_000,
            loss_ms: (1_000, 600_000),
            failover_ms: 3_600_000,
        }
    }
}
