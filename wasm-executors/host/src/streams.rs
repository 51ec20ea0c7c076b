//! The standard streams of a container, as WASI wants them. It never opens anything and never holds
//! a byte itself.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use rustix::io::Errno;
use stoa_model::operator::LogStream;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi::cli::{AsyncStdinStream, IsTerminal, StdinStream, StdoutStream};
use wasmtime_wasi::p2::{InputStream, OutputStream, Pollable, StreamError, StreamResult};

use crate::output::Output;
use crate::pipes::{NoReader, PipeReader, PipeWriter, Unwritten};

/// Where the stdin of a container comes from.
#[derive(Default)]
pub(crate) enum Feed {
    /// There is nothing to read.
    #[default]
    Empty,
    /// What the executor hands over.
    Executor(DuplexStream),
    /// A file that is open for reading.
    File(std::fs::File),
    Pipe(PipeReader),
}

/// The ends that a container holds of its streams; they are gone when its store is.
#[derive(Default)]
pub(crate) struct Ends {
    pub(crate) stdin: Feed,
    /// The pipes that stdout and stderr go into; what has none goes to its `Output`.
    pub(crate) pipes: [Option<Arc<PipeWriter>>; 2],
}

impl Ends {
    /// Hands everything to a guest in the making.
    pub(crate) fn apply(self, wasi: &mut WasiCtxBuilder, output: &Output, is_module: bool) {
        match self.stdin {
            Feed::Empty => {}
            Feed::Executor(stream) => drop(wasi.stdin(AsyncStdinStream::new(stream))),
            Feed::File(file) => {
                let file = tokio::fs::File::from_std(file);
                wasi.stdin(AsyncStdinStream::new(file));
            }
            Feed::Pipe(reader) => drop(wasi.stdin(PipeInput(Arc::new(reader)))),
        }
        let [stdout, stderr] = self.pipes;
        match stdout {
            Some(writer) => wasi.stdout(PipeOutput { writer, is_module }),
            None => wasi.stdout(output.stream(LogStream::Stdout)),
        };
        match stderr {
            Some(writer) => wasi.stderr(PipeOutput { writer, is_module }),
            None => wasi.stderr(output.stream(LogStream::Stderr)),
        };
    }
}

/// A pipe as stdin.
#[derive(Clone)]
struct PipeInput(Arc<PipeReader>);

/// A pipe as stdout or stderr.
#[derive(Clone)]
struct PipeOutput {
    writer: Arc<PipeWriter>,
    /// A module knows no closed streams, only error numbers.
    is_module: bool,
}

impl PipeOutput {
    /// The engine would tell a module EIO, but libraries know EPIPE.
    fn closed(&self) -> StreamError {
        match self.is_module {
            true => StreamError::LastOperationFailed(broken_pipe().into()),
            false => StreamError::Closed,
        }
    }
}

fn broken_pipe() -> io::Error {
    io::Error::from(Errno::PIPE)
}

impl IsTerminal for PipeInput {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl IsTerminal for PipeOutput {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdinStream for PipeInput {
    fn async_stream(&self) -> Box<dyn AsyncRead + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn InputStream> {
        Box::new(self.clone())
    }
}

impl StdoutStream for PipeOutput {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for PipeInput {
    async fn ready(&mut self) {
        poll_fn(|context| self.0.poll_bytes(context)).await;
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for PipeOutput {
    async fn ready(&mut self) {
        poll_fn(|context| self.writer.poll_room(context)).await;
    }
}

impl InputStream for PipeInput {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        self.0.take(size).map(Bytes::from).ok_or(StreamError::Closed)
    }
}

impl OutputStream for PipeOutput {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.writer.write(&bytes).map_err(|error| match error {
            Unwritten::NoReader => self.closed(),
            Unwritten::TooMuch => StreamError::trap("wrote more than check-write allowed"),
        })
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        self.writer.room().map_err(|NoReader| self.closed())
    }
}

/// For WASI 0.3, which is not linked; the trait wants it all the same.
impl AsyncRead for PipeInput {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.0.poll_bytes(context));
        let taken = self.0.take(buffer.remaining()).unwrap_or_default();
        buffer.put_slice(&taken);
        Poll::Ready(Ok(()))
    }
}

/// For WASI 0.3, which is not linked; the trait wants it all the same.
impl AsyncWrite for PipeOutput {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.writer.poll_room(context));
        let room = self.writer.room().map_err(|NoReader| broken_pipe())?;
        let taken = bytes.len().min(room);
        let written = self.writer.write(&bytes[..taken]);
        Poll::Ready(written.map(|()| taken).map_err(|_| broken_pipe()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
