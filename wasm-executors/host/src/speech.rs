//! What an executor says to people: the lines that it logs or prints. They go to the log of the
//! agent, within bounds, and the last of them are kept for the case that it is lost.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use stoa_model::ids::{ExecutorId, FrameworkId};
use stoa_model::operator::LogStream;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use crate::limits::{
    EXECUTOR_LINE_BYTES_MAX, EXECUTOR_LINES_PER_SECOND_MAX, LAST_WORDS_BYTES_MAX,
    OUTPUT_WRITE_BYTES_MAX,
};

/// What one executor says to people.
pub(crate) struct Speech {
    framework: FrameworkId,
    executor: ExecutorId,
    said: Mutex<Said>,
}

#[derive(Default)]
struct Said {
    /// Of stdout and stderr, what no line break has followed yet.
    unfinished: [Vec<u8>; 2],
    last: LastWords,
    pace: Pace,
}

impl Speech {
    pub(crate) fn new(framework: FrameworkId, executor: ExecutorId) -> Self {
        Self { framework, executor, said: Mutex::default() }
    }

    /// One line, which may hold anything.
    pub(crate) fn say(&self, line: &str) {
        self.tell(&mut self.said(), line);
    }

    /// The end of one stream that its executor writes to.
    pub(crate) fn stream(self: &Arc<Self>, stream: LogStream) -> SpeechStream {
        SpeechStream { speech: Arc::clone(self), stream }
    }

    /// What was said last, in one line; none if nothing was said.
    pub(crate) fn last_words(&self) -> Option<String> {
        let mut said = self.said();
        for unfinished in std::mem::take(&mut said.unfinished) {
            self.tell(&mut said, &String::from_utf8_lossy(&unfinished));
        }
        let last = std::mem::take(&mut said.last.0);
        (!last.is_empty()).then_some(last)
    }

    fn write(&self, stream: LogStream, bytes: &[u8]) {
        let mut said = self.said();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let unfinished = &mut said.unfinished[stream as usize];
            let room = EXECUTOR_LINE_BYTES_MAX.saturating_sub(unfinished.len());
            // One byte more than a line may have, so that it is seen to be cut.
            unfinished.extend_from_slice(&piece[..piece.len().min(room + 1)]);
            if piece.ends_with(b"\n") {
                let line = std::mem::take(unfinished);
                self.tell(&mut said, &String::from_utf8_lossy(&line));
            }
        }
    }

    fn tell(&self, said: &mut Said, line: &str) {
        let line = line.trim_end();
        if line.is_empty() {
            return;
        }
        let line = plain(line);
        said.last.push(&line);
        let (framework, executor) = (&self.framework, &self.executor);
        let Some(left_out) = said.pace.next(Instant::now()) else { return };
        if left_out > 0 {
            tracing::warn!(%framework, %executor, left_out, "executor says too much");
        }
        tracing::info!(%framework, %executor, line, "executor says");
    }

    fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A line within its bound, in which nothing can move a cursor or turn the text around.
fn plain(line: &str) -> String {
    let mut plain = String::new();
    for character in line.chars() {
        let turns = matches!(character, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        match character.is_control() || turns {
            true => plain.extend(character.escape_default()),
            false => plain.push(character),
        }
        if plain.len() > EXECUTOR_LINE_BYTES_MAX {
            plain.truncate(plain.floor_char_boundary(EXECUTOR_LINE_BYTES_MAX - '…'.len_utf8()));
            plain.push('…');
            break;
        }
    }
    plain
}

/// The last lines, one after the other.
#[derive(Default)]
struct LastWords(String);

impl LastWords {
    fn push(&mut self, line: &str) {
        if !self.0.is_empty() {
            self.0.push_str(" | ");
        }
        self.0.push_str(line);
        if self.0.len() > LAST_WORDS_BYTES_MAX {
            let from = self.0.len() - LAST_WORDS_BYTES_MAX + '…'.len_utf8();
            self.0.replace_range(..self.0.ceil_char_boundary(from), "…");
        }
    }
}

/// How many lines were written lately.
#[derive(Default)]
struct Pace {
    since: Option<Instant>,
    lines: u32,
    left_out: u64,
}

impl Pace {
    /// Whether one more line may be written; then, how many were left out before it.
    fn next(&mut self, now: Instant) -> Option<u64> {
        let is_over = |since: Instant| now.duration_since(since) >= Duration::from_secs(1);
        if self.since.is_none_or(is_over) {
            (self.since, self.lines) = (Some(now), 0);
        }
        if self.lines >= EXECUTOR_LINES_PER_SECOND_MAX {
            self.left_out += 1;
            return None;
        }
        self.lines += 1;
        Some(std::mem::take(&mut self.left_out))
    }
}

/// One of the streams of an executor. It takes everything at once.
#[derive(Clone)]
pub(crate) struct SpeechStream {
    speech: Arc<Speech>,
    stream: LogStream,
}

impl IsTerminal for SpeechStream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for SpeechStream {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for SpeechStream {
    async fn ready(&mut self) {}
}

impl OutputStream for SpeechStream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.speech.write(self.stream, &bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(OUTPUT_WRITE_BYTES_MAX)
    }
}

/// For WASI 0.3, which is not linked; the trait wants it all the same.
impl AsyncWrite for SpeechStream {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.speech.write(self.stream, bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn speech() -> Arc<Speech> {
        let framework = FrameworkId::new("f").unwrap();
        Arc::new(Speech::new(framework, ExecutorId::new("e").unwrap()))
    }

    #[test]
    fn lines_of_both_streams_and_of_the_log_are_kept_in_order() {
        let speech = speech();
        assert_eq!(speech.last_words(), None);
        speech.write(LogStream::Stdout, b"one\n\ntw");
        speech.write(LogStream::Stderr, b"three\n");
        speech.say("four\nstill four\u{1b}[2J");
        speech.write(LogStream::Stdout, b"o");
        assert_eq!(speech.last_words().unwrap(), r"one | three | four\nstill four\u{1b}[2J | two");
        assert_eq!(speech.last_words(), None, "they are told once");
    }

    #[test]
    fn however_much_is_said_little_is_kept() {
        let speech = speech();
        speech.write(LogStream::Stdout, &vec![b'x'; 10 * EXECUTOR_LINE_BYTES_MAX]);
        let unfinished = speech.said().unfinished[0].len();
        assert_eq!(unfinished, EXECUTOR_LINE_BYTES_MAX + 1);
        for _ in 0..1_000 {
            speech.write(LogStream::Stdout, "\nein längerer Satz".as_bytes());
        }
        let last = speech.last_words().unwrap();
        assert!(last.len() <= LAST_WORDS_BYTES_MAX, "{}", last.len());
        assert!(last.starts_with('…') && last.ends_with("| ein längerer Satz"), "{last}");
        assert!(plain(&"\u{202e}".repeat(10_000)).len() <= EXECUTOR_LINE_BYTES_MAX);
    }

    #[test]
    fn lines_beyond_the_pace_are_counted_and_left_out() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        for _ in 0..EXECUTOR_LINES_PER_SECOND_MAX {
            assert_eq!(pace.next(start), Some(0));
        }
        assert_eq!((pace.next(start), pace.next(start)), (None, None));
        assert_eq!(pace.next(start + Duration::from_secs(1)), Some(2));
    }
}
