//! The code of the guide, so that `cargo test` compiles and runs what it shows. It owns nothing
//! else.

#![doc = include_str!("../../../../docs/writing-executors.md")]
