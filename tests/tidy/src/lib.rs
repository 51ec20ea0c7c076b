//! The rules of the house that no compiler and no clippy lint holds: each is a file of `rules`,
//! with what it refuses, what is allowed and how to mend it. It never changes what it reads.
//!
//! Every rule has two kinds of tests: one reads the whole tree, the others plant bad text and want
//! it found. What a rule must let pass stands in its table of exceptions with the reason; an
//! exception that matches nothing any more fails as a finding does.

pub mod house;
pub mod manifest;
pub mod paths;
pub mod rooms;
pub mod rule;
pub mod rules;
pub mod tokens;
