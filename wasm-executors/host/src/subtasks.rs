//! Wasm programs that an executor runs: the interface `subtasks` of the world. Each lives in a
//! container of its own, inside walls carved from what its task was granted, or from the executor's
//! own grant.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use stoa_model::digest::Digest;
use stoa_model::ids::TaskId;
use stoa_model::limits::ARGUMENT_BYTES_MAX;
use stoa_model::status::Usage;
use stoa_model::task::{TaskBody, TaskInfo};
use tokio::io::{AsyncWrite, DuplexStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::budget::Budget;
use crate::compiler;
use crate::container::{self, Plan, Walls};
use crate::end::End;
use crate::executor::Note;
use crate::grants::Grants;
use crate::limits::{EXECUTOR_PIPES_MAX, EXECUTOR_SUBTASKS_MAX, GRANT_PIPES_MAX, SLICE_FUEL};
use crate::output::{Output, Sink};
use crate::pipes::Pipe;
use crate::program::Runnable;
use crate::sandbox::Sandbox;
use crate::slices::{Cause, Leash};
use crate::state::{State, after};
use crate::tasks::{Stage, Task};
use crate::wires::{OpenPipe, Unspawned, Wires, writes_files};
use crate::words;
use crate::world::stoa::executor::subtasks::{Host, Refusal, Source, SpawnOptions};
use crate::world::stoa::executor::types;

/// One running program of an executor.
pub(crate) struct Subtask {
    /// The task whose grant it lives in; none is the executor's own.
    pub(crate) task: Option<TaskId>,
    pub(crate) leash: Arc<Leash>,
    pub(crate) walls: Walls,
    output: Output,
    started: Instant,
    stdin: Option<DuplexStream>,
}

/// What a subtask runs and what it may touch.
struct Recipe {
    runnable: Runnable,
    grants: Arc<Grants>,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    slot: OwnedSemaphorePermit,
}

/// What keeps a subtask in.
struct Bounds {
    task: Option<TaskId>,
    walls: Walls,
    leash: Arc<Leash>,
    sandbox: Option<Arc<Sandbox>>,
}

impl Host for State {
    async fn spawn(&mut self, options: SpawnOptions) -> Result<u64, Refusal> {
        let task = options.task.as_deref().and_then(words::task_id);
        match self.on_spawn(options).await {
            Ok(number) => Ok(number),
            // A program that cannot start is no fault of its executor.
            Err(Unspawned::NotStarted(end)) => {
                if let Some(task) = task.and_then(|task| self.tasks.get_mut(&task)) {
                    task.on_not_started(&end);
                }
                Err(Refusal::CannotStart(end.to_wit()))
            }
            Err(Unspawned::Refused(Refusal::Ended)) => Err(Refusal::Ended),
            Err(Unspawned::Refused(refusal)) => self.count_refusal(Err(refusal)),
        }
    }

    fn make_pipe(&mut self, task: Option<String>) -> Result<u64, Refusal> {
        let made = self.on_make_pipe(task);
        self.count_refusal(made)
    }

    /// Those that are attached keep their ends; who forgets the pipe attaches no more.
    fn close_pipe(&mut self, pipe: u64) -> Result<(), Refusal> {
        self.pipes.remove(&pipe).map(drop).ok_or(Refusal::Ended)
    }

    fn kill(&mut self, subtask: u64, policy: types::KillPolicy) -> Result<(), Refusal> {
        let subtask = self.subtask(subtask)?;
        match policy.grace_ms {
            0 => subtask.leash.stop(Cause::Killed),
            ms => subtask.leash.stop_at(after(ms), Cause::Killed),
        }
        Ok(())
    }

    fn pause(&mut self, subtask: u64) -> Result<(), Refusal> {
        self.subtask(subtask)?.leash.pause(true);
        Ok(())
    }

    fn resume(&mut self, subtask: u64) -> Result<(), Refusal> {
        self.subtask(subtask)?.leash.pause(false);
        Ok(())
    }

    fn usage_of(&mut self, subtask: u64) -> Result<types::Usage, Refusal> {
        Ok(words::usage_to_wit(self.subtask(subtask)?.usage()))
    }

    /// Takes what there is room for; who has more comes again with the rest, for example when the
    /// subtask has written something, or in a `tick`.
    fn write_stdin(&mut self, subtask: u64, data: Vec<u8>) -> Result<u32, Refusal> {
        let subtask = self.subtask(subtask)?;
        let Some(stdin) = &mut subtask.stdin else { return Err(Refusal::Ended) };
        if data.is_empty() {
            subtask.stdin = None;
            return Ok(0);
        }
        let mut context = Context::from_waker(Waker::noop());
        match Pin::new(stdin).poll_write(&mut context, &data) {
            Poll::Ready(Ok(taken)) => Ok(u32::try_from(taken).unwrap_or(u32::MAX)),
            Poll::Ready(Err(_)) => Err(Refusal::Ended),
            Poll::Pending => Ok(0),
        }
    }
}

impl Subtask {
    /// What it has used so far; of fuel, the slices that it has used up.
    pub(crate) fn usage(&self) -> Usage {
        Usage {
            fuel: self.leash.slices().saturating_mul(SLICE_FUEL),
            wall_us: u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX),
            memory_peak_bytes: self.leash.memory_peak_bytes(),
            output_bytes: self.output.written_bytes(),
        }
    }
}

