//! Directories that travel with a task and back.

use stoa_harness::{Cluster, sample};

use crate::grants::assert_png;

#[test]
fn uploaded_folder_is_seen_by_the_task() {
    let cluster = Cluster::shared();
    // Outside of what the agents may grant: it travels.
    let place = cluster.place();
    place.write("to-upload/a.txt", "one two\n");
    let last = place.write("to-upload/b/c.txt", "three\n");
    let dir = last.parent().and_then(|dir| dir.parent()).unwrap();
    let upload = format!("{}::/in", dir.display());
    let words = sample("words");
    let finished = cluster.run(&["run", "--disk", "1MiB", "--upload", &upload, &words, "/in"]);
    assert_eq!(finished.succeeded().text(), "2 /in/a.txt\n1 /in/b/c.txt\ntotal 3\n");
}

#[test]
fn downloaded_folder_comes_back() {
    let cluster = Cluster::shared();
    let to = cluster.place().path().join("downloaded");
    let download = format!("/out::{}", to.display());
    let mandelbrot = sample("mandelbrot");
    let arguments = ["run", "--disk", "1MiB", "--download", &download, &mandelbrot];
    let finished = cluster.run(&[&arguments[..], &["32", "24", "/out/x.png"]].concat());
    assert_eq!(finished.succeeded().text(), "/out/x.png: 32 x 24\n");
    assert_png(&std::fs::read(to.join("x.png")).unwrap(), (32, 24));
}

#[test]
fn folder_that_travels_both_ways_comes_back_changed() {
    let cluster = Cluster::shared();
    let file = cluster.place().write("both/note.txt", "kept");
    let from = file.parent().unwrap();
    let to = cluster.place().path().join("both-back");
    let (upload, download) =
        (format!("{}::/both", from.display()), format!("/both::{}", to.display()));
    let mandelbrot = sample("mandelbrot");
    let arguments =
        ["run", "--disk", "1MiB", "--upload", &upload, "--download", &download, &mandelbrot];
    cluster.run(&[&arguments[..], &["8", "8", "/both/x.png"]].concat()).succeeded();
    assert_eq!(std::fs::read_to_string(to.join("note.txt")).unwrap(), "kept");
    assert_png(&std::fs::read(to.join("x.png")).unwrap(), (8, 8));
    assert!(!from.join("x.png").exists(), "the task has changed the folder it was a copy of");
}

#[test]
fn folder_that_cannot_be_packed_is_named() {
    let cluster = Cluster::shared();
    let words = sample("words");
    let run = cluster.run(&["run", "--disk", "1MiB", "--upload", "nowhere::/in", &words, "/in"]);
    run.failed(126, &["nowhere"]);
}

#[test]
fn standard_input_reaches_the_task_only_if_asked_for() {
    let cluster = Cluster::shared();
    let sort = sample("sort");
    let lines = "pear\nApple\näpfel\napple\n";
    let sorted = cluster.stoa(&["run", "-i", &sort]).stdin(lines).finish();
    assert_eq!(sorted.succeeded().text(), "Apple\napple\npear\näpfel\n");
    let without = cluster.stoa(&["run", &sort]).stdin(lines).finish();
    assert_eq!(without.succeeded().text(), "");
}
