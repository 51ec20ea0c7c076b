//! What a program is, read from its bytes: kind, imports, exports, and whether its size is sane.
//! It never compiles and never runs anything.

use wasmparser::{Encoding, Parser, Payload};
use wasmtime::Engine;

use crate::limits::{FUNCTION_BYTES_MAX, FUNCTIONS_MAX, NAMES_MAX, NESTED_MAX, PROGRAM_BYTES_MAX};
use crate::spoken::{EVENTS, WORLD_VERSION, is_spoken, other_version};

/// What some bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A core module of WASI preview 1, with a `_start`.
    Module,
    /// A component with `wasi:cli/run`.
    Command,
    /// A component with `stoa:executor/events`; it may have `wasi:cli/run` too.
    Executor,
    /// Valid in its outlines, and nothing that can be run here.
    Other,
}

/// What can be said of a program without compiling it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// What it is.
    pub kind: Kind,
    /// How many bytes it has.
    pub bytes: u64,
    /// Whether it is a component, not a core module.
    pub is_component: bool,
    /// What it imports: interfaces of a component, `module.name` of a module.
    pub imports: Vec<String>,
    /// What it exports.
    pub exports: Vec<String>,
}

/// Why bytes are no program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidModule {
    /// There is nothing.
    #[error("is empty")]
    Empty,
    /// It is WAT.
    #[error("is WebAssembly text: assemble it first, for example with wasm-tools parse")]
    Text,
    /// It is what an engine made of a module.
    #[error("is precompiled code, which is never taken from outside: give the .wasm it is made of")]
    Precompiled,
    /// It is something else.
    #[error("is no wasm: it starts with {0}, not with \\0asm")]
    NotWasm(String),
    /// It starts well.
    #[error("is truncated or damaged: {0}")]
    Damaged(String),
    /// It is more than is compiled here.
    #[error("is too large to be compiled here: {0}")]
    TooLarge(String),
    /// A module that is no program.
    #[error("has no _start function: it is a library, not a program")]
    NoStart,
    /// A component that is no program.
    #[error(
        "is a component that exports neither wasi:cli/run nor stoa:executor/events, but {exports}"
    )]
    NotRunnable {
        /// What it exports.
        exports: String,
    },
    /// Something else where an executor is wanted.
    #[error(
        "is no executor: an executor is a component that exports {EVENTS}@{WORLD_VERSION}, and \
         this exports {exports}"
    )]
    NoExecutor {
        /// What it exports.
        exports: String,
    },
    /// An executor of another version of the world.
    #[error("is an executor of another version: it exports {0}")]
    OtherVersion(String),
    /// An executor whose events are not those of the world.
    #[error("is an executor whose events are not those of this Stoa: {0}")]
    OtherEvents(String),
    /// An executor where a program is wanted.
    #[error("is an executor, no program: it exports no wasi:cli/run")]
    OnlyExecutor,
}

/// The interfaces that are linked, without their versions.
const INTERFACES: [&str; 31] = [
    "stoa:executor/driver",
    "stoa:executor/files",
    "stoa:executor/subtasks",
    "stoa:executor/types",
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stderr",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stderr",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:filesystem/preopens",
    "wasi:filesystem/types",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:random/random",
    "wasi:sockets/instance-network",
    "wasi:sockets/ip-name-lookup",
    "wasi:sockets/network",
    "wasi:sockets/tcp",
    "wasi:sockets/tcp-create-socket",
    "wasi:sockets/udp",
    "wasi:sockets/udp-create-socket",
];

impl Inspection {
    /// Whether it can be run as a task's program.
    ///
    /// # Errors
    /// What it is instead.
    pub fn check_program(&self) -> Result<(), InvalidModule> {
        match self.kind {
            Kind::Module | Kind::Command => Ok(()),
            Kind::Executor if self.exports_interface("wasi:cli/run") => Ok(()),
            Kind::Executor => Err(InvalidModule::OnlyExecutor),
            Kind::Other if self.is_component => {
                Err(InvalidModule::NotRunnable { exports: list(&self.exports) })
            }
            Kind::Other => Err(InvalidModule::NoStart),
        }
    }

