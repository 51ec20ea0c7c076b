//! The life of one executor from outside: what it is born with, what ends it, and what is said when
//! it is over. It never calls the executor.

use std::sync::Arc;

use stoa_model::host::Event;
use stoa_model::ids::{AgentId, ExecutorId, FrameworkId};
use stoa_model::status::Reason;
use stoa_model::task::{ExecutorInfo, TaskState};
use tokio::sync::mpsc;

use crate::compiler;
use crate::container::Walls;
use crate::dispatcher;
use crate::end::End;
use crate::executor::{Actor, Input};
use crate::limits::BUILT_IN_MEMORY_BYTES;
use crate::program::Program;
use crate::site::Site;
use crate::slices::{Cause, Cut, Leash, sliced};
use crate::tasks::change;

/// The component that runs tasks which name a program and no executor.
pub(crate) const BUILT_IN: &[u8] = include_bytes!("../../command.wasm");

/// What an executor is born with.
pub(crate) struct Birth {
    pub(crate) site: Arc<Site>,
    pub(crate) framework: FrameworkId,
    pub(crate) executor: ExecutorId,
    pub(crate) agent: AgentId,
    /// None is the built-in one.
    pub(crate) info: Option<ExecutorInfo>,
    pub(crate) inbox: mpsc::Receiver<Input>,
    pub(crate) to_dispatcher: mpsc::Sender<dispatcher::Note>,
}

/// Why an executor is over.
#[derive(Debug)]
pub(crate) enum Ending {
    /// It did what an executor must not do.
    Lost(String),
    /// It could not even start.
    NotStarted(End),
    /// As asked.
    ShutDown,
    /// As it asked itself.
    Stopped,
    /// Nobody wants to hear of it any more.
    Abandoned,
}

impl Ending {
    /// What becomes of the tasks that are not over.
    pub(crate) fn verdict(&self) -> (TaskState, End) {
        let end = match self {
            Self::NotStarted(end) => end.clone(),
            Self::ShutDown => {
                let end = End::new(Reason::KillRequested, "its executor was shut down");
                return (TaskState::Killed, end);
            }
            ending => End::new(Reason::ExecutorLost, ending.message()),
        };
        (TaskState::Failed, end)
    }

    fn message(&self) -> String {
        match self {
            Self::Lost(why) => format!("its executor is lost: {why}"),
            Self::NotStarted(end) => end.message.clone(),
            Self::ShutDown => "shut down as asked".to_owned(),
            Self::Stopped => "its executor has stopped itself".to_owned(),
            Self::Abandoned => String::new(),
        }
    }
}

/// Lives the life of one executor. `leash` ends it from outside: abandoned, it vanishes without a
/// word; for any other cause it is lost.
pub(crate) async fn live(mut birth: Birth, leash: Arc<Leash>) {
    let born = match sliced(&leash, Actor::start(&mut birth)).await {
        Ok(born) => born,
        Err(cut) => Err(ending_of(cut)),
    };
    let (mut actor, ending) = match born {
        Ok(mut actor) => {
            let ending = match sliced(&leash, actor.run(&mut birth)).await {
                Ok(ending) => ending,
                Err(cut) => ending_of(cut),
            };
            (Some(actor), ending)
        }
        Err(ending) => (None, ending),
    };
    if matches!(ending, Ending::Abandoned) {
        return;
    }
    let (framework, executor) = (&birth.framework, &birth.executor);
    tracing::info!(%framework, %executor, ?ending, "executor ends");
    if let Some(actor) = &mut actor {
        actor.end(&birth, &ending).await;
    }
    birth.end(&ending).await;
}

pub(crate) fn ending_of(cut: Cut) -> Ending {
    match cut {
        Cut::Stopped(Cause::Abandoned) => Ending::Abandoned,
        Cut::Stopped(_) => Ending::Lost("it does not keep up with its events".to_owned()),
        Cut::Panicked(text) => {
            tracing::error!(text, "the host panicked in an executor");
            Ending::Lost(format!("the host failed in it: {text}"))
        }
    }
}

impl Birth {
    /// Answers those who came too late, and says that it is over.
    async fn end(&mut self, ending: &Ending) {
        self.inbox.close();
        let (state, end) = ending.verdict();
        while let Some(input) = self.inbox.recv().await {
            if let Input::Launch(task) = input {
                let change = change(&self.framework, &task, state, end.clone());
                self.say(Event::Update(change)).await;
            }
        }
        if self.info.is_some() {
            let (framework, executor) = (self.framework.clone(), self.executor.clone());
            let message = ending.message();
            self.say(Event::ExecutorEnded { framework, executor, message }).await;
        }
    }

    pub(crate) async fn say(&self, event: Event) {
        // Nobody listens only when the host ends.
        let _ = self.site.events.send(event).await;
    }

    pub(crate) fn walls(&self) -> Walls {
        let memory_bytes =
            self.info.as_ref().map_or(BUILT_IN_MEMORY_BYTES, |info| info.resources.memory_bytes);
        let (fuel, wall_ms, output_bytes) = (None, None, 0);
        Walls { memory_bytes, fuel, wall_ms, output_bytes }
    }

    pub(crate) async fn program(&self) -> Result<Arc<Program>, End> {
        let compiler = &self.site.compiler;
        let phases = match &self.info {
            None => compiler.prepare_built_in(BUILT_IN),
            Some(info) => compiler.prepare(info.program),
        };
        compiler::ready(phases, |_| {}).await
    }
}
