//! What a guest writes: a bounded buffer, drained in order into the task's log, to its executor and
//! into files. It never blocks a guest thread; a guest that writes faster than the disk waits.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use stoa_model::host::Event;
use stoa_model::ids::{FrameworkId, TaskId};
use stoa_model::operator::LogStream;
use tokio::io::AsyncWrite;
use tokio::runtime::Handle;
use tokio::sync::{Notify, mpsc};
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError, StreamResult};

use crate::executor::Note;
use crate::limits::{OUTPUT_BUFFER_BYTES_MAX, OUTPUT_WRITE_BYTES_MAX};
use crate::slices::{Cause, Leash};

/// The file that holds what a task has written.
pub fn log_path(
    sandboxes: &Path,
    framework: &FrameworkId,
    task: &TaskId,
    stream: LogStream,
) -> PathBuf {
    let name = match stream {
        LogStream::Stdout => "stdout",
        LogStream::Stderr => "stderr",
    };
    sandboxes.join(framework.as_str()).join(task.as_str()).join(name)
}

/// The log of one task, shared by all its containers. Nothing of it exists before the first byte.
pub(crate) struct Log {
    sandboxes: Arc<Path>,
    framework: FrameworkId,
    task: TaskId,
    files: Mutex<[Option<File>; 2]>,
    bytes: [AtomicU64; 2],
}

impl Log {
    pub(crate) fn new(sandboxes: Arc<Path>, framework: FrameworkId, task: TaskId) -> Self {
        let (files, bytes) = Default::default();
        Self { sandboxes, framework, task, files, bytes }
    }

    /// Appends. Called on threads that may block.
    fn append(&self, stream: LogStream, bytes: &[u8]) -> io::Result<()> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let file = match &mut files[stream as usize] {
            Some(file) => file,
            none => none.insert(self.open(stream)?),
        };
        file.write_all(bytes)?;
        self.bytes[stream as usize].fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    fn open(&self, stream: LogStream) -> io::Result<File> {
        let path = log_path(&self.sandboxes, &self.framework, &self.task, stream);
        if let Some(directory) = path.parent() {
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        }
        OpenOptions::new().append(true).create(true).mode(0o600).open(path)
    }

    fn grown(&self) -> Event {
        Event::Output {
            framework: self.framework.clone(),
            task: self.task.clone(),
            stdout_bytes: self.bytes[0].load(Ordering::Relaxed),
            stderr_bytes: self.bytes[1].load(Ordering::Relaxed),
        }
    }
}

/// Where one stream goes.
pub(crate) enum Route {
    /// To the log, to the executor, to both or nowhere; in any case it counts as output.
    Heard { by_log: bool, by_executor: bool },
    /// Into a file that is open for appending. It counts as disk.
    File(Arc<File>),
}

/// Where the output of one container goes.
pub(crate) struct Sink {
    /// Of stdout and of stderr.
    pub(crate) routes: [Route; 2],
    pub(crate) log: Option<Arc<Log>>,
    /// The executor that may want to see it, and the subtask it is of.
    pub(crate) executor: (mpsc::Sender<Note>, Option<TaskId>, u64),
    pub(crate) events: mpsc::Sender<Event>,
    /// Where the writer runs.
    pub(crate) work: Handle,
}

/// The output of one container.
#[derive(Clone)]
pub(crate) struct Output(Arc<Shared>);

struct Shared {
    sink: Sink,
    granted_bytes: u64,
    leash: Arc<Leash>,
    buffer: Mutex<Buffer>,
    drained: Notify,
}

#[derive(Default)]
struct Buffer {
    chunks: VecDeque<(LogStream, BytesMut)>,
    waiting_bytes: usize,
    written_bytes: u64,
    draining: bool,
}

impl Output {
    pub(crate) fn new(sink: Sink, granted_bytes: u64, leash: Arc<Leash>) -> Self {
        let (buffer, drained) = Default::default();
        Self(Arc::new(Shared { sink, granted_bytes, leash, buffer, drained }))
    }

    /// The guest's end of one stream.
    pub(crate) fn stream(&self, stream: LogStream) -> GuestStream {
        GuestStream { output: self.clone(), stream }
    }

    /// Bytes the guest has written so far.
    pub(crate) fn written_bytes(&self) -> u64 {
        self.buffer().written_bytes
    }

    /// Waits until all that was written is where it belongs.
    pub(crate) async fn finish(&self) {
        loop {
            let drained = self.0.drained.notified();
            if !self.buffer().draining {
                return;
            }
            drained.await;
        }
    }

    fn write(&self, stream: LogStream, bytes: &[u8]) -> StreamResult<()> {
        let mut buffer = self.buffer();
        // Both streams may have been allowed a write before either wrote.
        if buffer.waiting_bytes + bytes.len() > OUTPUT_BUFFER_BYTES_MAX + OUTPUT_WRITE_BYTES_MAX {
            return Err(StreamError::trap("wrote more than check-write allowed"));
        }
        let taken = match self.route(stream) {
            Route::File(_) => bytes.len(),
            Route::Heard { .. } => {
                let left = self.0.granted_bytes.saturating_sub(buffer.written_bytes);
                let taken = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                buffer.written_bytes += taken as u64;
                taken
            }
        };
        if self.route(stream).is_kept() {
            buffer.push(stream, &bytes[..taken]);
        }
        if !buffer.chunks.is_empty() && !buffer.draining {
            buffer.draining = true;
            self.0.sink.work.spawn(self.clone().drain());
        }
        drop(buffer);
        if taken < bytes.len() {
            self.0.leash.stop(Cause::OutputExceeded);
            return Err(StreamError::trap("more output than granted"));
        }
        Ok(())
    }

