//! Nobody steps out of a lint in silence, and unsafe code stays in one room. It never says which
//! lints there are: the root manifest does.

use crate::house::{File, House};
use crate::rule::{Finding, Rule};
use crate::tokens::{Token, closing};

/// A lint is lifted with a reason; `unsafe` is in the executor host, with its proof beside it.
pub const RULE: Rule = Rule {
    name: "escapes",
    allowed: "`#[expect(…, reason = \"…\")]` (or `allow` with a reason, for generated code); \
              `unsafe` in `wasm-executors/host` below a comment that starts with `SAFETY:`",
    mend: "mend what the lint says, or say why it is right here",
    exceptions: &[],
    find,
};

/// How far above `unsafe` its proof may start, in lines.
const PROOF_LINES_MAX: usize = 8;

fn find(house: &House) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in house.files().iter().filter(|file| file.room().is_some()) {
        let Some(rust) = &file.rust else { continue };
        for (at, token) in rust.tokens.iter().enumerate() {
            let what = if lifts_in_silence(&rust.tokens, at) {
                format!("`{}` of a lint without a reason", token.text)
            } else if token.text == "unsafe" {
                match unsafe_verdict(file, token.line) {
                    Some(what) => what,
                    None => continue,
                }
            } else {
                continue;
            };
            found.push(Finding::new(&file.path, token.line, what));
        }
    }
    found
}

/// Whether an attribute lifts a lint at `at`, and does not say why. `cfg_attr` may hold it too.
fn lifts_in_silence(tokens: &[Token], at: usize) -> bool {
    let lifts = matches!(tokens[at].text.as_str(), "allow" | "expect");
    let is_attribute = at > 0 && matches!(tokens[at - 1].text.as_str(), "[" | ",");
    let opens = tokens.get(at + 1).is_some_and(|next| next.text == "(");
    if !lifts || !is_attribute || !opens {
        return false;
    }
    let end = closing(tokens, at + 1);
    let is_inside = tokens.get(end + 1).is_some_and(|next| matches!(next.text.as_str(), "]" | ")"));
    is_inside && !tokens[at..end].iter().any(|token| token.text == "reason")
}

fn unsafe_verdict(file: &File, line: usize) -> Option<String> {
    if file.room().is_some_and(|room| room.dir != "wasm-executors/host") {
        return Some("`unsafe` outside `wasm-executors/host`".to_owned());
    }
    let comments = &file.rust.as_ref()?.comments;
    let is_proven = comments.iter().any(|comment| {
        let is_near = (line.saturating_sub(PROOF_LINES_MAX)..=line).contains(&comment.line);
        is_near && comment.text.starts_with("// SAFETY: ")
    });
    (!is_proven).then(|| "`unsafe` without its `// SAFETY: ` above it".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_steps_out_in_silence() {
        RULE.hold();
    }

    #[test]
    fn lint_lifted_without_reason_is_found() {
        let text = "#![allow(missing_docs)]\n#[expect(dead_code)]\n\
                    #[cfg_attr(test, allow(x))]\nfn f() { a.expect(\"why\"); [allow(x), b]; }";
        let expected = [1, 2, 3].map(|line| format!("model/src/a.rs:{line}"));
        assert_eq!(RULE.found_in(&[("model/src/a.rs", text)]), expected);
        let with_reason = "#[expect(dead_code, reason = \"the wire has it\")] fn f() {}";
        assert!(RULE.found_in(&[("model/src/a.rs", with_reason)]).is_empty());
    }

    #[test]
    fn unsafe_without_right_or_proof_is_found() {
        let text = "fn f() {\n unsafe { g() }\n}";
        let proven = "fn f() {\n // SAFETY: g asks nothing.\n unsafe { g() }\n}";
        let planted = [
            ("agent/src/a.rs", proven),
            ("wasm-executors/host/src/a.rs", text),
            ("wasm-executors/host/src/b.rs", proven),
        ];
        let expected = ["agent/src/a.rs:3", "wasm-executors/host/src/a.rs:2"];
        assert_eq!(RULE.found_in(&planted), expected);
    }
}
