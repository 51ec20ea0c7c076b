//! What an executor is born with, and what waits for it: its code is made while its first tasks are
//! told how far that is. It never calls the executor.

use std::collections::VecDeque;
use std::sync::Arc;

use stoa_model::host::Event;
use stoa_model::ids::{AgentId, ExecutorId, FrameworkId, TaskId};
use stoa_model::size::Bytes;
use stoa_model::task::{ExecutorInfo, TaskInfo, TaskState};
use tokio::sync::{mpsc, watch};

use crate::compiler::{self, Phase};
use crate::container::Walls;
use crate::dispatcher;
use crate::end::End;
use crate::executor::Input;
use crate::life::Ending;
use crate::limits::{BUILT_IN_MEMORY_BYTES, EXECUTOR_INPUTS_WAITING_MAX};
use crate::program::Program;
use crate::site::Site;
use crate::speech::Speech;
use crate::tasks::{change, progress};
use crate::voice::Voice;

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
    pub(crate) inbox: Inbox,
    pub(crate) voice: Voice,
    pub(crate) speech: Arc<Speech>,
    pub(crate) to_dispatcher: mpsc::Sender<dispatcher::Note>,
    /// How the dispatcher knows it from others of the same name.
    pub(crate) number: u64,
}

/// What is for an executor, in order.
pub(crate) struct Inbox {
    inputs: mpsc::Receiver<Input>,
    /// Taken before the executor could hear of it.
    held: VecDeque<Input>,
    taken: u64,
}

impl Inbox {
    pub(crate) fn new(inputs: mpsc::Receiver<Input>) -> Self {
        Self { inputs, held: VecDeque::new(), taken: 0 }
    }

    /// The next input; none when there never will be one.
    pub(crate) async fn recv(&mut self) -> Option<Input> {
        match self.held.pop_front() {
            Some(input) => Some(input),
            None => self.fresh().await,
        }
    }

    /// The next input that is not held.
    pub(crate) async fn fresh(&mut self) -> Option<Input> {
        let input = self.inputs.recv().await?;
        self.taken += 1;
        Some(input)
    }

    /// Keeps an input for later.
    pub(crate) fn hold(&mut self, input: Input) {
        self.held.push_back(input);
    }

    /// Forgets what is held but tasks. Answers whether there is one.
    pub(crate) fn keep_launches(&mut self) -> bool {
        self.held.retain(|input| matches!(input, Input::Launch(_)));
        !self.held.is_empty()
    }

    /// How many inputs have come so far.
    pub(crate) fn taken(&self) -> u64 {
        self.taken
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.held.is_empty() && self.inputs.is_empty()
    }

    /// Nothing more comes in.
    pub(crate) fn close(&mut self) {
        self.inputs.close();
    }

    fn has_room(&self) -> bool {
        self.held.len() < EXECUTOR_INPUTS_WAITING_MAX
    }

    fn take_launch(&mut self, id: &TaskId) -> Option<Input> {
        let of_it = |input: &Input| matches!(input, Input::Launch(task) if task.id == *id);
        let at = self.held.iter().position(of_it)?;
        self.held.remove(at)
    }
}

impl Birth {
    pub(crate) async fn say(&self, event: Event) {
        self.voice.say(event).await;
    }

    pub(crate) fn walls(&self) -> Walls {
        let memory_bytes =
            self.info.as_ref().map_or(BUILT_IN_MEMORY_BYTES, |info| info.resources.memory_bytes);
        let (fuel, wall_ms, output_bytes) = (None, None, 0);
        Walls { memory_bytes, fuel, wall_ms, output_bytes }
    }

    /// The executor's code. All that it may start for itself is compiled by then.
    pub(crate) async fn program(&mut self) -> Result<Arc<Program>, Ending> {
        let compiler = Arc::clone(&self.site.compiler);
        let Some(info) = self.info.clone() else {
            let built_in = compiler.prepare_built_in(BUILT_IN);
            return compiler::ready(built_in, |_| {}).await.map_err(Ending::NotStarted);
        };
        let own = compiler.prepare(info.program);
        let others = info.programs.iter().map(|it| (&it.name, compiler.prepare(it.program)));
        let others: Vec<_> = others.collect();
        let what = format!("its executor {}", info.name);
        let program = self.made(own, &what).await?;
        program.executor.as_ref().map_err(|end| not_started(&what, end.clone()))?;
        for (name, phases) in others {
            let what = format!("the program {name} of {what}");
            let other = self.made(phases, &what).await?;
            other.runnable.as_ref().map_err(|end| not_started(&what, end.clone()))?;
        }
        Ok(program)
    }

    /// Waits for code, and tells those who wait with it.
    async fn made(
        &mut self,
        mut phases: watch::Receiver<Phase>,
        what: &str,
    ) -> Result<Arc<Program>, Ending> {
        let mut saying = None;
        loop {
            let phase = phases.borrow_and_update().clone();
            match phase {
                Phase::Done(done) => return done.map_err(|end| not_started(what, end)),
                Phase::Compiling(bytes) if saying.is_none() => {
                    let text = format!("compiling {what} ({})", Bytes(bytes));
                    for input in &self.inbox.held {
                        if let Input::Launch(task) = input {
                            self.say(self.starting(task, &text)).await;
                        }
                    }
                    saying = Some(text);
                }
                Phase::Compiling(_) | Phase::Sought => {}
            }
            tokio::select! {
                changed = phases.changed() => if changed.is_err() {
                    let end = End::failed("the host ended while it was prepared");
                    return Err(not_started(what, end));
                },
                input = self.inbox.fresh(), if self.inbox.has_room() => match input {
                    Some(input) => self.on_early(input, saying.as_deref()).await?,
                    None => return Err(Ending::Abandoned),
                },
            }
        }
    }

    /// An input that came before there is an executor.
    async fn on_early(&mut self, input: Input, saying: Option<&str>) -> Result<(), Ending> {
        match input {
            Input::Launch(task) => {
                if let Some(text) = saying {
                    self.say(self.starting(&task, text)).await;
                }
                self.inbox.hold(Input::Launch(task));
            }
            Input::Kill(id, _) => {
                if let Some(Input::Launch(task)) = self.inbox.take_launch(&id) {
                    let change = change(&self.framework, &task, TaskState::Killed, End::killed());
                    self.say(Event::Update(change)).await;
                }
            }
            Input::Message(_) | Input::SetPaused(..) => self.inbox.hold(input),
            Input::Reregistered(agent) => self.agent = agent,
            Input::Acknowledge(_) => {}
            Input::Shutdown { .. } => return Err(Ending::ShutDown),
            Input::Remove => return Err(Ending::Abandoned),
        }
        Ok(())
    }

    fn starting(&self, task: &TaskInfo, text: &str) -> Event {
        Event::Update(change(&self.framework, task, TaskState::Starting, progress(text)))
    }
}

fn not_started(what: &str, mut end: End) -> Ending {
    end.message = format!("{what}: {}", end.message);
    Ending::NotStarted(end)
}
