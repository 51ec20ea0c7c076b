//! The agent's hands: the link to the master, the checkpoint, artifacts, logs, the executor host.
//! It never decides what runs; `stoa-agent-core` does.

mod checkpoint;
mod detect;
mod hosts;
mod limits;
mod logs;
mod main_loop;
mod record_bytes;
mod service;
mod transfers;

pub use checkpoint::CheckpointError;
pub use detect::resources as machine_resources;
pub use hosts::{Isolation, ServeError, serve as serve_host};
pub use service::{AgentError, Settings, serve};
