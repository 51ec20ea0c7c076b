//! The executors that ship: listed, saved, and run by their names.

use stoa_harness::{Cluster, Place, sample};

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
    finished.failed(125, &["executor command", "--data"]);
}

#[test]
fn shell_has_its_toolbox_a_sandbox_and_the_programs_that_were_given() {
    let cluster = Cluster::shared();
    let shell = |flags: &[&str], line: &str| {
        cluster.run(&[&["run", "--executor", "shell"], flags, &["--data", line]].concat())
    };
    let finished = shell(&["--env", "NAME=Ada"], "echo $NAME > /a && cat /a | tr a-z A-Z; exit 3");
    assert_eq!(finished.exited(3).text(), "ADA\n");
    let hello = format!("hello={}", sample("hello"));
    let finished = shell(&["--program", &hello], "hello Ada | wc -l").succeeded();
    assert_eq!(finished.text().trim(), "1");
    // What is given under the name of a tool is meant instead of it.
    let cat = format!("cat={}", sample("hello"));
    let finished = shell(&["--executor-program", &cat], "cat Ada").succeeded();
    assert_eq!(finished.text(), "Hello, Ada!\n");
    let dir = cluster.make_allowed_dir("for-the-shell");
    std::fs::write(dir.join("b.txt"), "b").unwrap();
    std::fs::write(dir.join("a.txt"), "a").unwrap();
    let grant = format!("{}::/d:ro", dir.display());
    assert_eq!(shell(&["--dir", &grant], "cat /d/*.txt").succeeded().text(), "ab");
}

#[test]
fn map_answers_with_data_and_wants_its_function() {
    let cluster = Cluster::shared();
    let map = ["run", "--executor", "map", "--data", "to and fro"];
    let function = format!("echo={}", sample("cat"));
    let finished = cluster.run(&[&map[..], &["--executor-program", &function]].concat());
    assert_eq!(finished.succeeded().text().trim_end(), "to and fro");
    // A program of the task is none of the executor's own.
    let finished = cluster.run(&[&map[..], &["--program", &function]].concat());
    finished.failed(126, &["names no programs"]);
}

#[test]
fn group_starts_its_programs_together() {
    let cluster = Cluster::shared();
    let hello = format!("hello={}", sample("hello"));
    let data = r#"{"programs": [{"program": "hello", "arguments": ["Ada"]},
                                {"program": "hello", "arguments": ["Bob"]}]}"#;
    let group = ["run", "--executor", "group", "--program", &hello, "--data", data];
    let finished = cluster.run(&group).succeeded();
    for name in ["Ada", "Bob"] {
        assert!(finished.text().contains(&format!("Hello, {name}!")), "{finished}");
    }
}
