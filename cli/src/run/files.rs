//! The files that `stoa run` was given, looked at before anything starts, so that what cannot run
//! is refused at once. It never uploads them.

use std::path::Path;

use crate::config::{NamedFile, Run};
use crate::failure::{Failure, code};
use crate::shipped::{self, Shipped};
use crate::wasm_file::WasmFile;

/// What is to run, and what may be started beside it.
pub struct Files {
    /// What is to run.
    pub what: What,
    /// What the executor may start for the task.
    pub programs: Vec<Named>,
    /// What the executor may start for itself.
    pub executor_programs: Vec<Named>,
}

/// What is to run.
pub enum What {
    /// A program.
    Program(WasmFile),
    /// An executor of somebody's own.
    Executor(WasmFile),
    /// An executor that ships.
    Shipped(&'static Shipped),
}

/// A program with the name that an executor starts it by.
pub struct Named {
    /// The name.
    pub name: String,
    /// The program.
    pub file: WasmFile,
}

impl What {
    /// Its name, for people.
    pub fn name(&self) -> &str {
        match self {
            Self::Program(file) | Self::Executor(file) => &file.name,
            Self::Shipped(shipped) => shipped.name,
        }
    }

    /// Bytes of disk of a task that asks for none.
    pub fn disk_bytes(&self) -> u64 {
        match self {
            Self::Program(_) | Self::Executor(_) => 0,
            Self::Shipped(shipped) => shipped.disk_bytes,
        }
    }
}

impl Files {
    /// Looks at all of them.
    ///
    /// # Errors
    /// [`Failure`] with the codes of the contract: not found, or cannot start.
    pub fn look(arguments: &Run) -> Result<Self, Failure> {
        let what = match (&arguments.executor, &arguments.wasm) {
            (Some(executor), _) => find_executor(executor)?,
            (None, Some(program)) => What::Program(WasmFile::program(program)?),
            (None, None) => {
                return Err(Failure::new(code::CLUSTER, "nothing to run was named")
                    .hint("stoa run FILE.wasm, or stoa run --executor FILE.wasm --data TEXT"));
            }
        };
        Ok(Self {
            what,
            programs: look_at("--program", &arguments.program)?,
            executor_programs: look_at("--executor-program", &arguments.executor_program)?,
        })
    }
}

/// A name that ships is never looked for among files.
fn find_executor(named: &Path) -> Result<What, Failure> {
    if let Some(shipped) = named.to_str().and_then(shipped::named) {
        return match shipped.takes_data {
            true => Ok(What::Shipped(shipped)),
            false => Err(Failure::new(
                code::CLUSTER,
                format!("the executor {} takes no --data: its tasks are programs", shipped.name),
            )
            .hint("stoa run FILE.wasm ARGS… has it run the program")),
        };
    }
    match WasmFile::executor(named) {
        Ok(file) => Ok(What::Executor(file)),
        Err(failure) if failure.code == code::NOT_FOUND => {
            Err(failure.hint("name a .wasm file, or an executor that ships: `stoa executor list`"))
        }
        Err(failure) => Err(failure),
    }
}

fn look_at(flag: &str, given: &[NamedFile]) -> Result<Vec<Named>, Failure> {
    let mut files: Vec<Named> = Vec::new();
    for NamedFile { name, file } in given {
        if files.iter().any(|other| other.name == *name) {
            let message = format!("{flag} names {name:?} twice");
            return Err(Failure::new(code::CLUSTER, message).hint("give each program its own name"));
        }
        files.push(Named { name: name.clone(), file: WasmFile::program(file)? });
    }
    Ok(files)
}
