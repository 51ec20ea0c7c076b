//! The head of the host: it takes the agent's commands in order and hands each to the executor it
//! is for, which it starts if need be. It never waits for a guest.

use std::collections::BTreeMap;
use std::sync::Arc;

use stoa_model::host::{Command, Event};
use stoa_model::ids::{AgentId, ExecutorId, FrameworkId};
use stoa_model::status::Reason;
use stoa_model::task::{ExecutorInfo, TaskInfo, TaskState};
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::task::JoinHandle;

use crate::birth::{Birth, Inbox};
use crate::end::End;
use crate::executor::Input;
use crate::life::live;
use crate::limits::{EXECUTOR_INPUTS_WAITING_MAX, FRAMEWORK_EXECUTORS_MAX};
use crate::site::Site;
use crate::slices::{Cause, Leash};
use crate::speech::Speech;
use crate::tasks::change;
use crate::voice::Voice;

/// The id of the built-in executor in every framework.
const BUILT_IN_ID: &str = "command";

/// From executors to the dispatcher.
pub(crate) enum Note {
    /// An executor has had nothing to do for a while.
    Idle {
        framework: FrameworkId,
        executor: ExecutorId,
        /// Which of those that have had this name.
        number: u64,
        /// How many inputs it has had so far.
        inputs_taken: u64,
        /// What to say of its end; none is nothing.
        message: Option<String>,
    },
}

/// An executor as the dispatcher knows it.
struct Handle {
    info: Option<ExecutorInfo>,
    inbox: mpsc::Sender<Input>,
    inputs_sent: u64,
    number: u64,
    voice: Voice,
    leash: Arc<Leash>,
    life: JoinHandle<()>,
}

/// The head of the host.
pub(crate) struct Dispatcher {
    site: Arc<Site>,
    built_in: ExecutorId,
    frameworks: BTreeMap<FrameworkId, BTreeMap<ExecutorId, Handle>>,
    executors_started: u64,
    to_self: mpsc::Sender<Note>,
    notes: mpsc::Receiver<Note>,
}

impl Dispatcher {
    pub(crate) fn new(site: Arc<Site>) -> Self {
        let (to_self, notes) = mpsc::channel(FRAMEWORK_EXECUTORS_MAX);
        let built_in = ExecutorId::new(BUILT_IN_ID).expect("it is a plain word");
        let (frameworks, executors_started) = (BTreeMap::new(), 0);
        Self { site, built_in, frameworks, executors_started, to_self, notes }
    }

