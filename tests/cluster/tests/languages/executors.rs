//! `stoa new executor` in every language: the project builds as its README says, and the executor does
//! what its script of events says, which tasks, messages, kills and the shutdown are in.

use stoa_harness::Place;
use stoa_harness::default_port::DefaultPort;

use crate::tools::{SLOW, builder, compiles_once};

/// Makes a project, builds it by its own script, and tries it out.
fn works(place: &Place, language: &str, build: &str) {
    let new = ["new", "executor", "map-reduce", "--lang", language];
    let told = place.stoa(&new).finish().succeeded();
    assert!(told.text().contains("./build.sh"), "{told}");
    place.stoa(&new).finish().failed(1, &["map-reduce", "already"]);
    let project = place.path().join("map-reduce");
    builder(place, &project, build).finish().succeeded();
    let test = ["executor", "test", "map-reduce.wasm", "--script", "events.json"];
    place.stoa(&test).current_dir(&project).limit(SLOW).finish().succeeded();
    let _port = DefaultPort::free();
    let run = "stoa run --executor map-reduce/map-reduce.wasm --data hello";
    let screen = compiles_once(place, run);
    assert!(screen.text().contains("HELLO"), "{screen}");
}

#[test]
fn rust_project_builds_and_works() {
    let place = Place::new();
    let build = "export CARGO_TARGET_DIR=$(TOOLCHAIN/cargo.sh --target-dir)
        CARGO=TOOLCHAIN/cargo.sh ./build.sh && cargo test --quiet";
    works(&place, "rust", build);
}

#[test]
fn c_project_builds_and_works() {
    let place = Place::new();
    works(&place, "c", "CLANG=TOOLCHAIN/clang.sh ./build.sh");
}

#[test]
fn python_project_builds_and_works() {
    let place = Place::new();
    works(&place, "python", "./build.sh");
}

#[test]
fn javascript_project_builds_and_works() {
    let place = Place::new();
    works(&place, "js", "./build.sh");
}
