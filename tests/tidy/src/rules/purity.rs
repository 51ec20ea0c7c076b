//! The cores decide and do nothing else. It never asks what they decide.

use crate::house::House;
use crate::paths::PathUse;
use crate::rooms::{PURE_FILES, is_pure};
use crate::rule::{Finding, Rule};

/// No IO, clock, async, thread, lock, environment, randomness or hash order in a core.
pub const RULE: Rule = Rule {
    name: "purity",
    allowed: "values, arithmetic, ordered collections, std::sync::Arc and std::time::Duration",
    mend: "return what must happen as an Action, take what happened as an Input, and use BTreeMap \
           and BTreeSet",
    exceptions: &[],
    find,
};

const PATHS: [&[&str]; 9] = [
    &["std", "env"],
    &["std", "fs"],
    &["std", "io"],
    &["std", "net"],
    &["std", "os"],
    &["std", "process"],
    &["std", "sync"],
    &["std", "thread"],
    &["std", "time"],
];

/// These neither lock nor ask.
const HARMLESS: [&[&str]; 3] =
    [&["std", "sync", "Arc"], &["std", "sync", "Weak"], &["std", "time", "Duration"]];

const WORDS: [&str; 24] = [
    "Condvar",
    "HashMap",
    "HashSet",
    "LazyLock",
    "Mutex",
    "OnceCell",
    "OnceLock",
    "RandomState",
    "RwLock",
    "SystemTime",
    "async",
    "async_trait",
    "await",
    "fastrand",
    "futures",
    "getrandom",
    "hash_map",
    "hash_set",
    "rand",
    "rustix",
    "static",
    "thread_local",
    "tokio",
    "uuid",
];

fn find(house: &House) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in house.files().iter().filter(|file| is_pure(&file.path)) {
        for path in file.paths_in_use().iter().filter(|path| is_impure(path)) {
            let what = format!("`{}` in a pure file", path.text());
            found.push(Finding::new(&file.path, path.line, what));
        }
    }
    let missing = PURE_FILES.iter().filter(|path| !house.contains(path));
    found.extend(missing.map(|path| Finding::new(*path, 1, "a pure file that is not there")));
    found
}

fn is_impure(path: &PathUse<'_>) -> bool {
    let is_harmless = HARMLESS.iter().any(|start| path.starts_with(start));
    // A constant `static` bound is written `'static`: the apostrophe is a token of its own.
    let is_lifetime = path.before == "'";
    let has_word = path.segments.iter().any(|part| WORDS.contains(part)) && !is_lifetime;
    has_word || (!is_harmless && PATHS.iter().any(|start| path.starts_with(start)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cores_are_pure() {
        RULE.hold();
    }

    fn lines(code: &str) -> Vec<String> {
        let planted = [
            ("agent/core/src/x.rs", code),
            ("scheduler/src/action.rs", ""),
            ("scheduler/src/session.rs", ""),
            ("scheduler/src/tasks.rs", ""),
        ];
        RULE.found_in(&planted)
    }

    #[test]
    fn everything_impure_is_found() {
        let impure = [
            "use std::fs;",
            "use std::{fmt, net::TcpStream};",
            "use core::{time::{Duration, Instant}};",
            "fn f() { std::env::var(\"A\"); }",
            "fn f() { std::thread::yield_now() }",
            "use std::sync::{Arc, Mutex};",
            "use std::sync::atomic::AtomicU64;",
            "use std::collections::HashMap;",
            "fn f(map: std::collections::HashSet<u8>) {}",
            "async fn f() {}",
            "fn f() { tokio::spawn(x); }",
            "static COUNT: u8 = 0;",
            "fn f() { let now = std::time::SystemTime::now(); }",
        ];
        for code in impure {
            assert_eq!(lines(code), ["agent/core/src/x.rs:1"], "{code}");
        }
    }

    #[test]
    fn pure_code_and_tests_pass() {
        let code = "use std::{collections::BTreeMap, sync::Arc, time::Duration};\n\
                    /// Never a HashMap.\nconst A: &'static str = \"std::fs\";\n\
                    #[cfg(test)] mod tests { use std::fs; }";
        assert!(lines(code).is_empty());
    }

    #[test]
    fn pure_files_of_other_rooms_are_watched_and_must_exist() {
        let planted = [("scheduler/src/session.rs", "\nuse std::fs;")];
        let expected =
            ["scheduler/src/session.rs:2", "scheduler/src/action.rs:1", "scheduler/src/tasks.rs:1"];
        assert_eq!(RULE.found_in(&planted), expected);
    }
}