    /// Obeys until nobody commands any more; then everything is stopped without a word.
    pub(crate) async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        loop {
            tokio::select! {
                command = commands.recv() => match command {
                    Some(command) => self.on_command(command).await,
                    None => break,
                },
                Some(note) = self.notes.recv() => self.on_note(note).await,
            }
        }
        for handle in self.frameworks.values().flat_map(BTreeMap::values) {
            handle.leash.stop(Cause::Abandoned);
        }
    }

    async fn on_command(&mut self, command: Command) {
        match command {
            Command::Launch { framework, agent, task } => {
                self.on_launch(framework, agent, task).await;
            }
            // A framework has few executors here, and each knows its own tasks.
            Command::Kill { framework, task, policy } => {
                self.hand_to_all(&framework, || Input::Kill(task.clone(), policy));
            }
            Command::SetPaused { framework, task, is_paused } => {
                self.hand_to_all(&framework, || Input::SetPaused(task.clone(), is_paused));
            }
            Command::Acknowledge { framework, task, .. } => {
                self.hand_to_all(&framework, || Input::Acknowledge(task.clone()));
            }
            Command::Message { framework, executor, data } => {
                self.hand_to(&framework, &executor, Input::Message(data));
            }
            Command::Shutdown { framework, executor, grace_ms } => {
                self.hand_to(&framework, &executor, Input::Shutdown { grace_ms });
            }
            Command::RemoveFramework { framework } => self.on_remove_framework(&framework),
            Command::Reregistered { agent } => {
                for handle in self.frameworks.values_mut().flat_map(BTreeMap::values_mut) {
                    // See `hand_to`.
                    let _ = handle.hand(Input::Reregistered(agent.clone()));
                }
            }
        }
    }

    async fn on_launch(&mut self, framework: FrameworkId, agent: AgentId, task: Box<TaskInfo>) {
        if let Err((state, end)) = self.check(&framework, &task) {
            return self.refuse(&framework, &task, state, end).await;
        }
        let info = task.executor().cloned();
        let id = info.as_ref().map_or(&self.built_in, |info| &info.id).clone();
        let mut input = Input::Launch(task);
        let known = self.frameworks.entry(framework.clone()).or_default().remove(&id);
        let mut handle = match known {
            Some(handle) => handle,
            None => self.start(&framework, &id, agent.clone(), info.clone()),
        };
        let refused = loop {
            match handle.hand(input) {
                Ok(()) => break None,
                Err(unsent) if handle.inbox.is_closed() => {
                    // It is past its last event; what it still says must come first. If it
                    // panicked, it has said that itself.
                    let _ = handle.life.await;
                    handle = self.start(&framework, &id, agent.clone(), info.clone());
                    input = unsent;
                }
                Err(unsent) => break Some(unsent),
            }
        };
        self.frameworks.entry(framework.clone()).or_default().insert(id, handle);
        if let Some(Input::Launch(task)) = refused {
            let end = End::new(Reason::ExecutorLost, "its executor does not keep up");
            self.refuse(&framework, &task, TaskState::Failed, end).await;
        }
    }

    fn check(&self, framework: &FrameworkId, task: &TaskInfo) -> Result<(), (TaskState, End)> {
        let Some(info) = task.executor() else { return Ok(()) };
        let invalid = |message| Err((TaskState::Error, End::new(Reason::TaskInvalid, message)));
        if info.id == self.built_in {
            return invalid(format!("the executor id {BUILT_IN_ID} is Stoa's own"));
        }
        let executors = self.frameworks.get(framework);
        match executors.and_then(|executors| executors.get(&info.id)) {
            Some(handle) if handle.inbox.is_closed() || handle.info.as_ref() == Some(info) => {
                Ok(())
            }
            Some(_) => {
                invalid(format!("the executor {} lives here with another description", info.id))
            }
            None if executors.map_or(0, BTreeMap::len) >= FRAMEWORK_EXECUTORS_MAX => {
                let message = format!("{FRAMEWORK_EXECUTORS_MAX} executors of the framework live");
                Err((TaskState::Dropped, End::new(Reason::AgentRefused, message)))
            }
            None => Ok(()),
        }
    }

    /// The built-in executor is ours and runs here; others are guests and run where guests run.
    fn start(
        &mut self,
        framework: &FrameworkId,
        executor: &ExecutorId,
        agent: AgentId,
        info: Option<ExecutorInfo>,
    ) -> Handle {
        self.executors_started += 1;
        let number = self.executors_started;
        let (inbox, inputs) = mpsc::channel(EXECUTOR_INPUTS_WAITING_MAX);
        let leash = Arc::new(Leash::default());
        let voice = Voice::new(self.site.events.clone());
        let birth = Birth {
            site: Arc::clone(&self.site),
            framework: framework.clone(),
            executor: executor.clone(),
            agent,
            info: info.clone(),
            inbox: Inbox::new(inputs),
            voice: voice.clone(),
            speech: Arc::new(Speech::new(framework.clone(), executor.clone())),
            to_dispatcher: self.to_self.clone(),
            number,
        };
        let runtime = match info {
            None => &self.site.work,
            Some(_) => &self.site.guests,
        };
        let life = runtime.spawn(live(birth, Arc::clone(&leash)));
        Handle { info, inbox, inputs_sent: 0, number, voice, leash, life }
    }

    /// The agent counts on the end of an executor whose task it has handed over.
    async fn refuse(&self, framework: &FrameworkId, task: &TaskInfo, state: TaskState, end: End) {
        let change = change(framework, task, state, end);
        // Nobody listens only when the host ends.
        let _ = self.site.events.send(Event::Update(change)).await;
        let Some(info) = task.executor() else { return };
        let executors = self.frameworks.get(framework);
        let lives = executors.is_some_and(|executors| executors.contains_key(&info.id));
        if info.id == self.built_in || !lives {
            let (framework, executor) = (framework.clone(), info.id.clone());
            let message = "it was not started".to_owned();
            let event = Event::ExecutorEnded { framework, executor, message };
            let _ = self.site.events.send(event).await;
        }
    }

    fn hand_to(&mut self, framework: &FrameworkId, executor: &ExecutorId, input: Input) {
        let executors = self.frameworks.get_mut(framework);
        if let Some(handle) = executors.and_then(|executors| executors.get_mut(executor)) {
            // Who is gone or lost says so itself, and its tasks are over.
            let _ = handle.hand(input);
        }
    }

    fn hand_to_all(&mut self, framework: &FrameworkId, input: impl Fn() -> Input) {
        let executors = self.frameworks.get_mut(framework);
        for handle in executors.into_iter().flat_map(BTreeMap::values_mut) {
            // See `hand_to`.
            let _ = handle.hand(input());
        }
    }

    /// From here on nothing is said of the framework. Its own executors have a short grace, and the
    /// built-in one needs none.
    fn on_remove_framework(&mut self, framework: &FrameworkId) {
        for mut handle in self.frameworks.remove(framework).into_iter().flatten().map(|it| it.1) {
            handle.voice.silence();
            if handle.info.is_none() || handle.hand(Input::Remove).is_err() {
                handle.leash.stop(Cause::Abandoned);
            }
        }
    }

    /// An executor without anything to do ends when its inbox is gone.
    async fn on_note(&mut self, note: Note) {
        let Note::Idle { framework, executor, number, inputs_taken, message } = note;
        let Some(executors) = self.frameworks.get_mut(&framework) else { return };
        let is_idle = |it: &Handle| it.number == number && it.inputs_sent == inputs_taken;
        if !executors.get(&executor).is_some_and(is_idle) {
            return;
        }
        let handle = executors.remove(&executor);
        if executors.is_empty() {
            self.frameworks.remove(&framework);
        }
        if let (Some(handle), Some(message)) = (handle, message) {
            handle.voice.say(Event::ExecutorEnded { framework, executor, message }).await;
        }
    }
}

impl Handle {
    /// Hands over without waiting; gives back what could not be handed over.
    fn hand(&mut self, input: Input) -> Result<(), Input> {
        match self.inbox.try_send(input) {
            Ok(()) => {
                self.inputs_sent += 1;
                Ok(())
            }
            Err(TrySendError::Full(input)) => {
                self.leash.stop(Cause::TimedOut);
                Err(input)
            }
            Err(TrySendError::Closed(input)) => Err(input),
        }
    }
}
