//! The gRPC service of schedulers: opens streams, decodes calls, encodes events. What is not legal
//! is answered here, so that the core sees legal calls only.

use std::pin::Pin;

use stoa_machine::Clock;
use stoa_master_core::{ConnectionId, Input};
use stoa_model::scheduler::Event;
use stoa_protocol::pb::scheduler::scheduler_server::Scheduler;
use stoa_protocol::pb::scheduler::{SchedulerCalls, SchedulerEvents};
use stoa_protocol::scheduler::{calls_from_proto, events_to_proto};
use tokio_stream::Stream;
use tonic::{Request, Response, Status, Streaming};

use crate::connections::{outgoing, queue};
use crate::door::Door;
use crate::main_loop::Incoming;

/// The service; one for all schedulers.
pub struct SchedulerService {
    /// The way to the main loop.
    pub door: Door,
    /// The time, for the answers that are made here.
    pub clock: Clock,
}

#[tonic::async_trait]
impl Scheduler for SchedulerService {
    type ConnectStream = Pin<Box<dyn Stream<Item = Result<SchedulerEvents, Status>> + Send>>;

    async fn connect(
        &self,
        request: Request<Streaming<SchedulerCalls>>,
    ) -> Result<Response<Self::ConnectStream>, Status> {
        let id = self.door.connection();
        let (outlet, inlet) = queue();
        self.door.send(Incoming::SchedulerOpened(id, outlet)).await?;
        // It ends with the stream it reads, or with the loop it feeds.
        tokio::spawn(read(id, request.into_inner(), self.door.clone(), self.clock));
        Ok(Response::new(Box::pin(outgoing(inlet, events_to_proto))))
    }
}

async fn read(id: ConnectionId, mut calls: Streaming<SchedulerCalls>, door: Door, clock: Clock) {
    while let Ok(Some(batch)) = calls.message().await {
        let (inputs, answers, goes_on) = sort(id, batch, clock);
        let told = door.send(Incoming::Answers(id, answers)).await;
        let done = door.send(Incoming::Inputs(inputs)).await;
        if told.is_err() || done.is_err() || !goes_on {
            break;
        }
    }
    // An error means that the loop has ended, and with it all streams.
    let _ = door.send(Incoming::Inputs(vec![Input::SchedulerGone(id)])).await;
}

/// What of a batch goes to the core, what is answered at once, and whether the stream goes on.
fn sort(id: ConnectionId, batch: SchedulerCalls, clock: Clock) -> (Vec<Input>, Vec<Event>, bool) {
    let at_ms = clock.now().ms;
    match calls_from_proto(batch) {
        Ok(decoded) => {
            let mut inputs = Vec::with_capacity(decoded.len());
            let mut answers = Vec::new();
            for decoded in decoded {
                inputs.extend(decoded.call.map(|call| Input::SchedulerCall(id, call)));
                answers.extend(decoded.refused.into_iter().map(|refused| refused.answer(at_ms)));
            }
            (inputs, answers, true)
        }
        Err(malformed) => {
            let message = format!("{malformed}; the stream ends");
            (Vec::new(), vec![Event::Error { message, is_final: false }], false)
        }
    }
}
