//! Binds a measurement to some of the machine's cores. It never measures anything.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::failure::{Failure, code};

/// From here on this thread, and all that it starts, have only the first `cores` of the cores that
/// it had.
///
/// # Errors
/// [`Failure`] if there are not so many, or the system refuses.
pub fn bind(cores: u32) -> Result<(), Failure> {
    let refused = |error: rustix::io::Errno| {
        Failure::new(
            code::FAILURE,
            format!("cannot bind the measurement to {cores} cores: {error}"),
        )
    };
    let had = sched_getaffinity(None).map_err(refused)?;
    let first: Vec<_> =
        (0..CpuSet::MAX_CPU).filter(|core| had.is_set(*core)).take(cores as usize).collect();
    if first.len() < cores as usize {
        let message = format!("cannot measure on {cores} cores: there are {}", first.len());
        let hint = format!("--cores {}", first.len());
        return Err(Failure::new(code::FAILURE, message).hint(hint));
    }
    let mut bound = CpuSet::new();
    first.into_iter().for_each(|core| bound.set(core));
    sched_setaffinity(None, &bound).map_err(refused)
}
