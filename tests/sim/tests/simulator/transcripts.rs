//! Plays the transcripts and compares. It never says what they should hold.

use std::path::{Path, PathBuf};

use crate::config::rewrites;

#[test]
fn transcripts_hold() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("transcripts");
    let entries = std::fs::read_dir(directory).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "there are no transcripts");
    let differing: Vec<_> = files.iter().filter(|file| !holds(file)).collect();
    assert!(differing.is_empty(), "transcripts that do not hold: {differing:?}");
}

/// Plays one file; shows the first difference, if there is one.
fn holds(file: &Path) -> bool {
    let expected = std::fs::read_to_string(file).unwrap();
    let caused =
        stoa_sim::play(&expected).unwrap_or_else(|why| panic!("{}: {why}", file.display()));
    if caused == expected {
        return true;
    }
    if rewrites() {
        std::fs::write(file, caused).unwrap();
        return true;
    }
    let lines = expected.lines().zip(caused.lines()).enumerate();
    let first = lines.into_iter().find(|(_, (expected, caused))| expected != caused);
    match first {
        Some((number, (expected, caused))) => {
            println!("{}:{}", file.display(), number + 1);
            println!("  expected: {expected}\n  caused:   {caused}");
        }
        None => println!("{}: more or fewer lines than expected", file.display()),
    }
    false
}
