//! What the executor does with each event, as Stoa would see it.

mod chance;
mod time;

use stoa_executor::double::{self, Call, LIMITS};
use stoa_executor::subtasks::{Input, Output, Refusal, Source};
use stoa_executor::{
    Executor, ExecutorInfo, KillPolicy, Limits, NamedProgram, Reason, SubtaskExit, SubtaskOutput,
    TaskInfo, TaskState, TaskStatus, Usage, driver,
};

use crate::Map;
use crate::limits::{CALL_BYTES, DATA_BYTES_MAX, DEATHS_MAX, EVENT_UPDATES_MAX, GIVEN_UP_MS};

/// An executor with a clock. What it calls is read with `double::take`.
struct Site {
    map: Map,
    now_ms: u64,
}

impl Site {
    fn new(data: &str) -> Self {
        let program = NamedProgram { name: "upper".into(), artifact: "sha256:0".into() };
        let info = ExecutorInfo {
            data: data.as_bytes().to_vec(),
            programs: vec![program],
            ..double::executor_info("map")
        };
        Self { map: Map::registered(info), now_ms: 0 }
    }

    fn at(&mut self, now_ms: u64) {
        self.now_ms = now_ms;
        double::answer_own_usage(Usage { wall_us: now_ms * 1_000, ..double::NOTHING_USED });
        // The time before is told once more, and then this one stays.
        driver::own_usage();
    }

    fn launch(&mut self, task: &str, input: &[u8]) -> Result<(), String> {
        self.map.launch_task(TaskInfo { data: input.to_vec(), ..double::task_info(task) })
    }

    /// A task whose time is limited.
    fn launch_for(&mut self, task: &str, wall_ms: u64) {
        let limits = Limits { wall_ms: Some(wall_ms), ..LIMITS };
        let info = TaskInfo { limits, data: b"x".to_vec(), ..double::task_info(task) };
        self.map.launch_task(info).unwrap();
    }

    fn output(&mut self, subtask: u64, data: &[u8]) {
        let (is_stderr, data) = (false, data.to_vec());
        self.map.subtask_output(SubtaskOutput { task: None, subtask, is_stderr, data });
    }

    fn exit(&mut self, subtask: u64, why: Reason) {
        let usage = double::NOTHING_USED;
        self.map.subtask_exited(SubtaskExit { task: None, subtask, why, usage });
    }
}

fn finished(task: &str, answer: &[u8]) -> TaskStatus {
    TaskStatus { data: answer.to_vec(), ..TaskStatus::new(task, TaskState::Finished) }
}

fn failed(task: &str, message: &str, because: Option<Reason>) -> TaskStatus {
    let message = message.to_owned();
    TaskStatus { message, because, ..TaskStatus::new(task, TaskState::Failed) }
}

fn written(calls: &[Call]) -> Vec<(u64, &[u8])> {
    let written = |call| match call {
        &Call::WriteStdin { subtask, ref data } => Some((subtask, data.as_slice())),
        _ => None,
    };
    calls.iter().filter_map(written).collect()
}

fn spawns(calls: &[Call]) -> usize {
    calls.iter().filter(|call| matches!(call, Call::Spawn(_))).count()
}

