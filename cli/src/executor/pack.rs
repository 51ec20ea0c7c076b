//! `stoa executor pack`: from a core module that carries its world to an executor. It never leaves
//! behind what is no executor.

use stoa_executor_host::inspect;
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wit_component::ComponentEncoder;

use crate::config::Pack;
use crate::failure::{Failure, code};
use crate::output_file::write_file;
use crate::wasm_file::{WasmFile, check_executor, refused};

const HINT: &str = "build it as a library (cdylib) with wit-bindgen or the guest SDK, for \
                    wasm32-unknown-unknown or wasm32-wasip1";

/// Makes an executor of a module.
///
/// # Errors
/// [`Failure`] if the module is none, carries no world or another one, imports what nobody
/// provides, or the disk refuses.
pub fn pack(arguments: &Pack) -> Result<(), Failure> {
    let module = WasmFile::look(&arguments.module)?;
    let out = arguments.output.path();
    // A file that is not there yet is no input.
    if out.canonicalize().is_ok_and(|out| module.path.canonicalize().is_ok_and(|it| it == out)) {
        let message = format!("{} is the input, which is never overwritten", out.display());
        return Err(Failure::new(code::FAILURE, message).hint("name another file: -o OUT.wasm"));
    }
    let refused = |why: String| refused(&module.path, &why, HINT);
    if module.inspection.is_component {
        let why = "is a component already: run it with `stoa run --executor`".to_owned();
        return Err(refused(why));
    }
    let component = encode(&module).map_err(refused)?;
    let inspection = inspect(&component)
        .map_err(|error| refused(format!("makes a component that cannot be used: it {error}")))?;
    check_executor(&inspection).map_err(|why| refused(format!("makes a component that {why}")))?;
    write_file(out, &component)
}

/// The component; otherwise the rest of a sentence about the module.
fn encode(module: &WasmFile) -> Result<Vec<u8>, String> {
    let (rest, _) = wit_component::metadata::decode(&module.bytes).map_err(unusable)?;
    if rest.is_none() {
        return Err("carries no world: it has no section component-type".to_owned());
    }
    let mut encoder =
        ComponentEncoder::default().validate(true).module(&module.bytes).map_err(unusable)?;
    let wasi = format!("{WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME}.");
    if module.inspection.imports.iter().any(|import| import.starts_with(&wasi)) {
        encoder = encoder
            .adapter(WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER)
            .map_err(unusable)?;
    }
    encoder.encode().map_err(unusable)
}

fn unusable(error: impl std::fmt::Display) -> String {
    format!("cannot become an executor: {error:#}")
}
