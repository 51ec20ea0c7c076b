//! Scripts, tasks and Messages against the recording double.

use stoa_executor::double;
use stoa_executor::{TaskState, TaskStatus, Usage};

use super::*;
use crate::limits::{CALL_MS_MAX, LINES_PRINTED_MAX, SCRIPT_BYTES_MAX};

const COUNTER: &str = r#"
fn add(n) { this.total += n; this.total }
fn total() { this.total }
fn fail() {
    this.total += 1000;
    throw "no";
}
fn greet(who) { #{ greeting: `hello ${who.name}`, lengths: [who.name.len, 0.5, ()] } }
fn indirect() { fail() }
fn forever() { let n = 0; loop { n += 1; } }
fn deep(n) { deep(n + 1) }
fn print_all() { for n in 0..100 { print(n) } }
fn grow() { let s = "x"; loop { s += s; } }
fn hoard() { let a = []; loop { a.push(0); } }
#{ total: 0 }
"#;

fn with_script(script: &str) -> Scripts {
    let data = script.as_bytes().to_vec();
    Scripts::registered(ExecutorInfo { data, ..double::executor_info("script") })
}

/// What one call becomes: the data of FINISHED, or the message of FAILED.
fn call(scripts: &mut Scripts, data: &str) -> Result<String, String> {
    double::take();
    let task = TaskInfo { data: data.as_bytes().to_vec(), ..double::task_info("t") };
    scripts.launch_task(task).expect("a call");
    let [status] = <[TaskStatus; 1]>::try_from(double::take_statuses()).expect("one status");
    match status.state {
        TaskState::Finished => Ok(String::from_utf8(status.data).expect("JSON is text")),
        TaskState::Failed => Err(status.message),
        state => panic!("a call became {state}"),
    }
}

fn message(scripts: &mut Scripts, script: &str) -> String {
    double::take();
    scripts.message(script.as_bytes().to_vec());
    let sent = |call| match call {
        double::Call::SendMessage(answer) => Some(answer),
        _ => None,
    };
    let sent: Vec<_> = double::take().into_iter().filter_map(sent).collect();
    let [answer] = <[Vec<u8>; 1]>::try_from(sent).expect("one answer");
    String::from_utf8(answer).expect("JSON is text")
}

#[test]
fn state_is_kept_between_calls() {
    let mut scripts = with_script(COUNTER);
    let add = r#"{"call": "add", "arguments": [3]}"#;
    assert_eq!(call(&mut scripts, add), Ok("3".to_owned()));
    assert_eq!(call(&mut scripts, add), Ok("6".to_owned()));
    assert_eq!(call(&mut scripts, r#"{"call": "total"}"#), Ok("6".to_owned()));
}

#[test]
fn arguments_and_answers_are_any_json() {
    let mut scripts = with_script(COUNTER);
    let answer = call(&mut scripts, r#"{"call": "greet", "arguments": [{"name": "Zeno"}]}"#);
    let expected = r#"{"greeting":"hello Zeno","lengths":[4,0.5,null]}"#;
    assert_eq!(answer, Ok(expected.to_owned()));
}

#[test]
fn error_of_a_script_names_its_place_and_the_next_call_goes_well() {
    let mut scripts = with_script(COUNTER);
    let fail = call(&mut scripts, r#"{"call": "fail"}"#);
    assert_eq!(fail, Err("line 6, column 5: Runtime error: no".to_owned()));
    assert_eq!(call(&mut scripts, r#"{"call": "total"}"#), Ok("1000".to_owned()));
    let wrong = call(&mut scripts, r#"{"call": "add", "arguments": ["x", 1]}"#).unwrap_err();
    assert!(wrong.starts_with("Function not found: add"), "{wrong}");
    let unknown = call(&mut scripts, r#"{"call": "nothing"}"#).unwrap_err();
    assert!(unknown.starts_with("Function not found: nothing"), "{unknown}");
}

#[test]
fn script_that_exceeds_its_bounds_fails_its_call_alone() {
    let mut scripts = with_script(COUNTER);
    let exceeded = [
        ("forever", "took more than 10000000 operations"),
        ("grow", "Length of string too large"),
        ("hoard", "Size of array"),
    ];
    for (name, why) in exceeded {
        let error = call(&mut scripts, &format!(r#"{{"call": "{name}"}}"#)).unwrap_err();
        assert!(error.contains(why), "{name}: {error}");
    }
    let deep = call(&mut scripts, r#"{"call": "deep", "arguments": [0]}"#).unwrap_err();
    assert!(deep.contains("Stack overflow"), "{deep}");
    assert_eq!(call(&mut scripts, r#"{"call": "total"}"#), Ok("0".to_owned()));
}

#[test]
fn call_that_takes_too_long_fails() {
    let mut scripts = with_script(COUNTER);
    let after_ms = |ms: u64| Usage { wall_us: ms * 1_000, ..double::NOTHING_USED };
    for ms in [7, CALL_MS_MAX, CALL_MS_MAX + 8] {
        double::answer_own_usage(after_ms(ms));
    }
    let error = call(&mut scripts, r#"{"call": "forever"}"#).unwrap_err();
    assert!(error.ends_with("took more than 2000 ms"), "{error}");
}

#[test]
fn what_is_no_call_is_refused_and_says_what_would_be_one() {
    let wrong = [
        ("add", "no JSON"),
        ("[1]", "no object"),
        (r#"{"arguments": []}"#, "its \"call\" is no name"),
        (r#"{"call": "add", "arguments": 1}"#, "its \"arguments\" are no array"),
        (r#"{"call": "add", "argument": [1]}"#, "it has an unknown \"argument\""),
    ];
    let mut scripts = with_script(COUNTER);
    for (data, why) in wrong {
        let task = TaskInfo { data: data.as_bytes().to_vec(), ..double::task_info("t") };
        let error = scripts.launch_task(task).unwrap_err();
        assert!(error.contains(why) && error.contains(r#"{"call": "add""#), "{error}");
    }
    assert_eq!(double::take_statuses(), []);
}

#[test]
fn message_replaces_the_script_and_its_state() {
    let mut scripts = with_script(COUNTER);
    call(&mut scripts, r#"{"call": "add", "arguments": [3]}"#).unwrap();
    let script = "fn twice(n) { 2 * n }\nfn total() { this }\n40 + 2";
    assert_eq!(message(&mut scripts, script), r#"{"ok":["total","twice"]}"#);
    assert_eq!(call(&mut scripts, r#"{"call": "total"}"#), Ok("42".to_owned()));
    assert!(call(&mut scripts, r#"{"call": "add", "arguments": [3]}"#).is_err());
}

#[test]
fn script_that_is_wrong_is_answered_and_replaces_nothing() {
    let mut scripts = with_script(COUNTER);
    let answer = message(&mut scripts, "fn f() {\n  1 +\n}");
    let error = r#"{"error":{"column":1,"line":3,"message":"#;
    assert!(answer.starts_with(error) && !answer.contains("(line"), "{answer}");
    let answer = message(&mut scripts, "throw 5;");
    assert!(answer.contains("Runtime error: 5"), "{answer}");
    let answer = message(&mut scripts, &" ".repeat(SCRIPT_BYTES_MAX + 1));
    assert!(answer.contains("262145 bytes of script, 262144 are allowed"), "{answer}");
    assert_eq!(call(&mut scripts, r#"{"call": "total"}"#), Ok("0".to_owned()));
}

#[test]
fn executor_without_a_good_script_fails_its_tasks_until_it_gets_one() {
    let mut scripts = with_script("fn f( {");
    let double::Call::Log(line) = &double::take()[0] else { panic!("nothing was logged") };
    assert!(line.contains("line 1, column 7"), "{line}");
    let error = call(&mut scripts, r#"{"call": "f"}"#).unwrap_err();
    assert!(error.starts_with("line 1, column 7: "), "{error}");
    assert_eq!(message(&mut scripts, "fn f() { 1 }"), r#"{"ok":["f"]}"#);
    assert_eq!(call(&mut scripts, r#"{"call": "f"}"#), Ok("1".to_owned()));
}

#[test]
fn script_prints_into_the_log_up_to_its_bound() {
    let mut scripts = with_script(COUNTER);
    double::take();
    let data = br#"{"call": "print_all"}"#.to_vec();
    scripts.launch_task(TaskInfo { data, ..double::task_info("t") }).unwrap();
    let line = |call| match call {
        double::Call::Log(line) => Some(line),
        _ => None,
    };
    let lines: Vec<_> = double::take().into_iter().filter_map(line).collect();
    assert_eq!(lines.len(), LINES_PRINTED_MAX as usize + 1);
    assert_eq!((lines[0].as_str(), lines[31].as_str()), ("0", "31"));
    assert_eq!(lines[32], "the script prints more, which is left out");
}
