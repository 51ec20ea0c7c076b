//! Versions stand in one place, and every member obeys the lints. It never says which versions.

use crate::house::House;
use crate::manifest::Manifest;
use crate::rule::{Finding, Rule};

/// Members inherit versions and lints from the root.
pub const RULE: Rule = Rule {
    name: "manifests",
    allowed: "`name.workspace = true` (features may be added) for each dependency of a member, \
              `[lints] workspace = true`, and what `[workspace.package]` says",
    mend: "put the version into the root Cargo.toml and inherit it",
    exceptions: &[],
    find,
};

const INHERITED: [&str; 5] = ["version", "edition", "rust-version", "license", "publish"];

fn find(house: &House) -> Vec<Finding> {
    let members = house.member_manifests();
    let of_members = members.iter().flat_map(|(_, manifest)| find_in(manifest));
    of_members.chain(find_renamed(house)).collect()
}

fn find_in(manifest: &Manifest) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut add = |line, what: String| found.push(Finding::new(&manifest.path, line, what));
    for dependency in manifest.dependencies() {
        if !dependency.is_inherited {
            let what = format!("{} is not inherited from the workspace", dependency.name);
            add(dependency.line, what);
        }
    }
    if !is_true(manifest, &["lints", "workspace"]) {
        add(1, "the lints of the workspace are not obeyed".to_owned());
    }
    for key in INHERITED {
        if !is_true(manifest, &["package", key, "workspace"]) {
            add(manifest.line_of(key), format!("{key} is not inherited from the workspace"));
        }
    }
    found
}

/// A crate under another name would pass the rules about what it is.
fn find_renamed(house: &House) -> Vec<Finding> {
    let Some(root) = house.root_manifest() else {
        return Vec::new();
    };
    let dependencies = root.at(&["workspace", "dependencies"]);
    let entries = dependencies.and_then(toml::Value::as_table).into_iter().flatten();
    entries
        .filter(|(_, value)| value.get("package").is_some())
        .map(|(name, _)| {
            let what = format!("{name} is a crate under another name");
            Finding::new(&root.path, root.line_of(name), what)
        })
        .collect()
}

fn is_true(manifest: &Manifest, keys: &[&str]) -> bool {
    manifest.at(keys).and_then(toml::Value::as_bool) == Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_and_lints_come_from_the_root() {
        RULE.hold();
    }

    const GOOD: &str = "[package]\nname = \"stoa-model\"\nversion.workspace = true\n\
                        edition.workspace = true\nrust-version.workspace = true\n\
                        license.workspace = true\npublish.workspace = true\n\
                        [lints]\nworkspace = true\n[dependencies]\n\
                        a = { workspace = true, features = [\"b\"] }\n";

    #[test]
    fn member_in_order_passes() {
        assert!(RULE.found_in(&[("model/Cargo.toml", GOOD)]).is_empty());
        let guest = [("sample-tasks/rust/Cargo.toml", "[dependencies]\na = \"1\"\n")];
        assert!(RULE.found_in(&guest).is_empty());
    }

    #[test]
    fn version_in_a_member_is_found() {
        let text = format!("{GOOD}c = \"1\"\nd = {{ path = \"../d\" }}\n");
        let expected = ["model/Cargo.toml:12", "model/Cargo.toml:13"];
        assert_eq!(RULE.found_in(&[("model/Cargo.toml", &text)]), expected);
    }

    #[test]
    fn member_without_lints_or_edition_is_found() {
        let no_lints = GOOD.replace("[lints]\nworkspace = true\n", "");
        assert_eq!(RULE.found_in(&[("model/Cargo.toml", &no_lints)]).len(), 1);
        let own_edition = GOOD.replace("edition.workspace = true", "edition = \"2021\"");
        let expected = ["model/Cargo.toml:4"];
        assert_eq!(RULE.found_in(&[("model/Cargo.toml", &own_edition)]), expected);
    }

    #[test]
    fn crate_under_another_name_is_found() {
        let text =
            "[workspace.dependencies]\na = \"1\"\nb = { package = \"tonic\", version = \"1\" }\n";
        assert_eq!(RULE.found_in(&[("Cargo.toml", text)]), ["Cargo.toml:3"]);
    }
}
