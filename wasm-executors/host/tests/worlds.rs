//! The world of executors: that it is what it says, and that a component of another one is refused
//! before it starts, with what was found, what is spoken here, and what to do.

#[cfg(test)]
mod house;

use house::{House, executor_task};
use stoa_executor_host::{Kind, Need, WORLD_VERSION, inspect};
use stoa_model::status::Reason;
use stoa_model::task::TaskState;
use wit_parser::{Resolve, TypeDefKind, WorldId, WorldItem};

const PUPPET: &[u8] = include_bytes!("puppet.wasm");

fn world() -> (Resolve, WorldId) {
    let mut resolve = Resolve::default();
    let wit = include_str!("../../wit/executor.wit");
    let package = resolve.push_source("executor.wit", wit).expect("it is WIT");
    assert_eq!(
        resolve.packages[package].name.to_string(),
        format!("stoa:executor@{WORLD_VERSION}")
    );
    let world = resolve.select_world(&[package], Some("executor")).expect("it is there");
    (resolve, world)
}

#[test]
fn the_world_has_these_imports_and_exports() {
    let (resolve, world) = world();
    let world = &resolve.worlds[world];
    let names = |items: Vec<(&wit_parser::WorldKey, &WorldItem)>| -> Vec<String> {
        items.into_iter().map(|(key, _)| resolve.name_world_key(key)).collect()
    };
    assert_eq!(names(world.exports.iter().collect()), ["stoa:executor/events@0.1.0"]);
    let imports = ["types", "driver", "subtasks", "files"];
    let imports = imports.map(|name| format!("stoa:executor/{name}@0.1.0"));
    assert_eq!(names(world.imports.iter().collect()), imports);
    let events = resolve.interfaces.iter().find(|(_, it)| it.name.as_deref() == Some("events"));
    let events: Vec<_> = events.unwrap().1.functions.keys().map(String::as_str).collect();
    let expected = [
        "registered",
        "reregistered",
        "launch-task",
        "kill-task",
        "message",
        "acknowledged",
        "subtask-exited",
        "subtask-output",
        "tick",
        "shutdown",
    ];
    assert_eq!(events, expected);
}

/// Interfaces, functions, types and worlds each have their words. The parts of a record or variant
/// may be plain from their names.
#[test]
fn every_item_of_the_world_is_documented() {
    let (resolve, world) = world();
    assert!(!resolve.worlds[world].docs.is_empty(), "the world");
    for (_, interface) in &resolve.interfaces {
        let of = interface.name.as_deref().unwrap_or_default();
        assert!(!interface.docs.is_empty(), "{of}");
        for (name, function) in &interface.functions {
            assert!(!function.docs.is_empty(), "{of}.{name}");
        }
        for (name, ty) in &interface.types {
            let ty = &resolve.types[*ty];
            let is_use = matches!(ty.kind, TypeDefKind::Type(wit_parser::Type::Id(_)));
            assert!(is_use || !ty.docs.is_empty(), "{of}.{name}");
        }
    }
}

/// A component whose events are `functions`, and what it imports besides.
fn executor(version: &str, imports: &str, functions: &str) -> String {
    format!(
        r#"(component {imports}
            (core module $m
                (memory (export "memory") 1)
                (func (export "f"))
                (func (export "s") (param i32 i32))
                (func (export "realloc") (param i32 i32 i32 i32) (result i32) i32.const 0))
            (core instance $i (instantiate $m))
            (func $tick (canon lift (core func $i "f")))
            (type $text (func (param "text" string)))
            (func $text (type $text) (canon lift (core func $i "s")
                (memory (core memory $i "memory"))
                (realloc (core func $i "realloc"))))
            (instance $events {functions})
            (export "stoa:executor/events@{version}" (instance $events)))"#
    )
}

#[tokio::test]
async fn what_is_of_another_world_is_refused_before_it_starts() {
    let mut house = House::new();
    let tick = r#"(export "tick" (func $tick))"#;
    let import = |name: &str| format!(r#"(import "{name}" (instance))"#);
    let old = r#"(export "registered" (func $text))"#;
    let cases = [
        (
            "future",
            executor("0.2.0", "", tick),
            "exports stoa:executor/events@0.2.0, which is newer",
        ),
        ("far", executor("1.0.0", "", tick), "exports stoa:executor/events@1.0.0, which is newer"),
        ("past", executor("0.0.9", "", tick), "exports stoa:executor/events@0.0.9, which is older"),
        (
            "imports",
            executor("0.1.0", &import("stoa:executor/driver@0.2.0"), tick),
            "imports stoa:executor/driver@0.2.0, which is newer",
        ),
        ("lacking", executor("0.1.0", "", tick), "there is no registered"),
        ("wrong", executor("0.1.0", "", old), "registered has another signature"),
    ];
    for (id, wat, why) in cases {
        let program = house.store_wat(&wat);
        let over = house.run(executor_task(id, id, program, b"")).await;
        assert_eq!(over.state, TaskState::Failed, "{id}: {over:?}");
        let reason = if id == "imports" { Reason::MissingImport } else { Reason::InvalidModule };
        assert_eq!(over.reason, reason, "{id}: {over:?}");
        assert!(over.message.contains(why), "{id}: {}", over.message);
        assert!(over.message.contains("this Stoa speaks stoa:executor/"), "{}", over.message);
        assert!(over.message.contains("rebuild it with the WIT of this Stoa"), "{}", over.message);
    }
}

#[test]
fn an_inspection_tells_what_an_executor_is_and_needs() {
    let inspection = inspect(PUPPET).unwrap();
    assert_eq!((inspection.kind, inspection.bytes), (Kind::Executor, PUPPET.len() as u64));
    assert_eq!(inspection.world().unwrap(), "stoa:executor/executor@0.1.0");
    assert_eq!(inspection.check_executor(), Ok(()));
    assert_eq!(inspection.needs(), [Need::Subtasks]);
}
