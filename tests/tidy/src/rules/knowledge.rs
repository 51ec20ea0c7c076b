//! What only some files may know: gRPC, the store. It never looks at manifests: `arrows` does.

use crate::house::{File, House};
use crate::rooms::{self, CONNECTIONS};
use crate::rule::{Finding, Rule};

/// Only files that open a connection know gRPC, only those that keep something know the store.
pub const RULE: Rule = Rule {
    name: "knowledge",
    allowed: "tonic in `protocol`, in `etcd` and in the files of CONNECTIONS \
              (tests/tidy/src/rooms.rs); redb in files and directories called `store` or \
              `checkpoint`; prost in `protocol` and `etcd`; wasmtime in `wasm-executors/host`",
    mend: "hand a value of `model` over instead, or name the file in CONNECTIONS with its reason",
    exceptions: &[],
    find,
};

/// Whether a file may have a path that starts with this crate.
fn may_know(file: &File, name: &str) -> bool {
    match name {
        "tonic" => speaks(file) || rooms::is_connection(&file.path),
        "prost" | "tonic_prost" => speaks(file),
        "wasmtime" | "wasmtime_wasi" => is_in(file, "wasm-executors/host"),
        "redb" => keeps(file),
        _ => true,
    }
}

fn find(house: &House) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in house.files() {
        for path in file.paths_in_use() {
            // A single word is a crate only in `use`; elsewhere it is a name of the file's own.
            let is_crate = path.segments.len() > 1 || path.before == "use";
            if is_crate && !may_know(file, path.segments[0]) {
                let what = format!("`{}` in a file that may not know it", path.text());
                found.push(Finding::new(&file.path, path.line, what));
            }
        }
    }
    found.extend(find_stale(house));
    found
}

fn find_stale(house: &House) -> Vec<Finding> {
    let knows_nothing = |path: &str| {
        house.file(path).is_none_or(|file| {
            let opens = ["tonic", "spawn", "stoa_protocol"];
            let paths = file.paths_in_use();
            !paths.iter().any(|path| path.segments.iter().any(|part| opens.contains(part)))
        })
    };
    CONNECTIONS
        .iter()
        .filter(|(path, _)| knows_nothing(path))
        .map(|(path, _)| {
            let what = format!("{path} of CONNECTIONS opens no connection any more: remove it");
            Finding::new("tests/tidy/src/rooms.rs", 1, what)
        })
        .collect()
}

/// Whether the file is where a wire is made: ours, or that of etcd.
fn speaks(file: &File) -> bool {
    is_in(file, "protocol") || is_in(file, "etcd")
}

fn is_in(file: &File, dir: &str) -> bool {
    file.room().is_some_and(|room| room.dir == dir)
}

fn keeps(file: &File) -> bool {
    file.path.split('/').any(|part| matches!(part.trim_end_matches(".rs"), "store" | "checkpoint"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knowledge_stays_where_it_belongs() {
        RULE.hold();
    }

    #[test]
    fn knowledge_in_the_wrong_file_is_found() {
        let planted = [
            ("master/src/outbox.rs", "use tonic::Status;\nfn f() { redb::x() }"),
            ("agent/src/admit.rs", "use redb;\nuse wasmtime::Engine;"),
        ];
        let found = found_here(&planted);
        let expected = [
            "master/src/outbox.rs:1",
            "master/src/outbox.rs:2",
            "agent/src/admit.rs:1",
            "agent/src/admit.rs:2",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn knowledge_in_its_own_file_passes() {
        let planted = [
            ("protocol/src/lib.rs", "use tonic::Status; use prost::Message;"),
            ("master/src/store.rs", "use redb::Database;"),
            ("agent/src/checkpoint/tables.rs", "use redb::Database;"),
            ("wasm-executors/host/src/engine.rs", "use wasmtime::Engine;"),
            ("master/src/x.rs", "/// Not tonic.\nfn f() { self.tonic(); }"),
        ];
        assert!(found_here(&planted).is_empty());
    }

    /// Without what the real CONNECTIONS say of a house that is not theirs.
    fn found_here(planted: &[(&str, &str)]) -> Vec<String> {
        let mut found = RULE.found_in(planted);
        found.retain(|place| !place.starts_with("tests/tidy"));
        found
    }

    #[test]
    fn connection_that_is_gone_is_found() {
        let found = RULE.found_in(&[]);
        assert_eq!(found.len(), CONNECTIONS.len());
    }
}
