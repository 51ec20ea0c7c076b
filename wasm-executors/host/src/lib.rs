//! The executor host: how wasm runs. It starts executors and the containers of their tasks, walls
//! them in, and turns how they end into states and reasons. It is the only crate that knows the
//! engine, and it never speaks to anybody but its agent, by the messages of `stoa_model::host`.

mod archive;
mod birth;
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
mod needs;
mod output;
mod paths;
mod pause;
mod pipes;
mod preparation;
mod program;
mod sandbox;
mod signatures;
mod site;
mod slices;
mod speech;
mod spoken;
mod state;
mod streams;
mod subtasks;
mod tasks;
mod trial;
mod voice;
mod wires;
mod words;
mod world;

pub use archive::{ArchiveError, pack, unpack};
pub use host::{Config, Host, HostHandle, StartError, Statistics};
pub use inspect::{Inspection, InvalidModule, Kind, inspect};
pub use limits::EVENT_MS_MAX_DEFAULT;
pub use needs::Need;
pub use output::log_path;
pub use spoken::WORLD_VERSION;
pub use trial::{CompileError, Compiled, compile_once};
