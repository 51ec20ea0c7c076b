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

#[test]
fn report_of_kills_is_one_json_object_and_a_table() {
    let place = Place::new();
    let bench = place.stoa(&["bench", "kill", "--tasks", "8", "-o", "json"]).finish().succeeded();
    let report = bench.json();
    assert_eq!(report["tasks"], 8);
    let check = |at: &str| {
        let spread = ["p50", "p99", "max"].map(|p| figure(&report, &format!("{at}/kill_ms/{p}")));
        assert!(spread.is_sorted() && spread[0] > 0.0, "{at}: {spread:?}");
    };
    check("");
    for kind in ["spin", "sleep", "ask", "grow"] {
        assert_eq!(report["kinds"][kind]["tasks"], 2, "{kind} in {report}");
        check(&format!("/kinds/{kind}"));
    }
    let bench = place.stoa(&["bench", "kill", "--tasks", "4"]).finish().succeeded();
    for part in ["4 tasks killed", "all ", "grow ", "max"] {
        assert!(bench.text().contains(part), "no {part:?} in {bench}");
    }
}

#[test]
fn report_of_density_is_one_json_object_and_a_line() {
    let place = Place::new();
    let arguments = ["bench", "density", "--tasks", "20", "-o", "json"];
    let report = place.stoa(&arguments).finish().succeeded().json();
    assert_eq!(report["idle_tasks"], 20);
    assert!(report["refused"].is_null(), "{report}");
    let [before, after, each] = ["memory_before_bytes", "memory_bytes", "bytes_per_task"]
        .map(|key| figure(&report, &format!("/{key}")));
    assert!(0.0 < before && before < after && each > 0.0, "{report}");
    let bench = place.stoa(&["bench", "density", "--tasks", "2"]).finish().succeeded();
    assert!(bench.text().starts_with("2 idle tasks: "), "{bench}");
}

/// The modules are kept beside the text that they are made of.
#[test]
fn guests_of_measurements_are_what_their_text_says() {
    for name in ["ask", "grow"] {
        let bench =
            std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../cli/src/bench"));
        let path = bench.join(name);
        let assembled = wat::parse_file(path.with_extension("wat")).expect("the text is wat");
        let kept = std::fs::read(path.with_extension("wasm")).expect("it is kept");
        assert!(assembled == kept, "{name}.wasm is not what {name}.wat says");
    }
}
