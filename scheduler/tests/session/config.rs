//! What these tests take from the environment. It never changes what they demand.

/// Whether transcripts are to be written anew instead of compared: `STOA_REWRITE=1`.
pub fn rewrites() -> bool {
    std::env::var_os("STOA_REWRITE").is_some()
}
