//! A wasm file as a person names it: read, looked at, and refused at once if it cannot be what is
//! wanted. It never compiles and never runs anything.

use std::path::{Path, PathBuf};

use stoa_executor_host::{Inspection, Kind, inspect};
use stoa_protocol::limits::NAME_BYTES_MAX;

use crate::failure::{Failure, code};

/// A file that is wasm.
#[derive(Debug)]
pub struct WasmFile {
    /// As it was named.
    pub path: PathBuf,
    /// The file's name without `.wasm`.
    pub name: String,
    /// What is in it.
    pub bytes: Vec<u8>,
    /// What that is.
    pub inspection: Inspection,
}

impl WasmFile {
    /// Reads a file and looks what it is.
    ///
    /// # Errors
    /// [`Failure`] with the codes of `stoa run`: not found, or cannot start as it is no wasm.
    pub fn look(path: &Path) -> Result<Self, Failure> {
        let bytes = std::fs::read(path).map_err(|error| unreadable(path, &error))?;
        let inspection = inspect(&bytes).map_err(|error| refused(path, &error, PROGRAM_HINT))?;
        Ok(Self { path: path.to_owned(), name: name_of(path), bytes, inspection })
    }

    /// A file that can be run as a program.
    ///
    /// # Errors
    /// [`Failure`] as for [`Self::look`], or if it is anything else.
    pub fn program(path: &Path) -> Result<Self, Failure> {
        let file = Self::look(path)?;
        match cannot_run(&file.inspection) {
            // An executor that is no program besides is told apart here alone.
            None => file.inspection.check_program().map_err(|error| error.to_string()),
            Some(why) => Err(why),
        }
        .map_err(|why| refused(path, &why, PROGRAM_HINT))?;
        Ok(file)
    }

    /// A file that can be run as an executor.
    ///
    /// # Errors
    /// [`Failure`] as for [`Self::look`], or if it is anything else.
    pub fn executor(path: &Path) -> Result<Self, Failure> {
        let file = Self::look(path)?;
        check_executor(&file.inspection).map_err(|why| refused(path, &why, EXECUTOR_HINT))?;
        Ok(file)
    }
}

const PROGRAM_HINT: &str = "give a WASI 0.2 command component (cargo build --target \
                            wasm32-wasip2) or a wasip1 module (--target wasm32-wasip1)";
const EXECUTOR_HINT: &str = "give a component of the world stoa:executor; `stoa executor list` \
                             names those that ship, `stoa inspect FILE` says what a file is";

/// What a person reads of a file that cannot be what is wanted.
pub fn refused(path: &Path, why: &impl ToString, hint: &str) -> Failure {
    let why = why.to_string();
    Failure::new(code::CANNOT_START, format!("{} {why}", path.display())).hint(hint)
}

/// What a person reads of a file that cannot be read.
pub fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    match error.kind() {
        std::io::ErrorKind::NotFound => {
            Failure::new(code::NOT_FOUND, format!("there is no file {}", path.display()))
                .hint("name a .wasm file, such as sample-tasks/hello.wasm")
        }
        _ => Failure::new(code::NOT_FOUND, format!("cannot read {}: {error}", path.display()))
            .hint("name a file that can be read"),
    }
}

/// Why a program or executor cannot be run here, whichever it is; none if it can.
pub fn cannot_run(inspection: &Inspection) -> Option<String> {
    let checked = match inspection.kind {
        Kind::Executor => check_executor(inspection),
        Kind::Module | Kind::Command | Kind::Other => check_program(inspection),
    };
    checked.err()
}

fn check_program(inspection: &Inspection) -> Result<(), String> {
    inspection.check_program().map_err(|error| error.to_string())?;
    check_imports(inspection)
}

/// Whether some bytes are an executor that can be run here.
///
/// # Errors
/// What is wrong with them, as the rest of a sentence about them.
pub fn check_executor(inspection: &Inspection) -> Result<(), String> {
    inspection.check_executor().map_err(|error| error.to_string())?;
    check_imports(inspection)
}

fn check_imports(inspection: &Inspection) -> Result<(), String> {
    let unknown = inspection.unknown_imports();
    if unknown.is_empty() {
        return Ok(());
    }
    Err(format!("imports {}, which nobody provides", unknown.join(", ")))
}

/// The file's name without `.wasm`.
fn name_of(path: &Path) -> String {
    let name = path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy();
    name.chars().take(NAME_BYTES_MAX / 4).collect()
}
