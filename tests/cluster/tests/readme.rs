//! The commands of README.md do what README.md says. The form they are written in is that of
//! `stoa_harness::document`.
//!
//! Every command runs in the root of the clone, with the binary under test as `stoa` and instead of
//! `cargo run --release --`. It must exit with 0, and its standard output must be what is shown.

use std::time::Duration;

use stoa_harness::default_port::DefaultPort;
use stoa_harness::document::{Section, Shown, sections};
use stoa_harness::{Place, Process, house, wildcard};

#[test]
fn readme_commands_print_what_is_shown() {
    let readme = std::fs::read_to_string(house::root().join("README.md")).unwrap();
    let sections = sections(&readme).unwrap_or_else(|unclear| panic!("README.md: {unclear}"));
    let commands: usize = sections.iter().map(|section| section.commands.len()).sum();
    assert!(commands >= 5, "README.md shows {commands} commands only");
    let _port = DefaultPort::own();
    for section in &sections {
        follow(section);
    }
}

fn follow(section: &Section) {
    let place = Place::new();
    let mut going_on: Vec<Process> = Vec::new();
    for shown in &section.commands {
        if shown.goes_on {
            going_on.push(start(&place, shown));
        } else {
            run(&place, shown);
        }
        for process in &mut going_on {
            assert!(!process.has_ended(), "in {:?}: {}", section.heading, process.shown());
        }
    }
    // The last one started is the first that ends, as people do it.
    while let Some(process) = going_on.pop() {
        process.end();
    }
}

fn line(shown: &Shown) -> String {
    shown.command.replace("cargo run --release --", "stoa")
}

/// A command that goes on is ready when it has printed a line, and those that are shown.
fn start(place: &Place, shown: &Shown) -> Process {
    let mut process = place.shell(&format!("exec {}", line(shown))).start();
    let begins = |text: &str| {
        let ends: Vec<_> = text.match_indices('\n').map(|(at, _)| at + 1).collect();
        ends.iter()
            .any(|&end| shown.output.is_empty() || wildcard::matches(&shown.output, &text[..end]))
    };
    let what = format!("output as in line {} of README.md", shown.line);
    process.wait_for_stdout(&what, |text| begins(text).then_some(()));
    process
}

fn run(place: &Place, shown: &Shown) {
    let finished = place.shell(&line(shown)).limit(Duration::from_secs(60)).finish().succeeded();
    let number = shown.line;
    let output = shown.output.join("\n");
    assert!(
        wildcard::matches(&shown.output, finished.text()),
        "line {number} of README.md shows\n{output}\nbut this was printed by {finished}"
    );
}
