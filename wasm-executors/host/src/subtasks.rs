//! Wasm programs that an executor runs: the interface `subtasks` of the world. Each lives in a
//! container of its own, inside walls carved from its task's.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use stoa_model::digest::Digest;
use stoa_model::ids::TaskId;
use stoa_model::limits::ARGUMENT_BYTES_MAX;
use stoa_model::status::Usage;
use stoa_model::task::TaskBody;
use tokio::io::{AsyncWrite, DuplexStream, duplex};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::compiler;
use crate::container::{self, Plan, Walls};
use crate::end::End;
use crate::executor::Note;
use crate::grants::Grants;
use crate::limits::{EXECUTOR_SUBTASKS_MAX, SLICE_FUEL, STDIN_BYTES_MAX};
use crate::output::{Log, Output, Sink};
use crate::program::Runnable;
use crate::slices::{Cause, Leash};
use crate::state::{State, after};
use crate::tasks::{Stage, Task};
use crate::words;
use crate::world::stoa::executor::subtasks::{self as wit, Host, Refusal, Source, SpawnOptions};
use crate::world::stoa::executor::types;

/// One running program of an executor.
pub(crate) struct Subtask {
    pub(crate) task: TaskId,
    pub(crate) leash: Arc<Leash>,
    pub(crate) walls: Walls,
    output: Output,
    started: Instant,
    stdin: Option<DuplexStream>,
}

/// What a subtask is made of, apart from its walls.
struct Recipe {
    runnable: Runnable,
    grants: Arc<Grants>,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    slot: OwnedSemaphorePermit,
}

/// How a subtask is to be fed and heard.
struct Wires {
    to_log: bool,
    to_executor: bool,
    has_stdin: bool,
    log: Arc<Log>,
}

impl Host for State {
    async fn spawn(&mut self, options: SpawnOptions) -> Result<u64, Refusal> {
        let spawned = self.on_spawn(options).await;
        match &spawned {
            // A program that cannot start is no fault of its executor.
            Err(Refusal::CannotStart(_)) | Ok(_) => spawned,
            Err(_) => self.count_refusal(spawned),
        }
    }

    fn make_pipe(&mut self, _task: Option<String>) -> Result<u64, Refusal> {
        Err(Refusal::TooMuch("there are no pipes yet".to_owned()))
    }

    fn close_pipe(&mut self, _pipe: u64) -> Result<(), Refusal> {
        Err(Refusal::Ended)
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
        let subtask = self.subtask(subtask)?;
        let wall_us = u64::try_from(subtask.started.elapsed().as_micros()).unwrap_or(u64::MAX);
        Ok(words::usage_to_wit(Usage {
            fuel: subtask.leash.slices().saturating_mul(SLICE_FUEL),
            wall_us,
            memory_peak_bytes: subtask.leash.memory_peak_bytes(),
            output_bytes: subtask.output.written_bytes(),
        }))
    }

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

impl State {
    /// Not knowing a subtask is no lie: it may have ended a moment ago.
    fn subtask(&mut self, number: u64) -> Result<&mut Subtask, Refusal> {
        self.subtasks.get_mut(&number).ok_or(Refusal::Ended)
    }

