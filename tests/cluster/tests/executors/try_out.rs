//! `stoa executor test`: an executor is driven by a script, without a cluster, and subtasks run.

use serde_json::Value;
use stoa_harness::{Finished, Place, sample};

use crate::guests::clerk;

/// Runs the clerk by this script.
fn try_out(place: &Place, script: &str, flags: &[&str]) -> Finished {
    let script = place.write("events.json", script).display().to_string();
    let clerk = clerk();
    let arguments = [&["executor", "test", &clerk, "--script", &script], flags].concat();
    place.stoa(&arguments).finish()
}

fn lines(finished: &Finished) -> Vec<Value> {
    let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|_| panic!("{finished}"));
    finished.text().lines().map(parse).collect()
}

#[test]
fn script_drives_an_executor_and_everything_it_sends_is_printed() {
    let place = Place::new();
    let script = format!(
        r#"{{
            "executor": {{"data": "be quick", "programs": {{"greet": "{hello}"}}}},
            "steps": [
                {{"launch": {{"task": "t1", "data": "run greet Ada"}}}},
                {{"wait": {{"update": {{"task": "t1", "expect": {{
                    "state": "FINISHED", "exit_code": 0, "stdout": "Hello, Ada!\n"}}}}}}}},
                {{"message": {{"text": "psst"}}}},
                {{"wait": {{"message": {{"text": "heard: psst"}}}}}},
                {{"launch": {{"task": "t2", "data": "wait"}}}},
                {{"wait": {{"update": {{"task": "t2", "state": "RUNNING"}}}}}},
                {{"kill": {{"task": "t2"}}}},
                {{"wait": {{"update": {{"task": "t2", "expect": {{"state": "KILLED"}}}}}}}},
                {{"launch": {{"task": "t3", "data": "bytes"}}}},
                {{"wait": {{"update": {{"task": "t3", "expect": {{
                    "state": "FINISHED", "data_base64": "/wA="}}}}}}}},
                {{"shutdown": {{"grace": "2s"}}}},
                {{"wait": {{"message": {{"text": "shut down within 2000 ms"}}}}}},
                {{"wait": {{"end": {{}}}}}}
            ]
        }}"#,
        hello = sample("hello")
    );
    let finished = try_out(&place, &script, &["-o", "json"]).succeeded();
    let lines = lines(&finished);
    let updates = |task: &str| {
        let of_task = |line: &&Value| line["event"] == "update" && line["task"] == task;
        let states = lines.iter().filter(of_task).map(|line| line["state"].as_str().unwrap());
        states.collect::<Vec<_>>()
    };
    assert_eq!(updates("t1"), ["RUNNING", "FINISHED"]);
    assert_eq!(updates("t2"), ["RUNNING", "KILLED"]);
    assert_eq!(updates("t3"), ["FINISHED"]);
    let messages = lines.iter().filter(|line| line["event"] == "message").map(|it| &it["data"]);
    assert_eq!(messages.collect::<Vec<_>>(), ["heard: psst", "shut down within 2000 ms"]);
    assert_eq!(lines.last().unwrap()["event"], "end");
    let table = try_out(&place, &script, &[]).succeeded();
    for line in ["update t1 RUNNING", "update t1 FINISHED", "message \"heard: psst\"", "end "] {
        assert!(table.text().lines().any(|it| it.starts_with(line)), "no {line} in {table}");
    }
    let left: Vec<_> = std::fs::read_dir(place.temporary()).unwrap().collect();
    assert!(left.is_empty(), "left behind: {left:?}");
}

#[test]
fn what_a_task_was_given_reaches_the_executor() {
    let place = Place::new();
    let sort = place.path().join("sort.wasm");
    std::fs::copy(sample("sort"), &sort).unwrap();
    // Paths are those of the script's directory, wherever the command is typed.
    let script = r#"{"steps": [
        {"launch": {"task": "t", "data": "names", "memory": "8MiB", "disk": "1MiB",
                    "programs": {"order": "sort.wasm"}, "environment": {"A": "1"}}},
        {"wait": {"update": {"task": "t", "expect": {"data":
            "executor was told \ntask has order\nA=1\nmemory 8388608\ndisk 1048576"}}}}
    ]}"#;
    try_out(&place, script, &[]).succeeded();
}

#[test]
fn expectation_that_does_not_hold_fails_and_says_what_was_got() {
    let place = Place::new();
    let rows = [
        (
            r#"{"launch": {"task": "t", "data": "echo a"}},
               {"wait": {"update": {"task": "t", "expect": {"data": "b"}}}}"#,
            vec!["step 2", "\"a\"", "\"b\""],
        ),
        (
            r#"{"launch": {"task": "t", "data": "fail no ink"}},
               {"wait": {"update": {"task": "t", "state": "RUNNING"}}}"#,
            vec!["step 2", "RUNNING", "FAILED", "no ink"],
        ),
        (r#"{"message": {"text": "a"}}"#, vec!["step 1", "no task"]),
        (
            r#"{"launch": {"task": "t", "data": "wait"}},
               {"wait": {"message": {"text": "b", "within": "100ms"}}}"#,
            vec!["step 2", "\"b\"", "100ms"],
        ),
        (
            r#"{"launch": {"task": "t", "data": "trap"}},
               {"wait": {"update": {"task": "t", "expect": {"state": "FINISHED"}}}}"#,
            vec!["step 2", "FAILED", "launch-task"],
        ),
        (r#"{"launch": {"task": "t", "data": "trap"}}"#, vec!["lost", "launch-task"]),
    ];
    for (steps, parts) in rows {
        try_out(&place, &format!(r#"{{"steps": [{steps}]}}"#), &[]).failed(1, &parts);
    }
    let open = r#"{"within": "200ms", "steps": [{"launch": {"task": "t", "data": "wait"}}]}"#;
    try_out(&place, open, &[]).failed(1, &["t", "200ms"]);
}

#[test]
fn script_that_makes_no_sense_is_refused_with_the_place() {
    let place = Place::new();
    let rows = [
        ("{\n\"stepz\": []}", vec!["stepz", "line 2"]),
        (r#"{"steps": [{"jump": {}}]}"#, vec!["jump", "line 1"]),
        (r#"{"steps": [{"launch": {"task": "t", "dada": "x"}}]}"#, vec!["dada", "line 1"]),
        (r#"{"steps": [{"launch": {"task": "a b"}}]}"#, vec!["a b", "line 1"]),
        (r#"{"steps": [{"wait": {"time": "5"}}]}"#, vec!["\"5\"", "30s"]),
        ("", vec!["events.json", "line 1"]),
    ];
    for (script, parts) in rows {
        try_out(&place, script, &[]).failed(2, &parts);
    }
    let gone = r#"{"executor": {"programs": {"a": "nowhere.wasm"}}, "steps": []}"#;
    try_out(&place, gone, &[]).failed(127, &["nowhere.wasm"]);
    let clerk = clerk();
    let no_script = place.stoa(&["executor", "test", &clerk, "--script", "gone.json"]).finish();
    no_script.failed(2, &["gone.json"]);
    place.write("empty.json", r#"{"steps": []}"#);
    let hello = sample("hello");
    let program = place.stoa(&["executor", "test", &hello, "--script", "empty.json"]).finish();
    program.failed(126, &[&hello, "executor"]);
}

#[test]
fn help_shows_a_script() {
    let place = Place::new();
    let help = place.stoa(&["executor", "test", "--help"]).finish().succeeded();
    for word in ["\"steps\"", "\"launch\"", "\"wait\"", "\"expect\"", "data_base64"] {
        assert!(help.text().contains(word), "no {word} in {help}");
    }
}
