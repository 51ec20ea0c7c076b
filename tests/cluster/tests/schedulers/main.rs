//! Schedulers written with the SDK, against real processes: the protocol, message for message, and
//! what it promises when a process dies.

mod author;
mod executors;
mod failover;
mod lost_agent;
mod lost_master;
mod walk;
