//! How long a file and a line may be, and how a file opens. It never counts a function: clippy
//! does.

use crate::house::{File, House};
use crate::rule::{Exception, Finding, Rule};

/// Lines of a file.
const FILE_LINES_MAX: usize = 500;
/// Characters of a line of Rust.
const LINE_COLUMNS_MAX: usize = 100;
/// What is written by hand and read from the top; documents may be longer.
const SOURCES: [&str; 10] = ["c", "h", "proto", "py", "rs", "sh", "toml", "wat", "wit", ""];

/// Files fit in a head, lines on a screen, and a file says first what it owns.
pub const RULE: Rule = Rule {
    name: "limits",
    allowed: "500 lines in a source, 100 columns in Rust, and `//!` as the first line of Rust",
    mend: "divide the file by what it owns; break the line; say what the file owns and what it \
           never does",
    exceptions: EXCEPTIONS,
    find,
};

const EXCEPTIONS: &[Exception] = &[
    Exception {
        file: "wasm-executors/templates/c/bindings/executor.c",
        what: "a file of",
        why: "wit-bindgen writes it from the world; nobody reads it from the top",
    },
    Exception {
        file: "wasm-executors/templates/c/bindings/executor.h",
        what: "a file of",
        why: "wit-bindgen writes it from the world, in its order",
    },
];

fn find(house: &House) -> Vec<Finding> {
    house.files().iter().flat_map(find_in).collect()
}

fn find_in(file: &File) -> Vec<Finding> {
    let mut found = Vec::new();
    let lines = file.lines().count();
    if lines > FILE_LINES_MAX && SOURCES.contains(&file.extension()) {
        let what = format!("a file of {lines} lines");
        found.push(Finding::new(&file.path, FILE_LINES_MAX + 1, what));
    }
    if file.extension() != "rs" {
        return found;
    }
    if !file.text.as_deref().unwrap_or("").starts_with("//! ") {
        found.push(Finding::new(&file.path, 1, "a file that does not open with `//!`"));
    }
    for (line, text) in file.lines() {
        let columns = text.chars().count();
        if columns > LINE_COLUMNS_MAX {
            found.push(Finding::new(&file.path, line, format!("a line of {columns} columns")));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_lines_are_short_and_say_what_they_own() {
        RULE.hold();
    }

    #[test]
    fn file_that_is_too_long_is_found() {
        let long = format!("//! Long.\n{}", "\n".repeat(FILE_LINES_MAX));
        let planted = [("model/src/a.rs", long.as_str()), ("check", &long), ("a.md", &long)];
        assert_eq!(RULE.found_in(&planted), ["model/src/a.rs:501", "check:501"]);
        let fits = format!("//! Fits.\n{}", "\n".repeat(FILE_LINES_MAX - 1));
        assert!(RULE.found_in(&[("model/src/a.rs", &fits)]).is_empty());
    }

    #[test]
    fn file_without_head_is_found() {
        let planted = [
            ("model/src/a.rs", "use b;\n//! Late."),
            ("model/src/b.rs", ""),
            ("model/src/c.rs", "//! Owns c."),
        ];
        assert_eq!(RULE.found_in(&planted), ["model/src/a.rs:1", "model/src/b.rs:1"]);
    }

    #[test]
    fn line_that_is_too_wide_is_found() {
        let wide = format!("//! Wide.\n// {}\n// {}", "ä".repeat(97), "ä".repeat(98));
        assert_eq!(RULE.found_in(&[("model/src/a.rs", &wide)]), ["model/src/a.rs:3"]);
    }
}
