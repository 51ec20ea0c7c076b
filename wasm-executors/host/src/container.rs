//! One container: a store, what runs in it, and how it ends. It never knows of tasks or executors.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use stoa_model::size::Bytes;
use stoa_model::status::{Reason, Usage};
use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;
use wasmtime::{Engine, Store, Trap, WasmBacktrace};
use wasmtime_wasi::p1::WasiP1Ctx;
use wasmtime_wasi::{I32Exit, WasiCtxBuilder, WasiCtxView, WasiView};

use crate::end::End;
use crate::grants::Grants;
use crate::limiter::{Limiter, MemoryWall, Together};
use crate::limits::{
    COMPONENT_HANDLES_MAX, FUNCTION_NAME_CHARS_MAX, HOST_CALL_BYTES_MAX, RANDOM_BYTES_MAX,
    RESOURCES_MAX, SLICE_FUEL, TRAP_FRAMES_MAX,
};
use crate::output::Output;
use crate::program::Runnable;
use crate::sandbox::{DiskWatch, Sandbox};
use crate::slices::{Cause, Cut, Leash, sliced};
use crate::streams::Ends;

/// What a store of a task's program holds.
pub(crate) struct Guest {
    pub(crate) wasi: WasiP1Ctx,
    limiter: Limiter,
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        self.wasi.ctx()
    }
}

/// The walls of one container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Walls {
    pub(crate) memory_bytes: u64,
    /// None is metered and not limited.
    pub(crate) fuel: Option<u64>,
    /// None is not limited.
    pub(crate) wall_ms: Option<u64>,
    pub(crate) output_bytes: u64,
}

/// All that a container is made of.
pub(crate) struct Plan {
    pub(crate) engine: Engine,
    /// Where what blocks is run.
    pub(crate) work: Handle,
    pub(crate) runnable: Runnable,
    pub(crate) walls: Walls,
    /// Argument 0 and the others.
    pub(crate) arguments: Vec<String>,
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) grants: Arc<Grants>,
    /// The files that it may add to, by its grants or by its output.
    pub(crate) sandbox: Option<Arc<Sandbox>>,
    pub(crate) ends: Ends,
    pub(crate) output: Output,
    /// Where its memory is counted with that of others.
    pub(crate) together: Arc<Together>,
    /// Its place in the pool.
    pub(crate) slot: OwnedSemaphorePermit,
}

/// A container that is over.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) end: End,
    pub(crate) usage: Usage,
}

/// Runs a container to its end. All its output is where it belongs when this returns.
pub(crate) async fn run(mut plan: Plan, leash: Arc<Leash>) -> Ended {
    let started = Instant::now();
    let ends = std::mem::take(&mut plan.ends);
    let (end, fuel) = match make_store(&plan, ends, &leash) {
        Ok(store) => run_store(&plan, store, &leash).await,
        Err(end) => (end, 0),
    };
    let wall_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
    let Plan { sandbox, output, work, slot, .. } = plan;
    drop(slot);
    output.finish().await;
    let end = match &sandbox {
        Some(sandbox) => sandbox.check(&work).await.unwrap_or(end),
        None => end,
    };
    let usage = Usage {
        fuel,
        wall_us,
        memory_peak_bytes: leash.memory_peak_bytes(),
        output_bytes: output.written_bytes(),
    };
    Ended { end, usage }
}

/// The store stays outside the future that is cut, so that its fuel can be read after any end.
async fn run_store(plan: &Plan, mut store: Store<Guest>, leash: &Arc<Leash>) -> (End, u64) {
    let sandbox = plan.sandbox.as_ref();
    let watch = sandbox.map(|sandbox| DiskWatch::start(&plan.work, sandbox, leash));
    let outcome = sliced(leash, call(&plan.runnable, &mut store)).await;
    drop(watch);
    let budget = plan.walls.fuel.unwrap_or(u64::MAX);
    let fuel = budget.saturating_sub(store.get_fuel().unwrap_or(0));
    let end = end_of(outcome, &store.data().limiter, leash, &plan.walls);
    // What a panic has left behind may panic again.
    match catch_unwind(AssertUnwindSafe(|| drop(store))) {
        Ok(()) => (end, fuel),
        Err(_) => (End::failed("the host failed when it cleared the container"), fuel),
    }
}

fn make_store(plan: &Plan, ends: Ends, leash: &Arc<Leash>) -> Result<Store<Guest>, End> {
    let mut wasi = WasiCtxBuilder::new();
    wasi.args(&plan.arguments).envs(&plan.environment).max_random_size(RANDOM_BYTES_MAX);
    plan.grants.apply(&mut wasi)?;
    ends.apply(&mut wasi, &plan.output, matches!(plan.runnable, Runnable::Module(_)));
    let mut wasi = wasi.build_p1();
    wasi.ctx().table.set_max_capacity(RESOURCES_MAX);
    let wall = Arc::new(MemoryWall::new(plan.walls.memory_bytes));
    let limiter = Limiter::new(wall, Arc::clone(&plan.together), Arc::clone(leash));
    let mut store = Store::new(&plan.engine, Guest { wasi, limiter });
    store.limiter(|guest| &mut guest.limiter);
    set_walls(&mut store, plan.walls.fuel.unwrap_or(u64::MAX));
    Ok(store)
}

