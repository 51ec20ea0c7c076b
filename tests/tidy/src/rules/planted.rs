//! Bugs that tests plant are in no build but that of these tests. It never knows which bugs there
//! are.

use crate::house::House;
use crate::rule::{Finding, Rule};

/// Only the tests of the simulator can be built with planted bugs.
pub const RULE: Rule = Rule {
    name: "planted",
    allowed: "the feature `planted` in tests/planted/Cargo.toml, where it is, and in \
              tests/sim/Cargo.toml, behind a feature that is not on by itself",
    mend: "ask `is_planted` where a bug is to be, and switch the feature on in the tests of the \
           simulator alone",
    exceptions: &[],
    find,
};

fn find(house: &House) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in house.files().iter().filter(|file| file.name() == "Cargo.toml") {
        let owner = match file.path.as_str() {
            "tests/planted/Cargo.toml" => "planted = []",
            "tests/sim/Cargo.toml" => "planted = [\"stoa-planted/planted\"]",
            _ => "",
        };
        for (line, text) in file.lines() {
            let is_switch = text.contains("planted\"") && text.contains("features")
                || text.contains("stoa-planted/")
                || text.trim_start().starts_with("planted =")
                || text.trim_start().starts_with("default =") && text.contains("planted");
            let is_target = text.contains("required-features") || text.contains("path =");
            if is_switch && !is_target && text.trim() != owner {
                let what = format!("`{}` switches planted bugs on", text.trim());
                found.push(Finding::new(&file.path, line, what));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_build_but_that_of_tests_has_planted_bugs() {
        RULE.hold();
    }

    #[test]
    fn switch_elsewhere_is_found() {
        let text = "[dependencies]\nstoa-planted = { workspace = true, features = [\"planted\"] }\n\
                    [features]\nbugs = [\"stoa-planted/planted\"]\n";
        let found = RULE.found_in(&[("master/core/Cargo.toml", text)]);
        assert_eq!(found, ["master/core/Cargo.toml:2", "master/core/Cargo.toml:4"]);
        let default = "[features]\ndefault = [\"planted\"]\n";
        assert_eq!(RULE.found_in(&[("tests/sim/Cargo.toml", default)]), ["tests/sim/Cargo.toml:2"]);
    }

    #[test]
    fn use_without_a_switch_passes() {
        let text = "[dependencies]\nstoa-planted.workspace = true\n";
        assert!(RULE.found_in(&[("agent/core/Cargo.toml", text)]).is_empty());
    }
}
