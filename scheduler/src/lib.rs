//! For framework authors: what a scheduler needs to speak with a master.
//!
//! [`Session`] decides (pure: reconnects, reregisters, reconciles, never forgets a kill);
//! [`Client`] is its hands (a gRPC stream and a clock). It never chooses among offers: that is
//! what a scheduler is for.

pub mod client;
pub mod limits;
pub mod session;

mod action;
mod tasks;

pub use action::{Action, Warning};
pub use client::{Client, Ended, Unconfirmed};
pub use session::{Config, Input, Session};
