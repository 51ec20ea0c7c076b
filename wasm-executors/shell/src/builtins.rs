//! What this shell does itself. It can write nothing: `echo` and the like are programs.

use crate::condition;
use crate::strand::{Options, Strand};
use crate::words::is_name;
use crate::world::World;

/// What a built-in did.
#[derive(Debug, PartialEq, Eq)]
pub enum Done {
    /// It ended with this status.
    Status(i32),
    /// It ended with this status and has something to say.
    Complaint(i32, String),
    /// This part of the shell ends with this status.
    Exit(i32),
}

/// Whether the shell does it itself.
pub fn is_builtin(name: &str) -> bool {
    is_special(name) || matches!(name, "true" | "false" | "test" | "[")
}

/// Whether assignments before it stay.
pub fn is_special(name: &str) -> bool {
    matches!(name, ":" | "exit" | "export" | "unset" | "set")
}

/// Does it.
pub fn run<W: World>(words: &[String], strand: &mut Strand, world: &mut W) -> Done {
    let Some((name, arguments)) = words.split_first() else { return Done::Status(0) };
    match name.as_str() {
        "false" => Done::Status(1),
        "exit" => exit(arguments, strand.status),
        "export" => export(arguments, strand),
        "unset" => {
            arguments.iter().filter(|word| *word != "-v").for_each(|name| {
                strand.variables.unset(name);
            });
            Done::Status(0)
        }
        "set" => set(arguments, &mut strand.options),
        "test" => condition_status("test", condition::holds(arguments, world)),
        "[" => match arguments.split_last() {
            Some((last, condition)) if last == "]" => {
                condition_status("[", condition::holds(condition, world))
            }
            _ => Done::Complaint(2, "[: \"]\" is missing at the end".to_owned()),
        },
        _ => Done::Status(0),
    }
}

fn condition_status(name: &str, holds: Result<bool, String>) -> Done {
    match holds {
        Ok(holds) => Done::Status(i32::from(!holds)),
        Err(why) => Done::Complaint(2, format!("{name}: {why}")),
    }
}

fn exit(arguments: &[String], status: i32) -> Done {
    match arguments {
        [] => Done::Exit(status),
        [code] => match code.parse::<u8>() {
            Ok(code) => Done::Exit(i32::from(code)),
            Err(_) => {
                Done::Complaint(2, format!("exit: {code:?} is no exit code; 0 to 255 are allowed"))
            }
        },
        _ => Done::Complaint(2, "exit: at most one exit code is allowed".to_owned()),
    }
}

fn export(arguments: &[String], strand: &mut Strand) -> Done {
    for argument in arguments {
        let (name, value) = match argument.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (argument.as_str(), None),
        };
        if !is_name(name) {
            return Done::Complaint(1, format!("export: {name:?} is no name of a variable"));
        }
        if let Some(Err(why)) = value.map(|value| strand.variables.set(name, value)) {
            return Done::Complaint(1, format!("export: {why}"));
        }
        strand.variables.export(name);
    }
    Done::Status(0)
}

fn set(arguments: &[String], options: &mut Options) -> Done {
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let on = word.starts_with('-');
        let letters = word.strip_prefix(['-', '+']).unwrap_or("");
        if letters.is_empty() {
            return unsupported(word);
        }
        for letter in letters.chars() {
            let name = match letter {
                'e' => "errexit",
                'u' => "nounset",
                'o' => words.next().map_or("", String::as_str),
                _ => return unsupported(word),
            };
            match name {
                "errexit" => options.ends_at_failure = on,
                "nounset" => options.refuses_unset = on,
                "pipefail" => options.pipeline_fails = on,
                _ => return unsupported(name),
            }
        }
    }
    Done::Status(0)
}

fn unsupported(word: &str) -> Done {
    let allowed = "-e, -u, -o errexit, -o nounset and -o pipefail are, and + for -";
    Done::Complaint(2, format!("set: {word:?} is not supported; {allowed}"))
}
