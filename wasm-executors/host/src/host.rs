//! The door: starts a host and ends it. What happens in between travels as messages.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use stoa_model::host::{Command, Event};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Semaphore, mpsc};
use wasmtime::Engine;

use crate::birth::BUILT_IN;
use crate::cache::Cache;
use crate::compiler::Compiler;
use crate::dispatcher::Dispatcher;
use crate::engine;
use crate::limits::{
    COMMANDS_WAITING_MAX, EVENTS_WAITING_MAX, EXECUTORS_MAX, GUEST_FILE_THREADS, WORK_THREADS,
};
use crate::site::Site;

/// How a host is to be.
#[derive(Clone, Debug)]
pub struct Config {
    /// Directory of the artifacts, each named by its digest in hexadecimal digits. Whoever puts
    /// them there has verified them.
    pub artifacts: PathBuf,
    /// Directory of the sandboxes: `FRAMEWORK/TASK/` each, made when the first byte needs it.
    pub sandboxes: PathBuf,
    /// Directory of compiled code, which only hosts of this user may write; they may share it.
    pub cache: PathBuf,
    /// Below these, grants may name directories of this machine.
    pub directories_allowed: Vec<PathBuf>,
    /// Threads that run guests.
    pub guest_threads: usize,
    /// Instances that live at a time; less if this machine does not hold as many.
    pub instances_max: u32,
    /// Milliseconds one event of an executor may take before it is ended as lost; usually
    /// [`EVENT_MS_MAX_DEFAULT`](crate::EVENT_MS_MAX_DEFAULT).
    pub event_ms_max: u64,
}

/// Why a host did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A directory is not there and cannot be made, or must not be used.
    #[error("cannot use the directory {path}")]
    Directory {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The engine refuses its settings or this machine.
    #[error("cannot start the wasm engine: {0}")]
    Engine(String),
    /// No threads.
    #[error("cannot start the threads of the executor host")]
    Threads(#[source] io::Error),
}

/// An executor host in this process.
#[derive(Debug)]
pub struct Host;

/// What it has done so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statistics {
    /// Programs compiled.
    pub compiles: u64,
    /// Programs read from the cache on disk.
    pub cache_loads: u64,
}

/// Commands a host. Dropping it ends everything in the host and joins its threads.
pub struct HostHandle {
    commands: Option<mpsc::Sender<Command>>,
    thread: Option<JoinHandle<()>>,
    capacity: u32,
    compiler: Arc<Compiler>,
}

impl Host {
    /// Starts the threads of guests and the dispatcher: commands in, events out.
    ///
    /// # Errors
    /// What is missing on this machine.
    pub fn start(config: Config) -> Result<(HostHandle, mpsc::Receiver<Event>), StartError> {
        let config = with_directories(config)?;
        let pooled = engine::start(config.instances_max)
            .map_err(|error| StartError::Engine(format!("{error:#}")))?;
        let cache = Cache::open(&config.cache, engine::PROFILE, &pooled.engine)
            .map_err(|source| StartError::Directory { path: config.cache.clone(), source })?;
        let runtimes = Runtimes::start(config.guest_threads)?;
        let (to_agent, events) = mpsc::channel(EVENTS_WAITING_MAX);
        let site = site(config, pooled.engine, cache, (&runtimes, to_agent, pooled.instances));
        let site = match site {
            Ok(site) => Arc::new(site),
            Err(error) => {
                runtimes.abandon();
                return Err(error);
            }
        };
        let (commands, inputs) = mpsc::channel(COMMANDS_WAITING_MAX);
        let compiler = Arc::clone(&site.compiler);
        // The first task of a framework finds its executor compiled.
        drop(compiler.prepare_built_in(BUILT_IN));
        let dispatcher = Dispatcher::new(site);
        let thread = std::thread::Builder::new()
            .name("host".to_owned())
            .spawn(move || runtimes.run(dispatcher.run(inputs)))
            .map_err(StartError::Threads)?;
        let (capacity, thread) = (pooled.instances, Some(thread));
        Ok((HostHandle { commands: Some(commands), thread, capacity, compiler }, events))
    }
}

