//! The way from the gRPC services to the main loop, with the numbers that name streams and
//! questions, and who is sent elsewhere because this master does not lead. It never looks at what
//! passes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use stoa_master_core::ConnectionId;
use stoa_model::agent_link::RequestId;
use stoa_protocol::redirect::not_leading;
use tokio::sync::{mpsc, watch};
use tonic::Status;

use crate::main_loop::Incoming;

/// What this master is to those who come to it.
#[derive(Clone, Debug)]
pub enum Role {
    /// It leads: what they say goes to this loop. A single master always is that.
    Leader(mpsc::Sender<Incoming>),
    /// It does not lead, and they are sent to who does.
    Follower {
        /// Where that is, a `HOST:PORT`, if it is known.
        leader: Option<String>,
    },
}

/// The services' door; cheap to clone. Whoever decides which role the master has holds the other
/// end of `role`.
#[derive(Clone, Debug)]
pub struct Door {
    role: watch::Receiver<Role>,
    next: Arc<AtomicU64>,
}

/// The way into one loop, for one stream or one question: it does not lead into the loop of another
/// leadership. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Way {
    incoming: mpsc::Sender<Incoming>,
    next: Arc<AtomicU64>,
}

impl Door {
    /// A door of a master that has this role, until it is told another.
    pub fn new(role: watch::Receiver<Role>) -> Self {
        Self { role, next: Arc::new(AtomicU64::new(1)) }
    }

    /// The way into the loop.
    ///
    /// # Errors
    /// The status that says who leads if this master does not.
    pub fn way(&self) -> Result<Way, Status> {
        match &*self.role.borrow() {
            Role::Leader(incoming) => {
                Ok(Way { incoming: incoming.clone(), next: Arc::clone(&self.next) })
            }
            Role::Follower { leader } => Err(not_leading(leader.as_deref())),
        }
    }
}

impl Way {
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
    /// A status that says that this master is ending, or leads no more.
    pub async fn send(&self, incoming: Incoming) -> Result<(), Status> {
        self.incoming.send(incoming).await.map_err(|_| ending())
    }

    /// Hands something over as soon as there is room, without waiting for it.
    pub fn send_later(&self, incoming: Incoming) {
        let way = self.clone();
        tokio::spawn(async move {
            // If the loop has ended there is nobody left whom it concerns.
            let _ = way.send(incoming).await;
        });
    }
}

/// What whoever was on the way learns when the loop ends.
pub fn ending() -> Status {
    Status::unavailable("this master is ending, or leads no more; connect again")
}
