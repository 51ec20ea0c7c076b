//! `primes N`: how many primes are below N.
//!
//! A segmented sieve of Eratosthenes over the odd numbers: its memory grows with the square root of
//! N, and its time with N, so a larger N makes a task that is busy for longer.

use std::env::args;
use std::process::ExitCode;

/// Long work, and the primes up to its square root still fit in a few megabytes.
const N_MAX: u64 = 1_000_000_000_000;

/// Odd numbers looked at together, a byte each: few enough to stay in the nearest cache.
const SEGMENT_ODDS: usize = 32 * 1024;

fn main() -> ExitCode {
    let arguments: Vec<String> = args().skip(1).collect();
    let [text] = arguments.as_slice() else {
        eprintln!("usage: primes N");
        return ExitCode::from(2);
    };
    match text.parse() {
        Ok(n) if n <= N_MAX => {
            println!("{}", count_primes_below(n));
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!("primes: N must be a whole number from 0 to {N_MAX}, not {text:?}");
            ExitCode::from(2)
        }
    }
}

/// A prime of the sieve, and its next odd multiple, as an index into the segment at hand.
struct Striker {
    prime: usize,
    next: usize,
}

fn count_primes_below(n: u64) -> u64 {
    // Index i stands for 2i + 1. The loop does not see 2, and takes 1 for a prime: they cancel out.
    if n <= 2 {
        return 0;
    }
    let odds = n / 2;
    let mut strikers: Vec<Striker> = odd_primes_up_to(n.isqrt())
        .into_iter()
        .map(|prime| Striker {
            prime,
            next: prime + prime / 2,
        })
        .collect();
    let mut is_composite = vec![false; SEGMENT_ODDS];
    let mut primes = 0;
    let mut first = 0;
    while first < odds {
        let length = (odds - first).min(SEGMENT_ODDS as u64) as usize;
        let segment = &mut is_composite[..length];
        segment.fill(false);
        for striker in &mut strikers {
            strike(segment, striker);
        }
        primes += segment.iter().filter(|&&composite| !composite).count() as u64;
        first += length as u64;
    }
    primes
}

/// Strikes out the multiples in this segment, and moves on to the next one.
fn strike(segment: &mut [bool], striker: &mut Striker) {
    let mut index = striker.next;
    while index < segment.len() {
        segment[index] = true;
        index += striker.prime;
    }
    striker.next = index - segment.len();
}

/// The plain sieve, for the primes that strike: `limit` is at most a million.
fn odd_primes_up_to(limit: u64) -> Vec<usize> {
    let limit = limit as usize;
    let mut is_composite = vec![false; limit + 1];
    let mut primes = Vec::new();
    for number in (3..=limit).step_by(2) {
        if !is_composite[number] {
            primes.push(number);
            for multiple in (3 * number..=limit).step_by(2 * number) {
                is_composite[multiple] = true;
            }
        }
    }
    primes
}
