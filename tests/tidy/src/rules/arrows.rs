//! Arrows between rooms point one way, and what a room may depend on is written down. It never
//! looks at code: `knowledge` does.

use std::collections::BTreeSet;

use crate::house::House;
use crate::manifest::{Dependency, Kind, Manifest};
use crate::rooms::{self, CONFINED, ENGINE, PURE_ROOMS, ROOMS, Room};
use crate::rule::{Finding, Rule};

/// Every dependency is one that the plan of the house allows.
pub const RULE: Rule = Rule {
    name: "arrows",
    allowed: "what tests/tidy/src/rooms.rs says: the arrows of each room, the crates that are \
              confined to some rooms, and no engine in what a light room needs",
    mend: "move the code to the room that may have the dependency; if the plan itself changes, \
           change rooms.rs, DESIGN and ARCHITECTURE.md together",
    exceptions: &[],
    find,
};

fn find(house: &House) -> Vec<Finding> {
    let manifests = house.member_manifests();
    let mut found = find_rooms(house, &manifests);
    found.extend(find_unchecked(house));
    for (room, manifest) in &manifests {
        for dependency in manifest.dependencies() {
            let verdict = judge(room, &dependency);
            found.extend(verdict.map(|what| Finding::new(&manifest.path, dependency.line, what)));
        }
        found.extend(find_engine(room, manifest, &manifests));
    }
    found
}

/// The plan and the workspace name the same rooms.
fn find_rooms(house: &House, manifests: &[(&Room, Manifest)]) -> Vec<Finding> {
    let members = house.root_manifest().and_then(|root| {
        let members = root.at(&["workspace", "members"])?.as_array()?.clone();
        Some((root, members))
    });
    let Some((root, members)) = members else {
        return Vec::new();
    };
    let members: BTreeSet<_> = members.iter().filter_map(toml::Value::as_str).collect();
    let line = root.line_of("members");
    let unplanned = members
        .iter()
        .filter(|dir| ROOMS.iter().all(|room| room.dir != **dir))
        .map(|dir| format!("the member {dir} is no room of the plan"));
    let absent = ROOMS
        .iter()
        .filter(|room| !members.contains(room.dir))
        .map(|room| format!("the room {} of the plan is no member", room.dir));
    let misnamed = manifests.iter().filter_map(|(room, manifest)| {
        let name = manifest.at(&["package", "name"])?.as_str()?;
        (name != room.package).then(|| format!("{} is called {name} in {}", room.package, room.dir))
    });
    unplanned
        .chain(absent)
        .chain(misnamed)
        .map(|what| Finding::new("Cargo.toml", line, what))
        .collect()
}

/// The script that people run tests the light rooms, and no others, without the engine.
fn find_unchecked(house: &House) -> Vec<Finding> {
    let Some(check) = house.file("check") else {
        return Vec::new();
    };
    let tested: BTreeSet<_> =
        check.lines().filter_map(|(_, text)| text.trim().strip_prefix("-p ")).collect();
    let light = ROOMS.iter().filter(|room| room.is_light).map(|room| room.package);
    let light: BTreeSet<_> = light.collect();
    let missing = light.difference(&tested).map(|name| format!("{name} is light but not in LIGHT"));
    let extra = tested.difference(&light).map(|name| format!("{name} in LIGHT is not light"));
    missing.chain(extra).map(|what| Finding::new("check", 1, what)).collect()
}

/// What is wrong with a dependency, if something is.
fn judge(room: &Room, dependency: &Dependency) -> Option<String> {
    let name = dependency.name.as_str();
    if let Some((_, dirs)) = CONFINED.iter().find(|(confined, _)| *confined == name)
        && !dirs.contains(&room.dir)
        && dependency.kind != Kind::Dev
    {
        return Some(format!("{name} is confined to {}", dirs.join(", ")));
    }
    if dependency.kind == Kind::Dev || room.arrows.contains(&name) {
        return None;
    }
    if rooms::room_named(name).is_some() {
        return Some(format!("no arrow leads from {} to {name}", room.dir));
    }
    let (_, crates) = PURE_ROOMS.iter().find(|(dir, _)| *dir == room.dir)?;
    (!crates.contains(&name)).then(|| format!("{name} in the pure room {}", room.dir))
}

