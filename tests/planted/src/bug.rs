//! The bugs there are. It never says who finds them.

/// Lists every bug once, with its meaning: an enum and the list of all its values.
macro_rules! bugs {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// A bug. Its name says what goes wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Bug {
            $($(#[$doc])* $name,)*
        }

        impl Bug {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];
        }
    };
}

bugs! {
    // Of the master's core.
    /// What a task held is not freed when it ends.
    MasterKeepsWhatEnded,
    /// A Launch may use another framework's offer.
    MasterTakesForeignOffers,
    /// The offers of an agent whose stream broke stay.
    MasterKeepsOffersOfLost,
    /// An agent is welcomed without a record.
    MasterAdmitsUnrecorded,
    /// An agent's tasks are told to be unreachable without a record.
    MasterLosesUnrecorded,
    /// An agent that is gone may come back.
    MasterAdmitsGone,
    /// An agent is given up though it was heard of.
    MasterLosesHeard,
    /// Agents are given up as fast as their time is over.
    MasterLosesAllAtOnce,
    /// Agents are given up however many are away.
    MasterHasNoBreaker,
    /// A Kill is not passed on.
    MasterForgetsKill,
    /// A task is told to be unknown while its agent may still bring it.
    MasterGuessesUnknown,
    /// An Update is acknowledged before the scheduler has taken it in.
    MasterAcknowledgesUnasked,
    /// The stream of a scheduler that was taken over stays.
    MasterServesTwoStreams,
    /// A framework is removed without a record.
    MasterForgetsRemoval,
    /// A framework is removed before its failover timeout is over.
    MasterIsImpatient,
    /// The tasks of a Launch may hold more than its offers together.
    MasterSpendsTwice,
    /// A task that is on its way to an agent that came back is told to be gone.
    MasterGivesUpPending,
    /// A drained agent is offered.
    MasterOffersDrained,

    // Of the agent's core.
    /// An Update goes on being sent after its acknowledgement.
    AgentResendsAcknowledged,
    /// The newest Update is sent, and not the oldest.
    AgentSkipsTheQueue,
    /// That a Launch was applied is not recorded.
    AgentForgetsNumber,
    /// A Launch is not recorded.
    AgentForgetsLaunch,
    /// That a task was handed to the host is not recorded.
    AgentForgetsDelivery,
    /// An Update is not recorded.
    AgentForgetsUpdate,
    /// A task that waits for its artifacts cannot be killed.
    AgentForgetsKill,
    /// Tasks that ran when the host died are started again.
    AgentStartsAgain,
    /// The host is not told that a framework is removed.
    AgentKeepsFramework,
    /// A task may end twice.
    AgentEndsTwice,
    /// A restart of the machine is not noticed.
    AgentMissesReboot,
    /// The report of an agent that comes back leaves out what has not run yet.
    AgentHidesTasks,

    /// A master with a lower epoch than one before is obeyed.
    AgentObeysLowerEpoch,
    /// The epoch that is obeyed is not recorded.
    AgentForgetsEpoch,

    // Of the scheduler's session.
    /// An Update that came again is delivered again.
    SessionDeliversTwice,
    /// Kills are not said again on another stream.
    SessionForgetsKills,
    /// Questions are not said again on another stream.
    SessionForgetsQuestions,
    /// Offers stay when their stream breaks.
    SessionKeepsOffers,
    /// A Launch without a stream ends in silence.
    SessionLaunchesInSilence,
    /// An Update that was taken in is not acknowledged again.
    SessionForgetsAcknowledge,
    /// Unregister is said once, whatever becomes of it.
    SessionForgetsUnregister,
    /// A master with a lower epoch than one before is believed.
    SessionBelievesLowerEpoch,

    // Of the edges around the cores, which the simulator plays.
    /// An agent's messages leave before its records are durable.
    EdgeSendsBeforeDurableAtAgent,
    /// A master's messages leave before its records are durable.
    EdgeSendsBeforeDurableAtMaster,
    /// The last record of an agent's batch is lost.
    EdgeLosesRecord,
    /// A write of a former leader is taken.
    StoreComparesNothing,
    /// A new leader has the epoch of a former one.
    StoreReusesEpoch,
    /// A leader acts on though its lease may be over.
    LeaderIgnoresLease,
    /// A new leader does not know which agents are gone.
    LeaderForgetsGone,
    /// An executor host starts what it had before.
    HostForgets,
}
