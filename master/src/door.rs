//! The way from the gRPC services to the main loop, with the numbers that name streams and
//! questions. It never looks at what passes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use stoa_master_core::ConnectionId;
use stoa_model::agent_link::RequestId;
use tokio::sync::mpsc;
use tonic::Status;

use crate::main_loop::Incoming;

/// The services' end of the way; cheap to clone.
#[derive(Clone)]
pub struct Door {
    incoming: mpsc::Sender<Incoming>,
    next: Arc<AtomicU64>,
}

impl Door {
    /// A way into the loop that reads the other end.
    pub fn new(incoming: mpsc::Sender<Incoming>) -> Self {
        Self { incoming, next: Arc::new(AtomicU64::new(1)) }
    }

    /// A number for a new stream, never used before.
    pub fn connection(&self) -> ConnectionId {
        ConnectionId(self.next.fetch_add(1, Ordering::Relaxed))
    }

    /// A number for a new question, never used before.
    pub fn request(&self) -> RequestId {
        RequestId(self.next.fetch_add(1, Ordering::Relaxed))
    }

    /// Hands something over; waits while the loop is busy.
    ///
    /// # Errors
    /// A status that says that this master is ending.
    pub async fn send(&self, incoming: Incoming) -> Result<(), Status> {
        self.incoming
            .send(incoming)
            .await
            .map_err(|_| Status::unavailable("this master is ending; connect to it again later"))
    }

    /// Hands something over as soon as there is room, without waiting for it.
    pub fn send_later(&self, incoming: Incoming) {
        let door = self.clone();
        tokio::spawn(async move {
            // If the loop has ended there is nobody left whom it concerns.
            let _ = door.send(incoming).await;
        });
    }
}
