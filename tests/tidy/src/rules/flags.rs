//! Flags and environment are read in one place of a room. It never says what they mean.

use crate::house::House;
use crate::rule::{Finding, Rule};

/// Only `config.rs`, and what lies in a directory `config`, reads flags and environment.
pub const RULE: Rule = Rule {
    name: "flags",
    allowed: "std::env and clap in `config.rs` and below `config/`; std::env::consts everywhere",
    mend: "read it in `config.rs` and hand the value over",
    exceptions: &[],
    find,
};

fn find(house: &House) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in house.files() {
        let is_config = file.path.split('/').any(|part| part == "config" || part == "config.rs");
        if is_config {
            continue;
        }
        for path in file.paths_in_use() {
            let reads_environment =
                path.starts_with(&["std", "env"]) && !path.starts_with(&["std", "env", "consts"]);
            let reads_flags = path.starts_with(&["clap"]) && path.before != ".";
            let by_module = path.segments.len() == 2
                && path.segments[0] == "env"
                && path.function_name().is_some();
            if reads_environment || reads_flags || by_module {
                let what = format!("`{}` outside `config.rs`", path.text());
                found.push(Finding::new(&file.path, path.line, what));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_and_environment_are_read_in_config() {
        RULE.hold();
    }

    #[test]
    fn flags_and_environment_elsewhere_are_found() {
        let text = "use std::env;\nuse clap::Parser;\nfn f() { env::var(\"A\") }\n\
                    fn g() { std::env::args() }";
        let expected = [1, 2, 3, 4].map(|line| format!("cli/src/run.rs:{line}"));
        assert_eq!(RULE.found_in(&[("cli/src/run.rs", text)]), expected);
    }

    #[test]
    fn flags_in_config_and_what_is_fixed_at_build_time_pass() {
        let planted = [
            ("cli/src/config.rs", "use clap::Parser;"),
            ("cli/src/config/values.rs", "use std::env;"),
            ("agent/src/x.rs", "const A: &str = std::env::consts::ARCH;"),
            ("agent/src/y.rs", "const A: &str = env!(\"CARGO_PKG_VERSION\");"),
        ];
        assert!(RULE.found_in(&planted).is_empty());
    }
}
