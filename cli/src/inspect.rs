//! `stoa inspect`: what a wasm file is, and what it will need. It never runs it.

use std::io::{self, Write};

use serde::Serialize;
use stoa_executor_host::{CompileError, Inspection, Kind, Need, compile_once};
use stoa_machine::artifacts::digest_of;
use stoa_model::size::Bytes;

use crate::config::{Inspect, Output};
use crate::failure::Failure;
use crate::lists::unprinted;
use crate::table::print_json;
use crate::wasm_file::{WasmFile, cannot_run, refused};

/// What is said of a file.
#[derive(Debug, Serialize)]
struct View {
    file: String,
    kind: &'static str,
    world: Option<String>,
    cannot_run: Option<String>,
    size_bytes: usize,
    digest: String,
    imports: Vec<String>,
    unknown_imports: Vec<String>,
    exports: Vec<String>,
    grants: Vec<&'static str>,
    compile_ms: Option<u64>,
    code_bytes: Option<u64>,
}

/// Prints what a file is.
///
/// # Errors
/// [`Failure`] if there is no such file, or it is no wasm.
pub fn inspect(arguments: &Inspect, output: Output) -> Result<(), Failure> {
    let file = WasmFile::look(&arguments.file)?;
    let inspection = &file.inspection;
    let mut view = View {
        file: file.path.display().to_string(),
        kind: kind(inspection),
        world: inspection.world(),
        cannot_run: cannot_run(inspection),
        size_bytes: file.bytes.len(),
        digest: digest_of(&file.bytes).to_string(),
        imports: inspection.imports.clone(),
        unknown_imports: inspection.unknown_imports().into_iter().map(str::to_owned).collect(),
        exports: inspection.exports.clone(),
        grants: grants(inspection),
        compile_ms: None,
        code_bytes: None,
    };
    if !arguments.no_compile {
        compile(&file, &mut view)?;
    }
    match output {
        Output::Json => print_json(&view),
        Output::Table => print_for_people(&view),
    }
    .map_err(unprinted)
}

fn kind(inspection: &Inspection) -> &'static str {
    match inspection.kind {
        Kind::Module => "module",
        Kind::Command => "command",
        Kind::Executor => "executor",
        Kind::Other => "other",
    }
}

/// What only the compiler can say.
fn compile(file: &WasmFile, view: &mut View) -> Result<(), Failure> {
    let compiled = match compile_once(&file.bytes) {
        Ok(compiled) => compiled,
        // It is what it is, and cannot be run.
        Err(error @ (CompileError::Refused(_) | CompileError::Invalid(_))) => {
            view.cannot_run.get_or_insert(error.to_string());
            return Ok(());
        }
        Err(error @ CompileError::Engine(_)) => {
            return Err(refused(&file.path, &error, "leave it uncompiled: --no-compile"));
        }
    };
    view.compile_ms = Some(u64::try_from(compiled.time.as_millis()).unwrap_or(u64::MAX));
    view.code_bytes = Some(compiled.code_bytes);
    let refused = match file.inspection.kind {
        Kind::Executor => compiled.no_executor,
        Kind::Module | Kind::Command | Kind::Other => compiled.no_program,
    };
    view.cannot_run = view.cannot_run.take().or(refused);
    Ok(())
}

/// The flags without which a program has nothing of what it imports. What it imports it need not
/// use.
fn grants(inspection: &Inspection) -> Vec<&'static str> {
    let flags = |need| match need {
        Need::Network => Some("network: --allow-net"),
        Need::Files => Some("files: --dir, --upload or --disk"),
        Need::Stdin => Some("standard input: -i"),
        Need::Subtasks => Some("programs to start: --program or --executor-program"),
        Need::Clocks | Need::Randomness => None,
    };
    inspection.needs().into_iter().filter_map(flags).collect()
}

/// One field a line: lists in one line each, sizes with their units, nothing of what is not there.
fn print_for_people(view: &View) -> io::Result<()> {
    let list = |names: Vec<&str>| (!names.is_empty()).then(|| names.join(", "));
    let all = |names: &[String]| list(names.iter().map(String::as_str).collect());
    let fields = [
        ("file", Some(view.file.clone())),
        ("kind", Some(view.kind.to_owned())),
        ("world", view.world.clone()),
        ("cannot run", view.cannot_run.clone()),
        ("size", Some(Bytes(view.size_bytes as u64).to_string())),
        ("digest", Some(view.digest.clone())),
        ("imports", all(&view.imports)),
        ("unknown imports", all(&view.unknown_imports)),
        ("exports", all(&view.exports)),
        ("may want", list(view.grants.clone())),
        ("compile time", view.compile_ms.map(|ms| format!("{ms} ms"))),
        ("code", view.code_bytes.map(|bytes| Bytes(bytes).to_string())),
    ];
    let mut out = io::stdout().lock();
    for (name, text) in fields {
        if let Some(text) = text {
            writeln!(out, "{name}: {text}")?;
        }
    }
    out.flush()
}
