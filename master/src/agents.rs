//! The gRPC service of agents: opens streams, decodes calls, encodes events. An agent that sends
//! what is not legal is told so, and its stream ends.

use std::pin::Pin;

use stoa_master_core::{ConnectionId, Input};
use stoa_model::agent_link::Event;
use stoa_model::epoch::Epoch;
use stoa_protocol::agent_link::{calls_from_proto, events_to_proto};
use stoa_protocol::pb::agent::agent_server::Agent;
use stoa_protocol::pb::agent::{AgentCalls, AgentEvents};
use tokio_stream::Stream;
use tonic::{Request, Response, Status, Streaming};

use crate::connections::{outgoing, queue};
use crate::door::{Door, Way};
use crate::main_loop::Incoming;

/// The service; one for all agents.
pub struct AgentService {
    /// The way to the main loop.
    pub door: Door,
}

#[tonic::async_trait]
impl Agent for AgentService {
    type ConnectStream = Pin<Box<dyn Stream<Item = Result<AgentEvents, Status>> + Send>>;

    async fn connect(
        &self,
        request: Request<Streaming<AgentCalls>>,
    ) -> Result<Response<Self::ConnectStream>, Status> {
        let way = self.door.way()?;
        let id = way.connection();
        let (outlet, inlet) = queue();
        way.send(Incoming::AgentOpened(id, outlet)).await?;
        // It ends with the stream it reads, or with the loop it feeds.
        tokio::spawn(read(id, request.into_inner(), way));
        Ok(Response::new(Box::pin(outgoing(inlet, events_to_proto))))
    }
}

async fn read(id: ConnectionId, mut calls: Streaming<AgentCalls>, way: Way) {
    while let Ok(Some(batch)) = calls.message().await {
        let done = match calls_from_proto(batch) {
            Ok(calls) => {
                let inputs = calls.into_iter().map(|call| Input::AgentCall(id, call)).collect();
                way.send(Incoming::Inputs(inputs)).await
            }
            Err(malformed) => {
                let message = format!("{malformed}; the stream ends");
                let event = Event::Error { message, is_final: false, epoch: Epoch::NONE };
                // Whether or not it arrives, nothing more is read from this agent.
                let _ = way.send(Incoming::AgentRefused(id, event)).await;
                break;
            }
        };
        if done.is_err() {
            break;
        }
    }
    // An error means that the loop has ended, and with it all streams.
    let _ = way.send(Incoming::Inputs(vec![Input::AgentGone(id)])).await;
}
