//! The door out: everything an agent wants done. It never does any of it.

use stoa_model::agent_link::{self, RequestId};
use stoa_model::digest::Digest;
use stoa_model::epoch::Epoch;
use stoa_model::host;
use stoa_model::ids::{AgentId, FrameworkId, TaskId};
use stoa_model::operator::LogRequest;
use stoa_model::resources::Resources;
use stoa_model::task::TaskState;

use crate::record::Record;
use stoa_model::keys::TaskKey;

/// What the edge must do, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Make durable, before any action after it is done. The edge may make the records of
    /// several steps durable together and then do the other actions in their order.
    Record(Record),
    /// Open a stream to the master; answered by `Connected` or `Disconnected`.
    Connect,
    /// Give the stream to the master up, also one that is still being opened. Not answered.
    Disconnect,
    /// Send to the master on the open stream.
    ToMaster(agent_link::Call),
    /// Hand to the executor host.
    ToHost(host::Command),
    /// Tell a host that its events up to and with this number need not be said again.
    HostTaken {
        /// Whose host it is.
        framework: FrameworkId,
        /// Which of those that this framework has had.
        host: u64,
        /// The number of the last event that is recorded.
        number: u64,
    },
    /// All that a framework had at its host is ended in what is recorded: from here on it may have
    /// another host.
    HostForgotten {
        /// Whose host it was.
        framework: FrameworkId,
    },
    /// Get the artifact from the master's store if the agent's has it not; answered by `Fetched`
    /// or `FetchFailed`. Never asked twice before the answer.
    Fetch(Digest),
    /// Read the task's log file; answered by `LogRead`.
    ReadLog {
        /// The question.
        request: RequestId,
        /// Whose task it is.
        framework: FrameworkId,
        /// What is wanted. Its `wait` is of no concern to the edge.
        log: LogRequest,
    },
    /// Put these archives of the agent's store into the master's; answered by `Published`.
    Publish {
        /// Whose task packed them.
        framework: FrameworkId,
        /// Which.
        task: TaskId,
        /// The archives, each once.
        archives: Vec<Digest>,
    },
    /// Remove the sandbox and the logs of a task that is over. Not an error if there are none.
    RemoveSandbox {
        /// Whose task it was.
        framework: FrameworkId,
        /// Which.
        task: TaskId,
    },
    /// Tell the operator's log; nothing depends on it.
    Warn(Warning),
    /// End the process, for this reason: the agent is gone for ever. Nothing follows.
    End(String),
}

/// Something an operator should be able to read about: a peer's fault, or the world's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Warning {
    /// The master ended the stream with a reason.
    #[error("the master refuses this agent: {0}")]
    MasterRefuses(String),
    /// The master did not even send heartbeats.
    #[error("the master was silent for {silent_ms} ms, so the agent connects anew")]
    MasterSilent {
        /// How long.
        silent_ms: u64,
    },
    /// The connection was not opened, or the agent not greeted, in time.
    #[error("the master did not answer within {waited_ms} ms, so the agent connects anew")]
    MasterSlow {
        /// How long the agent waited.
        waited_ms: u64,
    },
    /// The master sent what cannot be sent at this point.
    #[error("the master sent {event} where it is not expected, so the agent connects anew")]
    EventUnexpected {
        /// The name of the event.
        event: &'static str,
    },
    /// The master leads no more and does not know it, or its store is older than this agent.
    #[error(
        "the master leads under epoch {got}, and this agent has obeyed epoch {obeyed}: another \
         leads, or the master's store is old; the agent connects anew"
    )]
    EpochLower {
        /// The highest epoch that this agent has obeyed.
        obeyed: Epoch,
        /// The master's.
        got: Epoch,
    },
    /// The master greeted this agent by another id.
    #[error("the master greeted agent {own} as {got}, so the agent connects anew")]
    IdentityChanged {
        /// The id this agent has.
        own: AgentId,
        /// The id the master used.
        got: AgentId,
    },
    /// Tasks have ended that held more than the agent is to give since its last start.
    #[error("tasks that held more have ended: the agent gives {given} from now on")]
    GivesLess {
        /// What it gives now.
        given: Box<Resources>,
    },
    /// Commands were lost on the way.
    #[error("command {expected} was due but {got} came, so the agent connects anew")]
    NumberGap {
        /// The number after the last one that was applied.
        expected: u64,
        /// The number that came.
        got: u64,
    },
    /// A Launch named a task that the agent has already; that task goes on untouched.
    #[error("task {0} was launched again while the agent still has it; ignored")]
    TaskCollision(TaskKey),
    /// The host spoke of a task that the agent does not have or has not handed over.
    #[error("the host reported {state} of task {task}, which it does not have; ignored")]
    ChangeOfUnknownTask {
        /// Which.
        task: TaskKey,
        /// The state that was reported.
        state: TaskState,
    },
    /// The host reported a state that cannot follow.
    #[error("the host reported {to} of task {task}, which is {from}; ignored")]
    ChangeIllegal {
        /// Which.
        task: TaskKey,
        /// The state the task is in.
        from: TaskState,
        /// The state that was reported.
        to: TaskState,
    },
    /// A task reports faster than its scheduler acknowledges.
    #[error("task {0} has too many Updates waiting; another report of progress is dropped")]
    UpdatesTooMany(TaskKey),
    /// An executor sent more than a Message may hold.
    #[error("a Message of {bytes} bytes from an executor of {framework} is too large; dropped")]
    MessageTooLarge {
        /// Whose executor it is.
        framework: FrameworkId,
        /// Its size.
        bytes: usize,
    },
    /// Downloads of a task could not be brought to the master and will be tried again.
    #[error("the downloads of task {task} could not be published, trying again: {message}")]
    PublishFailed {
        /// Which.
        task: TaskKey,
        /// What happened.
        message: String,
    },
}
