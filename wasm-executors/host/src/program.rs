//! A program as it is kept: compiled, and linked as far as it can be without an instance. It never
//! compiles and never runs one.

use stoa_model::status::Reason;
use wasmtime::component::{self, Component, HasSelf};
use wasmtime::{Engine, InstancePre, Linker, Module, UnknownImportError};
use wasmtime_wasi::I32Exit;
use wasmtime_wasi::p2::bindings::CommandPre;

use crate::container::Guest;
use crate::end::End;
use crate::inspect::{InvalidModule, is_provided};
use crate::limits::SLOT_TABLES;
use crate::state::State;
use crate::world::{Executor, ExecutorPre};

const PREVIEW1: &str = "wasi_snapshot_preview1";

/// What only executors can call.
const DRIVER: [(&str, &[&str]); 3] = [
    (
        "stoa:executor/driver@0.1.0",
        &[
            "send-status-update",
            "send-message",
            "own-limits",
            "own-usage",
            "wake-after",
            "log",
            "stop",
        ],
    ),
    (
        "stoa:executor/subtasks@0.1.0",
        &["spawn", "make-pipe", "close-pipe", "kill", "pause", "resume", "usage-of", "write-stdin"],
    ),
    ("stoa:executor/files@0.1.0", &["list-directory", "read-file"]),
];

/// All that a program may import, made once.
pub(crate) struct Linkers {
    module: Linker<Guest>,
    command: component::Linker<Guest>,
    executor: component::Linker<State>,
}

impl Linkers {
    /// All of WASI is linked for everybody: what is not granted is denied when it is used.
    pub(crate) fn new(engine: &Engine) -> wasmtime::Result<Self> {
        let mut module = Linker::new(engine);
        wasmtime_wasi::p1::add_to_linker_async(&mut module, |guest: &mut Guest| &mut guest.wasi)?;
        // The library takes codes below 126 only; programs have all of theirs.
        module.allow_shadowing(true);
        module.func_wrap(PREVIEW1, "proc_exit", exit)?;
        module.allow_shadowing(false);
        let mut command = component::Linker::new(engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut command)?;
        deny_driver(&mut command)?;
        let mut executor = component::Linker::new(engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut executor)?;
        Executor::add_to_linker::<_, HasSelf<State>>(&mut executor, |state| state)?;
        Ok(Self { module, command, executor })
    }
}

/// An executor can be a program too, and then it has no driver: it traps if it asks for one.
fn deny_driver(linker: &mut component::Linker<Guest>) -> wasmtime::Result<()> {
    linker.instance("stoa:executor/types@0.1.0")?;
    for (interface, functions) in DRIVER {
        let mut instance = linker.instance(interface)?;
        for function in functions {
            instance.func_new(function, |_, _, _, _| {
                Err(wasmtime::Error::msg("a program has no driver: only executors have"))
            })?;
        }
    }
    Ok(())
}

/// Source: WASI preview 1, `proc_exit`.
fn exit(code: i32) -> wasmtime::Result<()> {
    Err(I32Exit(code).into())
}

/// What is compiled.
pub(crate) enum Code {
    Module(Module),
    Component(Component),
}

/// What can be run as a task's program.
#[derive(Clone)]
pub(crate) enum Runnable {
    Module(InstancePre<Guest>),
    Command(CommandPre<Guest>),
}

/// A program, ready to be instantiated.
pub(crate) struct Program {
    /// As a task's program, or why it is none.
    pub(crate) runnable: Result<Runnable, End>,
    /// As an executor, or why it is none.
    pub(crate) executor: Result<ExecutorPre<State>, End>,
    /// How many slots of the pool an instance takes.
    pub(crate) slots: u32,
}

