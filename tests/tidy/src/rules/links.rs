//! Every link of a document that stays in the house leads somewhere. It never follows one out.

use crate::house::{File, House};
use crate::rule::{Finding, Rule};

/// Relative links in documents point to files and directories that exist.
pub const RULE: Rule = Rule {
    name: "links",
    allowed: "links relative to the document to what is in the clone, links with a scheme, anchors",
    mend: "point the link to where the file is now",
    exceptions: &[],
    find,
};

fn find(house: &House) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in house.files().iter().filter(|file| file.extension() == "md") {
        for (line, target) in links(file) {
            let leads_out = target.contains("://") || target.starts_with("mailto:");
            let path = target.split(['#', '?']).next().unwrap_or("");
            if leads_out || path.is_empty() {
                continue;
            }
            if !resolve(&file.path, path).is_some_and(|path| house.contains(&path)) {
                let what = format!("a link to `{target}`, which is not there");
                found.push(Finding::new(&file.path, line, what));
            }
        }
    }
    found
}

/// The targets of `[text](target)` and `[name]: target`, outside of code.
fn links(file: &File) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut in_fence = false;
    for (line, text) in file.lines() {
        if text.trim_start().starts_with("```") {
            in_fence = !in_fence;
        }
        if in_fence {
            continue;
        }
        let prose: String = text.split('`').step_by(2).collect::<Vec<_>>().join("code");
        let inline = prose.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
        let targets = inline.map(|(target, _)| target).chain(definition(&prose));
        // A title may follow the target.
        let bare = targets.filter_map(|target| target.split_whitespace().next());
        found.extend(bare.map(|target| (line, target.trim_matches(['<', '>']).to_owned())));
    }
    found
}

fn definition(line: &str) -> Option<&str> {
    let (name, target) = line.trim_start().strip_prefix('[')?.split_once("]:")?;
    (!name.contains(']')).then_some(target)
}

/// The path from the root of what `target` names in the file at `from`; none if it leaves the root.
fn resolve(from: &str, target: &str) -> Option<String> {
    if target.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_somewhere() {
        RULE.hold();
    }

    #[test]
    fn link_that_leads_nowhere_is_found() {
        let text = "[a](b.md)\n[a](gone.md) and [b](./gone/)\n[c]: ../gone.md\n\
                    [d](/docs/b.md)\n![e](../../above.md)\n";
        let planted = [("docs/a.md", text), ("docs/b.md", "")];
        let expected = [2, 2, 3, 4, 5].map(|line| format!("docs/a.md:{line}"));
        assert_eq!(RULE.found_in(&planted), expected);
    }

    #[test]
    fn link_that_leads_somewhere_or_out_passes() {
        let text = "[a](b.md#there \"a title\") [b](../model/src)\n\
                    [c](https://example.com/x.md) [d](#here) `[e](gone.md)`\n\
                    ```\n[f](gone.md)\n```\n[g]: ../README.md\n[h](..)\n";
        let planted =
            [("docs/a.md", text), ("docs/b.md", ""), ("model/src/lib.rs", ""), ("README.md", "")];
        assert!(RULE.found_in(&planted).is_empty());
    }
}
