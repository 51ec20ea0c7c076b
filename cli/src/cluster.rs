//! A cluster as the command line sees it: the master that leads. It never decides anything, and
//! turns every error into one that a person can act on.

use std::path::Path;
use std::time::Duration;

use stoa_machine::artifacts::digest_of_stream;
use stoa_model::digest::Digest;
use stoa_model::ids::AgentId;
use stoa_model::masters::{IllegalMasters, Masters};
use stoa_model::operator::{
    AgentOrder, AgentState, ClusterEvent, ClusterState, LogChunk, LogRequest, TaskName,
};
use stoa_model::task::{KillPolicy, TaskRecord};
use stoa_protocol::artifact_client::{fetch, missing, upload};
use stoa_protocol::artifacts::Head;
use stoa_protocol::leader;
use stoa_protocol::operator::{
    kill_to_proto, order_to_proto, ordered_from_proto, paused_from_proto, read_log_to_proto,
    set_paused_to_proto,
};
use stoa_protocol::pb::operator_client::OperatorClient;
use stoa_protocol::pb::{self};
use stoa_protocol::search::{NoLeader, Search};
use stoa_protocol::{Malformed, RichError, Wire};
use tonic::Streaming;
use tonic::transport::Channel;

use crate::config::MASTER_DEFAULT;
use crate::failure::{Failure, code};
use crate::progress::Progress;

/// A connection to the master that leads; cheap to clone.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// Where the masters are.
    pub masters: Masters,
    channel: Channel,
}

