//! `upper [--lengths]`: each line of its input in capitals, answered before the next is read.
//!
//! With `--lengths` inputs and answers come after their length, 4 bytes little-endian, and may hold
//! any byte. It is the smallest function for the `map` executor. Only ASCII letters have capitals.

use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::process::ExitCode;

/// Longer inputs are refused: a length is the first thing that goes wrong in a wrong framing.
const INPUT_BYTES_MAX: u32 = 1 << 20;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let answered = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => answer_lines(),
        ["--lengths"] => answer_lengths(),
        _ => {
            eprintln!("usage: upper [--lengths]");
            return ExitCode::from(2);
        }
    };
    match answered {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("upper: {error}");
            ExitCode::FAILURE
        }
    }
}

fn answer_lines() -> io::Result<()> {
    let mut input = BufReader::with_capacity(64 * 1024, io::stdin().lock());
    let mut out = BufWriter::with_capacity(64 * 1024, io::stdout().lock());
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line)? > 0 {
        line.make_ascii_uppercase();
        out.write_all(&line)?;
        line.clear();
        if !input.buffer().contains(&b'\n') {
            out.flush()?;
        }
    }
    out.flush()
}

fn answer_lengths() -> io::Result<()> {
    let mut input = BufReader::with_capacity(64 * 1024, io::stdin().lock());
    let mut out = BufWriter::with_capacity(64 * 1024, io::stdout().lock());
    let mut bytes = Vec::new();
    while !input.fill_buf()?.is_empty() {
        let mut length = [0; 4];
        input.read_exact(&mut length)?;
        let count = u32::from_le_bytes(length);
        if count > INPUT_BYTES_MAX {
            let text = format!("an input of {count} bytes, {INPUT_BYTES_MAX} are allowed");
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        bytes.resize(count as usize, 0);
        input.read_exact(&mut bytes)?;
        bytes.make_ascii_uppercase();
        out.write_all(&length)?;
        out.write_all(&bytes)?;
        if !has_counted(input.buffer()) {
            out.flush()?;
        }
    }
    out.flush()
}

/// Whether the next input is there as a whole: then its answer can travel with the one before. A
/// write for each would cost more than the answer. Nothing is held back while more is waited for.
fn has_counted(buffer: &[u8]) -> bool {
    let Some((length, rest)) = buffer.split_first_chunk::<4>() else {
        return false;
    };
    rest.len() >= u32::from_le_bytes(*length) as usize
}
