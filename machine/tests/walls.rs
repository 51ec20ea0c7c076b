//! Each thing that the walls keep away is done once without them, so that the test knows that it
//! can be done at all, and tried once within them.

use std::fs;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::{Path, PathBuf};
use std::process::Command;

const ALLOWED: [&str; 4] = [
    "read what is let through",
    "write what is let through",
    "start a thread",
    "open a socket of the network",
];

/// What is refused, and how.
const REFUSED: [(&str, &str); 9] = [
    ("read another file", "Permission denied"),
    ("list another directory", "Permission denied"),
    ("write what may be read", "Permission denied"),
    ("write another file", "Permission denied"),
    ("reach out by a link", "Permission denied"),
    ("start a program", "Operation not permitted"),
    ("signal another process", "Operation not permitted"),
    ("raise its own limit", "Too many open files"),
    ("speak to an abstract socket", "Operation not permitted"),
];

/// The example is built beside the tests.
fn program() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own path");
    test.ancestors().nth(2).expect("it is in a target directory").join("examples/walled")
}

fn said(mode: &str, dir: &Path, case: &str) -> String {
    let output = Command::new(program())
        .arg(mode)
        .arg(dir)
        .arg(case)
        .output()
        .expect("the example is built with the tests");
    assert!(output.status.success(), "{mode} {case}: {output:?}");
    String::from_utf8(output.stdout).expect("it prints text")
}

fn place() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("there is room");
    for name in ["reads", "writes", "other"] {
        fs::create_dir(dir.path().join(name)).expect("it is new");
        fs::write(dir.path().join(name).join("file"), "x").expect("there is room");
    }
    dir
}

#[test]
fn walls_keep_away_what_is_not_let_through() {
    let dir = place();
    let address = SocketAddr::from_abstract_name(dir.path().as_os_str().as_encoded_bytes());
    let _listener = UnixDatagram::bind_addr(&address.unwrap()).unwrap();
    for case in ALLOWED {
        assert_eq!(said("open", dir.path(), case), "done\n", "{case}");
        assert_eq!(said("walled", dir.path(), case), "done\n", "{case}");
    }
    for (case, how) in REFUSED {
        assert_eq!(said("open", dir.path(), case), "done\n", "{case}");
        let said = said("walled", dir.path(), case);
        assert!(said.starts_with(how), "{case}: {said}");
    }
}

#[test]
fn file_is_not_taken_out_of_what_is_let_through() {
    let dir = place();
    fs::write(dir.path().join("writes/gone"), "x").unwrap();
    let case = "take a file out";
    let refused = said("walled", dir.path(), case);
    assert!(refused.starts_with("Permission denied"), "{refused}");
    assert_eq!(said("open", dir.path(), case), "done\n");
}

#[test]
fn directory_that_is_not_there_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let output = Command::new(program()).arg("walled").arg(dir.path()).arg("x").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stdout).unwrap();
    let path = dir.path().join("writes");
    let expected = format!("not raised: cannot let {} through the walls", path.display());
    assert!(said.starts_with(&expected), "{said}");
}
