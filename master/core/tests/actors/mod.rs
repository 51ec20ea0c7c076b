//! Those who speak to a master in the random test, and the world they do it in.

pub mod agent;
pub mod scheduler;
pub mod world;
