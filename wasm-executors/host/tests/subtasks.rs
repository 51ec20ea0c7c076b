//! What an executor can do with programs: streams, pipes, files, programs of its own, and walls
//! that hold for all of them together. Each case is a script of the rascal and what it saw.

#[cfg(test)]
mod house;

use house::{House, MIB, executor_task_of, rascal_task, task, task_id};
use stoa_model::command::{Access, DirectoryGrant, NamedProgram};
use stoa_model::digest::Digest;
use stoa_model::host::{Event, TaskChange};
use stoa_model::operator::LogStream;
use stoa_model::status::Reason;
use stoa_model::task::{TaskInfo, TaskState};

fn script(house: &House, id: &str, commands: &str) -> TaskInfo {
    rascal_task(house, id, &format!("script {commands}"))
}

fn transcript(over: &TaskChange) -> String {
    assert_eq!(over.state, TaskState::Finished, "{over:?}");
    String::from_utf8(over.data.clone()).expect("the rascal writes text")
}

/// Runs each case's script as a task and compares the transcript.
async fn check(house: &mut House, cases: &[(&str, &str, &str)]) {
    for (name, commands, expected) in cases {
        let task = script(house, name, commands);
        let over = house.run(task).await;
        assert_eq!(transcript(&over), *expected, "{name}");
    }
}

const PIPES: [(&str, &str, &str); 8] = [
    (
        "more-than-it-holds",
        "pipe p\nspawn a out=pipe:p -- pour 300000\nspawn b in=pipe:p -- count\nclose p",
        "a: Reason::Exited(0) output=0 out= err=\n\
         b: Reason::Exited(0) output=12 out=300000 bytes err=",
    ),
    (
        "the-reader-first",
        "pipe p\nspawn b in=pipe:p -- count\nspawn a out=pipe:p -- pour 9\nclose p",
        "a: Reason::Exited(0) output=0 out= err=\n\
         b: Reason::Exited(0) output=7 out=9 bytes err=",
    ),
    (
        "the-reader-ends-early",
        "pipe p\nspawn a out=pipe:p -- pour 10000000\nspawn b in=pipe:p -- head 10\nclose p",
        "a: Reason::Exited(0) output=12 out= err=nobody reads\n\
         b: Reason::Exited(0) output=8 out=10 bytes err=",
    ),
    (
        "no-reader-at-all",
        "pipe p\nspawn a out=pipe:p -- pour 10000000\nclose p",
        "a: Reason::Exited(0) output=12 out= err=nobody reads",
    ),
    (
        "both-streams-in-order",
        "pipe p\nspawn a out=pipe:p err=pipe:p -- talk 1 e:2 3 e:4\n\
         spawn b in=pipe:p -- cat\nclose p",
        "a: Reason::Exited(0) output=0 out= err=\nb: Reason::Exited(0) output=4 out=1234 err=",
    ),
    (
        "several-writers",
        "pipe p\nspawn a out=pipe:p -- pour 100000\nspawn b out=pipe:p -- pour 100000\n\
         spawn c in=pipe:p -- count\nclose p",
        "a: Reason::Exited(0) output=0 out= err=\nb: Reason::Exited(0) output=0 out= err=\n\
         c: Reason::Exited(0) output=12 out=200000 bytes err=",
    ),
    (
        "a-killed-writer-is-over",
        "pipe p\nspawn a out=pipe:p -- spin\nspawn b in=pipe:p -- count\nclose p\n\
         spun a\nkill a 0",
        "a: Reason::Killed output=0 out= err=\nb: Reason::Exited(0) output=7 out=0 bytes err=",
    ),
    (
        "what-is-no-end-of-a-pipe",
        "pipe p\npipe o own\nspawn a in=pipe:p -- cat\nspawn b in=pipe:p -- cat\n\
         spawn c out=pipe:o -- talk 1\nspawn d of=executor in=pipe:p -- cat\n\
         close nobody\nclose p\nspawn e out=pipe:p -- talk 1\nclose p\nclose o",
        "b: denied: pipe 13 has or had a reader: a pipe has one\nc: Refusal::Ended\n\
         d: Refusal::Ended\nRefusal::Ended\ne: Refusal::Ended\nRefusal::Ended\n\
         a: Reason::Exited(0) output=0 out= err=",
    ),
];

