//! The committed guests are what their sources make: checked by the sums in `guests.lock`.
//!
//! It builds nothing and needs no wasm toolchain. What a line of the lock means is written in
//! `wasm-executors/toolchain/lock.sh`, which writes it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// The directories that hold committed guests: each has its lock, and a `build.sh` that writes it.
const ROOMS: [&str; 5] = [
    "sample-tasks",
    "tests/cluster/guests",
    "wasm-executors",
    "wasm-executors/examples",
    "wasm-executors/host/tests",
];

/// What a build leaves in a guest if the paths of the machine that built it are not mapped away.
const MACHINE_PATHS: [&str; 4] = ["/home/", "/root/", "/tmp/", "/work/"];

/// A line of a lock.
struct Guest {
    name: String,
    wasm_sum: String,
    sources_sum: String,
    /// Relative to the lock's directory.
    sources: Vec<String>,
}

#[test]
fn committed_guests_are_those_of_their_lock() {
    let failures: Vec<String> = rooms_with_guests().flat_map(check_wasm).collect();
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

#[test]
fn sources_of_guests_have_not_changed_since_the_build() {
    let failures: Vec<String> = rooms_with_guests().flat_map(check_sources).collect();
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

#[test]
fn every_guest_is_in_its_lock_once_and_no_other() {
    for room in rooms_with_guests() {
        let listed: Vec<String> =
            read_lock(room).iter().map(|guest| format!("{}.wasm", guest.name)).collect();
        assert!(listed.is_sorted_by(|a, b| a < b), "{room}/guests.lock: not sorted, or one twice");
        let present = files_under(&root().join(room), "")
            .into_iter()
            .filter(|path| path.ends_with(".wasm") && !is_of_inner_room(room, path))
            .collect::<BTreeSet<_>>();
        let listed = BTreeSet::from_iter(listed);
        let unlisted: Vec<_> = present.difference(&listed).collect();
        let missing: Vec<_> = listed.difference(&present).collect();
        assert!(
            unlisted.is_empty(),
            "not in {room}/guests.lock: {unlisted:?}; {}",
            advice(room, "")
        );
        assert!(
            missing.is_empty(),
            "only in {room}/guests.lock: {missing:?}; {}",
            advice(room, "")
        );
    }
}

#[test]
fn guests_hold_no_path_of_the_machine_that_built_them() {
    for room in rooms_with_guests() {
        for guest in read_lock(room) {
            let wasm = fs::read(root().join(room).join(format!("{}.wasm", guest.name)))
                .expect("a listed guest is there");
            for path in MACHINE_PATHS {
                let found = wasm.windows(path.len()).any(|window| window == path.as_bytes());
                assert!(!found, "{room}/{}.wasm holds a path under {path}", guest.name);
            }
        }
    }
}

#[test]
fn bindings_for_c_are_those_that_were_made_of_the_world() {
    let lock = root().join("wasm-executors/toolchain/c-bindings.lock");
    let lock = fs::read_to_string(lock).expect("the lock is in the checkout");
    let parts: Vec<(&str, &str)> = lock.lines().filter_map(|line| line.split_once(' ')).collect();
    assert_eq!(parts.len(), 2, "c-bindings.lock: what the bindings are made of, and they");
    for (sum, files) in parts {
        let files: Vec<String> = files.split(' ').map(str::to_owned).collect();
        assert!(
            sources_sum("wasm-executors", &files) == sum,
            "{files:?} have changed since the bindings were made; to make them anew: \
             wasm-executors/toolchain/c-bindings.sh"
        );
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Whether a file of `room` is rather one of a room within it.
fn is_of_inner_room(room: &str, path: &str) -> bool {
    let path = format!("{room}/{path}");
    ROOMS.into_iter().any(|inner| inner.len() > room.len() && path.starts_with(inner))
}

/// Those with a lock, and those that have a guest and so must have one.
fn rooms_with_guests() -> impl Iterator<Item = &'static str> {
    ROOMS.into_iter().filter(|room| {
        let dir = root().join(room);
        dir.join("guests.lock").exists()
            || files_under(&dir, "").iter().any(|path| path.ends_with(".wasm"))
    })
}

fn check_wasm(room: &str) -> Vec<String> {
    let mut failures = Vec::new();
    for guest in read_lock(room) {
        let wasm = format!("{room}/{}.wasm", guest.name);
        match fs::read(root().join(&wasm)) {
            Ok(bytes) if sum(&bytes) == guest.wasm_sum => {}
            Ok(_) => failures.push(format!(
                "{wasm} is not the one that was locked; {}",
                advice(room, &guest.name)
            )),
            Err(error) => {
                failures.push(format!("{wasm}: {error}; {}", advice(room, &guest.name)));
            }
        }
    }
    failures
}

fn check_sources(room: &str) -> Vec<String> {
    read_lock(room)
        .iter()
        .filter(|guest| sources_sum(room, &guest.sources) != guest.sources_sum)
        .map(|guest| {
            let name = &guest.name;
            format!("{room}/{name}.wasm is older than its sources; {}", advice(room, name))
        })
        .collect()
}

fn advice(room: &str, name: &str) -> String {
    format!("to build it anew: {}", format!("{room}/build.sh {name}").trim_end())
}

fn read_lock(room: &str) -> Vec<Guest> {
    let lock = root().join(room).join("guests.lock");
    let text = fs::read_to_string(&lock)
        .unwrap_or_else(|error| panic!("{room}/guests.lock: {error}; {}", advice(room, "")));
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            parse_line(line)
                .unwrap_or_else(|| panic!("{room}/guests.lock: an incomplete line: {line}"))
        })
        .collect()
}

fn parse_line(line: &str) -> Option<Guest> {
    let mut words = line.split(' ').map(str::to_owned);
    let guest = Guest {
        name: words.next()?,
        wasm_sum: words.next().filter(|word| is_sum(word))?,
        sources_sum: words.next().filter(|word| is_sum(word))?,
        sources: words.collect(),
    };
    let is_complete = !guest.name.is_empty() && !guest.sources.is_empty();
    is_complete.then_some(guest)
}

fn is_sum(word: &str) -> bool {
    word.len() == 64 && word.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The sum of what `sha256sum` prints for the files, in the order of their paths.
fn sources_sum(room: &str, sources: &[String]) -> String {
    let dir = root().join(room);
    let files: BTreeSet<String> =
        sources.iter().flat_map(|source| files_under(&dir, source)).collect();
    let mut lines = String::new();
    for file in files {
        let bytes = fs::read(dir.join(&file)).expect("a file that was found can be read");
        lines += &format!("{}  {file}\n", sum(&bytes));
    }
    sum(lines.as_bytes())
}

/// The files at or under `path`, relative to `dir` as `path` is. What cargo built is no source.
fn files_under(dir: &Path, path: &str) -> Vec<String> {
    let at = dir.join(path);
    if path == "target" || path.ends_with("/target") {
        return Vec::new();
    }
    if at.is_file() {
        return vec![path.to_owned()];
    }
    let Ok(entries) = fs::read_dir(&at) else {
        // A source that is gone: the sum without it is another one.
        return Vec::new();
    };
    entries
        .flat_map(|entry| {
            let name = entry.expect("a directory of the checkout can be read").file_name();
            let name = name.to_str().expect("the names of the checkout are UTF-8");
            let below = if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
            files_under(dir, &below)
        })
        .collect()
}

fn sum(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
