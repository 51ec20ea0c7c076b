//! The gRPC service of operators: questions to the core, and the watch of events. It never keeps a
//! view of its own.

use std::pin::Pin;

use stoa_model::agent_link::RequestId;
use stoa_model::operator::{Answer, ClusterEvent, Principal, Query};
use stoa_protocol::operator::{
    kill_from_proto, order_from_proto, ordered_to_proto, paused_to_proto, read_log_from_proto,
    set_paused_from_proto,
};
use stoa_protocol::pb;
use stoa_protocol::pb::operator_server::Operator;
use stoa_protocol::{RichError, Wire};
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt};
use tonic::{Code, Request, Response, Status};

use crate::access::{self, allow};
use crate::backup_stream::Backups;
use crate::door::{Door, Way, ending};
use crate::limits::{WATCHER_EVENTS_UNREAD_MAX, WATCHERS_MAX};
use crate::main_loop::Incoming;

/// The service; one for all operators.
pub struct OperatorService {
    /// The way to the main loop.
    pub door: Door,
    /// What this master can do besides.
    pub extras: Extras,
}

/// What some masters can do besides, and others not.
#[derive(Default)]
pub struct Extras {
    /// What backups are made of; none if the state is not this master's alone.
    pub backups: Option<Backups>,
    /// Has it step down; none if no other master could lead.
    pub step_down: Option<mpsc::Sender<()>>,
}

/// Tells the loop, when the asker goes away early, that nobody waits for the answer.
struct Question {
    id: RequestId,
    way: Way,
    is_answered: bool,
}

impl Drop for Question {
    fn drop(&mut self) {
        if !self.is_answered {
            self.way.send_later(Incoming::QueryGone(self.id));
        }
    }
}

impl OperatorService {
    /// Asks the core, if whoever asks may do so.
    async fn ask(&self, principal: Principal, query: Query) -> Result<Answer, Status> {
        allow(principal, &query).map_err(|refusal| RichError::from(&refusal).to_status())?;
        let way = self.door.way()?;
        let id = way.request();
        let mut question = Question { id, way: way.clone(), is_answered: false };
        let (answer, answered) = oneshot::channel();
        way.send(Incoming::Query(id, query, answer)).await?;
        let answer = answered.await.map_err(|_| ending())?;
        question.is_answered = true;
        match answer {
            Answer::Refused(refusal) => Err(RichError::from(&refusal).to_status()),
            answer => Ok(answer),
        }
    }
}

/// Who sent a request. Connections do not say yet who is at their other end.
fn principal<T>(_: &Request<T>) -> Principal {
    Principal::Anyone
}

fn no_others() -> Status {
    let text = "this master has no others: nobody could lead after it";
    RichError::new(Code::FailedPrecondition, "NO_OTHER_MASTERS", text)
        .with_hint("several masters share an etcd: stoa master --store etcd://HOST:PORT,…")
        .to_status()
}

fn no_backups() -> Status {
    let text = "this master keeps its state in etcd, which makes its own backups";
    RichError::new(Code::FailedPrecondition, "BACKUPS_ELSEWHERE", text)
        .with_hint("etcdctl snapshot save FILE")
        .to_status()
}

/// The core answered another question: our bug, told as such rather than hidden.
fn mismatch() -> Status {
    Status::internal("the master answered another question than was asked")
}

#[tonic::async_trait]
impl Operator for OperatorService {
    type BackupStream = Pin<Box<dyn Stream<Item = Result<pb::BackupChunk, Status>> + Send>>;
    type WatchStream = Pin<Box<dyn Stream<Item = Result<pb::ClusterEvent, Status>> + Send>>;

    async fn leader(&self, _: Request<pb::LeaderRequest>) -> Result<Response<pb::Leading>, Status> {
        self.door.way().map(|_| Response::new(pb::Leading {}))
    }

    async fn step_down(
        &self,
        request: Request<pb::StepDownRequest>,
    ) -> Result<Response<pb::SteppingDown>, Status> {
        let allowed = access::allow_action(principal(&request), access::STEP_DOWN);
        allowed.map_err(|refusal| RichError::from(&refusal).to_status())?;
        self.door.way()?;
        let step_down = self.extras.step_down.as_ref().ok_or_else(no_others)?;
        // One that was asked already, and has not done it yet, need not be asked again.
        let _ = step_down.try_send(());
        Ok(Response::new(pb::SteppingDown {}))
    }

