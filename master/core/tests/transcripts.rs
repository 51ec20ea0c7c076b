//! Runs the transcripts: text files of what happens to a master and what it does then. A new test
//! is a new text file. `STOA_REWRITE=1 cargo test -p stoa-master-core` writes down what the master
//! does now; read the difference before you keep it.
//!
//! A block is a list of inputs, a line `----`, and the actions they lead to. The language is that
//! of `transcript/parse.rs` and `transcript/print.rs`; `#` begins a comment.

mod transcript;

use std::path::{Path, PathBuf};

use transcript::world::World;

#[test]
fn every_transcript_is_what_the_master_does() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());
    let differing: Vec<String> = files.iter().filter_map(|file| difference(file)).collect();
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

/// What is different in a file; nothing if it has been rewritten.
fn difference(file: &Path) -> Option<String> {
    // Shown if a step breaks an invariant, which panics.
    eprintln!("{}", file.display());
    let expected = std::fs::read_to_string(file).expect("the file was just listed");
    let actual = replay(&expected).unwrap_or_else(|why| panic!("{}: {why}", file.display()));
    if actual == expected {
        return None;
    }
    if std::env::var_os("STOA_REWRITE").is_some() {
        std::fs::write(file, actual).expect("the file can be written");
        return None;
    }
    let pairs = actual.lines().zip(expected.lines()).enumerate();
    let (line, got, wanted) = pairs
        .map(|(at, (got, wanted))| (at + 1, got, wanted))
        .find(|(_, got, wanted)| got != wanted)
        .unwrap_or((actual.lines().count().min(expected.lines().count()) + 1, "…", "…"));
    Some(format!("{}:{line}\n  written: {wanted}\n  done:    {got}", file.display()))
}

/// The same file, with the actions that the inputs lead to now.
fn replay(text: &str) -> Result<String, String> {
    let mut world = World::new();
    let mut out = String::new();
    let mut is_output = false;
    for (at, line) in text.lines().enumerate() {
        if line.is_empty() {
            is_output = false;
        }
        if is_output {
            continue;
        }
        out.push_str(line);
        out.push('\n');
        if line == "----" {
            let done = world.take_done();
            out.push_str(if done.is_empty() { "(nothing)\n" } else { &done });
            is_output = true;
        } else if !line.is_empty() && !line.starts_with('#') {
            world.run(line).map_err(|why| format!("line {}: {line:?}: {why}", at + 1))?;
        }
    }
    let rest = world.take_done();
    if rest.is_empty() { Ok(out) } else { Err(format!("the last inputs have no ----: {rest}")) }
}

#[test]
fn same_transcript_twice_is_the_same() {
    let walk = include_str!("transcripts/walk.txt");
    assert_eq!(replay(walk), replay(walk));
}