    /// Whether it can be run as an executor.
    ///
    /// # Errors
    /// What it is instead.
    pub fn check_executor(&self) -> Result<(), InvalidModule> {
        if self.kind != Kind::Executor {
            return Err(InvalidModule::NoExecutor { exports: list(&self.exports) });
        }
        match self.exports.iter().find_map(|name| other_version(name)) {
            Some(why) => Err(InvalidModule::OtherVersion(why)),
            None => Ok(()),
        }
    }

    /// The world it is of, with its version: that of executors or of WASI.
    pub fn world(&self) -> Option<String> {
        let version = |interface| {
            let of_it = self.exports.iter().find(|name| without_version(name) == interface)?;
            Some(of_it.split_once('@').map_or("", |(_, version)| version))
        };
        match self.kind {
            Kind::Module => Some("wasi_snapshot_preview1".to_owned()),
            Kind::Command => Some(format!("wasi:cli/command@{}", version("wasi:cli/run")?)),
            Kind::Executor => Some(format!("stoa:executor/executor@{}", version(EVENTS)?)),
            Kind::Other => None,
        }
    }

    /// What it imports that nobody provides.
    pub fn unknown_imports(&self) -> Vec<&str> {
        let unknown = |name: &&str| match self.is_component {
            true => !is_provided(name, self.kind == Kind::Executor),
            false => !name.starts_with("wasi_snapshot_preview1."),
        };
        self.imports.iter().map(String::as_str).filter(unknown).collect()
    }

    pub(crate) fn exports_interface(&self, interface: &str) -> bool {
        self.exports.iter().any(|name| without_version(name) == interface)
    }
}

/// Whether a component's import of this name is linked; the driver is for executors alone.
pub(crate) fn is_provided(name: &str, for_executor: bool) -> bool {
    let interface = without_version(name);
    let of_our_version = match name.strip_prefix(interface) {
        Some("") => false,
        Some(version) if interface.starts_with("wasi:") => version.starts_with("@0.2."),
        Some(version) => is_spoken(&version[1..]),
        None => false,
    };
    of_our_version
        && INTERFACES.contains(&interface)
        && (for_executor || !interface.starts_with("stoa:"))
}

pub(crate) fn without_version(name: &str) -> &str {
    name.split_once('@').map_or(name, |(interface, _)| interface)
}

pub(crate) fn list(names: &[String]) -> String {
    const SHOWN_MAX: usize = 5;
    match names {
        [] => "nothing".to_owned(),
        names if names.len() > SHOWN_MAX => format!("{}, …", names[..SHOWN_MAX].join(", ")),
        names => names.join(", "),
    }
}

/// Reads what `bytes` are.
///
/// # Errors
/// Why they are no module and no component, or none that is compiled here.
pub fn inspect(bytes: &[u8]) -> Result<Inspection, InvalidModule> {
    check_first_bytes(bytes)?;
    let mut outline = Outline::default();
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.map_err(|error| damaged(&error))?;
        outline.on_payload(payload)?;
    }
    Ok(outline.finish(bytes.len() as u64))
}

fn check_first_bytes(bytes: &[u8]) -> Result<(), InvalidModule> {
    if bytes.is_empty() {
        return Err(InvalidModule::Empty);
    }
    if bytes.len() as u64 > PROGRAM_BYTES_MAX {
        let message = format!("{} bytes, of at most {PROGRAM_BYTES_MAX}", bytes.len());
        return Err(InvalidModule::TooLarge(message));
    }
    if bytes.starts_with(b"\0asm") {
        return Ok(());
    }
    if Engine::detect_precompiled(bytes).is_some() {
        return Err(InvalidModule::Precompiled);
    }
    let text = bytes.trim_ascii_start();
    if text.starts_with(b"(module") || text.starts_with(b"(component") || text.starts_with(b";;") {
        return Err(InvalidModule::Text);
    }
    if b"\0asm".starts_with(bytes) {
        return Err(InvalidModule::Damaged("it ends within its first four bytes".to_owned()));
    }
    let first = &bytes[..bytes.len().min(8)];
    Err(InvalidModule::NotWasm(format!("{:?}", String::from_utf8_lossy(first))))
}

