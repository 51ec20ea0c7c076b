//! WHAT RUNS HERE, decided. One agent as a pure state machine: one door in ([`Agent::step`]), one
//! door out ([`Action`]). It never does IO, asks a clock, waits, or draws a random number.
//!
//! A walk through the house, in the order of a task's life: `link` (the master greets the agent),
//! `commands` (each is done once), `admission` and `launches` with `artifacts` (a task is taken
//! and handed to the executor host), `changes` (what the host reports), `updates` and `publishes`
//! (what the master is told until it is acknowledged), `executors` and `logs` beside them.
//! `recovered` with `tasks`, `charges` and `sandboxes` is what survives the agent; it changes by
//! a [`Record`] only. `recovery` is the first step after a start.

mod action;
mod admission;
mod agent;
mod artifacts;
mod changes;
mod charges;
mod check;
mod commands;
mod config;
mod deadlines;
mod executors;
mod given;
mod input;
mod launches;
pub mod limits;
mod link;
mod logs;
mod publishes;
mod record;
mod recovered;
mod recovery;
mod sandboxes;
mod tasks;
mod updates;

pub use action::{Action, Warning};
pub use agent::Agent;
pub use config::{Config, HostsFound};
pub use input::{Input, LogPiece};
pub use record::Record;
pub use recovered::{IllegalRecord, Recovered};
pub use stoa_model::keys::{ExecutorKey, TaskKey};
