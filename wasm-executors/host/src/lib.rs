//! The executor host: how wasm runs. It starts executors and the containers of their tasks, walls
//! them in, and turns how they end into states and reasons. It is the only crate that knows the
//! engine, and it never speaks to anybody but its agent, by the messages of `stoa_model::host`.

mod archive;
mod budget;
mod cache;
mod compiler;
mod container;
mod dispatcher;
mod driver;
mod end;
mod engine;
mod executor;
mod files;
mod grants;
mod happening;
mod host;
mod inspect;
mod life;
mod limiter;
mod limits;
mod output;
mod paths;
mod pipes;
mod preparation;
mod program;
mod sandbox;
mod site;
mod slices;
mod state;
mod streams;
mod subtasks;
mod tasks;
mod wires;
mod words;
mod world;

pub use archive::{ArchiveError, pack, unpack};
pub use host::{Config, Host, HostHandle, StartError, Statistics};
pub use inspect::{Inspection, InvalidModule, Kind, inspect};
pub use output::log_path;
