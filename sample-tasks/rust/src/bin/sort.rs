//! `sort`: the lines of its input in the order of their bytes, as `LC_ALL=C sort` puts them.
//!
//! It holds the whole input in memory. Each line ends in a newline, the last one too.

use std::io::{self, BufWriter, Read, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    match sort() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sort: {error}");
            ExitCode::FAILURE
        }
    }
}

fn sort() -> io::Result<()> {
    let mut input = Vec::new();
    io::stdin().lock().read_to_end(&mut input)?;
    // A newline ends a line: after the last one there is no empty line more.
    let text = input.strip_suffix(b"\n").unwrap_or(&input);
    let mut lines: Vec<&[u8]> = match input.is_empty() {
        true => Vec::new(),
        false => text.split(|&byte| byte == b'\n').collect(),
    };
    lines.sort_unstable();
    let mut out = BufWriter::with_capacity(64 * 1024, io::stdout().lock());
    for line in lines {
        out.write_all(line)?;
        out.write_all(b"\n")?;
    }
    out.flush()
}
