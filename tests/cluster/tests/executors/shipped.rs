//! The executors that ship: listed, saved, and run by their names.

use stoa_harness::{Cluster, Place};

use crate::guests::committed;

#[test]
fn list_names_what_ships_and_save_writes_it() {
    let place = Place::new();
    let list = place.stoa(&["executor", "list", "-o", "json"]).finish().succeeded();
    let command = list.json_where("name", "command");
    let bytes = std::fs::read(committed("wasm-executors/command.wasm")).unwrap();
    assert_eq!(command["size_bytes"], bytes.len());
    assert!(command["digest"].as_str().unwrap().starts_with("sha256:"), "{command}");
    assert!(command["what"].as_str().unwrap().contains("program"), "{command}");
    let table = place.stoa(&["executor", "list"]).finish().succeeded();
    assert!(table.text().starts_with("NAME "), "{table}");
    for executor in list.json().as_array().unwrap() {
        let name = executor["name"].as_str().unwrap();
        assert!(table.text().contains(name), "no {name} in {table}");
        place.stoa(&["executor", "save", name, "-o", "saved.wasm"]).finish().succeeded();
        let saved = std::fs::read(place.path().join("saved.wasm")).unwrap();
        let committed = committed(&format!("wasm-executors/{name}.wasm"));
        assert!(saved == std::fs::read(committed).unwrap(), "{name} was saved as something else");
        place.stoa(&["inspect", "--no-compile", "saved.wasm"]).finish().succeeded();
    }
}

#[test]
fn what_does_not_ship_is_not_saved() {
    let place = Place::new();
    let unknown = place.stoa(&["executor", "save", "abacus", "-o", "x.wasm"]).finish();
    unknown.failed(1, &["abacus", "command"]);
    assert!(!place.path().join("x.wasm").exists());
    let nowhere = place.stoa(&["executor", "save", "command", "-o", "no/where.wasm"]).finish();
    nowhere.failed(1, &["no/where.wasm"]);
    place.stoa(&["executor", "save", "command"]).finish().exited(2);
}

#[test]
fn executor_that_ships_is_named_instead_of_a_file() {
    let cluster = Cluster::shared();
    // It runs a task's own program, and a task for an executor has none.
    let finished = cluster.run(&["run", "--executor", "command", "--data", ""]);
    finished.exited(125).error_line(&["command-", "program of its own"]);
}
