//! `stoa new executor` in every language: the project builds as its README says, and the executor
//! does what its script of events says. Tasks, a message, a kill and the shutdown are in it.

use stoa_harness::Place;
use stoa_harness::default_port::DefaultPort;

use crate::tools::{SLOW, Screens, builder, run_twice};

/// Makes a project, builds it by its own script, tries it out, and hands it a task.
fn works(place: &Place, language: &str, build: &str) -> Screens {
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
    let screens = run_twice(place, run);
    screens.show("HELLO");
    screens
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
    works(&place, "python", "./build.sh").compiling_was_shown();
}

#[test]
fn javascript_project_builds_and_works() {
    let place = Place::new();
    works(&place, "js", "./build.sh").compiling_was_shown();
}