/// How long a command waits for masters that answer to agree on who leads: a lease of the last
/// leader and some more.
const ELECTION_PATIENCE: Duration = Duration::from_secs(15);

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum NotFound {
    /// What was named are no masters.
    #[error(transparent)]
    Illegal(#[from] IllegalMasters),
    /// None of them leads.
    #[error(transparent)]
    Nobody(#[from] NoLeader),
}

impl Cluster {
    /// Connects to the one of the masters named that leads, or to the one on the default port.
    ///
    /// # Errors
    /// [`Failure`] with [`code::FAILURE`] if none of them leads.
    pub async fn find(named: Option<&str>) -> Result<Self, Failure> {
        Self::connect(named.unwrap_or(MASTER_DEFAULT)).await.map_err(|error| unreachable(&error))
    }

    /// Connects to the one of these masters that leads, `HOST:PORT,HOST:PORT,…`.
    ///
    /// # Errors
    /// [`NotFound`] if they are none, or none of them leads.
    pub async fn connect(named: &str) -> Result<Self, NotFound> {
        let masters: Masters = named.parse()?;
        let mut search = Search::new(masters.clone());
        let channel = leader::find(&mut search, ELECTION_PATIENCE).await?;
        Ok(Self { masters, channel })
    }

    fn operator(&self) -> OperatorClient<Channel> {
        OperatorClient::new(self.channel.clone()).max_decoding_message_size(usize::MAX)
    }

    /// The master's whole view.
    ///
    /// # Errors
    /// [`Failure`] if the master refuses or is gone.
    pub async fn state(&self) -> Result<ClusterState, Failure> {
        let answer = self.operator().state(pb::StateRequest {}).await.map_err(refused)?;
        ClusterState::from_proto(answer.into_inner()).map_err(illegal)
    }

    /// Ends a task.
    ///
    /// # Errors
    /// [`Failure`] if the master knows no such task, or is gone.
    pub async fn kill(
        &self,
        task: &TaskName,
        policy: Option<KillPolicy>,
    ) -> Result<TaskRecord, Failure> {
        let answer = self.operator().kill(kill_to_proto(task, &policy)).await.map_err(refused)?;
        TaskRecord::from_proto(answer.into_inner()).map_err(illegal)
    }

    /// Freezes a task or lets it go on; answers whether that is news.
    ///
    /// # Errors
    /// [`Failure`] if the master knows no such task, the task is over, or the master is gone.
    pub async fn set_paused(
        &self,
        task: &TaskName,
        is_paused: bool,
    ) -> Result<(TaskRecord, bool), Failure> {
        let request = set_paused_to_proto(task, is_paused);
        let answer = self.operator().set_paused(request).await.map_err(refused)?;
        paused_from_proto(answer.into_inner()).map_err(illegal)
    }

    /// Wants something of an agent; answers its state, or its id if it is gone.
    ///
    /// # Errors
    /// [`Failure`] if the master refuses or is gone.
    pub async fn order(
        &self,
        agent: &AgentId,
        order: AgentOrder,
    ) -> Result<Result<AgentState, AgentId>, Failure> {
        let order = order_to_proto(agent, order);
        let answer = self.operator().order_agent(order).await.map_err(refused)?;
        ordered_from_proto(answer.into_inner()).map_err(illegal)
    }

    /// Lets the master give up the agents that it holds; answers how many it held.
    ///
    /// # Errors
    /// [`Failure`] if the master refuses or is gone.
    pub async fn reset_breaker(&self) -> Result<u64, Failure> {
        let request = pb::ResetBreakerRequest {};
        let answer = self.operator().reset_breaker(request).await.map_err(refused)?;
        Ok(answer.into_inner().agents)
    }

    /// Asks for a backup of what the master keeps.
    ///
    /// # Errors
    /// [`Failure`] if the master refuses or is gone.
    pub async fn backup(&self) -> Result<Incoming, Failure> {
        let chunks = self.operator().backup(pb::BackupRequest {}).await.map_err(refused)?;
        Ok(Incoming { chunks: chunks.into_inner() })
    }

    /// Has the master step down, so that another one leads.
    ///
    /// # Errors
    /// [`Failure`] if it has no others, refuses, or is gone.
    pub async fn step_down(&self) -> Result<(), Failure> {
        let asked = self.operator().step_down(pb::StepDownRequest {}).await;
        asked.map(|_| ()).map_err(refused)
    }

    /// Reads a piece of a task's log.
    ///
    /// # Errors
    /// [`RichError`] if the master knows no such task, its agent is away, or the master is gone:
    /// whoever follows a log may ask again.
    pub async fn read_log(&self, task: &TaskName, log: &LogRequest) -> Result<LogChunk, RichError> {
        let answer = self.operator().read_log(read_log_to_proto(task, log)).await;
        let answer = answer.map_err(|status| RichError::from_status(&status))?;
        Ok(LogChunk::from_proto(answer.into_inner())?)
    }

    /// Watches what happens from now on.
    ///
    /// # Errors
    /// [`Failure`] if the master refuses or is gone.
    pub async fn watch(&self) -> Result<Watch, Failure> {
        let events = self.operator().watch(pb::WatchRequest {}).await.map_err(refused)?;
        Ok(Watch { events: events.into_inner() })
    }

    /// Brings the file at `path` into the master's store unless it is there already.
    ///
    /// # Errors
    /// [`Failure`] if the file cannot be read, or the master refuses or is gone.
    pub async fn upload(&self, path: &Path) -> Result<Digest, Failure> {
        let unreadable = |error: std::io::Error| {
            Failure::new(code::CLUSTER, format!("cannot read {}: {error}", path.display()))
        };
        let file = std::fs::File::open(path).map_err(unreadable)?;
        let (digest, size_bytes) = digest_of_stream(file).map_err(unreadable)?;
        if missing(self.channel.clone(), &[digest]).await.map_err(rich)?.is_empty() {
            return Ok(digest);
        }
        let progress = Progress::upload(path, size_bytes);
        let told = progress.clone();
        let file = std::fs::File::open(path).map_err(unreadable)?;
        let head = Head { digest, size_bytes };
        let sent = upload(self.channel.clone(), head, file, move |bytes| told.set(bytes)).await;
        progress.end();
        sent.map_err(rich)?;
        Ok(digest)
    }

    /// Writes an artifact of the master's store to `file`.
    ///
    /// # Errors
    /// [`Failure`] if the master has no such artifact or is gone, or the disk refuses.
    pub async fn download(&self, digest: Digest, file: &mut std::fs::File) -> Result<(), Failure> {
        let mut fetching = fetch(self.channel.clone(), digest).await.map_err(rich)?;
        while let Some(data) = fetching.next().await.map_err(rich)? {
            std::io::Write::write_all(file, &data).map_err(|error| {
                Failure::new(code::CLUSTER, format!("cannot store what travelled back: {error}"))
            })?;
        }
        Ok(())
    }
}

/// A backup on its way in.
pub struct Incoming {
    chunks: Streaming<pb::BackupChunk>,
}

impl Incoming {
    /// Its next bytes; none after the last.
    ///
    /// # Errors
    /// [`Failure`] if the master cannot go on or is gone.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        let chunk = self.chunks.message().await.map_err(refused)?;
        Ok(chunk.map(|chunk| chunk.data))
    }
}

/// What happens in a cluster.
pub struct Watch {
    events: Streaming<pb::ClusterEvent>,
}

impl Watch {
    /// The next event.
    ///
    /// # Errors
    /// [`Failure`] if the master has ended the watch or is gone.
    pub async fn next(&mut self) -> Result<ClusterEvent, Failure> {
        let event = self.events.message().await.map_err(refused)?.ok_or_else(|| {
            Failure::new(code::FAILURE, "the master has ended the watch").hint("watch again")
        })?;
        ClusterEvent::from_proto(event).map_err(illegal)
    }
}

/// Why no master was found, and how to get one.
pub fn unreachable(error: &NotFound) -> Failure {
    let failure = Failure::new(code::FAILURE, error.to_string());
    match error {
        NotFound::Illegal(_) => failure.hint("--master 127.0.0.1:5050"),
        NotFound::Nobody(nobody) if nobody.may_pass() => {
            failure.hint("name all masters with --master HOST:PORT,HOST:PORT, or try again later")
        }
        NotFound::Nobody(_) => failure
            .hint("start a cluster here with `stoa dev`, or name another with --master HOST:PORT"),
    }
}

fn refused(status: tonic::Status) -> Failure {
    rich(RichError::from_status(&status))
}

/// What a person can do about a master's refusal.
pub fn rich(error: RichError) -> Failure {
    let failure = Failure::new(code::FAILURE, error.message);
    if error.hint.is_empty() { failure } else { failure.hint(error.hint) }
}

fn illegal(malformed: Malformed) -> Failure {
    Failure::new(code::FAILURE, format!("the master's answer is not legal: {malformed}"))
        .hint("compare `stoa --version` here and where the master runs")
}
