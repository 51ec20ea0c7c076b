//! Where the streams of a subtask come from and go to: what `spawn` was asked for is checked, opened
//! and attached here. It never starts anything.

use std::fs::File;
use std::sync::Arc;

use stoa_model::ids::TaskId;
use tokio::io::{DuplexStream, duplex};

use crate::end::End;
use crate::grants::Grants;
use crate::limits::STDIN_BYTES_MAX;
use crate::output::Route;
use crate::paths;
use crate::pipes::Pipe;
use crate::state::State;
use crate::streams::{Ends, Feed};
use crate::world::stoa::executor::subtasks::{Input, Output, Refusal, SpawnOptions, Target};

/// A pipe to which subtasks can be attached.
pub(crate) struct OpenPipe {
    /// Whose subtasks; none is those of no task.
    pub(crate) task: Option<TaskId>,
    pub(crate) pipe: Pipe,
}

/// Why a subtask is not started.
pub(crate) enum Unspawned {
    /// Its executor asked for what it may not have.
    Refused(Refusal),
    /// The program cannot start.
    NotStarted(End),
}

impl From<Refusal> for Unspawned {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<End> for Unspawned {
    fn from(end: End) -> Self {
        Self::NotStarted(end)
    }
}

/// The files among the streams of a subtask.
#[derive(Default)]
pub(crate) struct Opened {
    stdin: Option<File>,
    outputs: [Option<Arc<File>>; 2],
}

/// The streams of one subtask.
pub(crate) struct Wires {
    /// What `write-stdin` writes into.
    pub(crate) stdin: Option<DuplexStream>,
    pub(crate) ends: Ends,
    /// Of stdout and stderr; those into pipes go nowhere else.
    pub(crate) routes: [Route; 2],
}

impl State {
    /// Whether there is all that can be checked without opening anything.
    pub(crate) fn check_wires(
        &self,
        task: Option<&TaskId>,
        options: &SpawnOptions,
    ) -> Result<(), Unspawned> {
        if let Input::Pipe(number) = options.stdin
            && self.pipe(number, task)?.has_reader()
        {
            let message = format!("pipe {number} has or had a reader: a pipe has one");
            return Err(End::denied(message).into());
        }
        for (name, output) in [("stdout", &options.stdout), ("stderr", &options.stderr)] {
            match output {
                Output::Pipe(number) => drop(self.pipe(*number, task)?),
                Output::Log | Output::Both if task.is_none() => {
                    let message = format!("its {name} is for a log, and only tasks have one");
                    return Err(End::denied(message).into());
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Opens the files, if there are any.
    pub(crate) async fn open_files(
        &mut self,
        grants: &Arc<Grants>,
        options: &SpawnOptions,
    ) -> Result<Opened, End> {
        let reads = match &options.stdin {
            Input::Task => grants.has_stdin(),
            Input::File(_) => true,
            Input::Empty | Input::Executor | Input::Pipe(_) => false,
        };
        if !reads && !writes_files(options) {
            return Ok(Opened::default());
        }
        let (grants, stdin) = (Arc::clone(grants), options.stdin.clone());
        let outputs = [options.stdout.clone(), options.stderr.clone()];
        let opening = self.site.work.spawn_blocking(move || open(&grants, &stdin, &outputs));
        let failed = |error| End::failed(format!("the host failed when it opened files: {error}"));
        opening.await.map_err(failed)?
    }

    /// Attaches what was checked and opened just now.
    pub(crate) fn attach(&self, options: &SpawnOptions, opened: Opened) -> Wires {
        let mut ours = None;
        let Opened { stdin, outputs: [stdout_file, stderr_file] } = opened;
        let stdin = match (&options.stdin, stdin) {
            (_, Some(file)) => Feed::File(file),
            (Input::Executor, None) => {
                let (near, far) = duplex(STDIN_BYTES_MAX);
                ours = Some(near);
                Feed::Executor(far)
            }
            (Input::Pipe(number), None) => {
                let pipe = self.pipes.get(number);
                pipe.and_then(|open| open.pipe.attach_reader()).map_or(Feed::Empty, Feed::Pipe)
            }
            (Input::Task | Input::Empty | Input::File(_), None) => Feed::Empty,
        };
        let pipes = [&options.stdout, &options.stderr].map(|output| match output {
            Output::Pipe(number) => {
                let pipe = self.pipes.get(number);
                pipe.map(|open| Arc::new(open.pipe.attach_writer()))
            }
            _ => None,
        });
        let routes = [route(&options.stdout, stdout_file), route(&options.stderr, stderr_file)];
        Wires { stdin: ours, ends: Ends { stdin, pipes }, routes }
    }

    fn pipe(&self, number: u64, task: Option<&TaskId>) -> Result<&Pipe, Refusal> {
        let open = self.pipes.get(&number).filter(|open| open.task.as_ref() == task);
        open.map(|open| &open.pipe).ok_or(Refusal::Ended)
    }
}

/// Whether its output goes into files of its task.
pub(crate) fn writes_files(options: &SpawnOptions) -> bool {
    [&options.stdout, &options.stderr].iter().any(|output| matches!(output, Output::File(_)))
}

/// Blocks. The input comes first: what is not there empties no file.
fn open(grants: &Grants, stdin: &Input, outputs: &[Output; 2]) -> Result<Opened, End> {
    let denied = |error: paths::Unusable| End::denied(error.to_string());
    let stdin = match stdin {
        Input::Task => grants.open_stdin()?,
        Input::File(path) => Some(paths::open_input(grants, path).map_err(denied)?),
        Input::Empty | Input::Executor | Input::Pipe(_) => None,
    };
    let mut opened = Opened { stdin, outputs: [None, None] };
    for (output, file) in outputs.iter().zip(&mut opened.outputs) {
        if let Output::File(Target { path, append }) = output {
            *file = Some(Arc::new(paths::open_output(grants, path, *append).map_err(denied)?));
        }
    }
    Ok(opened)
}

fn route(output: &Output, file: Option<Arc<File>>) -> Route {
    let (by_log, by_executor) = match (output, file) {
        (_, Some(file)) => return Route::File(file),
        (Output::Log, None) => (true, false),
        (Output::Executor, None) => (false, true),
        (Output::Both, None) => (true, true),
        (Output::Nothing | Output::File(_) | Output::Pipe(_), None) => (false, false),
    };
    Route::Heard { by_log, by_executor }
}