/// The first way from a light room, its tests included, to the engine.
fn find_engine(
    room: &Room,
    manifest: &Manifest,
    manifests: &[(&Room, Manifest)],
) -> Option<Finding> {
    if !room.is_light {
        return None;
    }
    let mut seen = BTreeSet::new();
    let mut waiting: Vec<(String, usize, String)> = manifest
        .dependencies()
        .into_iter()
        .map(|dependency| (dependency.name.clone(), dependency.line, dependency.name))
        .collect();
    while let Some((name, line, way)) = waiting.pop() {
        if ENGINE.contains(&name.as_str()) {
            let what = format!("{} builds the engine by way of {way}", room.dir);
            return Some(Finding::new(&manifest.path, line, what));
        }
        if !seen.insert(name.clone()) {
            continue;
        }
        let needed = manifests.iter().find(|(other, _)| other.package == name);
        for next in needed.iter().flat_map(|(_, needed)| needed.dependencies()) {
            if next.kind != Kind::Dev {
                let way = format!("{way} -> {}", next.name);
                waiting.push((next.name, line, way));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrows_point_one_way() {
        RULE.hold();
    }

    fn whats(files: &[(&str, &str)]) -> Vec<String> {
        find(&House::planted(files))
            .into_iter()
            .map(|finding| format!("{}:{} {}", finding.file, finding.line, finding.what))
            .collect()
    }

    fn members(dirs: &[&str]) -> String {
        format!("[workspace]\nmembers = {dirs:?}\n")
    }

    #[test]
    fn arrow_against_the_plan_is_found() {
        let manifest =
            "[dependencies]\nstoa-model.workspace = true\nstoa-master.workspace = true\n";
        let found = whats(&[("protocol/Cargo.toml", manifest)]);
        let expected = ["protocol/Cargo.toml:3 no arrow leads from protocol to stoa-master"];
        assert_eq!(found, expected);
    }

    #[test]
    fn crates_that_are_confined_or_impure_are_found() {
        let manifest = "[dependencies]\nprost.workspace = true\nserde.workspace = true\n\
                        [dev-dependencies]\nanyhow.workspace = true\n";
        let found = whats(&[("master/core/Cargo.toml", manifest)]);
        let expected = [
            "master/core/Cargo.toml:2 prost is confined to protocol, etcd",
            "master/core/Cargo.toml:3 serde in the pure room master/core",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn hidden_way_to_the_engine_is_found() {
        let found = whats(&[
            ("agent/Cargo.toml", "[dependencies]\nstoa-executor-host.workspace = true\n"),
            ("agent/core/Cargo.toml", "[dev-dependencies]\nstoa-agent.workspace = true\n"),
        ]);
        let expected = ["agent/core/Cargo.toml:2 agent/core builds the engine by way of \
                         stoa-agent -> stoa-executor-host"];
        assert_eq!(found, expected);
    }

    #[test]
    fn script_must_test_the_light_rooms() {
        let light = ROOMS.iter().filter(|room| room.is_light);
        let lines: String = light.map(|room| format!("    -p {}\n", room.package)).collect();
        assert!(whats(&[("check", &lines)]).is_empty());
        let wrong = lines.replace("-p stoa-model\n", "-p stoa-agent\n");
        let expected = [
            "check:1 stoa-model is light but not in LIGHT",
            "check:1 stoa-agent in LIGHT is not light",
        ];
        assert_eq!(whats(&[("check", &wrong)]), expected);
    }

    #[test]
    fn plan_and_workspace_must_name_the_same_rooms() {
        let mut dirs: Vec<_> = ROOMS.iter().map(|room| room.dir).collect();
        assert!(whats(&[("Cargo.toml", &members(&dirs))]).is_empty());
        dirs.retain(|dir| *dir != "model");
        dirs.push("attic");
        let expected = [
            "Cargo.toml:2 the member attic is no room of the plan",
            "Cargo.toml:2 the room model of the plan is no member",
        ];
        assert_eq!(whats(&[("Cargo.toml", &members(&dirs))]), expected);
        let misnamed = whats(&[
            ("Cargo.toml", &members(&dirs[1..])),
            ("machine/Cargo.toml", "[package]\nname = \"attic\"\n"),
        ]);
        assert!(misnamed.iter().any(|what| what.contains("is called attic")));
    }
}
