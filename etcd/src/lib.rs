//! What speaks to etcd: where it is, whether its version can be trusted, and the few calls that a
//! store and an election need. It never decides what is kept, nor who leads.
//!
//! Its own small client, generated from the few messages of `proto/`, since the ready-made one
//! wants a `protoc` at build time. Every call has a deadline and goes on to the next endpoint where
//! that does no harm; a transaction of which nobody knows what became is an error of its own kind.

mod answer;
mod calls;
mod client;
mod error;
mod lease;
mod place;
mod transaction;
mod version;
mod watch;

pub mod limits;

pub use client::{Client, Pace};
pub use error::{Attempt, EtcdError, Kind};
pub use lease::LeaseId;
pub use place::{Endpoint, IllegalPlace, Place};
pub use transaction::{Compare, Entry, Operation, Outcome, Page, Range, Transaction};
pub use version::{Member, Unfit, Version, Warning, judge, judge_members};
pub use watch::{Notice, Watch};

/// The generated messages and services.
#[allow(
    missing_docs,
    clippy::all,
    clippy::too_many_lines,
    reason = "generated from proto/, where each line has its words"
)]
mod pb {
    tonic::include_proto!("etcdserverpb");
}
