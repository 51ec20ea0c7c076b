//! `stoa executor pack`: a core module that carries its world becomes an executor that runs.

use std::path::Path;

use stoa_harness::{Place, house, sample};
use wit_component::{StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use crate::guests::clerk;

/// The core module of an executor that takes every task and does nothing with it, with this line
/// in it. Its world is not in it yet.
fn idle(line: &str) -> Vec<u8> {
    let events = "stoa:executor/events@0.1.0";
    let info = "(param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)";
    let end = "(param i32 i32 i32 i64 i32 i32 i32 i64 i64 i64 i64)";
    let source = format!(
        r#"(module
            {line}
            (memory (export "memory") 1)
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
            (func (export "{events}#registered") {info})
            (func (export "{events}#reregistered") {info})
            (func (export "{events}#launch-task") (param i32) (result i32) (i32.const 16))
            (func (export "{events}#kill-task") (param i32 i32 i64))
            (func (export "{events}#message") (param i32 i32))
            (func (export "{events}#acknowledged") (param i32 i32))
            (func (export "{events}#subtask-exited") {end})
            (func (export "{events}#subtask-output") (param i32 i32 i32 i64 i32 i32 i32))
            (func (export "{events}#tick"))
            (func (export "{events}#shutdown") (param i64)))"#
    );
    wat::parse_str(source).expect("the text above is a module")
}

fn with_world(mut module: Vec<u8>, wit: &Path, world: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_path(wit).expect("the world can be read");
    let world = resolve.select_world(&[package], Some(world)).expect("the package has the world");
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)
        .expect("a module takes another section");
    module
}

fn executor(line: &str) -> Vec<u8> {
    with_world(idle(line), &house::root().join("wasm-executors/wit"), "executor")
}

#[test]
fn module_that_carries_its_world_becomes_an_executor_that_runs() {
    let place = Place::new();
    let wasi = r#"(import "wasi_snapshot_preview1" "random_get"
        (func (param i32 i32) (result i32)))"#;
    for (name, line) in [("plain", ""), ("wasip1", wasi)] {
        let module = place.write(&format!("{name}.wasm"), executor(line)).display().to_string();
        let out = place.path().join(format!("{name}.out.wasm")).display().to_string();
        place.stoa(&["executor", "pack", &module, "-o", &out]).finish().succeeded();
        let inspect = place.stoa(&["inspect", "--no-compile", "-o", "json", &out]).finish();
        assert_eq!(inspect.succeeded().json()["kind"], "executor", "{name}");
        let script = place.write(
            "events.json",
            r#"{"steps": [{"launch": {"task": "t"}}, {"shutdown": {}},
                {"wait": {"update": {"task": "t", "expect": {"state": "KILLED"}}}},
                {"wait": {"end": {}}}]}"#,
        );
        let script = script.display().to_string();
        place.stoa(&["executor", "test", &out, "--script", &script]).finish().succeeded();
    }
}

#[test]
fn what_makes_no_executor_is_refused_and_nothing_is_written() {
    let place = Place::new();
    let write = |name: &str, bytes: Vec<u8>| place.write(name, bytes).display().to_string();
    let other_world = "package a:b; world w {}";
    let other_world = place.write("other.wit", other_world);
    let empty = wat::parse_str("(module (memory (export \"memory\") 1))").unwrap();
    let rows = [
        (write("bare.wasm", idle("")), "world"),
        (write("other.wasm", with_world(empty, &other_world, "w")), "executor"),
        (write("text.wasm", b"no wasm".to_vec()), "no wasm"),
        (write("env.wasm", executor(r#"(import "env" "teleport" (func))"#)), "teleport"),
        (clerk(), "component already"),
        (sample("noop"), "world"),
    ];
    for (module, part) in rows {
        let pack = place.stoa(&["executor", "pack", &module, "-o", "out.wasm"]).finish();
        pack.failed(126, &[&module, part]);
        assert!(!place.path().join("out.wasm").exists(), "{module} has left something");
    }
    let pack = place.stoa(&["executor", "pack", "nowhere.wasm", "-o", "out.wasm"]).finish();
    pack.failed(127, &["nowhere.wasm"]);
    let module = write("same.wasm", executor(""));
    let pack = place.stoa(&["executor", "pack", &module, "-o", "./same.wasm"]).finish();
    pack.failed(1, &["same.wasm", "input"]);
    assert_eq!(std::fs::read(&module).unwrap(), executor(""), "the input was overwritten");
}
