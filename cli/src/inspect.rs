//! `stoa inspect`: what a wasm file is, and what it will need. It never runs it.

use std::io::{self, Write};

use serde::Serialize;
use stoa_executor_host::{Inspection, Kind};
use stoa_machine::artifacts::digest_of;
use stoa_model::size::Bytes;

use crate::config::{Inspect, Output};
use crate::failure::Failure;
use crate::lists::unprinted;
use crate::table::print_json;
use crate::wasm_file::{WasmFile, cannot_run, world_version};

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
    let view = View {
        file: file.path.display().to_string(),
        kind: kind(inspection),
        world: world(inspection),
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

/// The world it is written against, with its version.
fn world(inspection: &Inspection) -> Option<String> {
    let command = || inspection.exports.iter().find_map(|name| name.strip_prefix("wasi:cli/run@"));
    match inspection.kind {
        Kind::Executor => {
            world_version(inspection).map(|it| format!("stoa:executor/executor@{it}"))
        }
        Kind::Command => command().map(|version| format!("wasi:cli/command@{version}")),
        Kind::Module => Some("wasi_snapshot_preview1".to_owned()),
        Kind::Other => None,
    }
}

/// What a part of WASI is of no use without: how its imports begin, in a module or in a component,
/// and the flags that grant it. What a program imports it need not use.
const GRANTS: &[(&[&str], &str)] = &[
    (
        &["wasi:filesystem/", "wasi_snapshot_preview1.path_", "wasi_snapshot_preview1.fd_prestat_"],
        "files: --dir, --upload or --disk",
    ),
    (&["wasi:sockets/tcp", "wasi_snapshot_preview1.sock_"], "network: --allow-net"),
    (&["wasi:cli/environment@", "wasi_snapshot_preview1.environ_"], "environment: --env"),
    (&["wasi:cli/stdin@", "wasi_snapshot_preview1.fd_read"], "standard input: -i"),
    (&["stoa:executor/subtasks@"], "programs to start: --program or --executor-program"),
];

fn grants(inspection: &Inspection) -> Vec<&'static str> {
    let imports = |start: &&str| inspection.imports.iter().any(|import| import.starts_with(start));
    let needed = GRANTS.iter().filter(|(starts, _)| starts.iter().any(|start| imports(start)));
    needed.map(|(_, grant)| *grant).collect()
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
