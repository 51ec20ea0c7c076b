//! What was left behind on the way: holes, switched-off tests, dead code in comments, reminders
//! that nobody will find again. It never judges the prose of a comment.

use crate::house::{File, House};
use crate::rule::{Finding, Rule};
use crate::tokens::Comment;

/// Nothing unfinished is left in silence.
pub const RULE: Rule = Rule {
    name: "leftovers",
    allowed: "code that is finished, tests that run, comments that are sentences, and reminders \
              that name an issue, as in `TODO(#12): …`",
    mend: "finish it, remove it (git remembers), or open an issue and name its number",
    exceptions: &[],
    find,
};

const HOLES: [&str; 3] = ["dbg", "todo", "unimplemented"];
const REMINDERS: [&str; 4] = ["FIXME", "HACK", "TODO", "XXX"];
/// Sources whose comments are read by the line.
const OTHER_SOURCES: [&str; 7] = ["c", "h", "proto", "py", "sh", "wat", "wit"];

fn find(house: &House) -> Vec<Finding> {
    house.files().iter().flat_map(find_in).collect()
}

fn find_in(file: &File) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut add = |line, what| found.push(Finding::new(&file.path, line, what));
    if let Some(rust) = &file.rust {
        for three in rust.tokens.windows(3) {
            let [one, two, three] = three else { continue };
            if HOLES.contains(&one.text.as_str()) && two.text == "!" {
                add(one.line, format!("`{}!`", one.text));
            }
            if one.text == "#" && two.text == "[" && three.text == "ignore" {
                add(three.line, "a test that is switched off".to_owned());
            }
        }
        for comment in &rust.comments {
            if is_code(comment) {
                add(comment.line, format!("code in a comment: {}", comment.text));
            } else if let Some(reminder) = lost_reminder(&comment.text) {
                add(comment.line, format!("{reminder} without an issue"));
            }
        }
    } else if OTHER_SOURCES.contains(&file.extension()) {
        for (line, text) in file.lines() {
            if let Some(reminder) = lost_reminder(text) {
                add(line, format!("{reminder} without an issue"));
            }
        }
    }
    found
}

/// The reminder in a line that names no issue.
fn lost_reminder(line: &str) -> Option<&'static str> {
    let is_word = |word: &&&str| line.split(|c: char| !c.is_alphanumeric()).any(|w| w == **word);
    let reminder = REMINDERS.iter().find(is_word)?;
    let names_issue = line
        .split_once("TODO(#")
        .is_some_and(|(_, rest)| rest.starts_with(|c: char| c.is_ascii_digit()));
    (!names_issue).then_some(*reminder)
}

/// Whether a comment that is no documentation looks like a line of code. Prose ends in no bracket,
/// and where it ends in a semicolon it starts with no statement.
fn is_code(comment: &Comment) -> bool {
    if comment.is_doc() {
        return false;
    }
    let text = comment.text.trim_start_matches(['/', '*']).trim();
    let first = text.split_whitespace().next().unwrap_or("");
    let ends_statement = text.ends_with(';');
    let opens_block = text.ends_with('{');
    let is_statement = match first {
        "let" | "return" | "use" | "pub" | "mod" | "const" | "static" => ends_statement,
        "fn" | "impl" | "if" | "for" | "while" | "match" | "else" | "loop" => opens_block,
        _ => false,
    };
    let closes = !text.is_empty() && text.chars().all(|c| "})];,".contains(c));
    is_statement || closes || text.starts_with("#[") || (ends_statement && is_call(text))
}

/// Whether a text is one call or assignment, such as `self.offers.push(offer);`.
fn is_call(text: &str) -> bool {
    let is_name = |c: char| c.is_alphanumeric() || "_.:&*!".contains(c);
    let name_end = text.find(|c: char| !is_name(c)).unwrap_or(text.len());
    let (name, rest) = text.split_at(name_end);
    let calls = !name.is_empty() && rest.starts_with('(') && rest.ends_with(");");
    let assigns = !name.is_empty() && [" = ", " += ", " -= "].iter().any(|s| rest.starts_with(s));
    calls || assigns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_behind() {
        RULE.hold();
    }

    #[test]
    fn holes_and_tests_that_are_switched_off_are_found() {
        let text = "fn f() {\n todo!();\n unimplemented!(\"x\");\n dbg!(y);\n}\n\
                    #[test]\n#[ignore = \"slow\"]\nfn g() {}\nfn h() { todo != 1; }";
        let expected = [2, 3, 4, 7].map(|line| format!("model/src/a.rs:{line}"));
        assert_eq!(RULE.found_in(&[("model/src/a.rs", text)]), expected);
    }

    #[test]
    fn code_in_comments_is_found() {
        let dead = [
            "// let x = 5;",
            "// use std::fs;",
            "// if x > 3 {",
            "// });",
            "// self.offers.push(offer);",
            "// x = y + 1;",
            "// #[derive(Debug)]",
            "// println!(\"{x}\");",
        ];
        for line in dead {
            let text = format!("fn f() {{}}\n{line}\n");
            assert_eq!(RULE.found_in(&[("a.rs", &text)]), ["a.rs:2"], "{line}");
        }
    }

    #[test]
    fn prose_and_examples_in_documentation_pass() {
        let text = "//! Owns it.\n/// ```\n/// let x = 5;\n/// ```\nfn f() {}\n\
                    // The master may let go of it (see above);\n// use of it is counted,\n\
                    // for it is returned\n// and an agent says so by Applied {number}.\n";
        assert!(RULE.found_in(&[("a.rs", text)]).is_empty());
    }

    #[test]
    fn reminder_without_issue_is_found() {
        let planted = [
            ("a.rs", "// TODO: later\n// TODO(#12): later\n// FIXME(#3): now\n"),
            ("a.proto", "// Fine.\n// XXX\n// The TODOLIST.\n"),
        ];
        assert_eq!(RULE.found_in(&planted), ["a.rs:1", "a.rs:3", "a.proto:2"]);
    }
}