fn damaged(error: &wasmparser::BinaryReaderError) -> InvalidModule {
    InvalidModule::Damaged(format!("{} at byte {}", error.message(), error.offset()))
}

/// What was read so far.
#[derive(Default)]
struct Outline {
    is_component: bool,
    depth: u32,
    nested: u32,
    functions: u64,
    imports: Vec<String>,
    exports: Vec<String>,
}

impl Outline {
    fn on_payload(&mut self, payload: Payload<'_>) -> Result<(), InvalidModule> {
        let at_top = self.depth == 0;
        match payload {
            Payload::Version { encoding, .. } if at_top => {
                self.is_component = encoding == Encoding::Component;
            }
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => self.descend()?,
            Payload::End(_) => self.depth = self.depth.saturating_sub(1),
            Payload::FunctionSection(section) => self.count(section.count())?,
            Payload::DataSection(section) => self.count(section.count())?,
            Payload::CodeSectionEntry(body) => check_function(body.as_bytes().len())?,
            Payload::ImportSection(section) if at_top => {
                for import in section.into_imports() {
                    let import = import.map_err(|error| damaged(&error))?;
                    push(&mut self.imports, format!("{}.{}", import.module, import.name))?;
                }
            }
            Payload::ExportSection(section) if at_top => {
                for export in section {
                    let export = export.map_err(|error| damaged(&error))?;
                    push(&mut self.exports, export.name.to_owned())?;
                }
            }
            Payload::ComponentImportSection(section) if at_top => {
                for import in section {
                    let import = import.map_err(|error| damaged(&error))?;
                    push(&mut self.imports, import.name.name.to_owned())?;
                }
            }
            Payload::ComponentExportSection(section) if at_top => {
                for export in section {
                    let export = export.map_err(|error| damaged(&error))?;
                    push(&mut self.exports, export.name.name.to_owned())?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn descend(&mut self) -> Result<(), InvalidModule> {
        self.depth += 1;
        self.nested += 1;
        if self.nested > NESTED_MAX {
            let message = format!("more than {NESTED_MAX} nested modules and components");
            return Err(InvalidModule::TooLarge(message));
        }
        Ok(())
    }

    fn count(&mut self, more: u32) -> Result<(), InvalidModule> {
        self.functions += u64::from(more);
        if self.functions > FUNCTIONS_MAX {
            let message = format!("more than {FUNCTIONS_MAX} functions and data segments");
            return Err(InvalidModule::TooLarge(message));
        }
        Ok(())
    }

    fn finish(self, bytes: u64) -> Inspection {
        let kind = Kind::Other;
        let Self { is_component, imports, exports, .. } = self;
        let mut inspection = Inspection { kind, bytes, is_component, imports, exports };
        inspection.kind = if !is_component {
            match inspection.exports.iter().any(|name| name == "_start") {
                true => Kind::Module,
                false => Kind::Other,
            }
        } else if inspection.exports_interface(EVENTS) {
            Kind::Executor
        } else if inspection.exports_interface("wasi:cli/run") {
            Kind::Command
        } else {
            Kind::Other
        };
        inspection
    }
}

fn check_function(bytes: usize) -> Result<(), InvalidModule> {
    if bytes > FUNCTION_BYTES_MAX {
        let message = format!("one function of {bytes} bytes, of at most {FUNCTION_BYTES_MAX}");
        return Err(InvalidModule::TooLarge(message));
    }
    Ok(())
}

fn push(names: &mut Vec<String>, name: String) -> Result<(), InvalidModule> {
    if names.len() >= NAMES_MAX {
        let message = format!("more than {NAMES_MAX} imports or exports");
        return Err(InvalidModule::TooLarge(message));
    }
    names.push(name);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inspected(wat: &str) -> Result<Inspection, InvalidModule> {
        inspect(&wat::parse_str(wat).unwrap())
    }

    #[test]
    fn bytes_that_are_no_program_are_named_for_what_they_are() {
        assert_eq!(inspect(b""), Err(InvalidModule::Empty));
        assert_eq!(inspect(b"\n (module)"), Err(InvalidModule::Text));
        assert_eq!(inspect(b";; text"), Err(InvalidModule::Text));
        assert!(matches!(inspect(b"\0as"), Err(InvalidModule::Damaged(_))));
        assert!(matches!(inspect(b"\x7fELF\x02\x01\x01"), Err(InvalidModule::NotWasm(_))));
        assert!(matches!(inspect(b"#!/bin/sh"), Err(InvalidModule::NotWasm(_))));
        let whole = wat::parse_str(r#"(module (func (export "_start")))"#).unwrap();
        for length in 4..whole.len() {
            let cut = inspect(&whole[..length]);
            let complete_without_start = matches!(&cut, Ok(it) if it.kind == Kind::Other);
            assert!(
                complete_without_start || matches!(cut, Err(InvalidModule::Damaged(_))),
                "{length} bytes: {cut:?}"
            );
        }
    }

    #[test]
    fn precompiled_code_is_never_taken() {
        let engine = Engine::default();
        let code = engine.precompile_module(b"\0asm\x01\0\0\0").unwrap();
        assert_eq!(inspect(&code), Err(InvalidModule::Precompiled));
    }

    #[test]
    fn kinds_are_told_by_their_exports() {
        let module = inspected(r#"(module (func (export "_start")))"#).unwrap();
        assert_eq!((module.kind, module.check_program()), (Kind::Module, Ok(())));
        let library = inspected("(module)").unwrap();
        assert_eq!(library.check_program(), Err(InvalidModule::NoStart));
        let component = inspected(r#"(component (import "a:b/c@1.0.0" (instance)))"#).unwrap();
        assert_eq!(component.unknown_imports(), ["a:b/c@1.0.0"]);
        let exports = "nothing".to_owned();
        assert_eq!(component.check_program(), Err(InvalidModule::NotRunnable { exports }));
        let command = inspected(
            r#"(component (instance $run) (export "wasi:cli/run@0.2.3" (instance $run)))"#,
        );
        assert_eq!(command.unwrap().kind, Kind::Command);
    }

    #[test]
    fn worlds_have_names_and_versions() {
        let executor = |version: &str| {
            let wat = format!(
                r#"(component (instance $events)
                    (export "stoa:executor/events@{version}" (instance $events)))"#
            );
            inspected(&wat).unwrap()
        };
        let own = executor("0.1.0");
        assert_eq!(own.world().unwrap(), "stoa:executor/executor@0.1.0");
        assert_eq!(own.check_executor(), Ok(()));
        for version in ["0.2.0", "1.0.0", "0.0.9"] {
            let other = executor(version);
            assert_eq!(other.world().unwrap(), format!("stoa:executor/executor@{version}"));
            let why = other.check_executor().unwrap_err().to_string();
            assert!(why.contains(&format!("exports stoa:executor/events@{version}")), "{why}");
        }
        let module = inspected(r#"(module (func (export "_start")))"#).unwrap();
        assert_eq!(module.world().unwrap(), "wasi_snapshot_preview1");
        assert_eq!(inspected("(module)").unwrap().world(), None);
    }

    #[test]
    fn names_are_provided_with_their_version_only() {
        assert!(is_provided("wasi:cli/environment@0.2.0", false));
        assert!(is_provided("stoa:executor/driver@0.1.0", true));
        assert!(!is_provided("stoa:executor/driver@0.1.0", false), "programs have no driver");
        assert!(!is_provided("wasi:cli/environment@0.3.0", false));
        assert!(!is_provided("wasi:cli/environment", false));
        assert!(!is_provided("wasi:http/types@0.2.0", false));
    }
}
