//! What these tests take from the environment. It never changes what they demand.

/// Tells a process that it is the other of two.
pub const MARKS: &str = "STOA_SIM_MARKS";

/// Whether transcripts are to be written anew instead of compared: `STOA_REWRITE=1`.
pub fn rewrites() -> bool {
    std::env::var_os("STOA_REWRITE").is_some()
}

/// Whether this process only says what it has seen.
pub fn marks() -> bool {
    std::env::var_os(MARKS).is_some()
}
