//! The rules, one a file. It never knows what any of them refuses.

pub mod arrows;
pub mod clock;
pub mod decisions;
pub mod escapes;
pub mod flags;
pub mod glossary;
pub mod knowledge;
pub mod leftovers;
pub mod limits;
pub mod links;
pub mod lints;
pub mod manifests;
pub mod names;
pub mod places;
pub mod planted;
pub mod printing;
pub mod purity;
pub mod spawning;
