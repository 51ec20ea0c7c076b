//! What a run is made of: how many there are, how long it lasts, and what may go wrong. It never
//! makes anything happen.

use crate::chance::Chance;

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A stream breaks; both ends learn of it at different times.
    Cut,
    /// A peer and some or all masters cannot reach each other for a while.
    Partition,
    /// What goes one way between two is held for a while.
    Clog,
    /// Some links are clogged one by one, and released in another order.
    Swizzle,
    /// A master ends and starts again from what is durable.
    MasterCrash,
    /// An agent ends, with its host or without, and starts again from its checkpoint.
    AgentCrash,
    /// A machine starts again: its agent and its host end.
    Reboot,
    /// An executor host ends while its agent lives.
    HostCrash,
    /// A scheduler ends, and another takes its framework over.
    SchedulerCrash,
    /// A process stands still for a while.
    Pause,
    /// A disk is slow for a while.
    SlowDisk,
    /// An operator wants something of an agent: a drain, its end, or that it goes on.
    Order,
    /// The store of several masters has no majority for a while.
    StoreDown,
    /// One of several masters cannot reach the store for a while.
    StoreCut,
    /// The leader's lease ends before its time, and it hears nothing of that; peers lose it, find
    /// the next leader, lose that one too, and come back.
    Overthrow,
}

impl Fault {
    /// Every kind, with how often it happens against the others.
    pub(crate) const ALL: [(Self, u32); 15] = [
        (Self::Cut, 6),
        (Self::Partition, 2),
        (Self::Clog, 2),
        (Self::Swizzle, 1),
        (Self::MasterCrash, 2),
        (Self::AgentCrash, 3),
        (Self::Reboot, 1),
        (Self::HostCrash, 1),
        (Self::SchedulerCrash, 2),
        (Self::Pause, 2),
        (Self::SlowDisk, 1),
        (Self::Order, 3),
        (Self::StoreDown, 1),
        (Self::StoreCut, 3),
        (Self::Overthrow, 2),
    ];
}

/// What may go wrong in a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults {
    /// How many times; then nothing goes wrong any more.
    pub count: u64,
    /// How often each kind happens against the others, in the order of [`Fault::ALL`].
    pub(crate) weights: Vec<u32>,
    /// Milliseconds between two on average.
    pub(crate) every_ms: u64,
    /// One in so many artifacts cannot be fetched or published; 0 is never.
    pub(crate) artifact_one_in: u64,
    /// One in so many things that a peer does is not what an honest one does; 0 is never.
    pub(crate) hostile_one_in: u64,
    /// One in so many agents that end takes its host along; 0 is every one.
    pub(crate) host_one_in: u64,
    /// Whether clocks may be wrong.
    pub(crate) clock: bool,
}

impl Faults {
    /// Nothing goes wrong.
    pub fn none() -> Self {
        Self {
            count: 0,
            weights: Vec::new(),
            every_ms: 0,
            artifact_one_in: 0,
            hostile_one_in: 0,
            host_one_in: 0,
            clock: false,
        }
    }

    /// Everything goes wrong now and then, so many times in a run.
    pub fn all(count: u64) -> Self {
        Self {
            count,
            weights: Fault::ALL.iter().map(|(_, weight)| *weight).collect(),
            every_ms: 1_200,
            artifact_one_in: 20,
            hostile_one_in: 12,
            host_one_in: 3,
            clock: true,
        }
    }

    /// These faults as one seed sees them: some never, some more often, so that rare meetings of
    /// two kinds are not drowned by the others.
    fn of_seed(&self, chance: &mut Chance) -> Self {
        let mut some = |weight: &u32| match chance.between(0, 3) {
            0 => 0,
            1 => weight.saturating_mul(4),
            _ => *weight,
        };
        let mut weights: Vec<u32> = self.weights.iter().map(&mut some).collect();
        if weights.iter().all(|weight| *weight == 0) {
            weights.clone_from(&self.weights);
        }
        let every_ms = self.every_ms.saturating_mul(chance.between(1, 8)) / 4;
        let is_honest = chance.one_in(2);
        Self {
            weights,
            every_ms,
            hostile_one_in: if is_honest { 0 } else { self.hostile_one_in },
            clock: self.clock && chance.one_in(2),
            ..*self
        }
    }
}

/// A run, as drawn from its seed.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) masters: usize,
    pub(crate) agents: usize,
    pub(crate) schedulers: usize,
    /// Tasks that each scheduler launches at most.
    pub(crate) tasks: u32,
    /// The least time in which tasks are launched, in milliseconds.
    pub(crate) busy_ms: u64,
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
    /// How long the lease of a leader is.
    pub(crate) lease_ms: u64,
}

impl Plan {
    pub(crate) fn of_seed(faults: &Faults, chance: &mut Chance) -> Self {
        let is_large = chance.one_in(8);
        Self {
            masters: chance.between(1, 3) as usize,
            agents: chance.between(1, if is_large { 9 } else { 4 }) as usize,
            schedulers: chance.between(1, 3) as usize,
            tasks: (chance.between(2, 16) + faults.count / 10) as u32,
            busy_ms: chance.between(8_000, 20_000),
            faults: faults.of_seed(chance),
            timing: Timing::of_seed(chance),
        }
    }

    /// A world on a stage: nobody is there yet, and nothing goes wrong.
    pub(crate) fn of_stage() -> Self {
        Self {
            masters: 1,
            agents: 0,
            schedulers: 0,
            tasks: 0,
            busy_ms: 0,
            faults: Faults::none(),
            timing: Timing::of_stage(),
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
            lease_ms: chance.between(2_000, 8_000),
        }
    }

    /// Everything takes a millisecond, and nobody is impatient.
    fn of_stage() -> Self {
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
            lease_ms: 10_000,
        }
    }
}
