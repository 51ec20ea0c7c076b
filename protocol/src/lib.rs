//! The wire of Stoa: the one place that knows how the values of `stoa-model` travel. Its doors
//! (`from_proto`) check everything once; behind them a value that exists is a value that is legal.
//! It never decides when to connect, nor what a call does.

mod actors;
mod cluster;
mod command;
mod door;
mod ids;
mod log;
mod offer;
mod resources;
mod status;
mod task;

pub mod agent_link;
pub mod artifact_client;
pub mod artifacts;
pub mod batch;
pub mod host;
pub mod leader;
pub mod limits;
pub mod link;
pub mod malformed;
pub mod operator;
pub mod redirect;
pub mod rich_error;
pub mod scheduler;
pub mod search;
pub mod wire;

pub use malformed::Malformed;
pub use rich_error::RichError;
pub use wire::Wire;

/// The generated messages and services, package by package.
#[allow(
    missing_docs,
    clippy::all,
    clippy::too_many_lines,
    reason = "generated from proto/, where each line has its words"
)]
pub mod pb {
    tonic::include_proto!("stoa.v1");

    pub mod scheduler {
        tonic::include_proto!("stoa.v1.scheduler");
    }

    pub mod agent {
        tonic::include_proto!("stoa.v1.agent");
    }

    pub mod host {
        tonic::include_proto!("stoa.v1.host");
    }
}
