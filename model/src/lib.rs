//! The words of Stoa: plain values that every other room speaks in. Ids, resources, tasks, offers,
//! statuses, calls and events. It depends on nothing and does nothing.

pub mod agent;
pub mod agent_link;
pub mod command;
pub mod digest;
pub mod epoch;
pub mod framework;
pub mod host;
pub mod ids;
pub mod instant;
pub mod jitter;
pub mod keys;
pub mod limits;
pub mod masters;
pub mod offer;
pub mod operator;
pub mod ports;
pub mod resources;
pub mod scheduler;
pub mod size;
pub mod status;
pub mod task;