impl Program {
    pub(crate) fn link(linkers: &Linkers, code: &Code) -> Self {
        match code {
            Code::Module(module) => Self {
                runnable: link_module(linkers, module).map(Runnable::Module),
                executor: Err(invalid(&InvalidModule::NoExecutor)),
                slots: slots(Some(module.resources_required())),
            },
            Code::Component(component) => Self {
                runnable: link_command(linkers, component).map(Runnable::Command),
                executor: link_executor(linkers, component),
                slots: slots(component.resources_required()),
            },
        }
    }
}

/// A slot brings one memory and some tables.
fn slots(required: Option<wasmtime::ResourcesRequired>) -> u32 {
    let (memories, tables) = required.map_or((1, 1), |it| (it.num_memories, it.num_tables));
    memories.max(tables.div_ceil(SLOT_TABLES)).max(1)
}

fn invalid(error: &InvalidModule) -> End {
    End::invalid(error.to_string())
}

fn link_module(linkers: &Linkers, module: &Module) -> Result<InstancePre<Guest>, End> {
    let is_start = |name: &str| name == "_start";
    if !module.exports().any(|export| is_start(export.name())) {
        return Err(invalid(&InvalidModule::NoStart));
    }
    linkers.module.instantiate_pre(module).map_err(|error| {
        let message = match error.downcast_ref::<UnknownImportError>() {
            Some(import) => {
                format!("imports {}.{}, which nobody provides", import.module(), import.name())
            }
            None => return wrong_import(&error),
        };
        End::new(Reason::MissingImport, message)
    })
}

fn link_command(linkers: &Linkers, component: &Component) -> Result<CommandPre<Guest>, End> {
    if !exports(component, "wasi:cli/run") {
        let error = match exports(component, "stoa:executor/events") {
            true => InvalidModule::OnlyExecutor,
            false => InvalidModule::NotRunnable { exports: export_names(component) },
        };
        return Err(invalid(&error));
    }
    check_imports(component, exports(component, "stoa:executor/events"))?;
    linkers
        .command
        .instantiate_pre(component)
        .map_err(|error| wrong_import(&error))
        .and_then(|linked| CommandPre::new(linked).map_err(|error| wrong_export(&error)))
}

fn link_executor(linkers: &Linkers, component: &Component) -> Result<ExecutorPre<State>, End> {
    if !exports(component, "stoa:executor/events") {
        return Err(invalid(&InvalidModule::NoExecutor));
    }
    check_imports(component, true)?;
    linkers
        .executor
        .instantiate_pre(component)
        .map_err(|error| wrong_import(&error))
        .and_then(|linked| ExecutorPre::new(linked).map_err(|error| wrong_export(&error)))
}

fn exports(component: &Component, interface: &str) -> bool {
    let ty = component.component_type();
    let without_version = |name: &str| name.split('@').next() == Some(interface);
    ty.exports(component.engine()).any(|(name, _)| without_version(name))
}

fn export_names(component: &Component) -> String {
    let ty = component.component_type();
    let mut names: Vec<_> = ty.exports(component.engine()).map(|(name, _)| name).collect();
    names.truncate(5);
    match names.is_empty() {
        true => "nothing".to_owned(),
        false => names.join(", "),
    }
}

/// Refuses by name what nobody provides: also what the engine would let pass, as nothing of it is
/// called.
fn check_imports(component: &Component, for_executor: bool) -> Result<(), End> {
    let ty = component.component_type();
    let mut imports = ty.imports(component.engine()).map(|(name, _)| name);
    match imports.find(|name| !is_provided(name, for_executor)) {
        Some(name) => {
            let message = format!("imports {name}, which nobody provides");
            Err(End::new(Reason::MissingImport, message))
        }
        None => Ok(()),
    }
}

fn wrong_import(error: &wasmtime::Error) -> End {
    let message = format!("imports what is not provided as it wants it: {error:#}");
    End::new(Reason::MissingImport, message)
}

fn wrong_export(error: &wasmtime::Error) -> End {
    End::invalid(format!("exports its interface with another type: {error:#}"))
}
