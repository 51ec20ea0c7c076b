//! Waits that differ, so that those who wait for the same thing do not come at the same time. It
//! draws nothing: what looks random depends on its arguments alone.

use crate::instant::Instant;

/// So many milliseconds, from 0 to `most_ms`, for who has this seed.
pub const fn jitter_ms(seed: u64, now: Instant, most_ms: u64) -> u64 {
    mixed(seed ^ now.ms) % most_ms.saturating_add(1)
}

/// Source: Steele and others, SplitMix64.
const fn mixed(seed: u64) -> u64 {
    let mut bits = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_differs_and_has_a_bound() {
        let all: std::collections::BTreeSet<u64> =
            (0..100).map(|seed| jitter_ms(seed, Instant::from_ms(7), 999)).collect();
        assert!(all.len() > 80 && all.iter().all(|ms| *ms < 1_000), "{all:?}");
        assert_eq!(jitter_ms(5, Instant::from_ms(7), 0), 0);
        assert!(jitter_ms(5, Instant::from_ms(7), u64::MAX) < u64::MAX);
    }
}
