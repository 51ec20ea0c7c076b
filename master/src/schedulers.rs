//! The gRPC service of schedulers: opens streams, decodes calls, encodes events. What is not legal
//! is answered here, so that the core sees legal calls only.

use std::pin::Pin;

use stoa_master_core::{ConnectionId, Input};
use stoa_protocol::pb::scheduler::scheduler_server::Scheduler;
use stoa_protocol::pb::scheduler::{SchedulerCalls, SchedulerEvents};
use stoa_protocol::scheduler::calls::{Decoded, Refused};
use stoa_protocol::scheduler::{calls_from_proto, events_to_proto};
use tokio_stream::Stream;
use tonic::{Request, Response, Status, Streaming};

use crate::connections::{outgoing, queue};
use crate::door::{Door, Way};
use crate::main_loop::Incoming;

/// The service; one for all schedulers.
pub struct SchedulerService {
    /// The way to the main loop.
    pub door: Door,
}

#[tonic::async_trait]
impl Scheduler for SchedulerService {
    type ConnectStream = Pin<Box<dyn Stream<Item = Result<SchedulerEvents, Status>> + Send>>;

    async fn connect(
        &self,
        request: Request<Streaming<SchedulerCalls>>,
    ) -> Result<Response<Self::ConnectStream>, Status> {
        let way = self.door.way()?;
        let id = way.connection();
        let (outlet, inlet) = queue();
        way.send(Incoming::SchedulerOpened(id, outlet)).await?;
        // It ends with the stream it reads, or with the loop it feeds.
        tokio::spawn(read(id, request.into_inner(), way));
        Ok(Response::new(Box::pin(outgoing(inlet, events_to_proto))))
    }
}

async fn read(id: ConnectionId, mut calls: Streaming<SchedulerCalls>, way: Way) {
    while let Ok(Some(batch)) = calls.message().await {
        let done = match calls_from_proto(batch) {
            Ok(decoded) => pass_on(id, decoded, &way).await,
            Err(malformed) => {
                // Nothing of the batch is done, so nothing after it may be.
                let refused = vec![Refused::Call(malformed)];
                let _ = way.send(Incoming::Refused(id, refused)).await;
                break;
            }
        };
        if done.is_err() {
            break;
        }
    }
    // An error means that the loop has ended, and with it all streams.
    let _ = way.send(Incoming::Inputs(vec![Input::SchedulerGone(id)])).await;
}

/// Hands legal calls to the core, and what is refused to the loop to be answered.
async fn pass_on(id: ConnectionId, decoded: Vec<Decoded>, way: &Way) -> Result<(), Status> {
    let mut inputs = Vec::with_capacity(decoded.len());
    let mut refused = Vec::new();
    for decoded in decoded {
        inputs.extend(decoded.call.map(|call| Input::SchedulerCall(id, call)));
        refused.extend(decoded.refused);
    }
    if !refused.is_empty() {
        way.send(Incoming::Refused(id, refused)).await?;
    }
    way.send(Incoming::Inputs(inputs)).await
}