    fn route(&self, stream: LogStream) -> &Route {
        &self.0.sink.routes[stream as usize]
    }

    /// Bytes that one write may have now.
    fn room(&self) -> usize {
        let waiting = self.buffer().waiting_bytes;
        OUTPUT_BUFFER_BYTES_MAX.saturating_sub(waiting).min(OUTPUT_WRITE_BYTES_MAX)
    }

    async fn wait_for_room(&self) {
        loop {
            let drained = self.0.drained.notified();
            if self.room() > 0 {
                return;
            }
            drained.await;
        }
    }

    async fn drain(self) {
        loop {
            let chunks = {
                let mut buffer = self.buffer();
                buffer.waiting_bytes = 0;
                let chunks = std::mem::take(&mut buffer.chunks);
                buffer.draining = !chunks.is_empty();
                chunks
            };
            // Also when nothing is left: then whoever waits for the end goes on.
            self.0.drained.notify_waiters();
            if chunks.is_empty() {
                return;
            }
            self.deliver(chunks).await;
        }
    }

    async fn deliver(&self, chunks: VecDeque<(LogStream, BytesMut)>) {
        let sink = &self.0.sink;
        let chunks: Arc<[_]> = chunks.into_iter().map(|(s, bytes)| (s, bytes.freeze())).collect();
        if sink.routes.iter().any(Route::is_written) {
            let (output, written) = (self.clone(), Arc::clone(&chunks));
            let write = move || output.write_down(&written);
            let written = match sink.work.spawn_blocking(write).await {
                Ok(written) => written,
                Err(error) => Err((Cause::LogFailed, io::Error::other(error))),
            };
            match (written, &sink.log) {
                (Err((cause, error)), _) => self.on_failed(cause, &error),
                (Ok(true), Some(log)) => self.announce(log).await,
                (Ok(_), _) => {}
            }
        }
        let (executor, task, subtask) = &sink.executor;
        for (stream, bytes) in chunks.iter() {
            if matches!(self.route(*stream), Route::Heard { by_executor: true, .. }) {
                let is_stderr = *stream == LogStream::Stderr;
                let (task, subtask, data) = (task.clone(), *subtask, bytes.to_vec());
                // An executor that is gone has no use for it.
                let _ = executor.send(Note::Output { task, subtask, is_stderr, data }).await;
            }
        }
    }

    /// Writes what belongs into the log and into files, in order. Answers whether the log has
    /// grown. Blocks.
    fn write_down(&self, chunks: &[(LogStream, Bytes)]) -> Result<bool, (Cause, io::Error)> {
        let mut log_has_grown = false;
        for (stream, bytes) in chunks {
            match (self.route(*stream), &self.0.sink.log) {
                (Route::File(file), _) => {
                    let mut file = &**file;
                    file.write_all(bytes).map_err(|error| (Cause::FileFailed, error))?;
                }
                (Route::Heard { by_log: true, .. }, Some(log)) => {
                    log.append(*stream, bytes).map_err(|error| (Cause::LogFailed, error))?;
                    log_has_grown = true;
                }
                (Route::Heard { .. }, _) => {}
            }
        }
        Ok(log_has_grown)
    }

    async fn announce(&self, log: &Log) {
        if self.0.leash.cause() != Some(Cause::Abandoned) {
            // Nobody listens only when the host ends.
            let _ = self.0.sink.events.send(log.grown()).await;
        }
    }

    fn on_failed(&self, cause: Cause, error: &io::Error) {
        let (_, task, subtask) = &self.0.sink.executor;
        let task = task.as_ref().map(TaskId::as_str);
        tracing::error!(task, subtask, ?cause, %error, "cannot write what a subtask writes");
        self.0.leash.stop(cause);
    }

    fn buffer(&self) -> MutexGuard<'_, Buffer> {
        self.0.buffer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Route {
    /// Whether anybody wants to have it.
    fn is_kept(&self) -> bool {
        !matches!(self, Self::Heard { by_log: false, by_executor: false })
    }

    /// Whether it goes to the disk.
    fn is_written(&self) -> bool {
        matches!(self, Self::File(_) | Self::Heard { by_log: true, .. })
    }
}

impl Buffer {
    fn push(&mut self, stream: LogStream, bytes: &[u8]) {
        self.waiting_bytes += bytes.len();
        match self.chunks.back_mut() {
            // Many small writes become one chunk.
            Some((last, chunk)) if *last == stream => chunk.extend_from_slice(bytes),
            _ if bytes.is_empty() => {}
            _ => self.chunks.push_back((stream, BytesMut::from(bytes))),
        }
    }
}

/// One of the guest's two streams.
#[derive(Clone)]
pub(crate) struct GuestStream {
    output: Output,
    stream: LogStream,
}

impl IsTerminal for GuestStream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for GuestStream {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for GuestStream {
    async fn ready(&mut self) {
        self.output.wait_for_room().await;
    }
}

#[wasmtime_wasi::async_trait]
impl OutputStream for GuestStream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.output.write(self.stream, &bytes)
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(self.output.room())
    }
}

/// For WASI 0.3, which is not linked; the trait wants it all the same.
impl AsyncWrite for GuestStream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let room = self.output.room();
        if room == 0 {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let taken = bytes.len().min(room);
        match self.output.write(self.stream, &bytes[..taken]) {
            Ok(()) => Poll::Ready(Ok(taken)),
            Err(error) => Poll::Ready(Err(io::Error::other(error.to_string()))),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