#[tokio::test]
async fn pipes_join_programs_whatever_becomes_of_them() {
    let mut house = House::new();
    // Numbers of pipes go on from task to task.
    check(&mut house, &[("five", "pipe a\npipe b\npipe c\npipe d\npipe e", "")]).await;
    check(&mut house, &PIPES).await;
}

#[tokio::test]
async fn a_module_hears_of_a_broken_pipe_by_its_number() {
    let mut house = House::new();
    let module = house.store_wat(
        r#"(module
            (import "wasi_snapshot_preview1" "fd_write"
                (func $write (param i32 i32 i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
            (memory (export "memory") 1)
            (data (i32.const 0) "\10\00\00\00\00\10\00\00")
            (func (export "_start") (local $error i32)
                (loop
                    (local.set $error
                        (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
                    (br_if 0 (i32.eqz (local.get $error))))
                (call $exit (local.get $error))))"#,
    );
    let commands =
        "pipe p\nspawn a out=pipe:p program=module\nspawn b in=pipe:p -- head 5\nclose p";
    let mut task = script(&house, "t", commands);
    executor_task_of(&mut task).programs = vec![named("module", module)];
    let said = transcript(&house.run(task).await);
    assert!(said.starts_with("a: Reason::Exited(64) "), "EPIPE of WASI preview 1: {said}");
}

fn named(name: &str, program: Digest) -> NamedProgram {
    NamedProgram { name: name.to_owned(), program }
}

#[tokio::test]
async fn killing_a_task_ends_its_whole_pipeline() {
    let mut house = House::new();
    let commands = "pipe p\npipe q\nspawn a out=pipe:p -- pour 100000000\n\
        spawn b in=pipe:p out=pipe:q -- spin\nspawn c in=pipe:q -- count\nspun b\npause b\n\
        spawn d out=pipe:q -- pour 100000\nspawn e in=executor out=pipe:q -- cat\nheard c never";
    let task = script(&house, "t", commands);
    house.launch(task).await;
    house.until("t", TaskState::Running).await;
    house.kill("t", 0).await;
    let over = house.over("t").await;
    assert_eq!((over.state, over.reason), (TaskState::Killed, Reason::KillRequested));
    let after = "spawn a memory=all -- talk alive";
    check(&mut house, &[("u", after, "a: Reason::Exited(0) output=5 out=alive err=")]).await;
}

#[tokio::test]
async fn streams_go_where_each_is_sent() {
    let mut house = House::new();
    let cases = [
        ("apart", "spawn a out=log err=executor -- talk 1 e:2", ["", "2"], ["1", ""], 2),
        ("across", "spawn a out=both err=log -- talk 1 e:2", ["1", ""], ["1", "2"], 2),
        ("nowhere", "spawn a out=nothing err=nothing -- talk 1 e:2", ["", ""], ["", ""], 2),
        ("away", "spawn a out=file:/f err=both -- talk 1 e:2", ["", "2"], ["", "2"], 1),
    ];
    for (name, commands, [out, err], logs, output) in cases {
        let expected = format!("a: Reason::Exited(0) output={output} out={out} err={err}");
        check(&mut house, &[(name, commands, &expected)]).await;
        let log = [LogStream::Stdout, LogStream::Stderr].map(|stream| house.log(name, stream));
        assert_eq!(log, logs, "{name}");
    }
}

#[tokio::test]
async fn files_are_within_what_the_task_was_granted() {
    let mut house = House::new();
    let allowed = house.root.join("allowed");
    std::fs::write(allowed.join("text"), "one two three\n").unwrap();
    let commands = "spawn a out=file:/f err=file:/f -- talk 1 e:2 3\nwait\n\
        spawn b out=append:/f -- talk 4\nwait\nread /f 0 100\nread /f 2 1\nread /f 9 1\n\
        spawn c in=file:/f out=file:/g -- cat\nwait\nspawn d out=file:/f -- talk 5\nwait\n\
        read /f 0 100\nread /g 0 100\nlist /\nlist /data\nread /data/text 0 100\n\
        spawn e in=file:/none out=file:/g -- cat\nspawn f out=file:/../x -- cat\n\
        spawn g err=file:/ -- cat\nspawn h out=file:/data/text -- cat\nspawn i in=file:g -- cat\n\
        spawn j of=executor in=file:/g -- cat\nread /g 0 100\nread / 0 1\nlist /g\nread /none 0 1\n\
        spawn k out=file:/big -- pour 1048000\nwait\nread /big 0 4000000";
    let mut task = script(&house, "t", commands);
    executor_task_of(&mut task).grants.directories = vec![DirectoryGrant {
        host_path: allowed.display().to_string(),
        guest_path: "/data".to_owned(),
        access: Access::ReadOnly,
    }];
    let said = transcript(&house.run(task).await);
    let expected = "1234\n3\n\n5\n1234\nf g\ntext\none two three\n\n\
        e: denied: there is no /none\n\
        f: denied: /../x leads out of the directory that was granted\n\
        g: denied: / is a directory\n\
        h: denied: /data/text is granted for reading only\n\
        i: denied: \"g\" is no absolute path\n\
        j: denied: /g is in no directory that was granted\n\
        1234\n\
        Refusal::NotFound(\"/ is a directory\")\n\
        Refusal::NotFound(\"/g is no directory\")\n\
        Refusal::NotFound(\"there is no /none\")\n\
        1048000 bytes\n";
    assert!(said.starts_with(expected), "{said}");
    assert!(!house.root.join("sandboxes/f/t/files").exists(), "the files are cleared away");
}

#[tokio::test]
async fn programs_are_those_of_the_task_and_its_executor() {
    let mut house = House::new();
    std::fs::write(house.root.join("allowed/text"), "one two three\n").unwrap();
    let words = house.store_sample("words");
    let unknown = Digest([1; 32]);
    let commands = format!(
        "spawn a program=words as=granted -- /data\nspawn b program=words -- /data\n\
         spawn c in=task -- cat\nspawn d program={unknown} -- cat\nspawn e as=own\n\
         spawn f of=executor as=own\nspawn g of=executor program={words} -- cat\n\
         spawn h of=executor -- talk mine\nspawn i of=executor out=log -- talk mine"
    );
    let mut task = script(&house, "t", &commands);
    let input = house.store(b"granted input");
    let of = executor_task_of(&mut task);
    of.programs = vec![named("words", words)];
    of.grants.stdin = Some(input);
    of.grants.directories = vec![DirectoryGrant {
        host_path: house.root.join("allowed").display().to_string(),
        guest_path: "/data".to_owned(),
        access: Access::ReadOnly,
    }];
    let said = transcript(&house.run(task).await);
    let lines: Vec<_> = said.lines().collect();
    for expected in [
        &format!("d: denied: {unknown} is no program of the task or its executor"),
        "e: cannot start: Reason::ContainerFailed(\"the task names no program of its own\")",
        &format!("g: denied: {words} is no program of the executor"),
        "i: denied: its stdout is for a log, and only tasks have one",
        "c: Reason::Exited(0) output=13 out=granted input err=",
        "h: Reason::Exited(0) output=4 out=mine err=",
    ] {
        assert!(lines.contains(&expected), "{expected}\n{said}");
    }
    assert!(
        said.contains("f: cannot start: Reason::ContainerFailed(\"an executor has no"),
        "{said}"
    );
    let of = |name: &str| said[said.find(&format!("\n{name}: Reason")).unwrap()..].to_owned();
    assert!(of("a").starts_with("\na: Reason::Exited(0) "), "{said}");
    assert!(of("b").starts_with("\nb: Reason::Exited(1) "), "nothing is granted to it: {said}");
}

#[tokio::test]
async fn memory_of_a_task_is_what_its_subtasks_hold_at_one_time() {
    let mut house = House::new();
    let cases = [
        ("one", "spawn a in=executor -- cat\nfeed a 1\nheard a y\nend a", 1),
        ("turns", "spawn a in=executor -- cat\nend a\nwait\nspawn b in=executor -- cat\nend b", 1),
        (
            "both",
            "spawn a in=executor -- cat\nfeed a 1\nheard a y\n\
             spawn b in=executor -- cat\nfeed b 1\nheard b y\nend a\nend b",
            2,
        ),
    ];
    let mut one_bytes = None;
    for (name, commands, times) in cases {
        let task = script(&house, name, commands);
        let over = house.run(task).await;
        assert_eq!(over.state, TaskState::Finished, "{over:?}");
        let peak_bytes = over.usage.expect("its subtasks have run").memory_peak_bytes;
        let one_bytes = *one_bytes.get_or_insert(peak_bytes);
        assert_eq!(peak_bytes, times * one_bytes, "{name}");
    }
}

#[tokio::test]
async fn pipes_of_one_task_are_bounded_and_another_has_its_own() {
    let mut house = House::new();
    let pipes = |count: usize| vec!["pipe p"; count].join("\n");
    let over = house.run(script(&house, "many", &pipes(257))).await;
    assert_eq!(
        transcript(&over),
        "too much: 256 pipes of one grant that are not closed are allowed"
    );
    let over = house.run(script(&house, "other", &pipes(256))).await;
    assert_eq!(transcript(&over), "");
}

#[tokio::test]
async fn a_grant_that_cannot_be_given_starts_nothing() {
    let mut house = House::new();
    let mut task = script(&house, "t", "spawn a as=granted -- cat\nlist /");
    executor_task_of(&mut task).grants.directories = vec![DirectoryGrant {
        host_path: house.root.join("artifacts").display().to_string(),
        guest_path: "/data".to_owned(),
        access: Access::ReadOnly,
    }];
    let over = house.run(task).await;
    assert_eq!((over.state, over.reason), (TaskState::Failed, Reason::GrantDenied), "{over:?}");
    assert!(over.message.starts_with("directory "), "{over:?}");
    assert!(over.message.contains("is not allowed on this agent"), "{over:?}");
}

#[tokio::test]
async fn the_walls_hold_for_all_subtasks_together() {
    let mut house = House::new();
    let cases = [
        (
            "memory",
            "spawn a memory=60000000 in=executor -- cat\nspawn b memory=7108865 -- cat\n\
             spawn c memory=7108864 -- grow 9000000\nend a",
            "b: too much: asked for 7108865 bytes of memory, 7108864 are left\n\
             a: Reason::Exited(0) output=0 out= err=\nc: Reason::MemoryExceeded output=0 out= err=",
        ),
        (
            "fuel",
            "spawn a fuel=5000000 -- spin\nspawn b fuel=45000001 -- cat\nwait\n\
             spawn c -- spin\nwait\nspawn d fuel=1 -- cat",
            "b: too much: asked for 45000001 units of fuel, 45000000 are left\n\
             d: too much: asked for 1 units of fuel, 0 are left\n\
             a: Reason::FuelExhausted output=0 out= err=\n\
             c: Reason::FuelExhausted output=0 out= err=",
        ),
        (
            "output",
            "spawn a output=20000 out=nothing -- pour 15000\nspawn b output=10001 -- cat\nwait\n\
             spawn c output=15000 out=nothing -- pour 20000\nwait\nspawn d output=1 -- cat",
            "b: too much: asked for 10001 bytes of output, 10000 are left\n\
             d: too much: asked for 1 bytes of output, 0 are left\n\
             a: Reason::Exited(0) output=15000 out= err=\n\
             c: Reason::OutputExceeded output=15000 out= err=",
        ),
        (
            "disk",
            "spawn a out=file:/a -- pour 700000\nwait\nspawn b out=file:/b -- pour 700000",
            "a: Reason::Exited(0) output=0 out= err=\nb: Reason::DiskExceeded output=0 out= err=",
        ),
    ];
    for (name, commands, expected) in cases {
        let mut task = script(&house, name, commands);
        task.limits.fuel = (name == "fuel").then_some(50_000_000);
        task.limits.output_bytes = 30_000;
        let over = house.run(task).await;
        assert_eq!(transcript(&over), expected, "{name}");
        let usage = over.usage.expect("its subtasks have run");
        match name {
            "fuel" => assert_eq!(usage.fuel, 50_000_000, "the sum of all"),
            "output" => assert_eq!(usage.output_bytes, 30_000, "the sum of all"),
            _ => assert!(usage.memory_peak_bytes > 0 && usage.memory_peak_bytes <= 64 * MIB),
        }
    }
}

#[tokio::test]
async fn who_starts_itself_without_end_comes_to_the_end_of_its_grant() {
    let mut house = House::new();
    let mut commands = String::new();
    for number in 0..20 {
        commands += &format!("spawn s{number} -- spin\n");
    }
    for number in 0..16 {
        commands += &format!("kill s{number} 0\n");
    }
    let task = script(&house, "t", &commands);
    let said = transcript(&house.run(task).await);
    let refused =
        said.lines().filter(|line| line.ends_with("asked for 4194304 bytes of memory, 0 are left"));
    assert_eq!(refused.count(), 4, "{said}");
    let killed = said.lines().filter(|line| line.contains("Reason::Killed"));
    assert_eq!(killed.count(), 16, "{said}");
}

#[tokio::test]
async fn an_executor_shares_its_memory_with_its_own_subtasks() {
    let mut house = House::new();
    let cases = [(
        "own",
        "limits\nspawn a of=executor memory=8388608 -- spin\nhold 9000000\n\
         spawn b of=executor memory=16777216 -- spin\nkill a 0\nwait\nhold 9000000\n\
         spawn c of=executor memory=8388608 -- spin\nspawn d of=executor memory=all -- talk fits\n\
         pipe p own\nspawn e memory=1 -- cat\nclose p",
        "Limits",
    )];
    let [(name, commands, _)] = cases;
    let task = script(&house, name, commands);
    let said = transcript(&house.run(task).await);
    let lines: Vec<_> = said.lines().collect();
    assert!(lines[0].starts_with("Limits { memory-bytes: 16777216, "), "{said}");
    assert_eq!(lines[1], "held: false", "its subtask has the memory: {said}");
    assert!(lines[2].starts_with("b: too much: asked for 16777216 bytes of memory, "), "{said}");
    assert_eq!(lines[3], "held: true", "{said}");
    assert!(lines[4].starts_with("c: too much: asked for 8388608 bytes of memory, "), "{said}");
    assert!(lines.contains(&"a: Reason::Killed output=0 out= err="), "{said}");
    assert!(lines.contains(&"d: Reason::Exited(0) output=4 out=fits err="), "{said}");
}

#[tokio::test]
async fn own_subtasks_end_with_their_executor() {
    let mut house = House::new();
    let task = script(&house, "t", "spawn a of=executor -- spin\nspun a\nstop\nheard a never");
    let over = house.run(task).await;
    assert_eq!(over.reason, Reason::ExecutorLost);
    while !matches!(house.next().await, Event::ExecutorEnded { .. }) {}
    // The pool holds 32: were the subtask still there, not all of these would start.
    let spin = house.store_sample("spin");
    for number in 0..32 {
        house.launch(self::task(&format!("n{number}"), spin)).await;
    }
    for number in 0..32 {
        let running = house.until(&format!("n{number}"), TaskState::Running).await;
        assert_eq!(
            (running.state, running.task),
            (TaskState::Running, task_id(&format!("n{number}")))
        );
    }
}

#[tokio::test]
async fn subtasks_are_held_fed_and_counted() {
    let mut house = House::new();
    let cases = [
        (
            "fed",
            "spawn a in=executor -- count\nfed a 300000\nend a\nwait\nfeed a 1\nusage a",
            "fed in parts: true\nErr(Refusal::Ended)\nErr(Refusal::Ended)\n\
             a: Reason::Exited(0) output=12 out=300000 bytes err=",
        ),
        (
            "held",
            "spawn a -- spin\nspun a\npause a\nstands a\nresume a\nspun a\nusage a\nkill a 5",
            "Ok(())\na: Reason::Killed output=0 out= err=",
        ),
        (
            "killed-while-it-is-paused",
            "spawn a -- spin\npause a\nkill a 0\nspawn b in=executor -- cat\nkill b 0",
            "a: Reason::Killed output=0 out= err=\nb: Reason::Killed output=0 out= err=",
        ),
        (
            "graced",
            "spawn a in=executor -- cat\nkill a 3600000\nfeed a 3\nend a",
            "Ok(3)\na: Reason::Exited(0) output=3 out=yyy err=",
        ),
        (
            "over",
            "spawn a -- talk 1\nwait\npause a\nresume a\nkill a 0\nend a\n\
             spawn b in=empty -- cat\nend b",
            "Refusal::Ended\nRefusal::Ended\nRefusal::Ended\nRefusal::Ended\nRefusal::Ended\n\
             a: Reason::Exited(0) output=1 out=1 err=\nb: Reason::Exited(0) output=0 out= err=",
        ),
    ];
    check(&mut house, &cases).await;
}
