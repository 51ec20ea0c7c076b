//! The executors that ship: one table, embedded in the binary. It never runs any.

use serde::Serialize;
use stoa_machine::artifacts::digest_of;

use crate::config::{Output, Save};
use crate::failure::{Failure, code};
use crate::lists::unprinted;
use crate::output_file::write_file;
use crate::table::{Row, print};

/// An executor that ships.
#[derive(Debug)]
pub struct Shipped {
    /// By which it is named instead of a file.
    pub name: &'static str,
    /// What it does, in a line.
    pub what: &'static str,
    /// The component.
    pub component: &'static [u8],
    /// Programs that come with it.
    pub toolbox: Option<Toolbox>,
    /// Whether a task for it is data, and not a program.
    pub takes_data: bool,
    /// Disk of a task for it that asks for none, in bytes.
    pub disk_bytes: u64,
}

/// One program with many names: what it does is chosen by its argument 0.
#[derive(Debug)]
pub struct Toolbox {
    /// The program.
    pub program: &'static [u8],
    /// Its names, one a line.
    names: &'static str,
}

impl Toolbox {
    /// The names under which an executor may start it.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.names.lines().map(str::trim).filter(|name| !name.is_empty() && !name.starts_with('#'))
    }
}

/// All of them, by name.
pub const SHIPPED: &[Shipped] = &[
    Shipped {
        name: "command",
        what: "runs the program of each task; what `stoa run FILE` uses",
        component: include_bytes!("../../wasm-executors/command.wasm"),
        toolbox: None,
        takes_data: false,
        disk_bytes: 0,
    },
    Shipped {
        name: "group",
        what: "starts the programs of several tasks together; they share their fate",
        component: include_bytes!("../../wasm-executors/group.wasm"),
        toolbox: None,
        takes_data: true,
        disk_bytes: 0,
    },
    Shipped {
        name: "map",
        what: "keeps one program warm and hands it the data of each task as one input",
        component: include_bytes!("../../wasm-executors/map.wasm"),
        toolbox: None,
        takes_data: true,
        disk_bytes: 0,
    },
    Shipped {
        name: "shell",
        what: "runs the data of each task as a shell line, in a sandbox of its own",
        component: include_bytes!("../../wasm-executors/shell.wasm"),
        toolbox: Some(Toolbox {
            program: include_bytes!("../../wasm-executors/toolbox.wasm"),
            names: include_str!("../../wasm-executors/toolbox/tools.txt"),
        }),
        takes_data: true,
        disk_bytes: 64 << 20,
    },
];

/// The executor of this name, if one ships.
pub fn named(name: &str) -> Option<&'static Shipped> {
    SHIPPED.iter().find(|shipped| shipped.name == name)
}

/// What `stoa executor list` says of one.
#[derive(Debug, Serialize)]
struct View {
    name: &'static str,
    size_bytes: usize,
    digest: String,
    what: &'static str,
    programs: Vec<&'static str>,
}

impl Row for View {
    const HEADINGS: &'static [&'static str] = &["NAME", "SIZE", "DIGEST", "WHAT IT DOES"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.name.to_owned(),
            stoa_model::size::Bytes(self.size_bytes as u64).to_string(),
            self.digest.clone(),
            self.what.to_owned(),
        ]
    }
}

/// Lists them.
///
/// # Errors
/// [`Failure`] if standard output refuses.
pub fn list(output: Output) -> Result<(), Failure> {
    let view = |shipped: &Shipped| View {
        name: shipped.name,
        size_bytes: shipped.component.len(),
        digest: digest_of(shipped.component).to_string(),
        what: shipped.what,
        programs: shipped.toolbox.iter().flat_map(Toolbox::names).collect(),
    };
    print(&SHIPPED.iter().map(view).collect::<Vec<_>>(), output).map_err(unprinted)
}

/// Writes one to a file.
///
/// # Errors
/// [`Failure`] if there is no such executor, or the disk refuses.
pub fn save(arguments: &Save) -> Result<(), Failure> {
    let name = &arguments.name;
    let shipped = named(name).ok_or_else(|| {
        let names: Vec<_> = SHIPPED.iter().map(|shipped| shipped.name).collect();
        let message = format!("no executor {name:?} ships: there are {}", names.join(", "));
        Failure::new(code::FAILURE, message).hint("`stoa executor list` says what they do")
    })?;
    write_file(arguments.output.path(), shipped.component)
}

#[cfg(test)]
mod tests {
    use stoa_executor_host::inspect;

    use super::*;
    use crate::wasm_file::{cannot_run, check_executor};

    #[test]
    fn everything_that_ships_can_be_run() {
        for shipped in SHIPPED {
            let inspection = inspect(shipped.component).unwrap();
            assert_eq!(check_executor(&inspection), Ok(()), "{}", shipped.name);
            assert_eq!(named(shipped.name).map(|it| it.what), Some(shipped.what));
            if let Some(toolbox) = &shipped.toolbox {
                assert_eq!(cannot_run(&inspect(toolbox.program).unwrap()), None);
                assert!(toolbox.names().count() > 0, "{} has no tools", shipped.name);
            }
        }
    }

    #[test]
    fn names_of_a_toolbox_stand_one_a_line() {
        let toolbox = Toolbox { program: b"", names: "# the tools\ncat\n\nsort \n" };
        assert_eq!(toolbox.names().collect::<Vec<_>>(), ["cat", "sort"]);
    }
}
