//! Every way a program can end, or not even start: each has its own state, reason and message.

#[cfg(test)]
mod house;

use house::{House, MIB, command, task, with_arguments};
use stoa_model::operator::LogStream;
use stoa_model::status::Reason;
use stoa_model::task::{Limits, TaskInfo, TaskState};

/// A module that runs `body` with `imports`, one page of memory and a table.
fn wat(imports: &str, body: &str) -> String {
    format!(
        r#"(module {imports}
            (memory (export "memory") 1 1000)
            (table $table 1 100000 funcref)
            (func $main (export "_start") {body}))"#
    )
}

const EXIT: &str = r#"(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))"#;

struct Case {
    name: &'static str,
    program: String,
    change: fn(&mut TaskInfo),
    state: TaskState,
    reason: Reason,
    message: &'static str,
    exit_code: Option<i32>,
}

fn case(name: &'static str, program: String, reason: Reason, message: &'static str) -> Case {
    let (change, state, exit_code) = (|_: &mut TaskInfo| {}, TaskState::Failed, None);
    Case { name, program, change, state, reason, message, exit_code }
}

fn exit_case(name: &'static str, body: &str, code: i32) -> Case {
    let state = if code == 0 { TaskState::Finished } else { TaskState::Failed };
    let message = match code {
        0 => "",
        3 => "exited with code 3",
        _ => "exited with code 255",
    };
    let exited = case(name, wat(EXIT, body), Reason::Exited, message);
    Case { state, exit_code: Some(code), ..exited }
}

fn limited(case: Case, change: fn(&mut TaskInfo)) -> Case {
    Case { change, ..case }
}

fn exits_and_traps() -> Vec<Case> {
    vec![
        exit_case("returns", "", 0),
        exit_case("exit-0", "(call $exit (i32.const 0))", 0),
        exit_case("exit-3", "(call $exit (i32.const 3))", 3),
        exit_case("exit-255", "(call $exit (i32.const 255))", 255),
        case(
            "unreachable",
            wat("", "unreachable"),
            Reason::Trapped,
            "trapped: wasm `unreachable` instruction executed, in main",
        ),
        case(
            "divides",
            wat("", "(drop (i32.div_u (i32.const 1) (i32.const 0)))"),
            Reason::Trapped,
            "trapped: integer divide by zero, in main",
        ),
        case(
            "recurses",
            wat("", "(call $main)"),
            Reason::Trapped,
            "trapped: call stack exhausted, in main, called from main",
        ),
    ]
}

fn out_of_fuel_or_time() -> Vec<Case> {
    vec![
        limited(
            case(
                "spins-on-fuel",
                wat("", "(loop (br 0))"),
                Reason::FuelExhausted,
                "out of fuel: all 5000000 units are used",
            ),
            |task| task.limits.fuel = Some(5_000_000),
        ),
        limited(
            case(
                "spins-in-start",
                r#"(module (func $s (loop (br 0))) (start $s) (func (export "_start")))"#
                    .to_owned(),
                Reason::FuelExhausted,
                "out of fuel",
            ),
            |task| task.limits.fuel = Some(5_000_000),
        ),
        limited(
            case(
                "fills-on-fuel",
                wat(
                    "",
                    "(loop (memory.fill (i32.const 0) (i32.const 1) (i32.const 65536)) (br 0))",
                ),
                Reason::FuelExhausted,
                "out of fuel",
            ),
            |task| task.limits.fuel = Some(5_000_000),
        ),
        limited(
            case(
                "spins-on-time",
                wat("", "(loop (br 0))"),
                Reason::TimedOut,
                "ran longer than the 0.150 s granted",
            ),
            |task| task.max_completion_ms = Some(150),
        ),
    ]
}

fn out_of_memory() -> Vec<Case> {
    vec![
        limited(
            case(
                "has-too-much-at-once",
                r#"(module (memory 900) (func (export "_start")))"#.to_owned(),
                Reason::MemoryExceeded,
                "out of memory: asked for 56.2MiB more, had 0B of 10MiB",
            ),
            |task| task.resources.memory_bytes = 10 * MIB,
        ),
        limited(
            case(
                "has-several-memories",
                r#"(module (memory 100) (memory 100) (func (export "_start")))"#.to_owned(),
                Reason::MemoryExceeded,
                "out of memory: asked for 6.2MiB more, had 6.2MiB of 10MiB",
            ),
            |task| task.resources.memory_bytes = 10 * MIB,
        ),
    ]
}

