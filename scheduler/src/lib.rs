//! For framework authors: what a scheduler needs to speak with a master.
//!
//! [`Session`] decides (pure: reconnects, reregisters, reconciles, never forgets a kill);
//! [`Client`] is its hands (a gRPC stream and a clock). It never chooses among offers: that is
//! what a scheduler is for.

pub mod client;
pub mod limits;
pub mod session;

mod tasks;

pub use client::{Client, Ended, Unconfirmed};
pub use session::{Action, Config, Input, Session};
