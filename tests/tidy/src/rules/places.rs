//! No file of ours knows the machine it was written on. It never opens any of these places.

use crate::house::House;
use crate::rule::{Exception, Finding, Rule};

/// No path of a machine, and no host of a registry.
pub const RULE: Rule = Rule {
    name: "places",
    allowed: "paths from the root of the clone, variables such as $HOME, and no registry by its \
              host: their clients know them",
    mend: "say where it is by a path that every clone has, or read it from the environment",
    exceptions: EXCEPTIONS,
    find,
};

const EXCEPTIONS: &[Exception] = &[Exception {
    file: "tests/tidy/tests/guests.rs",
    what: "",
    why: "it looks for these places in the committed guests",
}];

/// Directories of machines. Each is in two pieces, so that this file does not hold it.
const DIRECTORIES: [&str; 3] =
    [concat!("/wor", "k/"), concat!("/roo", "t/"), concat!("/far", "m/")];

const HOSTS: [&str; 8] = [
    concat!("crates", ".io"),
    concat!("deb.debian", ".org"),
    concat!("npmjs", ".org"),
    concat!("proxy.golang", ".org"),
    concat!("pypi", ".org"),
    concat!("pythonhosted", ".org"),
    concat!("rubygems", ".org"),
    concat!("static.rust-lang", ".org"),
];

fn find(house: &House) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in house.files().iter().filter(|file| file.name() != "Cargo.lock") {
        for (line, text) in file.lines() {
            let directories = DIRECTORIES.iter().filter(|place| has_absolute(text, place));
            let hosts = HOSTS.iter().filter(|host| text.contains(*host));
            for place in directories.chain(hosts) {
                let what = format!("`{place}`, a place outside the clone");
                found.push(Finding::new(&file.path, line, what));
            }
        }
    }
    found
}

/// Whether the text has the directory where a path starts, and not inside of one.
fn has_absolute(text: &str, directory: &str) -> bool {
    text.match_indices(directory).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        before.is_none_or(|c| !c.is_alphanumeric() && !"._-}*/".contains(c))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_file_knows_its_machine() {
        RULE.hold();
    }

    #[test]
    fn every_place_is_found() {
        for place in DIRECTORIES.iter().chain(&HOSTS) {
            let text = format!("ok\ncd {place}x\n");
            let planted = [("a.sh", text.as_str()), ("b.md", &text), ("Cargo.lock", &text)];
            assert_eq!(RULE.found_in(&planted), ["a.sh:2", "b.md:2"], "{place}");
        }
    }

    #[test]
    fn paths_of_the_clone_pass() {
        let text = DIRECTORIES.map(|place| format!("a{place}b ${{X}}{place}c ../d{place}\n"));
        assert!(RULE.found_in(&[("a.sh", &text.concat())]).is_empty());
    }
}
