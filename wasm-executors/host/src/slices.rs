//! The leash of a running guest: its future is polled a slice at a time, and between two slices it
//! can be stopped, paused and counted. It never knows what the guest is.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use tokio::time::{Instant, Sleep, sleep_until};

/// Why a guest was stopped from outside. The first cause stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Cause {
    /// As asked.
    Killed = 1,
    /// Its time is over.
    TimedOut,
    /// It wrote more than granted.
    OutputExceeded,
    /// Its sandbox holds more than granted.
    DiskExceeded,
    /// Its log cannot be written.
    LogFailed,
    /// A file that its output goes into cannot be written.
    FileFailed,
    /// Nobody wants to know about it any more.
    Abandoned,
}

impl Cause {
    const ALL: [Self; 7] = [
        Self::Killed,
        Self::TimedOut,
        Self::OutputExceeded,
        Self::DiskExceeded,
        Self::LogFailed,
        Self::FileFailed,
        Self::Abandoned,
    ];
}

/// How a future ended that did not end by itself.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// It was stopped.
    Stopped(Cause),
    /// The host's own code panicked in it.
    Panicked(String),
}

/// What the guest's future and those who hold it share.
#[derive(Default)]
pub(crate) struct Leash {
    cause: AtomicU8,
    /// Its executor lets it wait.
    paused: AtomicBool,
    /// Its task is frozen, whatever its executor wants.
    frozen: AtomicBool,
    /// Whether the future asked to be polled again while it was polled: then it used up a slice.
    woken: AtomicBool,
    slices: AtomicU64,
    memory_peak_bytes: AtomicU64,
    deadlines: AtomicBool,
    deadline: Mutex<Option<(Instant, Cause)>>,
    waker: Mutex<Option<Waker>>,
}

impl Leash {
    /// Stops the guest at its next slice, or at once if it waits.
    pub(crate) fn stop(&self, cause: Cause) {
        let first =
            self.cause.compare_exchange(0, cause as u8, Ordering::AcqRel, Ordering::Relaxed);
        if first.is_ok() {
            self.wake_holder();
        }
    }

    /// Stops the guest at `at`, unless it is to be stopped before.
    pub(crate) fn stop_at(&self, at: Instant, cause: Cause) {
        let mut deadline = self.deadline.lock().unwrap_or_else(PoisonError::into_inner);
        if deadline.is_none_or(|(earlier, _)| at < earlier) {
            *deadline = Some((at, cause));
            drop(deadline);
            self.deadlines.store(true, Ordering::Release);
            self.wake_holder();
        }
    }

    /// Takes back what `stop_at` said.
    pub(crate) fn clear_deadline(&self) {
        *self.deadline.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.deadlines.store(false, Ordering::Release);
    }

    /// Why the guest was stopped, if it was.
    pub(crate) fn cause(&self) -> Option<Cause> {
        let cause = self.cause.load(Ordering::Acquire);
        Cause::ALL.into_iter().find(|known| *known as u8 == cause)
    }

    /// Whether the guest runs when it can.
    pub(crate) fn pause(&self, paused: bool) {
        self.paused.store(paused, Ordering::Release);
        self.wake_holder();
    }

    /// Whether the guest's task is frozen; it then does not run, whatever `pause` says.
    pub(crate) fn freeze(&self, frozen: bool) {
        self.frozen.store(frozen, Ordering::Release);
        self.wake_holder();
    }

    fn is_held(&self) -> bool {
        self.paused.load(Ordering::Acquire) || self.frozen.load(Ordering::Acquire)
    }

    /// Slices that the guest has used up.
    pub(crate) fn slices(&self) -> u64 {
        self.slices.load(Ordering::Relaxed)
    }

    /// The most bytes that the guest held at one time.
    pub(crate) fn memory_peak_bytes(&self) -> u64 {
        self.memory_peak_bytes.load(Ordering::Relaxed)
    }

    /// Notes that the guest holds so many bytes.
    pub(crate) fn note_memory_bytes(&self, bytes: u64) {
        self.memory_peak_bytes.fetch_max(bytes, Ordering::Relaxed);
    }

    fn deadline(&self) -> Option<(Instant, Cause)> {
        if !self.deadlines.load(Ordering::Acquire) {
            return None;
        }
        *self.deadline.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake_holder(&self) {
        let waker = self.waker.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn hold(&self, waker: &Waker) {
        let mut held = self.waker.lock().unwrap_or_else(PoisonError::into_inner);
        match held.as_mut() {
            Some(held) => held.clone_from(waker),
            None => *held = Some(waker.clone()),
        }
    }
}

/// The guest's future wakes the leash, and the leash wakes who polls it.
impl Wake for Leash {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        self.wake_holder();
    }
}

/// `future` on a leash. What it borrows is free again when it was cut.
pub(crate) fn sliced<F: Future>(leash: &Arc<Leash>, future: F) -> Sliced<F> {
    Sliced {
        leash: Arc::clone(leash),
        waker: Waker::from(Arc::clone(leash)),
        future: Box::pin(future),
        alarm: None,
    }
}

/// See [`sliced`].
pub(crate) struct Sliced<F> {
    leash: Arc<Leash>,
    waker: Waker,
    future: Pin<Box<F>>,
    alarm: Option<Pin<Box<Sleep>>>,
}

impl<F: Future> Sliced<F> {
    fn poll_slice(&mut self) -> Poll<Result<F::Output, Cut>> {
        self.leash.woken.store(false, Ordering::Release);
        let mut context = Context::from_waker(&self.waker);
        let polled = catch_unwind(AssertUnwindSafe(|| self.future.as_mut().poll(&mut context)));
        match polled {
            Ok(Poll::Ready(output)) => return Poll::Ready(Ok(output)),
            Ok(Poll::Pending) if self.leash.woken.load(Ordering::Acquire) => {
                self.leash.slices.fetch_add(1, Ordering::Relaxed);
            }
            Ok(Poll::Pending) => {}
            Err(panic) => return Poll::Ready(Err(Cut::Panicked(panic_text(panic.as_ref())))),
        }
        Poll::Pending
    }

