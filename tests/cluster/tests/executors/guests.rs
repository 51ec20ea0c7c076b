//! The guests of these tests, as paths for a command line. It never runs any.

use stoa_harness::house;

/// The executor that does what the data of its tasks says.
pub fn clerk() -> String {
    committed("tests/cluster/guests/clerk.wasm")
}

/// A file of the clone.
pub fn committed(path: &str) -> String {
    let path = house::root().join(path);
    assert!(path.is_file(), "there is no {}", path.display());
    path.display().to_string()
}

/// An executor in its outlines only: of a world version that nobody speaks yet.
pub fn from_the_future() -> Vec<u8> {
    let source = r#"(component
        (instance $events)
        (export "stoa:executor/events@0.9.0" (instance $events)))"#;
    wat::parse_str(source).expect("the text above is a component")
}