#[test]
fn instances_start_when_the_executor_is_registered_and_share_its_memory() {
    double::answer_own_limits(Limits { memory_bytes: 128 << 20, output_bytes: 90, ..LIMITS });
    let _site = Site::new(r#"{"instances": 3, "arguments": ["-a"], "environment": {"K": "V"}}"#);
    let calls = double::take();
    assert_eq!(spawns(&calls), 3);
    for call in calls {
        let Call::Spawn(options) = call else { continue };
        let limits = options.limits.unwrap();
        assert_eq!((limits.memory_bytes, limits.output_bytes), (32 << 20, 30));
        assert_eq!((options.task, options.stdin), (None, Input::Executor));
        assert_eq!((options.stdout, options.stderr), (Output::Executor, Output::Executor));
        let Source::Bare(program) = options.source else { panic!("not bare") };
        assert_eq!((program.name.as_str(), program.arguments), ("upper", vec!["-a".to_owned()]));
        assert_eq!(program.environment, [("K".to_owned(), "V".to_owned())]);
    }
}

#[test]
fn answer_is_the_data_of_the_only_update() {
    let mut site = Site::new("");
    double::take();
    site.launch("t", b"abc").unwrap();
    assert_eq!(written(&double::take()), [(1, &b"abc\n"[..])]);
    site.output(1, b"AB");
    assert!(double::take_statuses().is_empty());
    site.output(1, b"C\n");
    assert_eq!(double::take_statuses(), [finished("t", b"ABC")]);
}

#[test]
fn instance_that_has_written_much_is_replaced_between_calls() {
    double::answer_own_limits(Limits { output_bytes: 10, ..LIMITS });
    let mut site = Site::new("");
    site.launch("a", b"a").unwrap();
    site.launch("b", b"b").unwrap();
    double::take();
    site.output(1, b"AAAAAA\n");
    site.launch("c", b"c").unwrap();
    let calls = double::take();
    assert!(written(&calls).is_empty(), "it gets no further call");
    site.output(1, b"B\n");
    let calls = double::take();
    assert!(calls.contains(&Call::SendStatusUpdate(finished("b", b"B"))));
    assert!(calls.contains(&Call::Kill { subtask: 1, policy: KillPolicy::AT_ONCE }));
    site.exit(1, Reason::Killed);
    assert_eq!(written(&double::take()), [(2, &b"c\n"[..])]);
}

#[test]
fn lengths_carry_every_byte() {
    let mut site = Site::new(r#"{"framing": "lengths"}"#);
    double::take();
    site.launch("t", b"a\n").unwrap();
    assert_eq!(written(&double::take()), [(1, &b"\x02\0\0\0a\n"[..])]);
    site.output(1, b"\x01\0\0\0\n");
    assert_eq!(double::take_statuses(), [finished("t", b"\n")]);
}

#[test]
fn numbered_answers_name_their_calls() {
    let mut site = Site::new(r#"{"framing": "numbered"}"#);
    double::take();
    site.launch("a", b"a").unwrap();
    site.launch("b", b"").unwrap();
    assert_eq!(written(&double::take()), [(1, &b"0 a\n"[..]), (1, b"1 \n")]);
    site.output(1, b"0 A\n1 \n");
    assert_eq!(double::take_statuses(), [finished("a", b"A"), finished("b", b"")]);
}

#[test]
fn line_that_nobody_asked_for_is_no_answer_when_answers_are_numbered() {
    for (output, what) in [
        (&b"loading the model\n"[..], "the line \"loading the model\"; with the framing"),
        (b"0 A\n0 A\n", "an answer to the input 0, but 1 is next"),
        (b"0 A\n2 A\n", "an answer to the input 2, but 1 is next"),
    ] {
        let mut site = Site::new(r#"{"framing": "numbered"}"#);
        site.launch("a", b"a").unwrap();
        site.launch("b", b"b").unwrap();
        let subtask = written(&double::take())[0].0;
        site.output(subtask, output);
        let told = double::take_statuses();
        assert_eq!(told.len(), 2, "{told:?}");
        let last = &told[1];
        assert_eq!((last.task.as_str(), last.state), ("b", TaskState::Failed));
        assert!(last.message.contains(what), "{last:?}");
    }
}

#[test]
fn calls_go_to_the_instance_with_the_fewest() {
    let mut site = Site::new(r#"{"instances": 2}"#);
    double::take();
    for task in ["a", "b", "c"] {
        site.launch(task, task.as_bytes()).unwrap();
    }
    assert_eq!(written(&double::take()), [(1, &b"a\n"[..]), (2, b"b\n"), (1, b"c\n")]);
    site.output(1, b"A\nC\n");
    site.launch("d", b"d").unwrap();
    assert_eq!(written(&double::take()), [(1, &b"d\n"[..])]);
}

#[test]
fn what_stdin_does_not_take_follows_with_a_tick() {
    let mut site = Site::new("");
    double::take();
    double::answer_write_stdin(Ok(2));
    site.launch("t", b"abcdef").unwrap();
    let calls = double::take();
    assert_eq!(written(&calls), [(1, &b"abcdef\n"[..])]);
    assert!(calls.contains(&Call::WakeAfter(1)));
    double::answer_write_stdin(Ok(0));
    site.at(1);
    site.map.tick();
    let calls = double::take();
    assert_eq!(written(&calls), [(1, &b"cdef\n"[..])]);
    assert!(calls.contains(&Call::WakeAfter(2)), "it waits longer when nothing is taken");
    site.at(3);
    site.map.tick();
    assert_eq!(written(&double::take()), [(1, &b"cdef\n"[..])]);
}

#[test]
fn calls_in_flight_are_bounded_and_the_others_follow_answers() {
    let mut site = Site::new("");
    for number in 0..300 {
        site.launch(&number.to_string(), b"x").unwrap();
    }
    assert_eq!(written(&double::take()).len(), 256);
    site.output(1, &b"X\n".repeat(10));
    let calls = double::take();
    assert_eq!(written(&calls), [(1, b"x\n".repeat(10).as_slice())]);
}

#[test]
fn updates_beyond_the_bound_of_one_event_follow_with_a_tick() {
    let mut site = Site::new("");
    for number in 0..256 + EVENT_UPDATES_MAX + 44 {
        site.launch(&number.to_string(), b"").unwrap();
    }
    double::take();
    site.exit(1, Reason::Exited(1));
    assert_eq!(double::take_statuses().len(), 256, "those in flight");
    double::answer_spawn(Err(Refusal::CannotStart(Reason::InvalidModule("bad".into()))));
    site.at(50);
    site.map.tick();
    let calls = double::take();
    let told = calls.iter().filter(|call| matches!(call, Call::SendStatusUpdate(_))).count();
    assert_eq!(told, EVENT_UPDATES_MAX);
    assert!(calls.contains(&Call::WakeAfter(0)));
    site.map.tick();
    assert_eq!(double::take_statuses().len(), 44);
}

#[test]
fn program_that_ends_fails_its_calls_and_is_started_again() {
    let mut site = Site::new("");
    double::take();
    site.launch("a", b"a").unwrap();
    site.launch("b", b"b").unwrap();
    site.output(1, b"A\n");
    double::take();
    site.exit(1, Reason::Trapped("trapped: unreachable".into()));
    let calls = double::take();
    let message = "upper: the instance ended: trapped: unreachable; not answered; \
                   safe to launch again if the function has no side effects";
    let because = Some(Reason::Trapped("trapped: unreachable".into()));
    assert_eq!(calls[1], Call::SendStatusUpdate(failed("b", message, because)), "{calls:?}");
    assert_eq!(spawns(&calls), 1, "it had answered, so it starts at once");
    site.launch("c", b"c").unwrap();
    assert_eq!(written(&double::take()), [(2, &b"c\n"[..])]);
}

#[test]
fn program_that_never_answers_is_given_up_for_a_while() {
    let mut site = Site::new("");
    double::take();
    let mut now_ms = 0;
    for life in 1..=u64::from(DEATHS_MAX) {
        site.launch(&format!("t{life}"), b"").unwrap();
        site.exit(life, Reason::Exited(0));
        let calls = double::take();
        let told = calls.iter().any(|call| {
            matches!(call, Call::SendStatusUpdate(status) if status.message.starts_with(
                "upper: the instance ended: exited with code 0"
            ) && status.because.is_none())
        });
        assert!(told, "{calls:?}");
        assert_eq!(spawns(&calls), 0, "it rests first");
        if life < u64::from(DEATHS_MAX) {
            let rest_ms = 50 << (life - 1);
            assert!(calls.contains(&Call::WakeAfter(rest_ms)), "{calls:?}");
            now_ms += rest_ms;
            site.at(now_ms);
            site.map.tick();
            assert_eq!(spawns(&double::take()), 1);
        }
    }
    site.launch("late", b"").unwrap();
    let statuses = double::take_statuses();
    assert!(statuses[0].message.contains("given up for a while"), "{statuses:?}");
    site.at(now_ms + GIVEN_UP_MS);
    site.launch("later", b"").unwrap();
    assert_eq!(spawns(&double::take()), 1);
    site.output(u64::from(DEATHS_MAX) + 1, b"\n");
    assert_eq!(double::take_statuses(), [finished("later", b"")]);
}

#[test]
fn program_that_cannot_start_fails_the_calls_with_its_reason() {
    let reason = Reason::MissingImport("env/magic".into());
    double::answer_spawn(Err(Refusal::CannotStart(reason.clone())));
    let mut site = Site::new("");
    double::take();
    site.launch("t", b"").unwrap();
    let statuses = double::take_statuses();
    assert_eq!(statuses.len(), 1);
    assert_eq!(statuses[0].because, Some(reason));
    assert!(statuses[0].message.contains("cannot start"), "{statuses:?}");
}

#[test]
fn output_that_is_no_answer_kills_the_instance() {
    for (framing, output, what) in [
        ("lines", b"A\nmore".to_vec(), "output without a call"),
        ("lines", b"A\n\n".to_vec(), "output without a call"),
        ("lines", vec![b'x'; DATA_BYTES_MAX + 1], "a line of more than 1048576 bytes"),
        ("lengths", b"hello".to_vec(), "1819043176 as the length of an answer"),
    ] {
        let mut site = Site::new(&format!(r#"{{"framing": "{framing}"}}"#));
        let calls = double::take();
        let spawned = spawns(&calls);
        assert_eq!(spawned, 1);
        site.launch("t", b"a").unwrap();
        let subtask = written(&double::take())[0].0;
        site.output(subtask, &output);
        let calls = double::take();
        let policy = KillPolicy::AT_ONCE;
        assert!(calls.contains(&Call::Kill { subtask, policy }), "{calls:?}");
        if !output.starts_with(b"A\n") {
            let told = calls.iter().any(|call| {
                matches!(call, Call::SendStatusUpdate(status) if status.message.contains(what))
            });
            assert!(told, "{calls:?}");
        }
        site.output(subtask, b"what a killed instance still says\n");
        assert!(double::take_statuses().is_empty());
        site.exit(subtask, Reason::Killed);
        site.at(50);
        site.map.tick();
        assert_eq!(spawns(&double::take()), 1);
        site.at(0);
    }
}

#[test]
fn killed_call_is_over_at_once_and_its_answer_is_dropped() {
    let mut site = Site::new("");
    for number in 0..257 {
        site.launch(&format!("t{number}"), b"x").unwrap();
    }
    double::take();
    for task in ["t0", "t256", "unknown"] {
        site.map.kill_task(task, KillPolicy { grace_ms: 1_000 });
    }
    let killed = |task| TaskStatus::new(task, TaskState::Killed);
    assert_eq!(double::take_statuses(), [killed("t0"), killed("t256")]);
    site.output(1, b"0\n1\n");
    let calls = double::take();
    assert_eq!(written(&calls), Vec::<(u64, &[u8])>::new(), "the one that waited is gone");
    assert!(calls.contains(&Call::SendStatusUpdate(finished("t1", b"1"))));
}

#[test]
fn message_is_answered_with_statistics() {
    let mut site = Site::new(r#"{"instances": 2}"#);
    for task in ["a", "b", "c", "d"] {
        site.launch(task, b"").unwrap();
    }
    assert!(site.launch("e", b"\n").is_err());
    site.output(1, b"\n");
    site.map.kill_task("b", KillPolicy::AT_ONCE);
    double::take();
    site.map.message(b"whatever".to_vec());
    let calls = double::take();
    let sent = calls.iter().find_map(|call| match call {
        Call::SendMessage(data) => Some(String::from_utf8_lossy(data).into_owned()),
        _ => None,
    });
    let expected = r#"{"answered":1,"failed":0,"killed":1,"refused":1,"waiting":0,"in_flight":3,"#;
    let instances = concat!(
        r#""instances":[{"stage":"running","in_flight":1,"answered":1,"starts":1},"#,
        r#"{"stage":"running","in_flight":2,"answered":0,"starts":1}]}"#
    );
    assert_eq!(sent, Some(format!("{expected}{instances}")));
}

#[test]
fn wrong_settings_refuse_every_task_by_name() {
    let mut site = Site::new(r#"{"framing": "pipes"}"#);
    let calls = double::take();
    assert!(calls.iter().any(|call| matches!(call, Call::Log(why) if why.contains("framing"))));
    let refused = site.launch("t", b"").unwrap_err();
    assert!(refused.contains("field framing: unknown variant `pipes`"), "{refused}");
    double::answer_own_limits(Limits { memory_bytes: 1 << 20, ..LIMITS });
    let refused = Site::new(r#"{"instances": 5}"#).launch("t", b"").unwrap_err();
    assert!(refused.contains("leaves 104857 for each of 5 instances"), "{refused}");
}

#[test]
fn inputs_beyond_the_memory_are_refused() {
    double::answer_own_limits(Limits { memory_bytes: 16 << 20, ..LIMITS });
    let mut site = Site::new("");
    let input = vec![0; DATA_BYTES_MAX - CALL_BYTES];
    for task in ["a", "b", "c", "d"] {
        site.launch(task, &input).unwrap();
    }
    let refused = site.launch("e", b"").unwrap_err();
    assert!(refused.contains("4 calls that are not over take 4194304 bytes"), "{refused}");
    site.map.kill_task("d", KillPolicy::AT_ONCE);
    site.launch("e", b"").unwrap();
}

#[test]
fn stderr_of_the_function_goes_to_the_log() {
    let mut site = Site::new("");
    double::take();
    let (is_stderr, data) = (true, b"one\n\nt\xffo".to_vec());
    site.map.subtask_output(SubtaskOutput { task: None, subtask: 1, is_stderr, data });
    let lines: Vec<_> = double::take().into_iter().filter(|c| matches!(c, Call::Log(_))).collect();
    let line = |text: &str| Call::Log(text.to_owned());
    assert_eq!(lines, [line("upper #0: one"), line("upper #0: t\u{fffd}o")]);
}

#[test]
fn with_grace_calls_are_answered_before_the_end() {
    let mut site = Site::new("");
    site.launch("t", b"").unwrap();
    double::take();
    site.map.shutdown(1_000);
    assert!(!double::take().contains(&Call::Stop));
    assert!(site.launch("late", b"").is_err());
    site.output(1, b"\n");
    assert!(double::take().contains(&Call::Stop));
    Site::new("").map.shutdown(0);
    assert!(double::take().contains(&Call::Stop));
}
