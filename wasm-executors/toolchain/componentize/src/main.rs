//! `componentize`: the last step of building a guest, where no `wasm-tools` is installed.
//!
//! It turns a core module into a component, or text into a module. It builds nothing and links
//! nothing; `build-component.sh` beside it does.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER,
};
use wit_component::ComponentEncoder;

const USAGE: &str = "usage: componentize [--adapt | --assemble] IN OUT

  (no flag)    IN, a module that carries its WIT world (by wit-bindgen), becomes a component
  --adapt      IN, a wasip1 command, becomes a WASI 0.2 command component by way of the adapter
  --assemble   IN, a module as text, becomes the module in binary";

/// What to make of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Encode,
    Adapt,
    Assemble,
}

struct Request {
    mode: Mode,
    input: PathBuf,
    output: PathBuf,
}

fn main() -> ExitCode {
    match read_arguments().and_then(|request| run(&request)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("componentize: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn read_arguments() -> anyhow::Result<Request> {
    let mut mode = Mode::Encode;
    let mut paths = Vec::new();
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--adapt" => mode = Mode::Adapt,
            "--assemble" => mode = Mode::Assemble,
            flag if flag.starts_with('-') => bail!("unknown flag {flag}\n{USAGE}"),
            path => paths.push(PathBuf::from(path)),
        }
    }
    let [input, output] = <[PathBuf; 2]>::try_from(paths).map_err(|_| anyhow::anyhow!(USAGE))?;
    Ok(Request {
        mode,
        input,
        output,
    })
}

fn run(request: &Request) -> anyhow::Result<()> {
    let input = request.input.display();
    // Reads text and binary alike: a binary passes through untouched.
    let module = wat::parse_file(&request.input).with_context(|| format!("cannot read {input}"))?;
    let bytes = match request.mode {
        Mode::Assemble => module,
        Mode::Encode | Mode::Adapt => encode(&module, request.mode)
            .with_context(|| format!("cannot make a component of {input}"))?,
    };
    std::fs::write(&request.output, bytes)
        .with_context(|| format!("cannot write {}", request.output.display()))
}

fn encode(module: &[u8], mode: Mode) -> anyhow::Result<Vec<u8>> {
    let mut encoder = ComponentEncoder::default().validate(true).module(module)?;
    if mode == Mode::Adapt {
        encoder = encoder.adapter(
            WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME,
            WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER,
        )?;
    }
    encoder.encode()
}
