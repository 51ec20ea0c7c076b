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

use crate::access::allow;
use crate::door::Door;
use crate::limits::{WATCHER_EVENTS_UNREAD_MAX, WATCHERS_MAX};
use crate::main_loop::Incoming;

/// The service; one for all operators.
pub struct OperatorService {
    /// The way to the main loop.
    pub door: Door,
}

/// Tells the loop, when the asker goes away early, that nobody waits for the answer.
struct Question {
    id: RequestId,
    door: Door,
    is_answered: bool,
}

impl Drop for Question {
    fn drop(&mut self) {
        if !self.is_answered {
            self.door.send_later(Incoming::QueryGone(self.id));
        }
    }
}

impl OperatorService {
    /// Asks the core, if whoever asks may do so.
    async fn ask(&self, principal: Principal, query: Query) -> Result<Answer, Status> {
        allow(principal, &query).map_err(|refusal| RichError::from(&refusal).to_status())?;
        let id = self.door.request();
        let mut question = Question { id, door: self.door.clone(), is_answered: false };
        let (answer, answered) = oneshot::channel();
        self.door.send(Incoming::Query(id, query, answer)).await?;
        let answer = answered.await.map_err(|_| Status::unavailable("this master is ending"))?;
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

/// The core answered another question: our bug, told as such rather than hidden.
fn mismatch() -> Status {
    Status::internal("the master answered another question than was asked")
}

#[tonic::async_trait]
impl Operator for OperatorService {
    type WatchStream = Pin<Box<dyn Stream<Item = Result<pb::ClusterEvent, Status>> + Send>>;

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
        // Whoever may see the state may see it change.
        allow(principal(&request), &Query::State)
            .map_err(|refusal| RichError::from(&refusal).to_status())?;
        let (watcher, events) = mpsc::channel::<ClusterEvent>(WATCHER_EVENTS_UNREAD_MAX);
        self.door.send(Incoming::Watch(watcher)).await?;
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
}

fn watch_ended() -> RichError {
    let message = format!(
        "the watch has ended: the master is ending, {WATCHER_EVENTS_UNREAD_MAX} events were left \
         unread, or {WATCHERS_MAX} others watch"
    );
    RichError::new(Code::ResourceExhausted, "WATCH_ENDED", message).with_hint("watch again")
}
