//! `stoa logs`, and what `stoa run` prints of its task: both outputs, followed to their ends. It
//! never holds more than a piece of them.

use std::time::Duration;

use stoa_model::limits::CHUNK_BYTES_MAX;
use stoa_model::operator::{LogRequest, LogStream, TaskName};
use tokio::io::{AsyncWrite, AsyncWriteExt};

use crate::cluster::Cluster;
use crate::config::Logs;
use crate::failure::Failure;
use crate::lists::unprinted;

/// Prints what a task has written to its stdout and stderr, each to ours.
///
/// # Errors
/// [`Failure`] if the master knows no such task, its agent is away, or the master is gone.
pub async fn logs(arguments: Logs) -> Result<(), Failure> {
    let cluster = Cluster::find(arguments.at.master.as_deref()).await?;
    let until = if arguments.follow { Until::TaskIsOver } else { Until::Now };
    print(&cluster, &arguments.task, until).await
}

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

/// Copies one output of a task to `sink`; answers how many bytes it was.
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
    let mut offset = 0;
    loop {
        let log = LogRequest {
            task: task.task.clone(),
            stream,
            offset,
            bytes_max: CHUNK_BYTES_MAX as u32,
            wait: until == Until::TaskIsOver,
        };
        let chunk = cluster.read_log(task, &log).await?;
        offset += chunk.data.len() as u64;
        sink.write_all(&chunk.data).await.map_err(unprinted)?;
        sink.flush().await.map_err(unprinted)?;
        let is_all_there_is = chunk.data.is_empty() && until == Until::Now;
        if chunk.is_end || is_all_there_is {
            return Ok(offset);
        }
        if chunk.data.is_empty() {
            // The agent has waited in vain; this keeps a broken one from spinning.
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}
