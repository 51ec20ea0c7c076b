//! From the digest of a program to a program that is ready to run: kept in memory, read from the
//! cache, or compiled, each program once however many ask for it. It never runs one.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};
use stoa_model::digest::Digest;
use stoa_model::status::Reason;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};
use wasmtime::component::Component;
use wasmtime::{Engine, Module};

use crate::cache::{Cache, CodeKind, Entry};
use crate::end::End;
use crate::inspect::inspect;
use crate::limits::{
    COMPILES_MAX, PROGRAM_BYTES_MAX, PROGRAMS_MAX, REFUSED_PROGRAM_MS, REFUSED_PROGRAMS_MAX,
};
use crate::program::{Code, Linkers, Program};

/// How far a program is.
#[derive(Clone)]
pub(crate) enum Phase {
    /// Looked for in the cache.
    Sought,
    /// Compiled from so many bytes.
    Compiling(u64),
    /// Ready, or why it never will be.
    Done(Result<Arc<Program>, End>),
}

/// Makes programs.
pub(crate) struct Compiler {
    engine: Engine,
    linkers: Linkers,
    cache: Cache,
    artifacts: PathBuf,
    /// Where what blocks is run: never where guests are.
    work: Handle,
    permits: Semaphore,
    shelf: Mutex<Shelf>,
    compiles: AtomicU64,
    loads: AtomicU64,
}

/// What is kept in memory.
#[derive(Default)]
struct Shelf {
    programs: HashMap<Digest, Kept>,
    refused: HashMap<Digest, (End, Instant)>,
    running: HashMap<Digest, watch::Receiver<Phase>>,
    uses: u64,
}

struct Kept {
    program: Arc<Program>,
    last_use: u64,
}

impl Compiler {
    pub(crate) fn new(
        engine: Engine,
        cache: Cache,
        artifacts: PathBuf,
        work: Handle,
    ) -> wasmtime::Result<Self> {
        Ok(Self {
            linkers: Linkers::new(&engine)?,
            engine,
            cache,
            artifacts,
            work,
            permits: Semaphore::new(COMPILES_MAX),
            shelf: Mutex::default(),
            compiles: AtomicU64::new(0),
            loads: AtomicU64::new(0),
        })
    }

