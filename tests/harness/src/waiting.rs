//! Waiting for what a test cannot be told of: by looking again and again, never by sleeping for as
//! long as it might take.

use std::time::{Duration, Instant};

/// The longest that anything which a test waits for may take. Machines under load are slow; what
/// takes longer hangs.
pub const LIMIT: Duration = Duration::from_secs(30);

/// The time between two looks.
const PAUSE: Duration = Duration::from_millis(5);

/// Looks until `look` answers with a value; otherwise it answers what it sees instead.
///
/// # Panics
/// After [`LIMIT`], with what was seen last.
#[track_caller]
pub fn wait_until<T>(what: &str, mut look: impl FnMut() -> Result<T, String>) -> T {
    match look_until(Instant::now() + LIMIT, &mut look) {
        Ok(value) => value,
        Err(seen) => panic!("waited {LIMIT:?} in vain until {what}; seen last: {seen}"),
    }
}

/// Looks until there is a value or `deadline` is over; then answers what was seen last.
///
/// # Errors
/// What was seen last.
pub fn look_until<T>(
    deadline: Instant,
    look: &mut impl FnMut() -> Result<T, String>,
) -> Result<T, String> {
    loop {
        match look() {
            Ok(value) => return Ok(value),
            Err(seen) if Instant::now() >= deadline => return Err(seen),
            Err(_) => std::thread::sleep(PAUSE),
        }
    }
}
