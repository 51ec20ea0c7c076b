//! Compiles a program once, to say what that costs and whether it could be run here. It never keeps
//! and never runs it.

use std::time::{Duration, Instant};

use wasmtime::Module;
use wasmtime::component::Component;

use crate::engine;
use crate::inspect::{InvalidModule, inspect};
use crate::program::{Code, Linkers, Program};

/// What compiling a program has cost, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compiled {
    /// How long the compiler took, on all cores it got.
    pub time: Duration,
    /// Bytes of compiled code, as they are kept.
    pub code_bytes: u64,
    /// Why it cannot be run as a task's program, if so.
    pub no_program: Option<String>,
    /// Why it cannot be run as an executor, if so.
    pub no_executor: Option<String>,
}

/// Why a program could not be compiled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// It is no program.
    #[error(transparent)]
    Invalid(#[from] InvalidModule),
    /// The compiler refuses it.
    #[error("cannot be compiled: {0}")]
    Refused(String),
    /// The engine cannot be started on this machine.
    #[error("cannot start the wasm engine: {0}")]
    Engine(String),
}

/// Compiles `bytes` with the settings of a host, without its cache. Blocks, for seconds if the
/// program is large.
///
/// # Errors
/// Why they cannot be compiled.
pub fn compile_once(bytes: &[u8]) -> Result<Compiled, CompileError> {
    let inspection = inspect(bytes)?;
    let no_engine = |error: wasmtime::Error| CompileError::Engine(format!("{error:#}"));
    let engine = engine::start(1).map_err(no_engine)?.engine;
    let linkers = Linkers::new(&engine).map_err(no_engine)?;
    let started = Instant::now();
    let code = match inspection.is_component {
        true => Component::new(&engine, bytes).map(Code::Component),
        false => Module::new(&engine, bytes).map(Code::Module),
    };
    let refused = |error: wasmtime::Error| CompileError::Refused(format!("{error:#}"));
    let (code, time) = (code.map_err(refused)?, started.elapsed());
    let kept = match &code {
        Code::Module(module) => module.serialize(),
        Code::Component(component) => component.serialize(),
    };
    let code_bytes = kept.map_err(refused)?.len() as u64;
    let program = Program::link(&linkers, &code);
    let no_program = program.runnable.err().map(|end| end.message);
    let no_executor = program.executor.err().map(|end| end.message);
    Ok(Compiled { time, code_bytes, no_program, no_executor })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trial_says_what_a_program_costs_and_can_be() {
        let noop = wat::parse_str(r#"(module (func (export "_start")))"#).unwrap();
        let compiled = compile_once(&noop).unwrap();
        assert!(compiled.code_bytes > 0 && compiled.time > Duration::ZERO, "{compiled:?}");
        assert_eq!(compiled.no_program, None);
        assert!(compiled.no_executor.unwrap().starts_with("is no executor"));
        assert_eq!(compile_once(b""), Err(CompileError::Invalid(InvalidModule::Empty)));
        let wrong = wat::parse_str("(module (func (result i32)))").unwrap();
        assert!(matches!(compile_once(&wrong), Err(CompileError::Refused(_))));
    }
}
