//! A master in a transcript: the world it lives in, the language of its inputs and of its actions.

pub mod names;
pub mod parse;
pub mod parse_agent;
pub mod print;
pub mod world;
