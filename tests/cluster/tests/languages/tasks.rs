//! The sample tasks in Python and JavaScript.

use stoa_harness::default_port::DefaultPort;
use stoa_harness::{Cluster, Place, Plan, house};

use crate::tools::{SLOW, builder, run_twice};

/// Builds the sample task in this language; answers its path.
fn built(place: &Place, language: &str, name: &str) -> String {
    let out = place.path().join(format!("{name}.wasm")).display().to_string();
    let line = format!("sample-tasks/{language}/build.sh {out}");
    builder(place, house::root(), &line).finish().succeeded();
    out
}

/// Runs a sample task with little memory, without a cluster and on one.
fn runs(language: &str, name: &str, memory: &str, arguments: [&str; 2], output: &str) {
    let place = Place::new();
    let task = built(&place, language, name);
    let [short, long] = arguments;
    {
        let _port = DefaultPort::free();
        let run = format!("stoa run --memory {memory} {task} {short}");
        let screens = run_twice(&place, &run);
        screens.compiling_was_shown();
        screens.show(output);
    }
    let cluster = Cluster::start(Plan::of_agents(1));
    let run = |arguments: &[&str]| {
        let arguments = [&["run", "--memory", memory], arguments].concat();
        cluster.stoa(&arguments).limit(SLOW).finish()
    };
    assert_eq!(run(&[&task, short]).succeeded().text(), format!("{output}\n"));
    let refused = run(&[&task, "many"]).exited(1);
    assert!(refused.stderr.contains(&format!("{name}: ")), "{refused}");
    run(&["--detach", "--name", "long", &task, long]).succeeded();
    let running = cluster.wait_for_state("long", "RUNNING");
    cluster.run(&["kill", running["task"].as_str().expect("a task has a name")]).succeeded();
    cluster.wait_for_state("long", "KILLED");
}

#[test]
fn python_task_runs_and_is_killed() {
    runs("python", "pi", "16MiB", ["20", "1000000"], "31415926535897932384");
}

#[test]
fn javascript_task_runs_and_is_killed() {
    runs("javascript", "queens", "4MiB", ["8", "16"], "92");
}
