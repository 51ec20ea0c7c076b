//! The projects that ship in this binary: the files of `wasm-executors/templates`, with the world
//! and, for Rust, the SDK. It never writes any.

use crate::config::Language;

/// One file of a project.
#[derive(Clone, Copy, Debug)]
pub struct File {
    /// In the project.
    pub path: &'static str,
    /// Its bytes, with the template's name where the project's belongs.
    pub content: &'static [u8],
}

/// How the templates call themselves: each is a project that builds under this name.
pub const NAME: &str = "example-executor";

/// Files of a directory below `wasm-executors`, under the same paths below `to`.
macro_rules! files {
    ($from:literal => $to:literal: $($path:literal),* $(,)?) => {
        &[$(File {
            path: concat!($to, $path),
            content: include_bytes!(concat!("../../../wasm-executors/", $from, "/", $path)),
        }),*]
    };
}

const WORLD: &[File] = files!("wit" => "wit/": "executor.wit");

/// The crate that the Rust template depends on.
const SDK: &[File] = files!("guest" => "stoa-executor/":
    "Cargo.toml",
    "src/double.rs",
    "src/driver.rs",
    "src/events.rs",
    "src/files.rs",
    "src/lib.rs",
    "src/subtasks.rs",
    "src/words.rs",
);

const RUST: &[File] = files!("templates/rust" => "":
    ".gitignore",
    "Cargo.toml",
    "README.md",
    "build.sh",
    "events.json",
    "src/lib.rs",
);

const PYTHON: &[File] = files!("templates/python" => "":
    ".gitignore",
    "README.md",
    "app.py",
    "build.sh",
    "events.json",
    "requirements.txt",
);

const JAVASCRIPT: &[File] = files!("templates/javascript" => "":
    ".gitignore",
    "README.md",
    "build.sh",
    "events.json",
    "executor.js",
    "package.json",
);

const C: &[File] = files!("templates/c" => "":
    ".gitignore",
    "README.md",
    "bindings/executor.c",
    "bindings/executor.h",
    "bindings/executor_component_type.o",
    "build.sh",
    "events.json",
    "executor.c",
);

/// All files of a project in this language.
pub fn files(language: Language) -> impl Iterator<Item = File> {
    let (own, sdk): (_, &[File]) = match language {
        Language::Rust => (RUST, SDK),
        Language::Python => (PYTHON, &[]),
        Language::Js => (JAVASCRIPT, &[]),
        Language::C => (C, &[]),
    };
    own.iter().chain(WORLD).chain(sdk).copied()
}

/// What must be there before `build.sh` works, as commands.
pub fn needs(language: Language) -> &'static [&'static str] {
    match language {
        Language::Rust => &["rustup target add wasm32-unknown-unknown"],
        Language::Python => &[
            "python3 -m venv venv && venv/bin/pip install -r requirements.txt",
            "export PATH=\"$PWD/venv/bin:$PATH\"",
        ],
        Language::Js => &["npm install"],
        Language::C => &["export WASI_SDK_PATH=…   # see README.md"],
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    use clap::ValueEnum;
    use serde_json::Value;

    use super::*;

    fn guests() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../wasm-executors")
    }

    /// The files below `dir`, but for those that a build leaves there.
    fn found(dir: &Path, below: &str, skipped: &[&str]) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for entry in std::fs::read_dir(dir.join(below)).unwrap() {
            let entry = entry.unwrap();
            let path = Path::new(below).join(entry.file_name()).display().to_string();
            if skipped.contains(&path.as_str()) {
                continue;
            }
            if entry.file_type().unwrap().is_dir() {
                found.extend(self::found(dir, &path, skipped));
            } else {
                found.insert(path);
            }
        }
        found
    }

    fn paths(files: &[File], to: &str) -> BTreeSet<String> {
        files.iter().map(|file| file.path.strip_prefix(to).unwrap().to_owned()).collect()
    }

    #[test]
    fn every_file_of_a_template_ships() {
        let templates = [("rust", RUST), ("python", PYTHON), ("javascript", JAVASCRIPT), ("c", C)];
        for (name, files) in templates {
            let dir = guests().join("templates").join(name);
            assert_eq!(paths(files, ""), found(&dir, "", &[]), "{name}");
        }
        // Who writes an executor needs neither its tests nor its lock.
        let left_out = ["Cargo.lock", "target", "tests", "examples", "README.md"];
        assert_eq!(paths(SDK, "stoa-executor/"), found(&guests().join("guest"), "", &left_out));
        assert_eq!(paths(WORLD, "wit/"), found(&guests().join("wit"), "", &[]));
    }

    #[test]
    fn all_templates_are_the_same_executor() {
        let steps = Language::value_variants().iter().map(|language| {
            let script = files(*language).find(|file| file.path == "events.json").unwrap();
            let script: Value = serde_json::from_slice(script.content).unwrap();
            script["steps"].clone()
        });
        let steps: Vec<_> = steps.collect();
        assert!(steps[0].as_array().unwrap().len() > 10);
        assert!(steps.iter().all(|other| *other == steps[0]));
    }

    #[test]
    fn only_a_template_names_itself() {
        for file in WORLD.iter().chain(SDK) {
            let text = str::from_utf8(file.content).unwrap();
            assert!(!text.contains(NAME) && !text.contains(&NAME.replace('-', "_")), "{file:?}");
        }
    }
}
