//! What should happen sometimes: every kind of fault and every rare meeting, counted. A run in
//! which nothing happens proves nothing. It never judges a count; the tests do.

/// Lists everything once: an enum and the list of all its values.
macro_rules! seen {
    ($($name:ident $what:literal,)*) => {
        /// Something that should happen in some of many runs.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Seen {
            $(
                #[doc = $what]
                $name,
            )*
        }

        impl Seen {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// In words.
            pub const fn what(self) -> &'static str {
                match self {
                    $(Self::$name => $what,)*
                }
            }
        }
    };
}

seen! {
    Cut "a stream breaks",
    CutOff "a peer and a master cannot reach each other",
    Isolated "a master can be reached by nobody",
    Clogged "what goes one way is held",
    Swizzled "some links are clogged one by one and released in another order",
    MasterCrashed "a master ends",
    AgentCrashed "an agent ends and its host with it",
    AgentOutlived "an agent ends and its host lives on",
    SchedulerCrashed "a scheduler ends",
    Rebooted "a machine starts again",
    HostCrashed "a host ends while its agent lives",
    MasterPaused "a master stands still",
    AgentPaused "an agent stands still",
    StoreDown "a shared store answers nobody",
    LeasesLost "a shared store ends leases before their time",
    StoreCut "a master cannot reach the shared store",
    Overthrown "a master loses its lease and does not know it, and peers go to the next and back",
    AnswerUnknown "what a store has done is not heard",
    CommitRefused "a commit of a former leader is refused",
    CommitUnknown "a leader does not know what became of its commit",
    LeaderDeposed "a leader learns by a commit that another leads",
    SteppedDown "a leader stops to lead",
    EpochLowerAtScheduler "a scheduler refuses a former leader",
    EpochHigher "a leader stops because an agent has obeyed a later one",
    SchedulerPaused "a scheduler stands still",
    DiskSlow "a disk is slow",
    Ordered "an operator wants something",
    CrashedAtBoundary "a process ends between two actions of a batch",
    CrashedWhileWriting "a process ends while records are on their way to the disk",
    TailCut "of records on their way to the disk a part is lost",
    ClockWrong "a clock shows a wrong time or runs at another speed",
    AgentChanged "an agent starts again and gives something else",
    AgentReplaced "an agent is gone, and another stands in its place",
    ReportAfterOutage "a host says again what its agent did not hear",
    OfferSpentTwice "a scheduler uses an offer that it has used",
    OfferForeign "a scheduler uses an offer of another",
    GarbageAcknowledged "a scheduler acknowledges what nobody has sent",
    SchedulerForgot "a scheduler forgets its tasks",
    HostStuttered "a host says the end of a task twice",
    HostLied "a host speaks of what it does not have",
    TaskUnreachable "a task is told to be unreachable",
    TaskReturned "a task is back that was unreachable",
    TaskDropped "a task is dropped",
    TaskGone "a task is gone",
    TaskErroneous "a task is not legal",
    TaskKilledEarly "a task is killed before it started",
    BreakerTripped "too many agents are away",
    FrameworkTimedOut "a framework is removed because nobody took it over",
    Drained "an agent is drained",
    TakenOver "a scheduler is taken over while it lives",
    MasterSilent "an agent gives a silent master up",
}

/// Counts of all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally(Vec<u64>);

impl Default for Tally {
    fn default() -> Self {
        Self(vec![0; Seen::ALL.len()])
    }
}

impl Tally {
    /// It has happened.
    pub fn note(&mut self, what: Seen) {
        self.0[what as usize] += 1;
    }

    /// How often it has happened.
    pub fn count(&self, what: Seen) -> u64 {
        self.0[what as usize]
    }

    /// Adds what happened in another run.
    pub fn add(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(sum, more)| *sum += more);
    }
}
