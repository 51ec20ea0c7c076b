//! The tree of sources as values: every file with its text, its tokens and its manifest. It never
//! judges any of them.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use crate::manifest::Manifest;
use crate::paths::{self, PathUse};
use crate::rooms::{self, Room};
use crate::tokens::Rust;

/// What holds nothing we wrote.
const SKIPPED: [&str; 2] = [".git", "target"];

/// One file.
#[derive(Debug)]
pub struct File {
    /// From the root, with `/` between its parts.
    pub path: String,
    /// Its text; none if it is no UTF-8.
    pub text: Option<String>,
    /// Its tokens and comments, if it is Rust.
    pub rust: Option<Rust>,
}

impl File {
    /// # Panics
    /// On Rust that has no tokens: the compiler says more about it.
    fn new(path: String, text: Option<String>) -> Self {
        let rust = text
            .as_deref()
            .filter(|_| path.ends_with(".rs"))
            .map(|text| Rust::lex(text).unwrap_or_else(|error| panic!("{path}: {error}")));
        Self { path, text, rust }
    }

    /// The name after the last dot, empty if there is none.
    pub fn extension(&self) -> &str {
        self.name().rsplit_once('.').map_or("", |(_, end)| end)
    }

    /// The last part of the path.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// The lines with their numbers, from 1 on; none if the file is no text.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let text = self.text.as_deref().unwrap_or("");
        text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }

    /// The member of the workspace that the file belongs to; none for guests, tools and documents.
    pub fn room(&self) -> Option<&'static Room> {
        rooms::room_of(&self.path)
    }

    /// Whether the file is there for tests alone, or shows how the crate is used.
    pub fn is_test(&self) -> bool {
        let of_tests = ["tests", "benches", "examples"];
        self.path.split('/').any(|part| of_tests.contains(&part)) || self.name() == "tests.rs"
    }

    /// The paths that Rust code of the room outside its tests names; none if it is something else.
    pub fn paths_in_use(&self) -> Vec<PathUse<'_>> {
        let is_ours = self.room().is_some() && !self.is_test() && self.name() != "build.rs";
        match &self.rust {
            Some(rust) if is_ours => {
                paths::in_code(&rust.tokens).into_iter().filter(|path| !path.is_test).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// All files, sorted by path.
#[derive(Debug)]
pub struct House {
    files: Vec<File>,
}

impl House {
    /// The house this crate stands in; read once.
    pub fn here() -> &'static Self {
        static HERE: LazyLock<House> = LazyLock::new(|| {
            House::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."))
                .unwrap_or_else(|error| panic!("the sources cannot be read: {error}"))
        });
        &HERE
    }

    /// A house of these texts, for the tests of rules.
    pub fn planted(files: &[(&str, &str)]) -> Self {
        let plant =
            |(path, text): &(&str, &str)| File::new((*path).to_owned(), Some((*text).to_owned()));
        Self { files: files.iter().map(plant).collect() }
    }

    fn read(root: &Path) -> std::io::Result<Self> {
        let mut files = Vec::new();
        let mut waiting = vec![String::new()];
        while let Some(dir) = waiting.pop() {
            for entry in fs::read_dir(root.join(&dir))? {
                let entry = entry?;
                let name = entry.file_name().to_string_lossy().into_owned();
                let path = if dir.is_empty() { name.clone() } else { format!("{dir}/{name}") };
                let kind = entry.file_type()?;
                // In a work tree of its own `.git` is a file.
                if SKIPPED.contains(&name.as_str()) {
                    continue;
                }
                if kind.is_dir() {
                    waiting.push(path);
                } else if kind.is_file() {
                    let text = String::from_utf8(fs::read(entry.path())?).ok();
                    files.push(File::new(path, text));
                }
            }
        }
        files.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(Self { files })
    }

    /// Every file.
    pub fn files(&self) -> &[File] {
        &self.files
    }

    /// The file of this path, if there is one.
    pub fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// Whether a file or a directory has this path.
    pub fn contains(&self, path: &str) -> bool {
        let below = format!("{path}/");
        path.is_empty()
            || self.files.iter().any(|file| file.path == path || file.path.starts_with(&below))
    }

    /// The root's manifest, if there is one.
    pub fn root_manifest(&self) -> Option<Manifest> {
        self.file("Cargo.toml").map(Manifest::of)
    }

    /// The manifests of the workspace's members.
    pub fn member_manifests(&self) -> Vec<(&'static Room, Manifest)> {
        let member = |file: &File| {
            let room = file.room()?;
            (file.path == format!("{}/Cargo.toml", room.dir)).then(|| (room, Manifest::of(file)))
        };
        self.files.iter().filter_map(member).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn house_is_read_from_its_root() {
        let house = House::here();
        for path in ["Cargo.toml", "model/src/lib.rs", "tests/tidy/src/house.rs"] {
            assert!(house.contains(path), "{path} was not read");
        }
        assert!(house.files().iter().all(|file| !file.path.contains("target/debug")));
    }

    #[test]
    fn file_knows_its_room_and_whether_it_is_a_test() {
        let house = House::planted(&[
            ("master/core/src/offers.rs", ""),
            ("master/tests/door.rs", ""),
            ("sample-tasks/rust/src/bin/hello.rs", ""),
        ]);
        let rooms: Vec<_> = house
            .files()
            .iter()
            .map(|file| (file.room().map(|room| room.dir), file.is_test()))
            .collect();
        let expected = [(Some("master/core"), false), (Some("master"), true), (None, false)];
        assert_eq!(rooms, expected);
    }

    #[test]
    fn code_of_tests_is_no_code_in_use() {
        let text = "fn f() { a::b(); }\n#[cfg(test)]\nmod tests { fn g() { c::d(); } }";
        let house = House::planted(&[("model/src/x.rs", text)]);
        let paths = house.files()[0].paths_in_use();
        assert!(paths.iter().any(|path| path.segments == ["a", "b"]));
        assert!(!paths.iter().any(|path| path.segments == ["c", "d"]));
    }
}