    /// How many programs were compiled, and how many read from the cache.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.compiles.load(Ordering::Relaxed), self.loads.load(Ordering::Relaxed))
    }

    /// The program, if nothing needs to be done to have it.
    pub(crate) fn ready(&self, digest: Digest) -> Option<Arc<Program>> {
        self.shelf().take(digest)
    }

    /// Starts to make the program, or joins those who wait for it.
    pub(crate) fn prepare(self: &Arc<Self>, digest: Digest) -> watch::Receiver<Phase> {
        self.start(digest, Source::Artifact)
    }

    /// Like `prepare`, for a program that is part of this one.
    pub(crate) fn prepare_built_in(
        self: &Arc<Self>,
        bytes: &'static [u8],
    ) -> watch::Receiver<Phase> {
        self.start(Digest(Sha256::digest(bytes).into()), Source::BuiltIn(bytes))
    }

    fn start(self: &Arc<Self>, digest: Digest, source: Source) -> watch::Receiver<Phase> {
        let mut shelf = self.shelf();
        if let Some(done) = shelf.done(digest) {
            return watch::channel(Phase::Done(done)).1;
        }
        if let Some(running) = shelf.running.get(&digest) {
            return running.clone();
        }
        let (phase, watched) = watch::channel(Phase::Sought);
        shelf.running.insert(digest, watched.clone());
        drop(shelf);
        let compiler = Arc::clone(self);
        self.work.spawn(async move {
            let made = compiler.make(digest, source, &phase).await;
            compiler.shelf().put(digest, &made);
            // Nobody may wait any more.
            let _ = phase.send(Phase::Done(made));
        });
        watched
    }

    async fn make(
        self: &Arc<Self>,
        digest: Digest,
        source: Source,
        phase: &watch::Sender<Phase>,
    ) -> Result<Arc<Program>, End> {
        if let Some(program) = self.on_thread(move |it| Ok(it.load(digest))).await? {
            return Ok(program);
        }
        let permit = self.permits.acquire().await;
        let bytes = self.on_thread(move |it| it.read(digest, source)).await?;
        phase.send_replace(Phase::Compiling(bytes.len() as u64));
        let program = self.on_thread(move |it| it.compile(digest, &bytes)).await;
        drop(permit);
        program
    }

    async fn on_thread<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> Result<T, End> + Send + 'static,
    ) -> Result<T, End> {
        let compiler = Arc::clone(self);
        match self.work.spawn_blocking(move || work(&compiler)).await {
            Ok(result) => result,
            Err(error) => Err(End::invalid(format!("the compiler failed on it: {error}"))),
        }
    }

    fn load(&self, digest: Digest) -> Option<Arc<Program>> {
        let entry = self.cache.read(digest)?;
        match self.map_code(&entry) {
            Ok(code) => {
                self.loads.fetch_add(1, Ordering::Relaxed);
                Some(Arc::new(Program::link(&self.linkers, &code)))
            }
            Err(error) => {
                self.cache.refuse(digest, &format!("the engine does not take it: {error:#}"));
                None
            }
        }
    }

    fn read(&self, digest: Digest, source: Source) -> Result<Vec<u8>, End> {
        let Source::Artifact = source else {
            return Ok(source.bytes().to_vec());
        };
        let path = self.artifacts.join(digest.hex());
        let missing = |error: std::io::Error| {
            End::failed(format!("its artifact {digest} cannot be read: {error}"))
        };
        let bytes = std::fs::metadata(&path).map_err(missing)?.len();
        if bytes > PROGRAM_BYTES_MAX {
            let message = format!("it has {bytes} bytes, and {PROGRAM_BYTES_MAX} are allowed");
            return Err(End::invalid(message));
        }
        std::fs::read(&path).map_err(missing)
    }

    fn compile(&self, digest: Digest, bytes: &[u8]) -> Result<Arc<Program>, End> {
        let inspection = inspect(bytes).map_err(|error| End::invalid(error.to_string()))?;
        let (kind, compiled) = match inspection.is_component {
            true => (CodeKind::Component, self.engine.precompile_component(bytes)),
            false => (CodeKind::Module, self.engine.precompile_module(bytes)),
        };
        let code = compiled.map_err(|error| End::invalid(first_line(&error)))?;
        self.compiles.fetch_add(1, Ordering::Relaxed);
        if let Err(error) = self.cache.write(digest, kind, &code) {
            tracing::warn!(%digest, %error, "cannot keep compiled code, so it is compiled again");
        }
        let code = self.map_code(&Entry { kind, code });
        let code = code.map_err(|error| End::invalid(first_line(&error)))?;
        Ok(Arc::new(Program::link(&self.linkers, &code)))
    }

    #[expect(unsafe_code, reason = "the engine trusts the code it is given")]
    fn map_code(&self, entry: &Entry) -> wasmtime::Result<Code> {
        // SAFETY: both callers hand in what this engine's compiler has put out: `compile` directly,
        // `load` through the cache, which gives back only bytes that carry this host's own seal.
        unsafe {
            match entry.kind {
                CodeKind::Module => {
                    Module::deserialize(&self.engine, &entry.code).map(Code::Module)
                }
                CodeKind::Component => {
                    Component::deserialize(&self.engine, &entry.code).map(Code::Component)
                }
            }
        }
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where a program's bytes are.
#[derive(Clone, Copy)]
enum Source {
    Artifact,
    BuiltIn(&'static [u8]),
}

impl Source {
    fn bytes(self) -> &'static [u8] {
        match self {
            Self::Artifact => &[],
            Self::BuiltIn(bytes) => bytes,
        }
    }
}

impl Shelf {
    fn take(&mut self, digest: Digest) -> Option<Arc<Program>> {
        self.uses += 1;
        let kept = self.programs.get_mut(&digest)?;
        kept.last_use = self.uses;
        Some(Arc::clone(&kept.program))
    }

    fn done(&mut self, digest: Digest) -> Option<Result<Arc<Program>, End>> {
        if let Some(program) = self.take(digest) {
            return Some(Ok(program));
        }
        let (end, since) = self.refused.get(&digest)?;
        if since.elapsed() < Duration::from_millis(REFUSED_PROGRAM_MS) {
            return Some(Err(end.clone()));
        }
        self.refused.remove(&digest);
        None
    }

    fn put(&mut self, digest: Digest, made: &Result<Arc<Program>, End>) {
        self.running.remove(&digest);
        match made {
            Ok(program) => {
                if self.programs.len() >= PROGRAMS_MAX {
                    let oldest = self.programs.iter().min_by_key(|(_, kept)| kept.last_use);
                    let oldest = oldest.map(|(digest, _)| *digest);
                    oldest.and_then(|oldest| self.programs.remove(&oldest));
                }
                let program = Arc::clone(program);
                self.programs.insert(digest, Kept { program, last_use: self.uses });
            }
            // Bytes never change for the better; all else may.
            Err(end) if end.reason == Reason::InvalidModule => {
                if self.refused.len() >= REFUSED_PROGRAMS_MAX {
                    let oldest = self.refused.iter().min_by_key(|(_, (_, since))| *since);
                    let oldest = oldest.map(|(digest, _)| *digest);
                    oldest.and_then(|oldest| self.refused.remove(&oldest));
                }
                self.refused.insert(digest, (end.clone(), Instant::now()));
            }
            Err(_) => {}
        }
    }
}

/// Waits until the program is ready, and tells of a compile.
pub(crate) async fn ready(
    mut phases: watch::Receiver<Phase>,
    on_compiling: impl Fn(u64),
) -> Result<Arc<Program>, End> {
    let mut told = false;
    loop {
        let phase = phases.borrow_and_update().clone();
        match phase {
            Phase::Done(done) => return done,
            Phase::Compiling(bytes) if !told => {
                told = true;
                on_compiling(bytes);
            }
            Phase::Compiling(_) | Phase::Sought => {}
        }
        if phases.changed().await.is_err() {
            return Err(End::failed("the host ended while its program was prepared"));
        }
    }
}

fn first_line(error: &wasmtime::Error) -> String {
    let chain = format!("{error:#}");
    chain.lines().next().unwrap_or("it cannot be compiled").trim().to_owned()
}
