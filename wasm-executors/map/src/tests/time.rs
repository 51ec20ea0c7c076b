//! Calls and tasks whose time is over.

use stoa_executor::double::{self, Call};
use stoa_executor::{Executor, KillPolicy, Reason, TaskState};

use super::{Site, failed, finished, written};
use crate::limits::CALL_MS;

#[test]
fn call_over_its_time_is_ended_with_its_instance() {
    let mut site = Site::new(r#"{"call_ms": 100}"#);
    double::take();
    for task in ["slow", "next"] {
        site.launch(task, b"").unwrap();
    }
    assert!(double::take().contains(&Call::WakeAfter(100)));
    site.at(99);
    site.map.tick();
    let calls = double::take();
    assert!(!calls.iter().any(|call| matches!(call, Call::Kill { .. })), "{calls:?}");
    assert!(calls.contains(&Call::WakeAfter(1)));
    site.at(100);
    site.map.tick();
    let statuses = double::take_statuses();
    let slow = "upper: no answer within the 100 ms of call_ms; the instance was killed; \
                it has answered nothing since it started: a function answers each input as it \
                comes, and flushes its stdout before it reads the next";
    assert_eq!(statuses[0], failed("slow", slow, None));
    assert!(statuses[1].message.contains("safe to launch again"), "{statuses:?}");
    site.launch("waits", b"w").unwrap();
    assert!(written(&double::take()).is_empty());
    site.exit(1, Reason::Killed);
    assert_eq!(written(&double::take()), [(2, &b"w\n"[..])]);
}

#[test]
fn time_of_a_call_starts_when_the_one_before_is_answered() {
    let mut site = Site::new(r#"{"call_ms": 100}"#);
    site.launch("a", b"").unwrap();
    site.launch("b", b"").unwrap();
    site.at(90);
    site.output(1, b"\n");
    site.at(189);
    site.map.tick();
    assert_eq!(double::take_statuses(), [finished("a", b"")]);
    site.at(190);
    site.map.tick();
    assert_eq!(double::take_statuses()[0].state, TaskState::Failed);
}

#[test]
fn function_that_hangs_gives_its_instance_back_unasked() {
    let mut site = Site::new("");
    site.launch("a", b"").unwrap();
    site.output(1, b"\n");
    site.launch("b", b"").unwrap();
    double::take();
    site.at(CALL_MS);
    site.map.tick();
    let calls = double::take();
    assert!(calls.contains(&Call::Kill { subtask: 1, policy: KillPolicy::AT_ONCE }), "{calls:?}");
    let text = "upper: no answer within the 30000 ms of call_ms; the instance was killed";
    assert!(calls.contains(&Call::SendStatusUpdate(failed("b", text, None))), "{calls:?}");
}

#[test]
fn time_of_a_task_ends_its_call_and_no_other() {
    let mut site = Site::new("");
    site.launch_for("short", 100);
    site.launch_for("long", 500);
    site.launch("no limit", b"x").unwrap();
    assert!(double::take().contains(&Call::WakeAfter(100)));
    site.at(100);
    site.map.tick();
    let text = "upper: no answer within the time of the task";
    let over = failed("short", text, Some(Reason::TimedOut));
    let calls = double::take();
    assert!(calls.contains(&Call::SendStatusUpdate(over)), "{calls:?}");
    assert!(!calls.iter().any(|call| matches!(call, Call::Kill { .. })), "{calls:?}");
    site.output(1, b"late\nLONG\nX\n");
    let told = double::take_statuses();
    assert_eq!(told, [finished("long", b"LONG"), finished("no limit", b"X")]);
    site.at(500);
    site.map.tick();
    assert!(double::take_statuses().is_empty(), "the deadline went with its call");
}

#[test]
fn time_of_a_task_counts_while_it_waits_for_an_instance() {
    let mut site = Site::new("");
    for number in 0..256 {
        site.launch(&number.to_string(), b"x").unwrap();
    }
    site.launch_for("waits", 10);
    double::take();
    site.at(10);
    site.map.tick();
    let text = "upper: no instance was free within the time of the task";
    assert_eq!(double::take_statuses(), [failed("waits", text, Some(Reason::TimedOut))]);
    site.output(1, b"X\n");
    assert!(written(&double::take()).is_empty(), "what waited is gone");
}
