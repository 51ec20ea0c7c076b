//! What cannot run is refused with one clear error, a hint and the right code, before it harms
//! anything.

use std::net::TcpListener;

use stoa_harness::{Cluster, Place, sample};

/// Where nobody listens: a port that was free a moment ago.
fn deserted_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("the system has a free port");
    listener.local_addr().expect("a bound listener has an address").to_string()
}

#[test]
fn bytes_that_are_no_program_are_refused() {
    let cluster = Cluster::shared();
    let place = cluster.place();
    let hello = std::fs::read(sample("hello")).unwrap();
    let text = place.write("text.wasm", "Nothing of wasm.\n");
    let empty = place.write("empty.wasm", "");
    let truncated = place.write("truncated.wasm", &hello[..hello.len() / 2]);
    for path in [text, empty, truncated] {
        let path = path.display().to_string();
        cluster.run(&["run", &path]).failed(126, &[&path]);
    }
}

#[test]
fn imports_that_nobody_provides_are_named() {
    let cluster = Cluster::shared();
    let module = r#"(module (import "env" "teleport" (func)) (memory (export "memory") 0)
        (func (export "_start")))"#;
    let component = r#"(component (import "acme:magic/spells@1.0.0" (instance
        (export "teleport" (func)))))"#;
    for (name, source, import) in
        [("module.wasm", module, "teleport"), ("component.wasm", component, "acme:magic/spells")]
    {
        let path = cluster.place().write(name, wat::parse_str(source).unwrap());
        let path = path.display().to_string();
        let finished = cluster.run(&["run", &path]).failed(126, &[&path]);
        if name == "module.wasm" {
            finished.error_line(&["env", import]);
        }
    }
}

#[test]
fn component_that_imports_the_unknown_is_refused_by_name() {
    let cluster = Cluster::shared();
    // A command component in all but what it imports: the export is that of `wasi:cli/run`.
    let source = r#"(component
        (import "acme:magic/spells@1.0.0" (instance $spells (export "teleport" (func))))
        (core module $core (func (export "run") (result i32) (i32.const 0)))
        (core instance $core (instantiate $core))
        (func $run (result (result)) (canon lift (core func $core "run")))
        (instance $wasi (export "run" (func $run)))
        (export "wasi:cli/run@0.2.0" (instance $wasi)))"#;
    let path = cluster.place().write("magic.wasm", wat::parse_str(source).unwrap());
    let path = path.display().to_string();
    cluster.run(&["run", &path]).failed(126, &[&path, "acme:magic/spells"]);
}

#[test]
fn file_that_is_not_there_is_named() {
    let cluster = Cluster::shared();
    cluster.run(&["run", "nowhere/to-be.wasm"]).failed(127, &["nowhere/to-be.wasm"]);
}

#[test]
fn directory_that_is_not_allowed_is_refused() {
    let cluster = Cluster::shared();
    let words = sample("words");
    let outside = cluster.place().make_dir("outside").display().to_string();
    let grant = format!("{outside}::/data:ro");
    cluster.run(&["run", "--dir", &grant, &words, "/data"]).failed(126, &[&outside, "allowed"]);
    let link = cluster.make_allowed_dir("links").join("out");
    std::os::unix::fs::symlink(&outside, &link).unwrap();
    let grant = format!("{}::/data:ro", link.display());
    cluster.run(&["run", "--dir", &grant, &words, "/data"]).failed(126, &[&outside, "allowed"]);
    let grant = "./not-there::/data";
    cluster.run(&["run", "--dir", grant, &words, "/data"]).failed(126, &["not-there"]);
}

#[test]
fn master_that_nobody_runs_is_unreachable() {
    let place = Place::new();
    let address = deserted_address();
    let hello = sample("hello");
    place.stoa(&["run", "--master", &address, &hello]).finish().failed(125, &[&address]);
    let named = place.stoa(&["run", &hello]).env("STOA_MASTER", &address);
    named.finish().failed(125, &[&address]);
    place.stoa(&["ps", "--master", &address]).finish().failed(1, &[&address]);
    place.stoa(&["ps", "--master", "no address"]).finish().failed(1, &["no address"]);
}

#[test]
fn flags_that_contradict_each_other_are_refused() {
    let place = Place::new();
    let hello = sample("hello");
    let rows: [(&[&str], &str); 4] = [
        (&["--detach", "--stdin", &hello], "--stdin"),
        (&["--detach", "--download", "/out::out", &hello], "--download"),
        (&["--executor", &hello], "--data"),
        (&["--executor", &hello, "--data", "x", &hello], "--executor"),
    ];
    for (arguments, named) in rows {
        let finished = place.stoa(&[&["run"], arguments].concat()).finish().failed(125, &[]);
        assert!(finished.stderr.contains(named), "{named} was expected in the error of {finished}");
    }
    place.stoa(&["run"]).finish().failed(125, &[]);
    place.stoa(&["run", "--no-such-flag", &hello]).finish().failed(125, &["--no-such-flag"]);
}

#[test]
fn values_that_do_not_parse_are_shown_with_what_is_allowed() {
    let place = Place::new();
    let hello = sample("hello");
    for (flag, value, allowed) in [
        ("--memory", "lots", "512MiB"),
        ("--memory", "-1", "512MiB"),
        ("--memory", "99999999999TiB", "512MiB"),
        ("--disk", "1.2.3GiB", "512MiB"),
        ("--output-limit", "", "512MiB"),
        ("--cpus", "0", "above 0"),
        ("--cpus", "0.0001", "1.5"),
        ("--timeout", "5", "30s"),
        ("--timeout", "0s", "30s"),
        ("--fuel", "0", "0"),
        ("--dir", "/data", "HOST::GUEST"),
        ("--dir", "/data::/a/../b", "/data"),
        ("--upload", "::/in", "DIR::GUEST"),
        ("--download", "/out", "GUEST::DIR"),
        ("--env", "NOVALUE", "K=V"),
        ("--label", "=v", "K=V"),
        ("--allow-net", "example.com", "HOST:PORT"),
        ("--name", "a/b", "'/'"),
        ("--role", "a b", "ASCII"),
    ] {
        let flagged = format!("{flag}={value}");
        let finished = place.stoa(&["run", &flagged, &hello]).finish();
        finished.failed(125, &[flag, allowed]);
    }
}

#[test]
fn task_larger_than_any_agent_is_refused_at_once() {
    let cluster = Cluster::shared();
    let hello = sample("hello");
    cluster.run(&["run", "--cpus", "1000", &hello]).failed(125, &["cpus=1000", "cpus=100 "]);
    cluster.run(&["run", "--memory", "1TiB", &hello]).failed(125, &["memory=1TiB"]);
    cluster.run(&["run", "--disk", "1TiB", &hello]).failed(125, &["disk=1TiB"]);
}

#[test]
fn errors_are_json_where_json_was_asked_for() {
    let cluster = Cluster::shared();
    let finished = cluster.run(&["run", "-o", "json", "nowhere.wasm"]).exited(127);
    let error: serde_json::Value = serde_json::from_str(&finished.stderr).unwrap();
    assert_eq!(error["exit_code"], 127);
    assert!(error["error"].as_str().unwrap().contains("nowhere.wasm"), "{error}");
    assert!(error["hint"].is_string(), "{error}");
}
