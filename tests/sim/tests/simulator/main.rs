//! Whole clusters: many seeds with faults, the same seed twice, and transcripts that people can
//! read. `transcripts/` holds those; `src/stage.rs` says which commands there are.

#![expect(clippy::unwrap_used, reason = "all of this is tests; clippy knows only their functions")]

mod config;
mod processes;
mod seeds;
mod transcripts;
