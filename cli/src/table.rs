//! Results on standard output: tables for people, JSON for programs. It never knows what they say.

use std::io::{self, Write};

use serde::Serialize;

use crate::config::Output;

/// A row of a table.
pub trait Row {
    /// The columns' headings.
    const HEADINGS: &'static [&'static str];

    /// One cell for each heading.
    fn cells(&self) -> Vec<String>;
}

/// Prints rows as asked for.
///
/// # Errors
/// What standard output fails with.
pub fn print<R: Row + Serialize>(rows: &[R], output: Output) -> io::Result<()> {
    match output {
        Output::Json => print_json(&rows),
        Output::Table => {
            let mut out = io::stdout().lock();
            out.write_all(aligned(R::HEADINGS, rows).as_bytes())?;
            out.flush()
        }
    }
}

/// Prints one value as JSON, in one line.
///
/// # Errors
/// What standard output fails with.
pub fn print_json(value: &impl Serialize) -> io::Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, value)?;
    out.write_all(b"\n")?;
    out.flush()
}

/// Columns two spaces apart, none padded at the end of a line.
fn aligned<R: Row>(headings: &[&str], rows: &[R]) -> String {
    let mut lines = vec![headings.iter().map(|heading| (*heading).to_owned()).collect()];
    lines.extend(rows.iter().map(Row::cells));
    let width = |column: usize| {
        lines.iter().map(|cells: &Vec<String>| cells[column].chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..headings.len()).map(width).collect();
    let mut text = String::new();
    for cells in &lines {
        let mut line = String::new();
        for (cell, width) in cells.iter().zip(&widths) {
            line.push_str(&format!("{cell:<width$}  "));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Pair(&'static str, &'static str);

    impl Row for Pair {
        const HEADINGS: &'static [&'static str] = &["NAME", "STATE"];

        fn cells(&self) -> Vec<String> {
            vec![self.0.to_owned(), self.1.to_owned()]
        }
    }

    #[test]
    fn columns_are_aligned_and_lines_end_with_text() {
        let text = aligned(Pair::HEADINGS, &[Pair("words-1", "RUNNING"), Pair("x", "")]);
        assert_eq!(text, "NAME     STATE\nwords-1  RUNNING\nx\n");
    }
}
