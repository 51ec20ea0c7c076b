//! A script that is compiled once and called many times. It keeps one value between the calls, and
//! nothing else; it never knows of tasks.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;

use rhai::packages::{
    ArithmeticPackage, BasicArrayPackage, BasicFnPackage, BasicIteratorPackage, BasicMapPackage,
    BasicMathPackage, BasicStringPackage, LanguageCorePackage, LogicPackage, MoreStringPackage,
    Package,
};
use rhai::{AST, CallFnOptions, Dynamic, Engine, EvalAltResult, Position, Scope};
use stoa_executor::driver;

use crate::limits::{
    ARRAY_ELEMENTS_MAX, CALL_LEVELS_MAX, CALL_MS_MAX, EXPRESSION_DEPTH_MAX, FUNCTIONS_MAX,
    LINES_PRINTED_MAX, MAP_PROPERTIES_MAX, OPERATIONS_MAX, OPERATIONS_PER_LOOK, SCRIPT_BYTES_MAX,
    STRING_BYTES_MAX, VARIABLES_MAX,
};

/// What went wrong in a script, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ScriptError {
    /// For people.
    pub(crate) message: String,
    /// Line and column, from 1 on; none if it is at no place of the script, or the interpreter does
    /// not know it.
    pub(crate) place: Option<(usize, usize)>,
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Some((line, column)) => write!(f, "line {line}, column {column}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl ScriptError {
    /// At no place of the script.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), place: None }
    }

    fn at(message: String, place: Position) -> Self {
        Self { message, place: place.line().zip(place.position()) }
    }

    /// The innermost error says what is wrong; the innermost place that is known says where.
    fn from_call(error: &EvalAltResult) -> Self {
        let inner = error.unwrap_inner();
        let place = if inner.position().is_none() { error.position() } else { inner.position() };
        let message = match inner {
            EvalAltResult::ErrorTerminated(..) => format!("took more than {CALL_MS_MAX} ms"),
            EvalAltResult::ErrorTooManyOperations(_) => {
                format!("took more than {OPERATIONS_MAX} operations")
            }
            _ => without_place(&inner.to_string(), place),
        };
        Self::at(message, place)
    }
}

/// A message without the place that rhai writes at its end.
fn without_place(message: &str, place: Position) -> String {
    let end = format!(" ({place})");
    message.strip_suffix(end.as_str()).unwrap_or(message).to_owned()
}

/// What holds a call within its bounds.
#[derive(Default)]
struct Meter {
    /// When it began, on the clock of the executor.
    started_us: Cell<u64>,
    /// What it has printed so far.
    lines: Cell<u32>,
}

impl Meter {
    fn start(&self) {
        self.started_us.set(driver::own_usage().wall_us);
        self.lines.set(0);
    }

    fn is_time_over(&self) -> bool {
        let used_us = driver::own_usage().wall_us.saturating_sub(self.started_us.get());
        used_us > CALL_MS_MAX * 1_000
    }

    fn print(&self, line: &str) {
        let lines = self.lines.get();
        self.lines.set(lines.saturating_add(1));
        if lines < LINES_PRINTED_MAX {
            driver::log(line);
        } else if lines == LINES_PRINTED_MAX {
            driver::log("the script prints more, which is left out");
        }
    }
}

/// The interpreter with its bounds.
pub(crate) struct Interpreter {
    engine: Engine,
    meter: Rc<Meter>,
}

/// A script with its state.
pub(crate) struct Script {
    ast: AST,
    /// The value of the script when it was set; its functions know it as `this`.
    state: Dynamic,
}

impl Interpreter {
    pub(crate) fn new() -> Self {
        let meter = Rc::new(Meter::default());
        let mut engine = Engine::new_raw();
        LanguageCorePackage::new().register_into_engine(&mut engine);
        ArithmeticPackage::new().register_into_engine(&mut engine);
        LogicPackage::new().register_into_engine(&mut engine);
        BasicMathPackage::new().register_into_engine(&mut engine);
        BasicStringPackage::new().register_into_engine(&mut engine);
        MoreStringPackage::new().register_into_engine(&mut engine);
        BasicIteratorPackage::new().register_into_engine(&mut engine);
        BasicFnPackage::new().register_into_engine(&mut engine);
        BasicArrayPackage::new().register_into_engine(&mut engine);
        BasicMapPackage::new().register_into_engine(&mut engine);
        engine
            .disable_symbol("eval")
            .set_max_operations(OPERATIONS_MAX)
            .set_max_functions(FUNCTIONS_MAX)
            .set_max_call_levels(CALL_LEVELS_MAX)
            .set_max_expr_depths(EXPRESSION_DEPTH_MAX, EXPRESSION_DEPTH_MAX)
            .set_max_variables(VARIABLES_MAX)
            .set_max_string_size(STRING_BYTES_MAX)
            .set_max_array_size(ARRAY_ELEMENTS_MAX)
            .set_max_map_size(MAP_PROPERTIES_MAX);
        let (clock, printed, debugged) = (meter.clone(), meter.clone(), meter.clone());
        engine.on_progress(move |operations| {
            let looks = operations % OPERATIONS_PER_LOOK == 0;
            (looks && clock.is_time_over()).then_some(Dynamic::UNIT)
        });
        engine.on_print(move |line| printed.print(line));
        engine.on_debug(move |line, _, place| debugged.print(&format!("{place}: {line}")));
        Self { engine, meter }
    }

    /// Compiles a script, and runs it once for its state.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub(crate) fn set(&self, script: &[u8]) -> Result<Script, ScriptError> {
        if script.len() > SCRIPT_BYTES_MAX {
            let got = script.len();
            let message = format!("{got} bytes of script, {SCRIPT_BYTES_MAX} are allowed");
            return Err(ScriptError::new(message));
        }
        let text = str::from_utf8(script)
            .map_err(|error| ScriptError::new(format!("the script is no text: {error}")))?;
        let ast = self.engine.compile(text).map_err(|error| {
            ScriptError::at(without_place(&error.to_string(), error.1), error.1)
        })?;
        self.meter.start();
        let state = self.engine.eval_ast(&ast).map_err(|error| ScriptError::from_call(&error))?;
        Ok(Script { ast, state })
    }

    /// Calls a function of the script and answers what it returns. What a call that failed has done
    /// to the state before, it has done.
    ///
    /// # Errors
    /// What went wrong, and where.
    pub(crate) fn call(
        &self,
        script: &mut Script,
        name: &str,
        arguments: Vec<Dynamic>,
    ) -> Result<Dynamic, ScriptError> {
        self.meter.start();
        let options = CallFnOptions::new().eval_ast(false).bind_this_ptr(&mut script.state);
        let mut scope = Scope::new();
        self.engine
            .call_fn_with_options(options, &mut scope, &script.ast, name, arguments)
            .map_err(|error| ScriptError::from_call(&error))
    }
}

impl Script {
    /// The names of its functions, sorted.
    pub(crate) fn functions(&self) -> Vec<String> {
        let mut names: Vec<_> =
            self.ast.iter_functions().map(|function| function.name.to_owned()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}