impl State {
    /// Not knowing a subtask is no lie: it may have ended a moment ago.
    fn subtask(&mut self, number: u64) -> Result<&mut Subtask, Refusal> {
        self.subtasks.get_mut(&number).ok_or(Refusal::Ended)
    }

    fn on_make_pipe(&mut self, task: Option<String>) -> Result<u64, Refusal> {
        if self.pipes.len() >= EXECUTOR_PIPES_MAX {
            let message = format!("{EXECUTOR_PIPES_MAX} pipes that are not closed are allowed");
            return Err(Refusal::TooMuch(message));
        }
        let task = self.grantor(task)?;
        if self.pipes.values().filter(|open| open.task == task).count() >= GRANT_PIPES_MAX {
            let message =
                format!("{GRANT_PIPES_MAX} pipes of one grant that are not closed are allowed");
            return Err(Refusal::TooMuch(message));
        }
        let number = self.next_pipe;
        self.next_pipe += 1;
        self.pipes.insert(number, OpenPipe { task, pipe: Pipe::default() });
        Ok(number)
    }

    /// The task that is meant, if it is one that its executor may speak of.
    fn grantor(&self, task: Option<String>) -> Result<Option<TaskId>, Refusal> {
        let Some(name) = task else { return Ok(None) };
        match words::task_id(&name).filter(|id| self.launched(id).is_some()) {
            Some(id) => Ok(Some(id)),
            None => Err(Refusal::UnknownTask(name)),
        }
    }

    /// A task that its executor has and that is not over.
    pub(crate) fn launched(&self, id: &TaskId) -> Option<&Task> {
        self.tasks.get(id).filter(|task| matches!(task.stage, Stage::Launched(_)))
    }

    fn budget(&mut self, task: Option<&TaskId>) -> Result<&mut Budget, Refusal> {
        let Some(id) = task else { return Ok(&mut self.own) };
        let task = self.tasks.get_mut(id).ok_or_else(|| Refusal::UnknownTask(id.to_string()))?;
        Ok(&mut task.budget)
    }

    async fn on_spawn(&mut self, options: SpawnOptions) -> Result<u64, Unspawned> {
        if self.subtasks.len() >= EXECUTOR_SUBTASKS_MAX {
            let message = format!("{EXECUTOR_SUBTASKS_MAX} subtasks at a time are allowed");
            return Err(Refusal::TooMuch(message).into());
        }
        let task = self.grantor(options.task.clone())?;
        let asked = options.limits.map(words::walls);
        let walls = self.budget(task.as_ref())?.carve(asked).map_err(Refusal::TooMuch)?;
        self.check_wires(task.as_ref(), &options)?;
        let grants = self.grants_of(task.as_ref())?;
        let recipe = self.recipe(task.as_ref(), &options.source, &grants).await?;
        let opened = self.open_files(&grants, &options).await?;
        self.budget(task.as_ref())?.take(&walls).map_err(Refusal::TooMuch)?;
        // From here on nothing fails: what is taken comes back only with the end of a subtask.
        let wires = self.attach(&options, opened);
        let sandbox = match writes_files(&options) {
            true => grants.sandbox.clone(),
            false => recipe.grants.sandbox.clone(),
        };
        let leash = Arc::new(Leash::default());
        let is_paused = |task: &TaskId| self.tasks.get(task).is_some_and(|task| task.is_paused);
        leash.freeze(task.as_ref().is_some_and(is_paused));
        let deadline = task.as_ref().and_then(|task| self.tasks.get(task)?.deadline);
        if let Some(at) = walls.wall_ms.map(after).into_iter().chain(deadline).min() {
            leash.stop_at(at, Cause::TimedOut);
        }
        Ok(self.start(Bounds { task, walls, leash, sandbox }, recipe, wires))
    }

    /// What a task was granted; without a task it is nothing.
    pub(crate) fn grants_of(&self, task: Option<&TaskId>) -> Result<Arc<Grants>, End> {
        let prepared = task.and_then(|task| self.tasks.get(task)?.prepared.as_ref());
        match prepared {
            Some(Ok(prepared)) => Ok(Arc::clone(&prepared.grants)),
            Some(Err(end)) => Err(end.clone()),
            None => Ok(Arc::default()),
        }
    }

    async fn recipe(
        &mut self,
        task: Option<&TaskId>,
        source: &Source,
        granted: &Arc<Grants>,
    ) -> Result<Recipe, Unspawned> {
        match (source, task) {
            (Source::Own, Some(task)) => Ok(self.own_recipe(task)?),
            (Source::Own, None) => {
                let message =
                    "an executor has no own program to start: it names one of its programs";
                Err(End::failed(message).into())
            }
            (Source::Granted(program), _) => {
                self.named_recipe(task, program, Arc::clone(granted)).await
            }
            (Source::Bare(program), _) => self.named_recipe(task, program, Arc::default()).await,
        }
    }

