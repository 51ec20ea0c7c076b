//! The lints that other rules rely on stay switched on. It never adds one.

use crate::house::House;
use crate::manifest::Manifest;
use crate::rule::{Finding, Rule};

/// The root manifest denies and clippy.toml bounds what STYLE says.
pub const RULE: Rule = Rule {
    name: "lints",
    allowed: "these lints at `deny` or `forbid`, and these thresholds, are what holds the rules \
              that have no file here",
    mend: "switch the lint on again",
    exceptions: &[],
    find,
};

const DENIED: [(&str, &[&str]); 2] = [
    ("rust", &["missing_docs", "unsafe_code", "unused_must_use"]),
    (
        "clippy",
        &[
            "await_holding_lock",
            "dbg_macro",
            "todo",
            "too_many_arguments",
            "too_many_lines",
            "unimplemented",
            "unwrap_used",
            "wildcard_imports",
        ],
    ),
];

const THRESHOLDS: [(&str, i64); 2] =
    [("too-many-lines-threshold", 70), ("too-many-arguments-threshold", 5)];

fn find(house: &House) -> Vec<Finding> {
    let mut found = Vec::new();
    if let Some(root) = house.root_manifest() {
        for (tool, lints) in DENIED {
            for lint in lints {
                let level = root.at(&["workspace", "lints", tool, lint]);
                if !matches!(level.and_then(toml::Value::as_str), Some("deny" | "forbid")) {
                    let what = format!("{tool}::{lint} is not denied");
                    found.push(Finding::new(&root.path, root.line_of(lint), what));
                }
            }
        }
    }
    if let Some(clippy) = house.file("clippy.toml").map(Manifest::of) {
        for (key, bound) in THRESHOLDS {
            if clippy.at(&[key]).and_then(toml::Value::as_integer) != Some(bound) {
                let what = format!("{key} is not {bound}");
                found.push(Finding::new(&clippy.path, clippy.line_of(key), what));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lints_are_switched_on() {
        assert!(House::here().contains("clippy.toml"), "clippy.toml holds the thresholds");
        RULE.hold();
    }

    #[test]
    fn lint_that_is_switched_off_is_found() {
        let all = DENIED.map(|(tool, lints)| {
            let lines: String = lints.iter().map(|lint| format!("{lint} = \"deny\"\n")).collect();
            format!("[workspace.lints.{tool}]\n{lines}")
        });
        let good = all.concat();
        assert!(RULE.found_in(&[("Cargo.toml", &good)]).is_empty());
        let warned = good.replace("todo = \"deny\"", "todo = \"warn\"");
        assert_eq!(RULE.found_in(&[("Cargo.toml", &warned)]), ["Cargo.toml:8"]);
    }

    #[test]
    fn threshold_that_was_raised_is_found() {
        let text = "too-many-arguments-threshold = 5\ntoo-many-lines-threshold = 90\n";
        assert_eq!(RULE.found_in(&[("clippy.toml", text)]), ["clippy.toml:2"]);
    }
}
