//! The programs that come with the executor `shell`, all in one module: argument 0 says which one
//! is meant. Their names stand in `tools.txt`. They are small and exact: an option that is not
//! there is refused, never ignored.

mod fields;
mod files;
mod grep;
mod lines;
mod numbers;
mod printing;
mod translate;
mod work;

use std::process::ExitCode;

use crate::work::{Failure, Work};

/// What a tool does with its arguments; the code is that of its exit.
type Tool = fn(&mut Work, &[String]) -> Result<u8, Failure>;

/// The tool of this name.
fn tool(name: &str) -> Option<Tool> {
    Some(match name {
        "basename" => printing::basename,
        "cat" => lines::cat,
        "cp" => files::cp,
        "cut" => fields::cut,
        "dirname" => printing::dirname,
        "echo" => printing::echo,
        "env" => printing::env,
        "false" => |_, _| Ok(1),
        "grep" => grep::grep,
        "head" => lines::head,
        "ls" => files::ls,
        "mkdir" => files::mkdir,
        "mv" => files::mv,
        "printf" => printing::printf,
        "rm" => files::rm,
        "seq" => numbers::seq,
        "sort" => fields::sort,
        "tail" => lines::tail,
        "tee" => lines::tee,
        "touch" => files::touch,
        "tr" => translate::tr,
        "true" => |_, _| Ok(0),
        "uniq" => lines::uniq,
        "warn" => printing::warn,
        "wc" => numbers::wc,
        _ => return None,
    })
}

fn main() -> ExitCode {
    let mut words = std::env::args();
    let path = words.next().unwrap_or_default();
    let arguments: Vec<String> = words.collect();
    // It may be run by the path of a file.
    let name = path.rsplit('/').next().unwrap_or("");
    let name = name.strip_suffix(".wasm").unwrap_or(name);
    let mut work = Work::new(std::io::stdin(), std::io::stdout(), std::io::stderr());
    let Some(tool) = tool(name) else {
        work.warn(&format!("toolbox: {name:?} is none of its tools: {}", TOOLS.replace('\n', " ")));
        return ExitCode::from(127);
    };
    ExitCode::from(run(&mut work, name, tool, &arguments))
}

/// The names of all tools, as others read them.
const TOOLS: &str = include_str!("../tools.txt");

fn run(work: &mut Work, name: &str, tool: Tool, arguments: &[String]) -> u8 {
    let result = tool(work, arguments);
    let flushed = work.flush();
    match result.and_then(|code| flushed.map(|()| code)) {
        Ok(code) => code,
        // Who read it has enough: the way in which pipelines end early.
        Err(Failure::NoReader) => 141,
        Err(Failure::Usage(why)) => {
            work.warn(&format!("{name}: {why}"));
            2
        }
        Err(Failure::Failed(why)) => {
            work.warn(&format!("{name}: {why}"));
            if name == "grep" { 2 } else { 1 }
        }
    }
}

#[cfg(test)]
mod tests;