    /// The task's own program, which was prepared before the executor heard of the task.
    fn own_recipe(&mut self, id: &TaskId) -> Result<Recipe, End> {
        let none = || End::failed("the task names no program of its own");
        let task = self.tasks.get_mut(id).ok_or_else(none)?;
        let prepared = task.prepared.as_mut().ok_or_else(none)?;
        let prepared = prepared.as_mut().map_err(|end| end.clone())?;
        let TaskBody::Command(command) = &task.info.body else { return Err(none()) };
        let program = prepared.program.as_ref().ok_or_else(none)?;
        let slot = match prepared.slot.take() {
            Some(slot) => slot,
            None => take_slot(&self.site.slots, program.slots, self.site.slots_max)?,
        };
        Ok(Recipe {
            runnable: program.runnable.clone()?,
            grants: Arc::clone(&prepared.grants),
            arguments: arguments(&command.name, &command.arguments),
            environment: command.environment.clone(),
            slot,
        })
    }

    async fn named_recipe(
        &mut self,
        task: Option<&TaskId>,
        program: &types::Program,
        grants: Arc<Grants>,
    ) -> Result<Recipe, Unspawned> {
        let words = program.arguments.iter().map(String::len);
        let variables = program.environment.iter().map(|(key, value)| key.len() + value.len());
        if words.chain(variables).sum::<usize>() > ARGUMENT_BYTES_MAX {
            let message = format!("{ARGUMENT_BYTES_MAX} bytes of arguments are allowed");
            return Err(Refusal::TooMuch(message).into());
        }
        let info = task.and_then(|task| self.tasks.get(task)).map(|task| &*task.info);
        let may_start = |digest: &Digest| {
            self.programs.contains(digest) || info.is_some_and(|info| names(info, digest))
        };
        let Some(digest) = program.artifact.parse().ok().filter(may_start) else {
            let artifact = &program.artifact;
            let whose = if task.is_some() { "the task or its executor" } else { "the executor" };
            return Err(End::denied(format!("{artifact} is no program of {whose}")).into());
        };
        let compiled = match self.site.compiler.ready(digest) {
            Some(compiled) => compiled,
            None => compiler::ready(self.site.compiler.prepare(digest), |_| {}).await?,
        };
        let runnable = compiled.runnable.clone()?;
        let slot = take_slot(&self.site.slots, compiled.slots, self.site.slots_max)?;
        let arguments = arguments(&program.name, &program.arguments);
        let environment = program.environment.clone();
        Ok(Recipe { runnable, grants, arguments, environment, slot })
    }

    /// Nothing here waits: the container is made where guests run.
    fn start(&mut self, bounds: Bounds, recipe: Recipe, wires: Wires) -> u64 {
        let number = self.next_subtask;
        self.next_subtask += 1;
        let Bounds { task, walls, leash, sandbox } = bounds;
        let log = task.as_ref().and_then(|task| self.tasks.get(task));
        let sink = Sink {
            routes: wires.routes,
            log: log.map(|task| Arc::clone(&task.log)),
            executor: (self.notes.clone(), task.clone(), number),
            voice: self.voice.clone(),
            work: self.site.work.clone(),
        };
        let output = Output::new(sink, walls.output_bytes, Arc::clone(&leash));
        let grant = task.as_ref().and_then(|task| self.tasks.get(task));
        let together = grant.map_or(&self.own, |task| &task.budget).together();
        let plan = Plan {
            engine: self.site.engine.clone(),
            work: self.site.work.clone(),
            runnable: recipe.runnable,
            walls,
            arguments: recipe.arguments,
            environment: recipe.environment,
            grants: recipe.grants,
            sandbox,
            ends: wires.ends,
            output: output.clone(),
            together,
            slot: recipe.slot,
        };
        let (notes, held) = (self.notes.clone(), Arc::clone(&leash));
        self.site.guests.spawn(async move {
            let ended = container::run(plan, held).await;
            // An executor that is gone has no use for it.
            let _ = notes.send(Note::Ended { subtask: number, ended }).await;
        });
        let (started, stdin) = (Instant::now(), wires.stdin);
        let subtask = Subtask { task, leash, walls, output, started, stdin };
        self.subtasks.insert(number, subtask);
        number
    }
}

/// Whether the task names this program, for itself or with its executor.
fn names(info: &TaskInfo, digest: &Digest) -> bool {
    match &info.body {
        TaskBody::Command(command) => command.program == *digest,
        TaskBody::Executor(task) => {
            let mut programs = task.programs.iter().chain(&task.executor.programs);
            programs.any(|named| named.program == *digest)
        }
    }
}

fn take_slot(
    slots: &Arc<Semaphore>,
    wanted: u32,
    slots_max: u32,
) -> Result<OwnedSemaphorePermit, End> {
    Arc::clone(slots).try_acquire_many_owned(wanted).map_err(|_| {
        End::failed(format!("no room: all {slots_max} instances of this host are in use"))
    })
}

fn arguments(name: &str, arguments: &[String]) -> Vec<String> {
    std::iter::once(name.to_owned()).chain(arguments.iter().cloned()).collect()
}
