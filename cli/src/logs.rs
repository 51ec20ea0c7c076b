//! `stoa logs`, and what `stoa run` prints of its task: both outputs, followed to their ends. It
//! never holds more than a piece of them.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use stoa_model::limits::CHUNK_BYTES_MAX;
use stoa_model::operator::{LogRequest, LogStream, TaskName};
use tokio::io::{AsyncWrite, AsyncWriteExt};

use crate::cluster::{Cluster, rich};
use crate::config::{Logs, Output};
use crate::failure::Failure;
use crate::lists::unprinted;
use crate::table::print_json;

/// Prints what a task has written to its stdout and stderr, each to ours.
///
/// # Errors
/// [`Failure`] if the master knows no such task, its agent is away, or the master is gone.
pub async fn logs(arguments: Logs, output: Output) -> Result<(), Failure> {
    let cluster = Cluster::find(arguments.at.master.as_deref()).await?;
    let until = if arguments.follow { Until::TaskIsOver } else { Until::Now };
    match output {
        Output::Table => print(&cluster, &arguments.task, until).await,
        Output::Json => {
            let (stdout, stderr) = (JsonLines { stream: "stdout" }, JsonLines { stream: "stderr" });
            let stdout = copy(&cluster, &arguments.task, LogStream::Stdout, until, stdout);
            let stderr = copy(&cluster, &arguments.task, LogStream::Stderr, until, stderr);
            tokio::try_join!(stdout, stderr).map(|_| ())
        }
    }
}

/// Prints each piece of a log as one line of JSON: which output, and the text of the piece.
struct JsonLines {
    stream: &'static str,
}

impl AsyncWrite for JsonLines {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        let text = String::from_utf8_lossy(data);
        let printed = print_json(&serde_json::json!({ "stream": self.stream, "data": text }));
        Poll::Ready(printed.map(|()| data.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// How often a log is asked for again while the master or the agent is away, and how long after.
/// Together half a minute: a master that is restarted is back long before.
const RETRIES_MAX: u32 = 100;
const RETRY_AFTER: Duration = Duration::from_millis(300);

/// How far a log is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// What stands there now.
    Now,
    /// Everything the task ever writes.
    TaskIsOver,
}

/// Prints both outputs of a task at the same time.
///
/// # Errors
/// [`Failure`] as for [`logs`].
pub async fn print(cluster: &Cluster, task: &TaskName, until: Until) -> Result<(), Failure> {
    let stdout = copy(cluster, task, LogStream::Stdout, until, tokio::io::stdout());
    let stderr = copy(cluster, task, LogStream::Stderr, until, tokio::io::stderr());
    tokio::try_join!(stdout, stderr).map(|_| ())
}

/// Copies one output of a task to `sink`; answers how many bytes it was. Who follows a task to its
/// end also waits, for a while, for a master or an agent that is away.
///
/// # Errors
/// [`Failure`] as for [`logs`].
pub async fn copy(
    cluster: &Cluster,
    task: &TaskName,
    stream: LogStream,
    until: Until,
    mut sink: impl AsyncWrite + Unpin,
) -> Result<u64, Failure> {
    let (mut offset, mut failures) = (0, 0);
    loop {
        let log = LogRequest {
            task: task.task.clone(),
            stream,
            offset,
            bytes_max: CHUNK_BYTES_MAX as u32,
            wait: until == Until::TaskIsOver,
        };
        let chunk = match cluster.read_log(task, &log).await {
            Ok(chunk) => chunk,
            Err(error) if until == Until::Now || failures >= RETRIES_MAX => {
                return Err(rich(error));
            }
            // Unknown from the start is a mistake; later it is a master that waits for its agents.
            Err(error) if offset == 0 && failures == 0 && error.reason == "TASK_UNKNOWN" => {
                return Err(rich(error));
            }
            Err(_) => {
                failures += 1;
                tokio::time::sleep(RETRY_AFTER).await;
                continue;
            }
        };
        failures = 0;
        offset += chunk.data.len() as u64;
        if !chunk.data.is_empty() {
            sink.write_all(&chunk.data).await.map_err(unprinted)?;
            sink.flush().await.map_err(unprinted)?;
        }
        let is_all_there_is = chunk.data.is_empty() && until == Until::Now;
        if chunk.is_end || is_all_there_is {
            return Ok(offset);
        }
    }
}
