//! WHO GETS WHAT, decided. The master as a pure state machine: one door in ([`Master::step`]), one
//! door out ([`Action`]). It never does IO, asks a clock, waits, or draws a random number.
//!
//! A walk through the house, in the order of a task's life: `registration` (a scheduler comes),
//! `admission` (an agent comes), `allocator` with `shares`, `filters` and `demand` (who is offered
//! what), `launch` with `task_rules` (an offer becomes tasks), `outbox` (commands reach the
//! agent), `updates` (what became of the tasks), `reconcile` (what became of them again).
//! `election` stands beside all that: which of several masters this is true of.

mod action;
mod admission;
mod agent_calls;
mod agent_loss;
mod agents;
mod allocator;
mod alone;
mod amounts;
mod book;
mod charges;
mod check;
mod completed;
mod config;
mod connections;
mod deadlines;
mod demand;
mod duties;
pub mod election;
mod filters;
mod framework_rules;
mod frameworks;
mod gone;
mod input;
mod kill;
mod launch;
pub mod limits;
mod losses;
mod master;
mod mint;
mod offers;
mod outbox;
mod pause;
mod queries;
mod reconcile;
mod record;
mod recovered;
mod registration;
mod rejection;
mod removal;
mod report;
mod reregistration;
mod scheduler_calls;
mod shares;
mod state;
mod step;
mod task_rules;
mod tasks;
mod updates;

pub use action::Action;
pub use config::{Config, IllegalConfig};
pub use input::{ConnectionId, Input};
pub use master::Master;
pub use record::Record;
pub use recovered::{Recovered, RecoveredAgent, RecoveredFramework};
