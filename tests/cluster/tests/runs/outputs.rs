//! What `run` prints: the task's own output to the last byte, or one JSON value.

use stoa_harness::{Cluster, Place, sample};

/// Bytes of every value, none of them text on purpose.
fn noise(count: usize) -> Vec<u8> {
    let step = |state: &mut u32| {
        *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        Some((*state >> 24) as u8)
    };
    std::iter::repeat_n((), count).scan(1, |state, ()| step(state)).collect()
}

#[test]
fn binary_output_of_a_mebibyte_comes_through_unchanged() {
    let cluster = Cluster::shared();
    let bytes = noise(1 << 20);
    let finished = cluster.stoa(&["run", "-i", &sample("cat")]).stdin(&bytes).finish().succeeded();
    assert!(finished.stdout == bytes, "{} of {} bytes", finished.stdout.len(), bytes.len());
    assert_eq!(finished.stderr, "");
}

#[test]
fn both_outputs_keep_apart() {
    let cluster = Cluster::shared();
    let finished = cluster.run(&["run", &sample("hog"), "4096"]).exited(137);
    assert!(finished.text().starts_with("got "), "{finished}");
    assert!(finished.stderr.starts_with("hog: no more memory"), "{finished}");
    let finished = cluster.run(&["run", &sample("exit")]).exited(2);
    assert_eq!(finished.text(), "");
    assert_eq!(finished.stderr, "usage: exit CODE, from 0 to 255\n");
}

#[test]
fn json_of_a_run_is_one_value_with_everything() {
    let cluster = Cluster::shared();
    let hello = sample("hello");
    let run = cluster.run(&["run", "-o", "json", "--name", "greeting", &hello, "Ada"]).succeeded();
    let status = run.json();
    assert_eq!(run.text().lines().count(), 1);
    assert_eq!(status["stdout"], "Hello, Ada!\n");
    assert_eq!(status["stderr"], "");
    assert_eq!(status["state"], "FINISHED");
    assert_eq!(status["reason"], "EXITED");
    assert_eq!(status["exit_code"], 0);
    assert!(status["task"].as_str().is_some_and(|task| task.starts_with("greeting-")), "{status}");
    for figure in ["fuel", "wall_us", "memory_peak_bytes", "output_bytes"] {
        assert!(status["usage"][figure].as_u64() > Some(0), "no {figure} in {status}");
    }
    assert_eq!(status["usage"]["output_bytes"], 12);
}

#[test]
fn json_of_a_run_that_fails_says_why() {
    let cluster = Cluster::shared();
    let run = cluster.run(&["run", "-o", "json", &sample("exit"), "7"]).exited(7);
    assert_eq!(run.json()["exit_code"], 7);
    assert_eq!(run.json()["state"], "FAILED");
    let run = cluster.run(&["run", "-o", "json", &sample("trap")]).exited(134);
    assert_eq!(run.json()["reason"], "TRAPPED");
    assert_eq!(run.json()["exit_code"], serde_json::Value::Null);
}

#[test]
fn name_and_labels_are_those_that_were_given() {
    let cluster = Cluster::shared();
    let flags = ["run", "--name", "labelled", "--label", "team=blue", "--label", "empty="];
    cluster.run(&[&flags[..], &[&sample("hello")]].concat()).succeeded();
    let task = cluster.wait_for_state("labelled", "FINISHED");
    assert_eq!(task["labels"], serde_json::json!({ "team": "blue", "empty": "" }));
}

#[test]
fn detached_task_goes_on_alone_and_ends_its_framework() {
    let cluster = Cluster::shared();
    let task = cluster.detach(&["--name", "alone", &sample("hog"), "1", "1"]);
    let seen = cluster.wait_for_task("alone", |_| true);
    assert_eq!(seen["task"], *task);
    let framework = seen["framework"].as_str().unwrap().to_owned();
    cluster.wait_for_state("alone", "FINISHED");
    let logs = cluster.run(&["logs", &task]).succeeded();
    assert_eq!(logs.text(), "got 1 of 1 MiB\n");
    stoa_harness::wait_until("the framework of the detached task has ended", || {
        let frameworks = cluster.run(&["frameworks", "-o", "json"]).succeeded();
        match frameworks.text().contains(&framework) {
            true => Err(frameworks.to_string()),
            false => Ok(()),
        }
    });
    let json = cluster.run(&["run", "-o", "json", "--detach", &sample("hello")]).succeeded();
    assert!(json.json()["task"].as_str().is_some_and(|id| id.starts_with("hello-")), "{json}");
}

#[test]
fn completions_name_the_commands_for_every_shell() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish"] {
        let finished = place.stoa(&["completions", shell]).finish().succeeded();
        for word in ["run", "frameworks", "inspect", "executor-program", "completions"] {
            assert!(finished.text().contains(word), "no {word} for {shell}");
        }
    }
    place.stoa(&["completions", "abacus"]).finish().failed(2, &["abacus"]);
}

#[test]
fn help_and_version_are_told_without_a_cluster() {
    let place = Place::new();
    let help = place.stoa(&["run", "--help"]).finish().succeeded();
    for flag in ["--memory", "--fuel", "--timeout", "--dir", "--upload", "--env", "--allow-net"] {
        assert!(help.text().contains(flag), "no {flag} in {help}");
    }
    let version = place.stoa(&["--version"]).finish().succeeded();
    assert!(version.text().starts_with("stoa "), "{version}");
}
