//! The flags of `stoa sim`. It never acts on them.

use clap::Args;

/// `stoa sim`.
#[derive(Debug, Args)]
pub struct Sim {
    /// How many clusters to play, each drawn from a seed of its own.
    #[arg(long, value_name = "N", default_value_t = 1_000,
          value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    pub seeds: u64,
    /// How many times something goes wrong in each; then all must come to rest.
    #[arg(long, value_name = "M", default_value_t = 25,
          value_parser = clap::value_parser!(u64).range(0..=100_000))]
    pub faults: u64,
    /// The first seed; the others follow it. The same seed and faults give the same transcript.
    #[arg(long, value_name = "S", default_value_t = 0)]
    pub first_seed: u64,
}
