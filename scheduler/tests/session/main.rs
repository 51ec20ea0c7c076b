//! What a session does, as transcripts that people can read.
//!
//! A transcript is blocks: commands, `----`, the actions they caused. `STOA_REWRITE=1` writes what
//! was caused into the files instead of comparing it. `script.rs` says which commands there are.

#![expect(clippy::unwrap_used, reason = "all of this is tests; clippy knows only their functions")]

mod config;
mod print;
mod scene;
mod script;

use std::path::{Path, PathBuf};

use scene::Scene;

#[test]
fn transcripts_hold() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts");
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
    let caused = play(file, &expected);
    if caused == expected {
        return true;
    }
    if config::rewrites() {
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

/// The file as it would be if every expectation were what is caused.
fn play(file: &Path, text: &str) -> String {
    let mut scene = Scene::default();
    let mut blocks = Vec::new();
    for block in text.trim_end().split("\n\n") {
        let commands = block.split("\n----").next().unwrap_or_default();
        let mut lines = commands.lines().filter(|line| !line.starts_with('#')).peekable();
        if lines.peek().is_none() {
            blocks.push(commands.to_owned());
            continue;
        }
        let mut caused = Vec::new();
        for line in lines {
            scene
                .play(line, &mut caused)
                .unwrap_or_else(|why| panic!("{}: {line:?}: {why}", file.display()));
        }
        if caused.is_empty() {
            caused.push("(nothing)".to_owned());
        }
        blocks.push(format!("{commands}\n----\n{}", caused.join("\n")));
    }
    blocks.join("\n\n") + "\n"
}
