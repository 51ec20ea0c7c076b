//! `stoa inspect`: what a file is, told without a cluster.

use stoa_harness::{Place, sample};

use crate::guests::{clerk, from_the_future};

#[test]
fn executor_is_told_with_its_world_and_what_it_costs() {
    let place = Place::new();
    let clerk = clerk();
    let json = place.stoa(&["inspect", "-o", "json", &clerk]).finish().succeeded().json();
    assert_eq!(json["kind"], "executor");
    assert_eq!(json["world"], "stoa:executor/executor@0.1.0");
    assert_eq!(json["file"], clerk);
    assert_eq!(json["size_bytes"], std::fs::metadata(&clerk).unwrap().len());
    assert!(json["digest"].as_str().unwrap().starts_with("sha256:"), "{json}");
    let has = |key: &str, name: &str| {
        let names = json[key].as_array().unwrap_or_else(|| panic!("no list {key} in {json}"));
        names.iter().any(|it| it.as_str().unwrap().starts_with(name))
    };
    assert!(has("exports", "stoa:executor/events@0.1.0"), "{json}");
    assert!(has("imports", "stoa:executor/subtasks@0.1.0"), "{json}");
    assert!(json["unknown_imports"].as_array().unwrap().is_empty(), "{json}");
    assert!(json["compile_ms"].is_u64() && json["code_bytes"].as_u64() > Some(1_000), "{json}");
}

#[test]
fn program_is_told_and_need_not_be_compiled() {
    let place = Place::new();
    let words = sample("words");
    let inspect = ["inspect", "--no-compile", "-o", "json", &words];
    let json = place.stoa(&inspect).finish().succeeded().json();
    assert!(["module", "command"].contains(&json["kind"].as_str().unwrap()), "{json}");
    assert!(json["grants"].as_array().is_some_and(|grants| !grants.is_empty()), "{json}");
    assert!(json["compile_ms"].is_null() && json["code_bytes"].is_null(), "{json}");
    let table = place.stoa(&["inspect", "--no-compile", &words]).finish().succeeded();
    for field in ["kind: ", "size: ", "digest: sha256:", "imports: "] {
        assert!(table.text().contains(field), "no {field} in {table}");
    }
}

#[test]
fn what_cannot_run_is_told_as_it_is() {
    let place = Place::new();
    let library = place.write("library.wasm", wat::parse_str("(module)").unwrap());
    let library = library.display().to_string();
    let json = place.stoa(&["inspect", "-o", "json", &library]).finish().succeeded().json();
    assert_eq!(json["kind"], "other");
    assert!(json["cannot_run"].as_str().unwrap().contains("_start"), "{json}");
    let future = place.write("future.wasm", from_the_future()).display().to_string();
    let inspect = ["inspect", "--no-compile", "-o", "json", &future];
    let json = place.stoa(&inspect).finish().succeeded().json();
    assert_eq!(json["world"], "stoa:executor/executor@0.9.0");
    assert!(json["cannot_run"].as_str().unwrap().contains("0.9.0"), "{json}");
}

#[test]
fn bytes_that_are_no_wasm_are_refused_as_run_does() {
    let place = Place::new();
    let text = place.write("text.wasm", "Nothing of wasm.\n").display().to_string();
    place.stoa(&["inspect", &text]).finish().failed(126, &[&text, "no wasm"]);
    place.stoa(&["inspect", "nowhere.wasm"]).finish().failed(127, &["nowhere.wasm"]);
    let error = place.stoa(&["inspect", "-o", "json", "nowhere.wasm"]).finish().exited(127);
    assert!(error.stderr.starts_with('{'), "{error}");
}