    async fn state(
        &self,
        request: Request<pb::StateRequest>,
    ) -> Result<Response<pb::ClusterState>, Status> {
        match self.ask(principal(&request), Query::State).await? {
            Answer::State(state) => Ok(Response::new(state.to_proto())),
            _ => Err(mismatch()),
        }
    }

    async fn watch(
        &self,
        request: Request<pb::WatchRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let way = self.door.way()?;
        // Whoever may see the state may see it change.
        allow(principal(&request), &Query::State)
            .map_err(|refusal| RichError::from(&refusal).to_status())?;
        let (watcher, events) = mpsc::channel::<ClusterEvent>(WATCHER_EVENTS_UNREAD_MAX);
        way.send(Incoming::Watch(watcher)).await?;
        let events = ReceiverStream::new(events).map(|event| Ok(event.to_proto()));
        let end = tokio_stream::once(Err(watch_ended().to_status()));
        Ok(Response::new(Box::pin(events.chain(end))))
    }

    async fn kill(
        &self,
        request: Request<pb::KillTask>,
    ) -> Result<Response<pb::TaskRecord>, Status> {
        let who = principal(&request);
        match self.ask(who, kill_from_proto(request.into_inner())?).await? {
            Answer::Killed(task) => Ok(Response::new(task.to_proto())),
            _ => Err(mismatch()),
        }
    }

    async fn set_paused(
        &self,
        request: Request<pb::SetPausedTask>,
    ) -> Result<Response<pb::PausedTask>, Status> {
        let who = principal(&request);
        match self.ask(who, set_paused_from_proto(request.into_inner())?).await? {
            Answer::PausedSet { task, is_news } => {
                Ok(Response::new(paused_to_proto(&task, is_news)))
            }
            _ => Err(mismatch()),
        }
    }

    async fn read_log(
        &self,
        request: Request<pb::ReadLogRequest>,
    ) -> Result<Response<pb::LogChunk>, Status> {
        let who = principal(&request);
        match self.ask(who, read_log_from_proto(request.into_inner())?).await? {
            Answer::Log(chunk) => Ok(Response::new(chunk.to_proto())),
            _ => Err(mismatch()),
        }
    }

    async fn order_agent(
        &self,
        request: Request<pb::AgentOrder>,
    ) -> Result<Response<pb::OrderedAgent>, Status> {
        let who = principal(&request);
        match self.ask(who, order_from_proto(request.into_inner())?).await? {
            Answer::Agent(state) => Ok(Response::new(ordered_to_proto(Ok(&state)))),
            Answer::AgentGone(id) => Ok(Response::new(ordered_to_proto(Err(&id)))),
            _ => Err(mismatch()),
        }
    }

    async fn reset_breaker(
        &self,
        request: Request<pb::ResetBreakerRequest>,
    ) -> Result<Response<pb::BreakerReset>, Status> {
        match self.ask(principal(&request), Query::ResetBreaker).await? {
            Answer::BreakerReset { agents } => Ok(Response::new(pb::BreakerReset { agents })),
            _ => Err(mismatch()),
        }
    }

    async fn backup(
        &self,
        request: Request<pb::BackupRequest>,
    ) -> Result<Response<Self::BackupStream>, Status> {
        access::allow_action(principal(&request), access::BACKUP)
            .map_err(|refusal| RichError::from(&refusal).to_status())?;
        let backups = self.extras.backups.as_ref().ok_or_else(no_backups)?;
        Ok(Response::new(Box::pin(backups.begin()?)))
    }
}

fn watch_ended() -> RichError {
    let message = format!(
        "the watch has ended: the master is ending, {WATCHER_EVENTS_UNREAD_MAX} events were left \
         unread, or {WATCHERS_MAX} others watch"
    );
    RichError::new(Code::ResourceExhausted, "WATCH_ENDED", message).with_hint("watch again")
}
