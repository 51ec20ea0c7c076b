//! Bugs that can be planted in the cores, the session and the simulator, to prove that the checkers
//! find them. It never plants one by itself, and in ordinary builds it cannot: [`is_planted`] is
//! then the constant `false`, and what asks it is compiled away.
//!
//! A build with the feature `planted` holds all of them; which one is there is said for a thread,
//! by `plant`. Only the tests of the simulator switch the feature on; `tests/tidy` sees to that.

mod bug;

pub use bug::Bug;

/// Whether this bug is planted in this thread: never in an ordinary build.
#[cfg(not(feature = "planted"))]
pub const fn is_planted(_: Bug) -> bool {
    false
}

#[cfg(feature = "planted")]
thread_local! {
    static PLANTED: std::cell::Cell<Option<Bug>> = const { std::cell::Cell::new(None) };
}

/// Whether this bug is planted in this thread.
#[cfg(feature = "planted")]
pub fn is_planted(bug: Bug) -> bool {
    PLANTED.get() == Some(bug)
}

/// Plants a bug in this thread, instead of the one before; none takes that away.
#[cfg(feature = "planted")]
pub fn plant(bug: Option<Bug>) {
    PLANTED.set(bug);
}