fn grown_too_far() -> Vec<Case> {
    let grow = |pages: u32, then: &str| {
        wat(EXIT, &format!("(drop (memory.grow (i32.const {pages}))) {then}"))
    };
    vec![
        limited(
            case(
                "grows-and-traps",
                grow(900, "unreachable"),
                Reason::MemoryExceeded,
                "out of memory: asked for 56.2MiB more, had",
            ),
            |task| task.resources.memory_bytes = 10 * MIB,
        ),
        limited(
            case(
                "grows-and-exits",
                grow(900, "(call $exit (i32.const 1))"),
                Reason::MemoryExceeded,
                "out of memory",
            ),
            |task| task.resources.memory_bytes = 10 * MIB,
        ),
        limited(
            case(
                "grows-a-table",
                wat("", "(drop (table.grow $table (ref.null func) (i32.const 90000))) unreachable"),
                Reason::MemoryExceeded,
                "out of memory",
            ),
            |task| task.resources.memory_bytes = 256 << 10,
        ),
        limited(
            Case {
                state: TaskState::Finished,
                exit_code: Some(0),
                ..case("bears-the-refusal", grow(900, ""), Reason::Exited, "")
            },
            |task| task.resources.memory_bytes = 10 * MIB,
        ),
    ]
}

fn unknown_imports() -> Vec<Case> {
    vec![
        case(
            "wants-an-unknown-module",
            wat(r#"(import "env" "magic" (func))"#, ""),
            Reason::MissingImport,
            "imports env.magic, which nobody provides",
        ),
        case(
            "wants-an-unknown-function",
            wat(r#"(import "wasi_snapshot_preview1" "magic" (func))"#, ""),
            Reason::MissingImport,
            "imports wasi_snapshot_preview1.magic, which nobody provides",
        ),
        case(
            "wants-another-type",
            wat(r#"(import "wasi_snapshot_preview1" "proc_exit" (func))"#, ""),
            Reason::MissingImport,
            "imports what is not provided as it wants it",
        ),
        case(
            "wants-an-unknown-interface",
            r#"(component (import "foo:bar/baz@1.0.0" (instance))
                (core module $m (func (export "run") (result i32) i32.const 0))
                (core instance $i (instantiate $m))
                (func $run (result (result)) (canon lift (core func $i "run")))
                (instance $e (export "run" (func $run)))
                (export "wasi:cli/run@0.2.0" (instance $e)))"#
                .to_owned(),
            Reason::MissingImport,
            "imports foo:bar/baz@1.0.0, which nobody provides",
        ),
    ]
}

fn no_programs() -> Vec<Case> {
    vec![
        case(
            "is-a-library",
            "(module)".to_owned(),
            Reason::InvalidModule,
            "has no _start function: it is a library, not a program",
        ),
        case(
            "is-no-command",
            "(component)".to_owned(),
            Reason::InvalidModule,
            "is a component that exports neither wasi:cli/run",
        ),
        case(
            "is-not-valid",
            r#"(module (func (export "_start") i32.add))"#.to_owned(),
            Reason::InvalidModule,
            "",
        ),
        case(
            "wants-64-bits",
            r#"(module (memory i64 1) (func (export "_start")))"#.to_owned(),
            Reason::InvalidModule,
            "",
        ),
        case(
            "shares-memory",
            r#"(module (memory 1 1 shared) (func (export "_start")))"#.to_owned(),
            Reason::InvalidModule,
            "",
        ),
    ]
}

#[tokio::test]
async fn every_end_has_its_state_and_reason() {
    let mut house = House::new();
    let cases = [
        exits_and_traps(),
        out_of_fuel_or_time(),
        out_of_memory(),
        grown_too_far(),
        unknown_imports(),
        no_programs(),
    ];
    for case in cases.into_iter().flatten() {
        let program = house.store_wat(&case.program);
        let mut task = task(case.name, program);
        (case.change)(&mut task);
        let over = house.run(task).await;
        let name = case.name;
        assert_eq!((over.state, over.reason), (case.state, case.reason), "{name}: {over:?}");
        assert!(over.message.starts_with(case.message), "{name}: {}", over.message);
        assert_eq!(over.exit_code, case.exit_code, "{name}");
        let has_run = !matches!(case.reason, Reason::MissingImport | Reason::InvalidModule);
        assert_eq!(over.usage.is_some(), has_run, "{name}: {:?}", over.usage);
    }
}

#[tokio::test]
async fn bytes_that_are_no_program_are_told_apart() {
    let mut house = House::new();
    let engine = wasmtime::Engine::default();
    let precompiled = engine.precompile_module(b"\0asm\x01\0\0\0").unwrap();
    let whole = wat::parse_str(wat("", "")).unwrap();
    let cases: [(&str, &[u8], &str); 6] = [
        ("empty", b"", "is empty"),
        ("text", b"(module)", "is WebAssembly text"),
        ("script", b"#!/bin/sh\n", "is no wasm: it starts with"),
        ("half", &whole[..whole.len() / 2], "is truncated or damaged"),
        ("cwasm", &precompiled, "is precompiled code"),
        ("elf", b"\x7fELF\x02\x01\x01\0", "is no wasm"),
    ];
    for (name, bytes, message) in cases {
        let over = house.run(task(name, house.store(bytes))).await;
        assert_eq!((over.state, over.reason), (TaskState::Failed, Reason::InvalidModule), "{name}");
        assert!(over.message.starts_with(message), "{name}: {}", over.message);
    }
    let missing = house.run(task("missing", stoa_model::digest::Digest([9; 32]))).await;
    assert_eq!(missing.reason, Reason::ContainerFailed, "{missing:?}");
}

#[tokio::test]
async fn components_and_modules_of_real_languages_run() {
    let mut house = House::new();
    let hello = with_arguments(task("hello", house.store_sample("hello")), &["you"]);
    assert_eq!(house.run(hello).await.state, TaskState::Finished);
    assert!(house.log("hello", LogStream::Stdout).contains("you"));
    let logged = house.log("hello", LogStream::Stdout).len() as u64;
    assert_eq!(house.stdout_bytes_told("hello"), Some(logged));
    let exit = house.run(with_arguments(task("exit", house.store_sample("exit")), &["77"])).await;
    assert_eq!((exit.reason, exit.exit_code), (Reason::Exited, Some(77)));
    let primes = with_arguments(task("primes", house.store_sample("primes")), &["1000"]);
    assert_eq!(house.run(primes).await.state, TaskState::Finished);
    assert!(house.log("primes", LogStream::Stdout).contains("168"));
    let hog = with_arguments(task("hog", house.store_sample("hog")), &["100"]);
    assert_eq!(house.run(hog).await.reason, Reason::MemoryExceeded);
}

#[tokio::test]
async fn states_come_in_order_and_usage_with_the_last() {
    let mut house = House::new();
    let program = house.store_sample("primes");
    let over = house.run(with_arguments(task("cold", program), &["1000"])).await;
    assert_eq!(
        house.states("cold"),
        [TaskState::Starting, TaskState::Running, TaskState::Finished]
    );
    let usage = over.usage.unwrap();
    assert!(usage.fuel > 1_000 && usage.wall_us > 0, "{usage:?}");
    assert!(usage.memory_peak_bytes >= MIB, "{usage:?}");
    assert_eq!(usage.output_bytes, house.log("cold", LogStream::Stdout).len() as u64);
    let again = house.run(with_arguments(task("warm", program), &["1000"])).await;
    assert_eq!(house.states("warm"), [TaskState::Running, TaskState::Finished]);
    assert_eq!(again.usage.unwrap().fuel, usage.fuel, "fuel does not depend on the run");
}

#[tokio::test]
async fn output_ends_at_its_cap_and_all_up_to_it_is_kept() {
    let mut house = House::new();
    let program = house.store_wat(
        r#"(module
            (import "wasi_snapshot_preview1" "fd_write"
                (func $write (param i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 1)
            (data (i32.const 0) "\10\00\00\00\07\00\00\00")
            (data (i32.const 16) "output\n")
            (func (export "_start")
                (loop (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
                    (br 0))))"#,
    );
    let mut flood = task("flood", program);
    flood.limits = Limits { fuel: None, output_bytes: 1_000_003 };
    let over = house.run(flood).await;
    assert_eq!((over.state, over.reason), (TaskState::Failed, Reason::OutputExceeded));
    assert!(over.message.starts_with("wrote more than the"), "{}", over.message);
    assert_eq!(house.log("flood", LogStream::Stdout).len(), 1_000_003);
    assert_eq!(house.stdout_bytes_told("flood"), Some(1_000_003));
    assert_eq!(over.usage.unwrap().output_bytes, 1_000_003);
}

#[tokio::test]
async fn a_guest_sees_what_it_is_given_and_nothing_else() {
    let mut house = House::new();
    let program = house.store_sample("env");
    assert_eq!(house.run(task("none", program)).await.state, TaskState::Finished);
    assert_eq!(house.log("none", LogStream::Stdout), "");
    let mut some = with_arguments(task("some", program), &["one", "two"]);
    command(&mut some).environment = vec![("B".into(), "2".into()), ("A".into(), "1".into())];
    assert_eq!(house.run(some).await.state, TaskState::Finished);
    let seen = house.log("some", LogStream::Stdout);
    assert_eq!(seen, "A=1\nB=2\nargument 1: one\nargument 2: two\n");
}

#[tokio::test]
async fn input_comes_from_an_artifact_or_is_empty() {
    let mut house = House::new();
    let (cat, input) = (house.store_sample("cat"), house.store(&[b'x'; 200_000]));
    assert_eq!(house.run(task("empty", cat)).await.state, TaskState::Finished);
    assert_eq!(house.log("empty", LogStream::Stdout), "");
    let mut full = task("full", cat);
    command(&mut full).grants.stdin = Some(input);
    assert_eq!(house.run(full).await.state, TaskState::Finished);
    assert_eq!(house.log("full", LogStream::Stdout), "x".repeat(200_000));
}

#[tokio::test]
async fn a_task_that_writes_nothing_leaves_no_directory() {
    let mut house = House::new();
    let over = house.run(task("quiet", house.store_sample("noop"))).await;
    assert_eq!(over.state, TaskState::Finished);
    assert!(!house.root.join("sandboxes/f/quiet").exists());
}
