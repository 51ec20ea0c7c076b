//! A module is a noun and owns what it names. It never judges a name that says something.

use crate::house::House;
use crate::rule::{Finding, Rule};

/// No module is called after nothing.
pub const RULE: Rule = Rule {
    name: "names",
    allowed: "a noun that says what the module owns: `offers`, `session`, `checkpoint`",
    mend: "name the module after what it owns; if it owns several things, make it several modules",
    exceptions: &[],
    find,
};

const REFUSED: [&str; 16] = [
    "common",
    "commons",
    "helper",
    "helpers",
    "imp",
    "impl",
    "manager",
    "managers",
    "misc",
    "miscellaneous",
    "shared",
    "types",
    "util",
    "utilities",
    "utils",
    "various",
];

fn find(house: &House) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in house.files() {
        let Some(rust) = &file.rust else { continue };
        let parts = file.path.trim_end_matches(".rs").split('/');
        for part in parts.filter(|part| REFUSED.contains(part)) {
            found.push(Finding::new(&file.path, 1, format!("a file under the name `{part}`")));
        }
        for pair in rust.tokens.windows(2) {
            if pair[0].text == "mod" && REFUSED.contains(&pair[1].text.as_str()) {
                let what = format!("a module under the name `{}`", pair[1].text);
                found.push(Finding::new(&file.path, pair[1].line, what));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_called_after_what_they_own() {
        RULE.hold();
    }

    #[test]
    fn module_called_after_nothing_is_found() {
        let planted = [
            ("agent/src/utils.rs", ""),
            ("master/src/helpers/offers.rs", ""),
            ("model/src/lib.rs", "pub mod task;\nmod types { }"),
        ];
        let expected =
            ["agent/src/utils.rs:1", "master/src/helpers/offers.rs:1", "model/src/lib.rs:2"];
        assert_eq!(RULE.found_in(&planted), expected);
    }

    #[test]
    fn noun_passes() {
        let planted = [("model/src/task.rs", "mod types_of_task; fn common() {}")];
        assert!(RULE.found_in(&planted).is_empty());
    }
}