    async fn on_spawn(&mut self, options: SpawnOptions) -> Result<u64, Refusal> {
        if self.subtasks.len() >= EXECUTOR_SUBTASKS_MAX {
            let message = format!("{EXECUTOR_SUBTASKS_MAX} subtasks at a time are allowed");
            return Err(Refusal::TooMuch(message));
        }
        let name = options.task.clone().unwrap_or_default();
        let unknown = || Refusal::UnknownTask(name.clone());
        let id = words::task_id(&name).ok_or_else(unknown)?;
        let launched = |task: &&mut Task| matches!(task.stage, Stage::Launched(_));
        self.tasks.get_mut(&id).filter(launched).ok_or_else(unknown)?;
        let recipe = match options.source {
            Source::Own => self.own_recipe(&id),
            Source::Granted(program) | Source::Bare(program) => {
                self.other_recipe(&id, program).await?
            }
        };
        let task = self.tasks.get_mut(&id).ok_or_else(|| Refusal::UnknownTask(id.to_string()))?;
        let recipe = recipe.map_err(|end| {
            task.on_not_started(&end);
            Refusal::CannotStart(end.to_wit())
        })?;
        // From here on nothing fails: what is carved comes back only with the end of a subtask.
        let walls = task.carve(options.limits.map(words::walls)).map_err(Refusal::TooMuch)?;
        let wires = Wires {
            to_log: matches!(options.stdout, wit::Output::Log | wit::Output::Both),
            to_executor: matches!(options.stdout, wit::Output::Executor | wit::Output::Both),
            has_stdin: matches!(options.stdin, wit::Input::Executor),
            log: Arc::clone(&task.log),
        };
        let leash = Arc::new(Leash::default());
        if let Some(at) = walls.wall_ms.map(after).into_iter().chain(task.deadline).min() {
            leash.stop_at(at, Cause::TimedOut);
        }
        Ok(self.start((id, walls, leash), recipe, wires))
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

    async fn other_recipe(
        &mut self,
        id: &TaskId,
        program: types::Program,
    ) -> Result<Result<Recipe, End>, Refusal> {
        let words = program.arguments.iter().map(String::len);
        let variables = program.environment.iter().map(|(key, value)| key.len() + value.len());
        if words.chain(variables).sum::<usize>() > ARGUMENT_BYTES_MAX {
            let message = format!("{ARGUMENT_BYTES_MAX} bytes of arguments are allowed");
            return Err(Refusal::TooMuch(message));
        }
        let artifacts = self.tasks.get(id).map_or_else(Vec::new, |task| task.info.artifacts());
        let digest = program.artifact.parse::<Digest>().ok();
        let Some(digest) = digest.filter(|digest| artifacts.contains(digest)) else {
            let artifact = &program.artifact;
            return Ok(Err(End::denied(format!("{artifact} is no artifact of the task"))));
        };
        let compiled = match self.site.compiler.ready(digest) {
            Some(compiled) => Ok(compiled),
            None => compiler::ready(self.site.compiler.prepare(digest), |_| {}).await,
        };
        Ok(compiled.and_then(|compiled| {
            let runnable = compiled.runnable.clone()?;
            let slot = take_slot(&self.site.slots, compiled.slots, self.site.slots_max)?;
            Ok(Recipe {
                runnable,
                grants: Arc::default(),
                arguments: arguments(&program.name, &program.arguments),
                environment: program.environment,
                slot,
            })
        }))
    }

    /// Nothing here waits: the container is made where guests run.
    fn start(
        &mut self,
        (task, walls, leash): (TaskId, Walls, Arc<Leash>),
        recipe: Recipe,
        wires: Wires,
    ) -> u64 {
        let number = self.next_subtask;
        self.next_subtask += 1;
        let to_executor = (self.notes.clone(), Some(task.clone()), number);
        let sink = Sink {
            log: wires.to_log.then_some(wires.log),
            executor: wires.to_executor.then_some(to_executor),
            voice: self.voice.clone(),
            work: self.site.work.clone(),
        };
        let output = Output::new(sink, walls.output_bytes, Arc::clone(&leash));
        let pipe = wires.has_stdin.then(|| duplex(STDIN_BYTES_MAX));
        let (stdin, guest_stdin) = pipe.map_or((None, None), |(ours, its)| (Some(ours), Some(its)));
        let plan = Plan {
            engine: self.site.engine.clone(),
            work: self.site.work.clone(),
            runnable: recipe.runnable,
            walls,
            arguments: recipe.arguments,
            environment: recipe.environment,
            grants: recipe.grants,
            stdin: guest_stdin,
            output: output.clone(),
            slot: recipe.slot,
        };
        let (notes, held) = (self.notes.clone(), Arc::clone(&leash));
        self.site.guests.spawn(async move {
            let ended = container::run(plan, held).await;
            // An executor that is gone has no use for it.
            let _ = notes.send(Note::Ended { subtask: number, ended }).await;
        });
        let started = Instant::now();
        let subtask = Subtask { task, leash, walls, output, started, stdin };
        self.subtasks.insert(number, subtask);
        number
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
