//! `stoa bench`: the form of its reports, never their figures.

use std::time::Duration;

use serde_json::Value;
use stoa_harness::{Place, sample};

fn figure(report: &Value, path: &str) -> f64 {
    let value = report.pointer(path).and_then(Value::as_f64);
    value.unwrap_or_else(|| panic!("no figure {path} in {report}"))
}

#[test]
fn report_is_one_json_object_with_the_documented_keys() {
    let place = Place::new();
    let arguments = ["bench", "launch", "--tasks", "200", "--in-flight", "32", "-o", "json"];
    let bench = place.stoa(&arguments).limit(Duration::from_secs(60)).finish().succeeded();
    let report = bench.json();
    assert_eq!(report["tasks"], 200);
    assert_eq!(report["in_flight"], 32);
    assert!(figure(&report, "/tasks_per_second") > 0.0);
    for group in ["running_ms", "finished_ms"] {
        let percentiles = ["p50", "p90", "p99"].map(|p| figure(&report, &format!("/{group}/{p}")));
        assert!(percentiles.is_sorted() && percentiles[0] > 0.0, "{group}: {percentiles:?}");
    }
    assert!(figure(&report, "/finished_ms/p50") >= figure(&report, "/running_ms/p50"));
    for process in ["master", "agent", "scheduler"] {
        figure(&report, &format!("/cpu_us_per_task/{process}"));
    }
    let left: Vec<_> = std::fs::read_dir(place.temporary()).unwrap().collect();
    assert!(left.is_empty(), "left behind: {left:?}");
}

#[test]
fn report_of_calls_is_one_json_object_with_the_documented_keys() {
    let place = Place::new();
    let arguments = ["bench", "map", "--calls", "200", "--in-flight", "32", "-o", "json"];
    let bench = place.stoa(&arguments).limit(Duration::from_secs(60)).finish().succeeded();
    let report = bench.json();
    for (key, value) in [("calls", 200), ("in_flight", 32), ("cores", 1), ("instances", 1)] {
        assert_eq!(report[key], value, "{key}");
    }
    assert!(figure(&report, "/calls_per_second") > 0.0);
    let percentiles = ["p50", "p90", "p99"].map(|p| figure(&report, &format!("/answered_ms/{p}")));
    assert!(percentiles.is_sorted() && percentiles[0] > 0.0, "{percentiles:?}");
    for process in ["master", "agent", "scheduler"] {
        figure(&report, &format!("/cpu_us_per_call/{process}"));
    }
    let bench = place.stoa(&["bench", "map", "--calls", "20", "--cores", "64"]).finish();
    bench.exited(1).error_line(&["64 cores", "there are"]);
}

#[test]
fn report_for_people_and_another_program() {
    let place = Place::new();
    let hello = sample("hello");
    let bench = place.stoa(&["bench", "launch", "--tasks", "20", "--program", &hello]).finish();
    let bench = bench.succeeded();
    for part in ["20 tasks", "launch to running", "p99", "cpu per task"] {
        assert!(bench.text().contains(part), "no {part:?} in {bench}");
    }
}

#[test]
fn program_that_fails_fails_the_measurement() {
    let place = Place::new();
    let trap = sample("trap");
    let bench = place.stoa(&["bench", "launch", "--tasks", "20", "--program", &trap]).finish();
    bench.exited(1).error_line(&["noop-0", "FAILED", "TRAPPED"]);
}
