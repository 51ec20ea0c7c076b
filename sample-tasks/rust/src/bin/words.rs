//! `words DIR`: the number of words of each file under DIR, sorted by path, and their total.
//!
//! A word is what POSIX has `wc -w` count: a run of bytes other than white space. Symbolic links
//! are not followed, and a file is never held in memory as a whole. What cannot be read is
//! reported, the rest is counted all the same; there is no total then, and the exit code is 1.

use std::env::args_os;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const CHUNK_BYTES: usize = 64 * 1024;

fn main() -> ExitCode {
    let arguments: Vec<_> = args_os().skip(1).collect();
    let [dir] = arguments.as_slice() else {
        eprintln!("usage: words DIR");
        return ExitCode::FAILURE;
    };
    let mut failures = Vec::new();
    let mut files = find_files(Path::new(dir), &mut failures);
    // By the bytes of the whole path, as `sort` does in the C locale.
    files.sort_unstable_by(|a, b| {
        a.as_os_str()
            .as_encoded_bytes()
            .cmp(b.as_os_str().as_encoded_bytes())
    });
    if let Err(error) = print_counts(&files, &mut failures) {
        failures.push(format!("cannot write the counts: {error}"));
    }
    for failure in &failures {
        eprintln!("words: {failure}");
    }
    if failures.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// The regular files under `dir`, in no particular order.
fn find_files(dir: &Path, failures: &mut Vec<String>) -> Vec<PathBuf> {
    let mut files = Vec::new();
    // A list of its own and no recursion: a deep tree cannot overflow the stack.
    let mut dirs = vec![dir.to_path_buf()];
    while let Some(dir) = dirs.pop() {
        if let Err(error) = read_dir(&dir, &mut dirs, &mut files) {
            failures.push(format!(
                "cannot read the directory {}: {error}",
                dir.display()
            ));
        }
    }
    files
}

fn read_dir(dir: &Path, dirs: &mut Vec<PathBuf>, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        // The type of the entry itself: a link is neither a file nor a directory.
        let kind = entry.file_type()?;
        if kind.is_dir() {
            dirs.push(entry.path());
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
    Ok(())
}

fn print_counts(files: &[PathBuf], failures: &mut Vec<String>) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    let mut total = 0;
    for path in files {
        match count_words(path) {
            Ok(words) => {
                total += words;
                writeln!(out, "{words} {}", path.display())?;
            }
            Err(error) => failures.push(format!("cannot read {}: {error}", path.display())),
        }
    }
    if failures.is_empty() {
        writeln!(out, "total {total}")?;
    }
    out.flush()
}

fn count_words(path: &Path) -> io::Result<u64> {
    let mut file = File::open(path)?;
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut words = 0;
    // Carried from chunk to chunk: a word may lie across the border.
    let mut in_word = false;
    loop {
        let read = file.read(&mut chunk)?;
        if read == 0 {
            return Ok(words);
        }
        for &byte in &chunk[..read] {
            let is_space = matches!(byte, b' ' | b'\t' | b'\n' | 0x0b | 0x0c | b'\r');
            words += u64::from(!is_space && !in_word);
            in_word = !is_space;
        }
    }
}
