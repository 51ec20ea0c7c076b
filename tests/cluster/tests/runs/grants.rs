//! A task touches what it was granted and nothing else.

use stoa_harness::{Cluster, sample};

#[test]
fn environment_and_arguments_are_those_of_the_command_line_alone() {
    let cluster = Cluster::shared();
    let arguments = ["run", "--env", "NAME=Ada", "--env", "EMPTY=", "--env", "EQUATION=1+1=2"];
    let finished =
        cluster.run(&[&arguments[..], &[&sample("env"), "--flag", "two words"]].concat());
    let expected = "EMPTY=\nEQUATION=1+1=2\nNAME=Ada\nargument 1: --flag\nargument 2: two words\n";
    assert_eq!(finished.succeeded().text(), expected);
    assert_eq!(cluster.run(&["run", &sample("env")]).succeeded().text(), "");
}

#[test]
fn arguments_travel_as_they_are_in_any_script() {
    let cluster = Cluster::shared();
    let names = ["Ἀθηνᾶ", "世界", "🏛", "-o", "--detach", ""];
    let finished = cluster.run(&[&["run", &sample("hello")][..], &names].concat());
    let expected: String = names.iter().map(|name| format!("Hello, {name}!\n")).collect();
    assert_eq!(finished.succeeded().text(), expected);
}

#[test]
fn folder_granted_read_only_is_read() {
    let cluster = Cluster::shared();
    let dir = cluster.make_allowed_dir("texts");
    std::fs::create_dir(dir.join("deeper")).unwrap();
    std::fs::write(dir.join("a.txt"), "one two three\n").unwrap();
    std::fs::write(dir.join("deeper/ß.txt"), "  vier\n\nfünf  ").unwrap();
    std::fs::write(dir.join("empty.txt"), "").unwrap();
    let grant = format!("{}::/texts:ro", dir.display());
    let finished = cluster.run(&["run", "--dir", &grant, &sample("words"), "/texts"]);
    let expected = "3 /texts/a.txt\n2 /texts/deeper/ß.txt\n0 /texts/empty.txt\ntotal 5\n";
    let finished = finished.succeeded();
    assert_eq!(finished.text(), expected);
    assert_eq!(finished.stderr, "", "nothing of progress is printed into a pipe");
}

#[test]
fn relative_folder_is_that_of_the_person_who_types() {
    let cluster = Cluster::shared();
    let dir = cluster.make_allowed_dir("relative/deeper");
    std::fs::write(dir.join("a.txt"), "one\n").unwrap();
    let words = sample("words");
    let run = cluster.stoa(&["run", "--dir", "deeper::/d:ro", &words, "/d"]);
    let run = run.current_dir(dir.parent().unwrap());
    assert_eq!(run.finish().succeeded().text(), "1 /d/a.txt\ntotal 1\n");
}

#[test]
fn what_was_not_granted_is_not_there() {
    let cluster = Cluster::shared();
    let finished = cluster.run(&["run", &sample("words"), "/etc"]).exited(1);
    assert_eq!(finished.text(), "");
    assert!(finished.stderr.contains("/etc"), "{finished}");
    let dir = cluster.make_allowed_dir("walls");
    std::fs::write(dir.parent().unwrap().join("secret.txt"), "secret").unwrap();
    let grant = format!("{}::/d:ro", dir.display());
    let finished = cluster.run(&["run", "--dir", &grant, &sample("words"), "/d/.."]).exited(1);
    assert!(!finished.text().contains("secret.txt"), "{finished}");
}

#[test]
fn folder_granted_read_only_takes_no_file() {
    let cluster = Cluster::shared();
    let dir = cluster.make_allowed_dir("read-only");
    let mandelbrot = sample("mandelbrot");
    let grant = format!("{}::/out:ro", dir.display());
    let finished = cluster.run(&["run", "--dir", &grant, &mandelbrot, "8", "8", "/out/x.png"]);
    let finished = finished.exited(1);
    assert!(finished.stderr.contains("cannot write /out/x.png"), "{finished}");
    assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 0, "the folder is not empty any more");
}

#[test]
fn folder_granted_without_ro_takes_files() {
    let cluster = Cluster::shared();
    let dir = cluster.make_allowed_dir("read-write");
    let mandelbrot = sample("mandelbrot");
    let grant = format!("{}::/out", dir.display());
    let finished = cluster.run(&["run", "--dir", &grant, &mandelbrot, "16", "8", "/out/x.png"]);
    assert_eq!(finished.succeeded().text(), "/out/x.png: 16 x 8\n");
    assert_png(&std::fs::read(dir.join("x.png")).unwrap(), (16, 8));
}

/// Checks the head of a PNG. Source: the PNG specification, 5.2 and 11.2.2.
#[track_caller]
pub fn assert_png(bytes: &[u8], (width, height): (u32, u32)) {
    assert!(bytes.starts_with(b"\x89PNG\r\n\x1a\n"), "no PNG");
    assert_eq!(bytes[16..20], width.to_be_bytes());
    assert_eq!(bytes[20..24], height.to_be_bytes());
    assert!(bytes.ends_with(b"IEND\xaeB\x60\x82"), "the end of the PNG is missing");
}
