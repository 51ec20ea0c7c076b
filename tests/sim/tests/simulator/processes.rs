//! The same seeds in two processes: what differs between processes, such as the seeds of hash
//! tables and where memory lies, must not matter.

use std::process::Command;

use stoa_sim::{Faults, play_seeds};

use crate::config::{MARKS, marks};

const SEEDS: u64 = 100;
const FAULTS: u64 = 25;

fn mark() -> String {
    format!("mark={:016x}", play_seeds(5_000, SEEDS, &Faults::all(FAULTS)).mark)
}

#[test]
fn another_process_plays_the_same_seeds_in_the_same_way() {
    if marks() {
        println!("{}", mark());
        return;
    }
    let name = "processes::another_process_plays_the_same_seeds_in_the_same_way";
    let mut other = Command::new(std::env::current_exe().unwrap());
    other.args(["--exact", name, "--nocapture"]).env(MARKS, "1");
    let said = String::from_utf8(other.output().unwrap().stdout).unwrap();
    let own = mark();
    assert!(said.contains(&own), "this process: {own}, the other: {said}");
}