    /// Whether the deadline is over; if not, makes sure to be polled then.
    fn poll_deadline(&mut self, context: &mut Context<'_>) -> Option<Cause> {
        let (at, cause) = self.leash.deadline()?;
        if Instant::now() >= at {
            self.leash.stop(cause);
            return self.leash.cause();
        }
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(at)));
        if alarm.deadline() != at {
            alarm.as_mut().reset(at);
        }
        // Over or not, the deadline was read above; this only sets the alarm.
        if alarm.as_mut().poll(context).is_ready() {
            context.waker().wake_by_ref();
        }
        None
    }
}

impl<F: Future> Future for Sliced<F> {
    type Output = Result<F::Output, Cut>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.leash.hold(context.waker());
        if let Some(cause) = self.leash.cause() {
            return Poll::Ready(Err(Cut::Stopped(cause)));
        }
        if !self.leash.is_held()
            && let Poll::Ready(ended) = self.poll_slice()
        {
            return Poll::Ready(ended);
        }
        match self.poll_deadline(context).or_else(|| self.leash.cause()) {
            Some(cause) => Poll::Ready(Err(Cut::Stopped(cause))),
            None => Poll::Pending,
        }
    }
}

/// What a panic says of itself.
pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "without a message".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn leash() -> Arc<Leash> {
        Arc::new(Leash::default())
    }

    /// Uses up slices for ever.
    async fn spin() {
        loop {
            tokio::task::yield_now().await;
        }
    }

    /// Like a guest: wakes itself within its poll.
    struct Spin;

    impl Future for Spin {
        type Output = ();
        fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
            context.waker().wake_by_ref();
            Poll::Pending
        }
    }

    #[tokio::test]
    async fn a_future_that_ends_by_itself_gives_its_value() {
        assert_eq!(sliced(&leash(), async { 7 }).await, Ok(7));
    }

    #[tokio::test]
    async fn a_panic_is_an_end_like_others() {
        let cut = sliced(&leash(), async { panic!("boom") }).await;
        assert_eq!(cut, Err::<(), _>(Cut::Panicked("boom".to_owned())));
    }

    #[tokio::test]
    async fn who_waits_or_spins_is_stopped_and_the_first_cause_stands() {
        for leash in [leash(), leash()] {
            let held = Arc::clone(&leash);
            let waits =
                tokio::spawn(async move { sliced(&held, std::future::pending::<()>()).await });
            tokio::task::yield_now().await;
            leash.stop(Cause::OutputExceeded);
            leash.stop(Cause::Killed);
            assert_eq!(waits.await.unwrap(), Err(Cut::Stopped(Cause::OutputExceeded)));
        }
        let leash = leash();
        let held = Arc::clone(&leash);
        let spins = tokio::spawn(async move { sliced(&held, spin()).await });
        tokio::task::yield_now().await;
        leash.stop(Cause::Killed);
        assert_eq!(spins.await.unwrap(), Err(Cut::Stopped(Cause::Killed)));
    }

    #[tokio::test]
    async fn the_earliest_deadline_stops_and_a_cleared_one_does_not() {
        let leash = leash();
        leash.stop_at(Instant::now() + Duration::from_secs(7_200), Cause::TimedOut);
        leash.stop_at(Instant::now() + Duration::from_millis(5), Cause::Killed);
        leash.stop_at(Instant::now() + Duration::from_secs(3_600), Cause::TimedOut);
        let cut = sliced(&leash, std::future::pending::<()>()).await;
        assert_eq!(cut, Err(Cut::Stopped(Cause::Killed)));
        let cleared = self::leash();
        cleared.stop_at(Instant::now(), Cause::TimedOut);
        cleared.clear_deadline();
        assert_eq!(sliced(&cleared, tokio::task::yield_now()).await, Ok(()));
    }

    #[tokio::test]
    async fn who_is_frozen_goes_on_only_when_thawed_and_can_be_stopped() {
        let leash = leash();
        leash.freeze(true);
        let held = Arc::clone(&leash);
        let spins = tokio::spawn(async move { sliced(&held, Spin).await });
        leash.pause(false);
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        assert_eq!(leash.slices(), 0, "its executor cannot let it go on");
        leash.freeze(false);
        while leash.slices() == 0 {
            tokio::task::yield_now().await;
        }
        leash.freeze(true);
        leash.stop(Cause::Killed);
        assert_eq!(spins.await.unwrap(), Err(Cut::Stopped(Cause::Killed)));
    }

    #[tokio::test]
    async fn who_is_paused_uses_no_slice() {
        let leash = leash();
        leash.pause(true);
        let held = Arc::clone(&leash);
        let spins = tokio::spawn(async move { sliced(&held, Spin).await });
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        assert_eq!(leash.slices(), 0);
        leash.pause(false);
        while leash.slices() < 10 {
            tokio::task::yield_now().await;
        }
        leash.stop(Cause::Killed);
        assert_eq!(spins.await.unwrap(), Err(Cut::Stopped(Cause::Killed)));
    }
}
