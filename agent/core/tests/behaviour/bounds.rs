//! What happens at each bound of `limits.rs` that others can reach. Too long for transcripts.

use stoa_agent_core::limits::{
    FETCHES_MAX, LOG_REQUESTS_MAX, SANDBOXES_MAX, TASKS_KEPT_MAX, UPDATES_WAITING_MAX,
};

use crate::scene::Scene;

/// An agent that the master has greeted, with `p1` in its store.
fn greeted(resources: &str) -> Scene {
    let mut scene = Scene::default();
    let lines = ["tick", "connected", "registered a1 s1", "command 1 launch f0 t0", "fetched p1"];
    said(&mut scene, &format!("agent {resources}"));
    lines.iter().for_each(|line| drop(said(&mut scene, line)));
    scene
}

fn said(scene: &mut Scene, line: &str) -> Vec<String> {
    let mut caused = Vec::new();
    scene.play(line, &mut caused).unwrap();
    caused
}

#[test]
fn refused_tasks_are_told_once_when_too_many_wait_for_acknowledgement() {
    let mut scene = Scene::default();
    for line in ["agent tasks_max=0 cpus=1", "tick", "connected", "registered a1 s1"] {
        said(&mut scene, line);
    }
    let tasks: Vec<_> = (0..TASKS_KEPT_MAX).map(|number| format!("t{number}")).collect();
    said(&mut scene, &format!("command 1 launch f1 {}", tasks.join(" + ")));
    let caused = said(&mut scene, "command 2 launch f1 one-more");
    assert_eq!(caused.len(), 3, "{caused:?}");
    assert_eq!(caused[0], "record CommandApplied 2");
    assert!(caused[1].contains("DROPPED AGENT_REFUSED \"the Updates of 32768 tasks"), "{caused:?}");
    said(&mut scene, "acknowledge f1/t7 1.8");
    let caused = said(&mut scene, "command 3 launch f1 another");
    assert!(caused[0].starts_with("record Refused f1/another"), "{caused:?}");
}

#[test]
fn oldest_sandbox_goes_when_there_are_too_many() {
    let mut scene = greeted("cpus=1");
    for number in 1..=SANDBOXES_MAX {
        said(&mut scene, &format!("command {} launch f1 t{number}", number + 1));
        said(&mut scene, &format!("host f1/t{number} FINISHED EXITED"));
        let caused = said(&mut scene, &format!("acknowledge f1/t{number} 1.{number}"));
        assert_eq!(caused.len(), 1, "{caused:?}");
    }
    said(&mut scene, "host f0/t0 FINISHED EXITED");
    let caused = said(&mut scene, &format!("acknowledge f0/t0 1.{}", SANDBOXES_MAX + 1));
    assert_eq!(caused[1..], ["remove-sandbox f1/t1", "record SandboxRemoved f1/t1"]);
}

#[test]
fn reports_of_progress_are_dropped_when_nobody_acknowledges_but_the_end_is_not() {
    let mut scene = greeted("cpus=1");
    for _ in 0..UPDATES_WAITING_MAX {
        let caused = said(&mut scene, "host f0/t0 RUNNING EXECUTOR_REPORTED");
        assert!(caused[0].starts_with("record Updated"), "{caused:?}");
    }
    let caused = said(&mut scene, "host f0/t0 RUNNING EXECUTOR_REPORTED");
    assert!(caused.len() == 1 && caused[0].starts_with("warn task f0/t0"), "{caused:?}");
    let caused = said(&mut scene, "host f0/t0 FINISHED EXITED");
    assert!(caused[0].starts_with("record Updated f0/t0 1.65 FINISHED"), "{caused:?}");
}

#[test]
fn question_for_a_log_is_answered_when_too_many_wait() {
    let mut scene = greeted("cpus=1");
    for number in 0..LOG_REQUESTS_MAX {
        assert!(said(&mut scene, &format!("ask {number} f0/t0 stdout 0 wait")).is_empty());
    }
    let caused = said(&mut scene, "ask 5000 f0/t0 stdout 0");
    assert_eq!(caused, ["-> Log 5000 failed: too many questions for logs wait at the agent"]);
}

#[test]
fn task_is_dropped_when_too_many_artifacts_are_on_their_way() {
    let mut scene = greeted("cpus=1");
    let tasks: Vec<_> = (0..FETCHES_MAX).map(|n| format!("t{n} program=a{n}")).collect();
    said(&mut scene, &format!("command 2 launch f1 {}", tasks.join(" + ")));
    let caused = said(&mut scene, "command 3 launch f1 one-more program=b1");
    assert!(caused[0].starts_with("record Refused f1/one-more 1.1 DROPPED"), "{caused:?}");
    let caused = said(&mut scene, "command 4 launch f1 waits-too program=a7");
    assert_eq!(caused[0], "record Launched f1/waits-too");
}
