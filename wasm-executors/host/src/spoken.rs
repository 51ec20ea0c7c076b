//! The world of executors that is spoken here, and what of another one is found in a component. It
//! never compiles and never links anything.

/// The package of the world, without its version.
const PACKAGE: &str = "stoa:executor/";

/// The version of the world that is spoken here.
pub const WORLD_VERSION: &str = "0.1.0";

/// What a component of the world exports.
pub(crate) const EVENTS: &str = "stoa:executor/events";

/// What to do about a component that speaks otherwise.
pub(crate) const REBUILD: &str = "rebuild it with the WIT of this Stoa; stoa inspect shows it";

/// An interface of another version of the world, and why it is not taken; none if `name` is of no
/// world of ours or of a version that is spoken here.
pub(crate) fn other_version(name: &str) -> Option<String> {
    let interface = name.strip_prefix(PACKAGE)?;
    let Some((interface, version)) = interface.split_once('@') else {
        return Some(format!(
            "{name}, which names no version: this Stoa speaks \
             {PACKAGE}{interface}@{WORLD_VERSION}; {REBUILD}"
        ));
    };
    if is_spoken(version) {
        return None;
    }
    let why = match age(version) {
        Some(std::cmp::Ordering::Less) => ", which is older",
        Some(std::cmp::Ordering::Greater) => ", which is newer",
        _ => "",
    };
    Some(format!("{name}{why}: this Stoa speaks {PACKAGE}{interface}@{WORLD_VERSION}; {REBUILD}"))
}

/// Whether an agent of this version takes it: what is added within a minor version never changes
/// what was there.
pub(crate) fn is_spoken(version: &str) -> bool {
    let own = numbers(WORLD_VERSION);
    numbers(version).zip(own).is_some_and(|(its, own)| its[..2] == own[..2])
}

fn age(version: &str) -> Option<std::cmp::Ordering> {
    Some(numbers(version)?.cmp(&numbers(WORLD_VERSION)?))
}

fn numbers(version: &str) -> Option<[u32; 3]> {
    let mut parts = version.split('.').map(|part| part.parse().ok());
    let numbers = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_the_same_minor_are_spoken_and_no_others() {
        for version in ["0.1.0", "0.1.7"] {
            assert_eq!(other_version(&format!("stoa:executor/driver@{version}")), None);
        }
        assert_eq!(other_version("wasi:cli/run@0.2.0"), None);
        let said = |name: &str| other_version(name).unwrap();
        assert_eq!(
            said("stoa:executor/events@0.2.0"),
            "stoa:executor/events@0.2.0, which is newer: this Stoa speaks \
             stoa:executor/events@0.1.0; rebuild it with the WIT of this Stoa; \
             stoa inspect shows it"
        );
        assert!(said("stoa:executor/driver@1.0.0").contains("which is newer"));
        assert!(said("stoa:executor/driver@0.0.9").contains("which is older"));
        assert!(said("stoa:executor/driver@0.1").starts_with("stoa:executor/driver@0.1: this"));
        assert!(said("stoa:executor/driver").contains("names no version"));
    }
}
