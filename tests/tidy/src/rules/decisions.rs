//! Decisions are numbered and say why. It never judges one.

use crate::house::{File, House};
use crate::rule::{Finding, Rule};

/// `docs/decisions/NNN-title.md`, without gaps, each with its three parts.
pub const RULE: Rule = Rule {
    name: "decisions",
    allowed: "files NNN-title.md, numbered from 001 on without gaps, title in small letters, each \
              with a `# ` title and the headings Context, Decision, Consequence in this order",
    mend: "number it after the last one, and say what led to it, what it is and what follows",
    exceptions: &[],
    find,
};

const DIR: &str = "docs/decisions/";
const PARTS: [&str; 3] = ["Context", "Decision", "Consequence"];

fn find(house: &House) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut next = 1;
    for file in house.files().iter().filter(|file| file.path.starts_with(DIR)) {
        match number(&file.path[DIR.len()..]) {
            Some(number) if number == next => next += 1,
            Some(number) => {
                let what = format!("number {number:03} where {next:03} is due");
                found.push(Finding::new(&file.path, 1, what));
                next = number + 1;
            }
            None => found.push(Finding::new(&file.path, 1, "a name that is not NNN-title.md")),
        }
        found.extend(find_in(file));
    }
    found
}

fn number(name: &str) -> Option<u32> {
    let (number, title) = name.strip_suffix(".md")?.split_once('-')?;
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let is_legal = number.len() == 3 && !title.is_empty() && title.chars().all(is_plain);
    number.parse().ok().filter(|_| is_legal)
}

fn find_in(file: &File) -> Vec<Finding> {
    let mut found = Vec::new();
    if !file.lines().next().is_some_and(|(_, text)| text.starts_with("# ")) {
        found.push(Finding::new(&file.path, 1, "a decision without a title"));
    }
    let headings: Vec<_> = file
        .lines()
        .filter_map(|(_, text)| text.strip_prefix("## "))
        .map(str::trim)
        .filter(|heading| PARTS.contains(heading))
        .collect();
    if headings != PARTS {
        let what = format!("headings {headings:?} where {PARTS:?} are due");
        found.push(Finding::new(&file.path, 1, what));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decisions_are_numbered_and_say_why() {
        RULE.hold();
    }

    const GOOD: &str = "# We do\n## Context\na\n## Decision\nb\n## Consequence\nc\n## Sources\n";

    #[test]
    fn decisions_in_order_pass() {
        let planted = [
            ("docs/decisions/001-fuel.md", GOOD),
            ("docs/decisions/002-one-store.md", GOOD),
            ("docs/guide.md", ""),
        ];
        assert!(RULE.found_in(&planted).is_empty());
    }

    #[test]
    fn gap_double_and_bad_name_are_found() {
        let planted = [
            ("docs/decisions/001-fuel.md", GOOD),
            ("docs/decisions/003-gap.md", GOOD),
            ("docs/decisions/003-twice.md", GOOD),
            ("docs/decisions/04-short.md", GOOD),
            ("docs/decisions/notes.txt", GOOD),
        ];
        assert_eq!(RULE.found_in(&planted).len(), 4);
    }

    #[test]
    fn missing_part_is_found() {
        for part in ["# We do\n", "## Context\n", "## Decision\n", "## Consequence\n"] {
            let text = GOOD.replacen(part, "", 1);
            let found = RULE.found_in(&[("docs/decisions/001-a.md", &text)]);
            assert_eq!(found, ["docs/decisions/001-a.md:1"], "without {part}");
        }
    }
}
