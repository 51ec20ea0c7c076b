//! Pipes between the containers of one task: what writers write waits, within a bound, until the
//! reader takes it. Whoever waits is woken; nobody asks again and again.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::limits::{PIPE_BYTES_MAX, PIPE_WRITE_BYTES_MAX};

/// A pipe as its executor holds it, to attach containers.
#[derive(Default)]
pub(crate) struct Pipe(Arc<Shared>);

#[derive(Default)]
struct Shared(Mutex<Inside>);

#[derive(Default)]
struct Inside {
    bytes: VecDeque<u8>,
    writers: usize,
    reader: Reader,
    /// No further container is attached.
    closed: bool,
    /// Those who wait for a change.
    waiting: Vec<Waker>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Reader {
    /// There may be one later.
    #[default]
    Expected,
    Reads,
    /// There is none and never will be.
    Gone,
}

/// Nobody reads: what is written is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoReader;

/// More was written at once than `poll_room` allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unwritten {
    NoReader,
    TooMuch,
}

/// The end of one container that reads. The pipe has no reader any more when it is dropped.
pub(crate) struct PipeReader(Arc<Shared>);

/// The end of one container that writes. The pipe has a writer less when it is dropped.
pub(crate) struct PipeWriter(Arc<Shared>);

impl Pipe {
    /// Whether it has or had a reader. It cannot have another.
    pub(crate) fn has_reader(&self) -> bool {
        self.0.inside().reader != Reader::Expected
    }

    /// Attaches who reads; none if it has a reader already.
    pub(crate) fn attach_reader(&self) -> Option<PipeReader> {
        let mut inside = self.0.inside();
        if inside.reader != Reader::Expected {
            return None;
        }
        inside.reader = Reader::Reads;
        Some(PipeReader(Arc::clone(&self.0)))
    }

    /// Attaches who writes.
    pub(crate) fn attach_writer(&self) -> PipeWriter {
        self.0.inside().writers += 1;
        PipeWriter(Arc::clone(&self.0))
    }
}

/// Who forgets a pipe attaches nobody any more.
impl Drop for Pipe {
    fn drop(&mut self) {
        self.0.change(|inside| {
            inside.closed = true;
            if inside.reader == Reader::Expected {
                inside.lose_reader();
            }
        });
    }
}

impl PipeReader {
    /// Takes up to `bytes_max` of what is there: no bytes if there are none now, none at the end.
    pub(crate) fn take(&self, bytes_max: usize) -> Option<Vec<u8>> {
        let inside = self.0.inside();
        if inside.bytes.is_empty() && inside.is_at_end() {
            return None;
        }
        drop(inside);
        let taken = self.0.change(|inside| {
            let length = inside.bytes.len().min(bytes_max);
            inside.bytes.drain(..length).collect()
        });
        Some(taken)
    }

    /// Ready when there are bytes or the end is reached.
    pub(crate) fn poll_bytes(&self, context: &mut Context<'_>) -> Poll<()> {
        self.0.poll(context, |inside| !inside.bytes.is_empty() || inside.is_at_end())
    }
}

impl Drop for PipeReader {
    fn drop(&mut self) {
        self.0.change(Inside::lose_reader);
    }
}

impl PipeWriter {
    /// Bytes that one write may have now.
    pub(crate) fn room(&self) -> Result<usize, NoReader> {
        self.0.inside().room()
    }

    /// Appends. Writers that saw the same room may all use it, so there is a little more than it.
    pub(crate) fn write(&self, bytes: &[u8]) -> Result<(), Unwritten> {
        self.0.change(|inside| {
            if inside.reader == Reader::Gone {
                return Err(Unwritten::NoReader);
            }
            let bytes_max = PIPE_BYTES_MAX + inside.writers * PIPE_WRITE_BYTES_MAX;
            if inside.bytes.len() + bytes.len() > bytes_max {
                return Err(Unwritten::TooMuch);
            }
            inside.bytes.extend(bytes);
            Ok(())
        })
    }

    /// Ready when there is room or no reader.
    pub(crate) fn poll_room(&self, context: &mut Context<'_>) -> Poll<()> {
        self.0.poll(context, |inside| inside.room() != Ok(0))
    }
}

impl Drop for PipeWriter {
    fn drop(&mut self) {
        self.0.change(|inside| inside.writers -= 1);
    }
}

impl Shared {
    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes it, and wakes those who wait after the lock is free.
    fn change<T>(&self, change: impl FnOnce(&mut Inside) -> T) -> T {
        let mut inside = self.inside();
        let changed = change(&mut inside);
        let waiting = std::mem::take(&mut inside.waiting);
        drop(inside);
        waiting.into_iter().for_each(Waker::wake);
        changed
    }

