//! `stoa run` with no cluster anywhere: it makes one inside its own process, says so once, and
//! leaves nothing behind.

use stoa_harness::default_port::DefaultPort;
use stoa_harness::{Finished, Place, compiled_code, sample};

/// What is said on stderr before anything else.
const NOTICE: &str = "stoa: no cluster on 127.0.0.1:5050; running in this process\n";

#[track_caller]
fn run(place: &Place, arguments: &[&str]) -> Finished {
    let finished = place.stoa(&[&["run"], arguments].concat()).finish();
    assert!(finished.stderr.starts_with(NOTICE), "the notice was expected of {finished}");
    assert_eq!(finished.stderr.matches("stoa: ").count(), 1, "{finished}");
    finished
}

#[test]
fn words_of_a_folder_are_counted_without_a_cluster() {
    let _port = DefaultPort::free();
    let place = Place::new();
    place.write("texts/a.txt", "one two\nthree");
    let dir = place.write("texts/b.txt", "four\n").parent().unwrap().to_owned();
    let grant = format!("{}::/texts:ro", dir.display());
    let finished = run(&place, &["--dir", &grant, &sample("words"), "/texts"]).succeeded();
    assert_eq!(finished.text(), "3 /texts/a.txt\n1 /texts/b.txt\ntotal 4\n");
    assert_eq!(finished.stderr, NOTICE);
    let left: Vec<_> = std::fs::read_dir(place.temporary()).unwrap().collect();
    assert!(left.is_empty(), "left behind: {left:?}");
    assert!(!place.path().join("home/state").exists(), "it has kept state");
}

#[test]
fn exit_codes_are_the_same_without_a_cluster() {
    let _port = DefaultPort::free();
    let place = Place::new();
    let (exit, spin) = (sample("exit"), sample("spin"));
    for own in [0, 3, 123] {
        run(&place, &[&exit, &own.to_string()]).exited(own);
    }
    run(&place, &["--timeout", "100ms", &spin]).exited(124).error_line(&["spin-"]);
    run(&place, &["--fuel", "1000", &spin]).exited(137).error_line(&["fuel"]);
    run(&place, &["--memory", "4MiB", &sample("hog"), "64"]).exited(137).error_line(&["memory"]);
    run(&place, &[&sample("trap")]).exited(134).error_line(&["trap-"]);
    run(&place, &["--cpus", "10000", &exit, "0"]).failed(125, &["cpus=10000"]);
    run(&place, &["--dir", "/not/there::/data", &exit, "0"]).failed(126, &["/not/there"]);
}

#[test]
fn what_cannot_run_is_refused_before_a_cluster_is_made() {
    let _port = DefaultPort::free();
    let place = Place::new();
    let text = place.write("text.wasm", "no wasm").display().to_string();
    for (path, code) in [(text.as_str(), 126), ("nowhere.wasm", 127)] {
        let finished = place.stoa(&["run", path]).finish().failed(code, &[path]);
        assert!(!finished.stderr.contains(NOTICE), "{finished}");
    }
    let hello = sample("hello");
    let detached = place.stoa(&["run", "--detach", &hello]).finish();
    detached.failed(125, &["no cluster"]);
    place.stoa(&["ps"]).finish().failed(1, &["127.0.0.1:5050"]);
}

#[test]
fn json_and_input_work_without_a_cluster() {
    let _port = DefaultPort::free();
    let place = Place::new();
    let sort = sample("sort");
    let run = place.stoa(&["run", "-o", "json", "-i", &sort]).stdin("b\na\n").finish();
    assert_eq!(run.succeeded().json()["stdout"], "a\nb\n");
}

#[test]
fn program_that_was_compiled_before_is_not_compiled_again() {
    let _port = DefaultPort::free();
    let place = Place::new();
    let cache = place.path().join("cache");
    let run = || {
        let run =
            place.stoa(&["run", &sample("hello")]).env("XDG_CACHE_HOME", cache.to_str().unwrap());
        assert_eq!(run.finish().succeeded().text(), "Hello, world!\n");
        compiled_code(&cache)
    };
    let first = run();
    assert_eq!(run(), first);
}
