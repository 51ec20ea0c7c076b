//! Only the command line speaks to people. It never reads what is said.

use crate::house::House;
use crate::rule::{Finding, Rule};

/// Only `cli` prints.
pub const RULE: Rule = Rule {
    name: "printing",
    allowed: "print macros, stdout and stderr in `cli`, in build scripts, tests and examples",
    mend: "return the text to the caller, or log it with `tracing`",
    exceptions: &[],
    find,
};

const MACROS: [&str; 5] = ["dbg", "eprint", "eprintln", "print", "println"];
const STREAMS: [&[&str]; 4] = [
    &["std", "io", "stderr"],
    &["std", "io", "stdout"],
    &["tokio", "io", "stderr"],
    &["tokio", "io", "stdout"],
];

fn find(house: &House) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in house.files() {
        if file.room().is_some_and(|room| room.dir == "cli") {
            continue;
        }
        for path in file.paths_in_use() {
            let prints = path.macro_name().is_some_and(|name| MACROS.contains(&name));
            let speaks = STREAMS.iter().any(|stream| path.starts_with(stream))
                || (path.ends_with(&["io", path.segments[path.segments.len() - 1]])
                    && matches!(path.function_name(), Some("stdout" | "stderr")));
            if prints || speaks {
                let what = format!("`{}` outside `cli`", path.text());
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
    fn only_the_command_line_prints() {
        RULE.hold();
    }

    #[test]
    fn printing_in_a_room_is_found() {
        let text =
            "fn f() {\n println!(\"a\");\n std::eprint!();\n dbg!(x);\n io::stderr().lock();\n}";
        let expected = [2, 3, 4, 5].map(|line| format!("agent/src/x.rs:{line}"));
        assert_eq!(RULE.found_in(&[("agent/src/x.rs", text)]), expected);
        let imported = "use std::io::{self, stdout};";
        assert_eq!(RULE.found_in(&[("machine/src/x.rs", imported)]).len(), 1);
    }

    #[test]
    fn printing_where_it_belongs_passes() {
        let text = "fn main() { println!(\"a\"); self.stdout(); }";
        let planted = ["cli/src/x.rs", "protocol/build.rs", "sample-tasks/rust/src/bin/x.rs"]
            .map(|path| (path, text));
        assert!(RULE.found_in(&planted).is_empty());
        let test = "#[test] fn f() { println!(\"a\") }";
        assert!(RULE.found_in(&[("agent/src/x.rs", test)]).is_empty());
    }
}