    fn poll(&self, context: &mut Context<'_>, ready: impl FnOnce(&Inside) -> bool) -> Poll<()> {
        let mut inside = self.inside();
        if ready(&inside) {
            return Poll::Ready(());
        }
        if !inside.waiting.iter().any(|waker| waker.will_wake(context.waker())) {
            inside.waiting.push(context.waker().clone());
        }
        Poll::Pending
    }
}

impl Inside {
    fn is_at_end(&self) -> bool {
        self.closed && self.writers == 0
    }

    fn lose_reader(&mut self) {
        self.reader = Reader::Gone;
        self.bytes = VecDeque::new();
    }

    fn room(&self) -> Result<usize, NoReader> {
        match self.reader {
            Reader::Gone => Err(NoReader),
            Reader::Expected | Reader::Reads => {
                Ok(PIPE_BYTES_MAX.saturating_sub(self.bytes.len()).min(PIPE_WRITE_BYTES_MAX))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Polls as one who waits; answers whether it is ready.
    struct Waits(Arc<Count>, Waker);

    impl Waits {
        fn new() -> Self {
            let count = Arc::new(Count::default());
            let waker = Waker::from(Arc::clone(&count));
            Self(count, waker)
        }

        fn polls(&self, poll: impl FnOnce(&mut Context<'_>) -> Poll<()>) -> bool {
            poll(&mut Context::from_waker(&self.1)).is_ready()
        }

        fn woken(&self) -> usize {
            self.0.0.load(Ordering::Relaxed)
        }
    }

    fn fill(writer: &PipeWriter) {
        while let Ok(room @ 1..) = writer.room() {
            assert_eq!(writer.write(&vec![b'x'; room]), Ok(()));
        }
    }

    #[test]
    fn bytes_come_in_order_and_the_end_after_the_last_writer() {
        let pipe = Pipe::default();
        let reader = pipe.attach_reader().unwrap();
        assert!(pipe.attach_reader().is_none(), "a pipe has one reader");
        let waits = Waits::new();
        assert!(!waits.polls(|context| reader.poll_bytes(context)));
        assert_eq!(reader.take(9), Some(Vec::new()), "not the end: there may be writers yet");
        let writers = [pipe.attach_writer(), pipe.attach_writer()];
        assert_eq!(writers[0].write(b"one "), Ok(()));
        assert_eq!(writers[1].write(b"two"), Ok(()));
        assert!(waits.woken() > 0);
        assert_eq!(reader.take(5), Some(b"one t".to_vec()));
        let [first, second] = writers;
        drop((first, pipe));
        assert_eq!(reader.take(9), Some(b"wo".to_vec()));
        assert_eq!(reader.take(9), Some(Vec::new()));
        let woken = waits.woken();
        assert!(!waits.polls(|context| reader.poll_bytes(context)));
        drop(second);
        assert!(waits.woken() > woken);
        assert!(waits.polls(|context| reader.poll_bytes(context)));
        assert_eq!(reader.take(9), None);
    }

    #[test]
    fn a_full_pipe_lets_its_writers_wait_and_is_bounded() {
        let pipe = Pipe::default();
        let writer = pipe.attach_writer();
        fill(&writer);
        let waits = Waits::new();
        for _ in 0..3 {
            assert!(!waits.polls(|context| writer.poll_room(context)));
        }
        assert_eq!(writer.write(&[0; PIPE_WRITE_BYTES_MAX]), Ok(()), "as if it was allowed before");
        assert_eq!(writer.write(b"x"), Err(Unwritten::TooMuch));
        let reader = pipe.attach_reader().unwrap();
        assert_eq!(waits.woken(), 0);
        let taken = reader.take(usize::MAX).unwrap();
        assert_eq!(taken.len(), PIPE_BYTES_MAX + PIPE_WRITE_BYTES_MAX);
        assert!(waits.woken() > 0);
        assert!(waits.polls(|context| writer.poll_room(context)));
    }

    #[test]
    fn who_writes_without_a_reader_is_told() {
        let pipe = Pipe::default();
        let (writer, reader) = (pipe.attach_writer(), pipe.attach_reader().unwrap());
        fill(&writer);
        let waits = Waits::new();
        assert!(!waits.polls(|context| writer.poll_room(context)));
        drop(reader);
        assert!(waits.woken() > 0);
        assert!(waits.polls(|context| writer.poll_room(context)));
        assert_eq!((writer.room(), writer.write(b"x")), (Err(NoReader), Err(Unwritten::NoReader)));
        assert!(pipe.has_reader() && pipe.attach_reader().is_none());
        let closed = Pipe::default();
        let writer = closed.attach_writer();
        assert_eq!(writer.write(b"x"), Ok(()), "a reader may come");
        drop(closed);
        assert_eq!(writer.write(b"x"), Err(Unwritten::NoReader), "none can come any more");
    }
}