impl HostHandle {
    /// Hands a command to the host; waits while too many are under way.
    pub async fn send(&self, command: Command) {
        let Some(commands) = &self.commands else { return };
        if commands.send(command).await.is_err() {
            tracing::error!("the executor host has ended and takes no command");
        }
    }

    /// Instances that live at a time.
    pub fn capacity(&self) -> u32 {
        self.capacity
    }

    /// What the host has done so far.
    pub fn statistics(&self) -> Statistics {
        let (compiles, cache_loads) = self.compiler.counts();
        Statistics { compiles, cache_loads }
    }
}

impl Drop for HostHandle {
    fn drop(&mut self) {
        self.commands = None;
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the executor host has panicked");
        }
    }
}

fn with_directories(mut config: Config) -> Result<Config, StartError> {
    for path in [&mut config.artifacts, &mut config.sandboxes] {
        let made = std::fs::create_dir_all(&*path).and_then(|()| path.canonicalize());
        *path = made.map_err(|source| StartError::Directory { path: path.clone(), source })?;
    }
    for path in &mut config.directories_allowed {
        let canonical = path.canonicalize();
        *path = canonical.map_err(|source| StartError::Directory { path: path.clone(), source })?;
    }
    Ok(config)
}

fn site(
    config: Config,
    engine: Engine,
    cache: Cache,
    (runtimes, events, slots_max): (&Runtimes, mpsc::Sender<Event>, u32),
) -> Result<Site, StartError> {
    let work = runtimes.work.handle().clone();
    let artifacts = config.artifacts.clone();
    let compiler = Compiler::new(engine.clone(), cache, artifacts, work.clone())
        .map_err(|error| StartError::Engine(format!("{error:#}")))?;
    Ok(Site {
        engine,
        compiler: Arc::new(compiler),
        guests: runtimes.guests.handle().clone(),
        work,
        events,
        slots: Arc::new(Semaphore::new(slots_max as usize)),
        slots_max,
        executor_slots: Arc::new(Semaphore::new(EXECUTORS_MAX as usize)),
        artifacts: config.artifacts,
        sandboxes: config.sandboxes.into(),
        directories_allowed: config.directories_allowed,
        event_ms_max: config.event_ms_max,
    })
}

/// Guests have a runtime of their own, so that a spinning one never delays a command.
struct Runtimes {
    guests: Runtime,
    work: Runtime,
}

impl Runtimes {
    fn start(guest_threads: usize) -> Result<Self, StartError> {
        let guests = Builder::new_multi_thread()
            .worker_threads(guest_threads.max(1))
            .max_blocking_threads(GUEST_FILE_THREADS)
            // A guest's slice is long for a runtime, so new guests, alarms and the network are
            // looked at after few of them.
            .global_queue_interval(7)
            .event_interval(7)
            .thread_name("guests")
            .enable_all()
            .build()
            .map_err(StartError::Threads)?;
        let work = Builder::new_current_thread()
            .max_blocking_threads(WORK_THREADS)
            .thread_name("host-work")
            .enable_all()
            .build();
        match work {
            Ok(work) => Ok(Self { guests, work }),
            Err(error) => {
                guests.shutdown_background();
                Err(StartError::Threads(error))
            }
        }
    }

    /// Runs until the dispatcher ends, and then ends all guests.
    fn run(self, dispatcher: impl Future<Output = ()>) {
        /// A thread that compiles or writes cannot be stopped, only left alone.
        const ENDING: Duration = Duration::from_secs(5);
        self.work.block_on(dispatcher);
        self.guests.shutdown_timeout(ENDING);
        self.work.shutdown_timeout(ENDING);
    }

    /// Where nothing may block, a runtime may not be dropped.
    fn abandon(self) {
        self.guests.shutdown_background();
        self.work.shutdown_background();
    }
}