/// The walls that are the same for programs and executors.
pub(crate) fn set_walls<T>(store: &mut Store<T>, fuel: u64) {
    store.set_hostcall_fuel(HOST_CALL_BYTES_MAX);
    store.set_max_component_handles(COMPONENT_HANDLES_MAX);
    store.set_fuel(fuel).expect("the engine counts fuel");
    let interval = Some(SLICE_FUEL);
    store.fuel_async_yield_interval(interval).expect("the engine counts fuel and slices are not 0");
}

/// Makes the instance and calls it: start functions are guests too. Answers the exit code.
async fn call(runnable: &Runnable, store: &mut Store<Guest>) -> wasmtime::Result<i32> {
    match runnable {
        Runnable::Module(linked) => {
            let instance = linked.instantiate_async(&mut *store).await?;
            let start = instance.get_typed_func::<(), ()>(&mut *store, "_start")?;
            start.call_async(&mut *store, ()).await?;
            Ok(0)
        }
        Runnable::Command(linked) => {
            let command = linked.instantiate_async(&mut *store).await?;
            let result = command.wasi_cli_run().call_run(&mut *store).await?;
            Ok(i32::from(result.is_err()))
        }
    }
}

type Outcome = Result<wasmtime::Result<i32>, Cut>;

/// The first wall that a guest ran into names its end.
fn end_of(outcome: Outcome, limiter: &Limiter, leash: &Leash, walls: &Walls) -> End {
    if let Err(Cut::Panicked(text)) = outcome {
        tracing::error!(text, "the host panicked in a container");
        return End::failed(format!("the host failed in the container: {text}"));
    }
    if let Some(cause) = leash.cause() {
        return stopped(cause, walls);
    }
    let Ok(result) = outcome else { return End::killed() };
    let code = match result {
        Ok(code) => Ok(code),
        Err(error) => match error.downcast_ref::<I32Exit>() {
            Some(exit) => Ok(exit.0),
            None => Err(error),
        },
    };
    match (code, limiter.refused()) {
        (Ok(0), _) => End::exited(0),
        (Err(error), _) if is_out_of_fuel(&error) => {
            let message = match walls.fuel {
                Some(fuel) => format!("out of fuel: all {fuel} units are used"),
                None => "out of fuel".to_owned(),
            };
            End::new(Reason::FuelExhausted, message)
        }
        (_, Some(refusal)) => End::new(Reason::MemoryExceeded, refusal.to_string()),
        (Ok(code), None) => End::exited(code),
        (Err(error), None) => trapped(&error),
    }
}

/// Whether a guest or an executor has used up its fuel.
pub(crate) fn is_out_of_fuel(error: &wasmtime::Error) -> bool {
    error.downcast_ref::<Trap>() == Some(&Trap::OutOfFuel)
}

fn stopped(cause: Cause, walls: &Walls) -> End {
    match cause {
        Cause::Killed | Cause::Abandoned => End::killed(),
        Cause::TimedOut => {
            let message = match walls.wall_ms {
                Some(ms) => format!("ran longer than the {} s granted", seconds(ms)),
                None => "its time is over".to_owned(),
            };
            End::new(Reason::TimedOut, message)
        }
        Cause::OutputExceeded => {
            let granted = Bytes(walls.output_bytes);
            End::new(Reason::OutputExceeded, format!("wrote more than the {granted} granted"))
        }
        Cause::DiskExceeded => {
            End::new(Reason::DiskExceeded, "its files are more than the disk granted")
        }
        Cause::FileFailed => End::failed("a file that its output goes into could not be written"),
        Cause::LogFailed => End::failed("its log could not be written"),
    }
}

/// Milliseconds as seconds, for people.
pub(crate) fn seconds(ms: u64) -> String {
    match ms % 1_000 {
        0 => (ms / 1_000).to_string(),
        rest => format!("{}.{rest:03}", ms / 1_000),
    }
}

fn trapped(error: &wasmtime::Error) -> End {
    if error.is::<wasmtime::PoolConcurrencyLimitError>() {
        return End::failed(format!("no room for the container: {error}"));
    }
    End::new(Reason::Trapped, trap_text(error))
}

/// A trap in words and where it happened, within bounds.
pub(crate) fn trap_text(error: &wasmtime::Error) -> String {
    const CHARS_MAX: usize = 300;
    let what = match error.downcast_ref::<Trap>() {
        Some(trap) => trap.to_string(),
        None => error.root_cause().to_string(),
    };
    let what = what.trim_start_matches("wasm trap: ");
    let mut text: String = format!("trapped: {what}").chars().take(CHARS_MAX).collect();
    let frames = error.downcast_ref::<WasmBacktrace>().map_or(&[][..], WasmBacktrace::frames);
    for (number, frame) in frames.iter().take(TRAP_FRAMES_MAX).enumerate() {
        text.push_str(if number == 0 { ", in " } else { ", called from " });
        match frame.func_name() {
            Some(name) => {
                let name = format!("{:#}", rustc_demangle::demangle(name));
                text.extend(name.chars().take(FUNCTION_NAME_CHARS_MAX));
            }
            None => text.push_str(&format!("function {}", frame.func_index())),
        }
    }
    text
}
