//! What `stoa executor test` prints: one line for each thing that the executor sends. It never
//! judges what it says.

use std::io::{self, Write};

use serde_json::json;
use stoa_model::host::TaskChange;

use super::heard::{Written, quoted, shown};
use crate::config::Output;
use crate::table::print_json;
use crate::view::{DataView, UsageView};

fn print_line(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush())
}

/// A change of a task; what was written is told with its end.
///
/// # Errors
/// What standard output fails with.
pub fn print_change(change: &TaskChange, written: &Written, output: Output) -> io::Result<()> {
    let is_over = change.state.is_terminal();
    if output == Output::Table {
        let mut line = format!("update {} {}", change.task, shown(change));
        let data = (!change.data.is_empty()).then(|| quoted(&change.data));
        let of_end = |text: &str| (is_over && !text.is_empty()).then(|| quoted(text.as_bytes()));
        for (name, text) in [
            ("data", data),
            ("stdout", of_end(&written.stdout)),
            ("stderr", of_end(&written.stderr)),
        ] {
            if let Some(text) = text {
                line.push_str(&format!(" {name} {text}"));
            }
        }
        return print_line(&line);
    }
    let mut value = json!({
        "event": "update", "task": change.task.as_str(), "state": change.state.as_str(),
        "reason": change.reason.as_str(), "message": change.message,
        "exit_code": change.exit_code, "usage": change.usage.map(UsageView::from),
    });
    DataView::of(&change.data).put_into(&mut value);
    if is_over {
        value["stdout"] = json!(written.stdout);
        value["stderr"] = json!(written.stderr);
    }
    print_json(&value)
}

/// Bytes that the executor has sent to its scheduler.
///
/// # Errors
/// What standard output fails with.
pub fn print_message(data: &[u8], output: Output) -> io::Result<()> {
    if output == Output::Table {
        return print_line(&format!("message {}", quoted(data)));
    }
    let mut value = json!({ "event": "message" });
    DataView::of(data).put_into(&mut value);
    print_json(&value)
}

/// The end of the executor.
///
/// # Errors
/// What standard output fails with.
pub fn print_end(message: &str, output: Output) -> io::Result<()> {
    match output {
        Output::Table => print_line(&format!("end {message}")),
        Output::Json => print_json(&json!({ "event": "end", "message": message })),
    }
}
