//! The agent's one loop: receive, step, record, deliver. It owns the core; all others send it
//! messages. It never decides anything.

use futures_util::FutureExt;
use stoa_agent_core::{Action, Agent, Input, Record};
use stoa_executor_host::log_path;
use stoa_machine::{Artifacts, Clock};
use stoa_model::agent_link::{Call, Event};
use stoa_model::ids::{FrameworkId, TaskId};
use stoa_protocol::link::{AgentPeer, Link, LinkInput};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::hosts::Hosts;
use crate::limits::CALLS_WAITING_MAX;
use crate::logs;
use crate::service::Places;
use crate::transfers::{fetched, published};

/// The loop and all it owns.
pub struct MainLoop {
    /// Who decides.
    pub core: Agent,
    /// Where records become durable.
    pub checkpoint: Checkpoint,
    /// The time.
    pub clock: Clock,
    /// Where things are on disk.
    pub places: Places,
    /// The agent's own artifacts.
    pub artifacts: Artifacts,
    /// The executor hosts.
    pub hosts: Hosts,
    /// Told the agent's id whenever the master has greeted it.
    pub registered: watch::Sender<Option<String>>,
    /// The stream to the master.
    pub link: Link<AgentPeer>,
    /// Fetches, uploads and reads under way; each ends with what the core is told, if anything.
    pub errands: JoinSet<Option<Input>>,
    /// Why the agent is over, once it is.
    pub ended: Option<String>,
}

impl MainLoop {
    /// Delivers what the first step wants, and runs until it fails, is dropped, or the master says
    /// that the agent is gone for ever: then it answers why.
    ///
    /// # Errors
    /// [`CheckpointError`] if a record cannot be made durable: then nothing that relies on it was
    /// done.
    pub async fn run(mut self, first: Vec<Action>) -> Result<String, CheckpointError> {
        let mut inputs = Vec::new();
        self.deliver(first, &mut inputs).await;
        loop {
            if inputs.is_empty() {
                inputs = self.wait().await;
                self.add_what_is_there(&mut inputs);
            }
            let mut actions = Vec::new();
            for input in inputs.drain(..) {
                self.core.step(self.clock.now(), input, &mut actions);
            }
            record(&mut self.checkpoint, &self.core, &mut actions).await?;
            self.deliver(actions, &mut inputs).await;
            if let Some(why) = self.ended {
                return Ok(why);
            }
        }
    }

    /// Does what the core wants; what happens meanwhile is added to `inputs`.
    async fn deliver(&mut self, actions: Vec<Action>, inputs: &mut Vec<Input>) {
        for action in actions {
            match action {
                Action::Connect => self.link.open(),
                Action::Disconnect => self.link.close(),
                Action::ToMaster(call) => self.send(call, inputs),
                Action::ToHost(command) => self.hosts.send(command, inputs).await,
                Action::HostTaken { framework, host, number } => {
                    self.hosts.taken(&framework, (host, number));
                }
                Action::HostForgotten { framework } => self.hosts.forget(&framework),
                Action::Fetch(digest) => {
                    let errand =
                        fetched(self.link.search().clone(), self.artifacts.clone(), digest);
                    self.errands.spawn(async { Some(errand.await) });
                }
                Action::Publish { framework, task, archives } => {
                    let (search, store) = (self.link.search().clone(), self.artifacts.clone());
                    let errand = published(search, store, (framework, task), archives);
                    self.errands.spawn(async { Some(errand.await) });
                }
                Action::ReadLog { request, framework, log } => {
                    let path = log_path(&self.places.sandboxes, &framework, &log.task, log.stream);
                    self.errands.spawn_blocking(move || {
                        let piece = logs::read(&path, log.offset, log.bytes_max);
                        Some(Input::LogRead { request, piece })
                    });
                }
                Action::RemoveSandbox { framework, task } => self.remove(&framework, &task),
                Action::Warn(warning) => tracing::warn!("{warning}"),
                Action::End(why) => self.ended = Some(why),
                Action::Record(_) => unreachable!("records were taken out before the delivery"),
            }
        }
    }

    /// Has a call ready for the stream; a stream that does not take them any more is given up.
    fn send(&mut self, call: Call, inputs: &mut Vec<Input>) {
        self.link.send(call);
        if self.link.waiting() > CALLS_WAITING_MAX {
            tracing::warn!("the master does not read what it is told; connecting anew");
            self.link.close();
            inputs.push(Input::Disconnected);
        }
    }

    fn remove(&mut self, framework: &FrameworkId, task: &TaskId) {
        let path = self.places.sandboxes.join(framework.as_str()).join(task.as_str());
        self.errands.spawn_blocking(move || {
            match std::fs::remove_dir_all(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    tracing::warn!(path = %path.display(), %error, "a sandbox cannot be removed");
                }
                _ => {}
            }
            None
        });
    }

    /// Waits for what happens next.
    async fn wait(&mut self) -> Vec<Input> {
        let deadline = self.core.next_deadline().map(|at| self.clock.wake_at(at));
        tokio::select! {
            inputs = self.hosts.wait() => inputs,
            input = self.link.next(true) => self.heard(input),
            Some(done) = self.errands.join_next(), if !self.errands.is_empty() => {
                done.expect("an errand does not panic").into_iter().collect()
            }
            () = sleep_until(deadline) => vec![Input::Tick],
        }
    }

    /// Adds what has come from the other side meanwhile, so that one commit serves both.
    fn add_what_is_there(&mut self, inputs: &mut Vec<Input>) {
        self.hosts.add_what_is_there(inputs);
        if let Some(input) = self.link.next(true).now_or_never() {
            inputs.extend(self.heard(input));
        }
    }

    fn heard(&mut self, input: LinkInput<Event>) -> Vec<Input> {
        match input {
            LinkInput::Opened => {
                let master = self.link.search().led().unwrap_or_default();
                tracing::debug!(master, "a stream to the master is open");
                vec![Input::Connected]
            }
            LinkInput::Events(events) => {
                for event in &events {
                    if let Event::Registered(welcome) | Event::Reregistered(welcome) = event {
                        tracing::info!(agent = %welcome.agent, "registered");
                        self.registered.send_replace(Some(welcome.agent.to_string()));
                    }
                }
                events.into_iter().map(Input::Master).collect()
            }
            LinkInput::Ended => {
                tracing::info!("the master has ended the stream");
                vec![Input::Disconnected]
            }
            LinkInput::Closed(why) => {
                tracing::info!(why, "no stream to the master");
                vec![Input::Disconnected]
            }
        }
    }
}

/// Makes the round's records durable, all in one transaction, before anything is delivered.
///
/// # Errors
/// [`CheckpointError`] if the disk refuses.
pub async fn record(
    checkpoint: &mut Checkpoint,
    core: &Agent,
    actions: &mut Vec<Action>,
) -> Result<(), CheckpointError> {
    let is_record = |action: &mut Action| matches!(action, Action::Record(_));
    let records: Vec<Record> = actions
        .extract_if(.., is_record)
        .filter_map(|action| match action {
            Action::Record(record) => Some(record),
            _ => None,
        })
        .collect();
    if records.is_empty() {
        return Ok(());
    }
    checkpoint.commit(&records).await?;
    if checkpoint.is_long() {
        checkpoint.replace(&core.kept().snapshot()).await?;
    }
    Ok(())
}

async fn sleep_until(deadline: Option<std::time::Instant>) {
    match deadline {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
