//! What `stoa run` prints: the task's own outputs as they come, or one JSON value at the end. It
//! never mixes the two.

use serde_json::json;
use stoa_model::ids::TaskId;
use stoa_model::operator::{LogStream, TaskName};
use stoa_model::status::TaskStatus;
use stoa_model::task::TaskState;
use tokio::task::JoinSet;

use crate::cluster::Cluster;
use crate::config;
use crate::failure::Failure;
use crate::lists::unprinted;
use crate::logs::{Until, copy, print};
use crate::table::print_json;
use crate::view::StatusView;

/// Where the outputs of one task go.
pub struct Output {
    format: config::Output,
    following: JoinSet<Result<Option<(String, String)>, Failure>>,
    is_following: bool,
    collected: (String, String),
}

impl Output {
    /// Nothing is followed yet.
    pub fn new(format: config::Output) -> Self {
        Self {
            format,
            following: JoinSet::new(),
            is_following: false,
            collected: (String::new(), String::new()),
        }
    }

    /// Follows the task's outputs to their ends; a second call changes nothing.
    pub fn follow(&mut self, cluster: &Cluster, task: TaskName) {
        if std::mem::replace(&mut self.is_following, true) {
            return;
        }
        let cluster = cluster.clone();
        match self.format {
            config::Output::Table => self.following.spawn(async move {
                print(&cluster, &task, Until::TaskIsOver).await.map(|()| None)
            }),
            config::Output::Json => self.following.spawn(async move {
                let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
                let until = Until::TaskIsOver;
                tokio::try_join!(
                    copy(&cluster, &task, LogStream::Stdout, until, &mut stdout),
                    copy(&cluster, &task, LogStream::Stderr, until, &mut stderr),
                )?;
                let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
                Ok(Some((text(stdout), text(stderr))))
            }),
        };
    }

    /// Waits until everything is printed or collected.
    ///
    /// # Errors
    /// [`Failure`] if the outputs cannot be read or printed.
    pub async fn finish(&mut self) -> Result<(), Failure> {
        while let Some(done) = self.following.join_next().await {
            if let Some(collected) = done.expect("following a log does not panic")? {
                self.collected = collected;
            }
        }
        Ok(())
    }

    /// Prints the name of a task that goes on alone.
    ///
    /// # Errors
    /// [`Failure`] if standard output refuses.
    pub fn say_detached(&self, task: &TaskId) -> Result<(), Failure> {
        let printed = match self.format {
            config::Output::Json => print_json(&json!({ "task": task.as_str() })),
            config::Output::Table => {
                use std::io::Write;
                writeln!(std::io::stdout(), "{task}")
            }
        };
        printed.map_err(unprinted)
    }

    /// Prints how the task ended: for programs all of it, for people what an executor has answered.
    ///
    /// # Errors
    /// [`Failure`] if standard output refuses.
    pub fn say_over(&self, status: &TaskStatus) -> Result<(), Failure> {
        if self.format == config::Output::Table {
            return match status.state {
                TaskState::Finished => print_bytes(&status.data).map_err(unprinted),
                _ => Ok(()),
            };
        }
        let mut value = serde_json::to_value(StatusView::from(status))
            .expect("a view has string keys only and always serializes");
        value["stdout"] = json!(self.collected.0);
        value["stderr"] = json!(self.collected.1);
        print_json(&value).map_err(unprinted)
    }
}

/// As they are: what an executor answers may be no text.
fn print_bytes(bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}
