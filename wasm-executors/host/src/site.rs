//! What all parts of one host share: the engine, the runtimes, the places of things. It holds no
//! state of any task.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use stoa_model::host::Event;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, mpsc};
use wasmtime::Engine;

use crate::compiler::Compiler;

/// What all parts of one host share.
pub(crate) struct Site {
    pub(crate) engine: Engine,
    pub(crate) compiler: Arc<Compiler>,
    /// Where guests run, and nothing else.
    pub(crate) guests: Handle,
    /// Where everything else runs, and threads for what blocks.
    pub(crate) work: Handle,
    /// To the agent.
    pub(crate) events: mpsc::Sender<Event>,
    /// Places in the pool for tasks' programs.
    pub(crate) slots: Arc<Semaphore>,
    pub(crate) slots_max: u32,
    /// Places in the pool for executors.
    pub(crate) executor_slots: Arc<Semaphore>,
    pub(crate) artifacts: PathBuf,
    pub(crate) sandboxes: Arc<Path>,
    pub(crate) directories_allowed: Vec<PathBuf>,
    /// Milliseconds one event of an executor may take, and those after which an executor that did
    /// not end a task when it should have is overruled.
    pub(crate) event_ms_max: u64,
}
