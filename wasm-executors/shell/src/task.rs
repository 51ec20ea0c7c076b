//! One task of this executor: a shell line with its machine, in the world that Stoa gives it. What
//! the machine wants goes out from here.

use std::collections::BTreeMap;

use stoa_executor::subtasks::{self, Refusal, SpawnOptions, Target};
use stoa_executor::{KillPolicy, Limits, NamedProgram, Program, Reason, SubtaskExit, TaskInfo};
use stoa_executor::{SubtaskOutput, TaskState, TaskStatus, Usage, driver, files};

use crate::budget::{Budget, Used};
use crate::machine::{Machine, Progress};
use crate::parser::parse;
use crate::steps::lower;
use crate::variables::Variables;
use crate::world::{Ended, Input, Output, Start, World};

/// A task that runs.
pub struct Task {
    id: String,
    /// The digests of programs by their names.
    programs: BTreeMap<String, String>,
    machine: Machine,
    /// What all its programs have used that are over.
    used: Option<Usage>,
    /// Whether it is among those that go on at the next tick.
    pub waits_for_tick: bool,
}

/// What a task's machine acts through.
struct Hands<'a> {
    task: &'a str,
    programs: &'a BTreeMap<String, String>,
}

impl Task {
    /// Reads the line of a task. Programs of the task come before those of the executor.
    ///
    /// # Errors
    /// Why it cannot run, for people.
    pub fn new(info: TaskInfo, executors: &[NamedProgram]) -> Result<Self, String> {
        let line = String::from_utf8(info.data);
        let line = line.map_err(|_| "the line is not UTF-8".to_owned())?;
        let script = parse(&line).map_err(|error| error.to_string())?;
        let steps = lower(script).map_err(|error| error.to_string())?;
        let variables = Variables::new(info.environment)?;
        let budget = Budget {
            memory_bytes: info.limits.memory_bytes,
            fuel: info.limits.fuel,
            output_bytes: info.limits.output_bytes,
        };
        let named = executors.iter().chain(&info.programs);
        let programs = named.map(|named| (named.name.clone(), named.artifact.clone())).collect();
        let machine = Machine::new(steps, variables, budget);
        Ok(Self { id: info.id, programs, machine, used: None, waits_for_tick: false })
    }

    /// Goes on; answers whether it wants a tick, or none if it is over and said so.
    pub fn go(&mut self) -> Option<bool> {
        let progress = self.machine.go(&mut hands(&self.id, &self.programs));
        match progress {
            Progress::Waits => Some(false),
            Progress::WantsTick => Some(true),
            Progress::Over(outcome) => {
                let (state, message) = match outcome.status {
                    0 => (TaskState::Finished, String::new()),
                    _ => (TaskState::Failed, outcome.blame),
                };
                self.report(state, Some(Reason::Exited(outcome.status)), message);
                None
            }
            Progress::Killed => {
                self.report(TaskState::Killed, Some(Reason::Killed), String::new());
                None
            }
        }
    }

    /// Ends its programs; no other one starts.
    pub fn kill(&mut self, policy: KillPolicy) {
        // One that is told again ends sooner, but is KILLING already.
        if policy.grace_ms > 0 && !self.machine.is_killed() {
            self.report(TaskState::Killing, None, String::new());
        }
        self.machine.kill(&mut hands(&self.id, &self.programs), policy.grace_ms);
    }

    /// A program of it has ended.
    pub fn on_exited(&mut self, exit: &SubtaskExit) {
        let (before, now) = (self.used, exit.usage);
        self.used = Some(match before {
            None => now,
            Some(before) => Usage {
                fuel: before.fuel.saturating_add(now.fuel),
                wall_us: before.wall_us.saturating_add(now.wall_us),
                memory_peak_bytes: before.memory_peak_bytes.max(now.memory_peak_bytes),
                output_bytes: before.output_bytes.saturating_add(now.output_bytes),
            },
        });
        let mut hands = hands(&self.id, &self.programs);
        self.machine.on_exited(&mut hands, exit.subtask, &ended(exit));
    }

    /// A program of a command substitution has written.
    pub fn on_output(&mut self, output: &SubtaskOutput) {
        let mut hands = hands(&self.id, &self.programs);
        self.machine.on_output(&mut hands, output.subtask, output.is_stderr, &output.data);
    }

    fn report(&self, state: TaskState, because: Option<Reason>, message: String) {
        let usage = self.used.filter(|_| state.is_terminal());
        let status = TaskStatus { because, message, usage, ..TaskStatus::new(&self.id, state) };
        // Refused only if the task is over for Stoa too: there is nobody left to tell.
        let _ = driver::send_status_update(&status);
    }
}

fn hands<'a>(task: &'a str, programs: &'a BTreeMap<String, String>) -> Hands<'a> {
    Hands { task, programs }
}

/// How a program ended, as a shell sees it. The codes are those of `stoa run`.
fn ended(exit: &SubtaskExit) -> Ended {
    let (status, how, ends_task) = match &exit.why {
        Reason::Exited(0) => (0, "exited with 0".to_owned(), false),
        // A shell sees eight bits, but what failed must not look like success.
        Reason::Exited(code) => match code & 0xff {
            0 => (255, format!("exited with {code}"), false),
            status => (status, format!("exited with {code}"), false),
        },
        Reason::Trapped(what) => (134, what.clone(), false),
        Reason::FuelExhausted => (137, "its fuel was used up".to_owned(), false),
        Reason::MemoryExceeded => (137, "it wanted more memory than its share".to_owned(), false),
        Reason::OutputExceeded => (137, "it wrote more output than its share".to_owned(), false),
        Reason::DiskExceeded => (137, "it used more disk than granted".to_owned(), true),
        Reason::TimedOut => (124, "its time was over".to_owned(), true),
        Reason::Killed => (143, "it was killed".to_owned(), false),
        Reason::InvalidModule(what)
        | Reason::MissingImport(what)
        | Reason::GrantDenied(what)
        | Reason::ContainerFailed(what) => (126, what.clone(), false),
    };
    let used = Used { fuel: exit.usage.fuel, output_bytes: exit.usage.output_bytes };
    let is_used_up = matches!(exit.why, Reason::FuelExhausted | Reason::OutputExceeded);
    Ended { status, how, ends_task, is_used_up, used }
}

impl World for Hands<'_> {
    fn has_program(&self, name: &str) -> bool {
        self.programs.contains_key(name)
    }

    fn spawn(&mut self, start: &Start) -> Result<u64, String> {
        let artifact = self.programs.get(&start.name).ok_or("there is no such program")?;
        let program = Program {
            artifact: artifact.clone(),
            name: start.name.clone(),
            arguments: start.arguments.clone(),
            environment: start.environment.clone(),
        };
        let limits = Limits {
            memory_bytes: start.budget.memory_bytes,
            fuel: start.budget.fuel,
            wall_ms: None,
            output_bytes: start.budget.output_bytes,
        };
        let options = SpawnOptions::granted(self.task, program)
            .limits(limits)
            .stdin(input(&start.wiring.stdin))
            .stdout(output(&start.wiring.stdout))
            .stderr(output(&start.wiring.stderr));
        subtasks::spawn(&options).map_err(|refusal| match refusal {
            Refusal::CannotStart(reason) => reason.to_string(),
            refusal => refusal.to_string(),
        })
    }

    fn make_pipe(&mut self) -> Result<u64, String> {
        subtasks::make_pipe(Some(self.task)).map_err(|refusal| refusal.to_string())
    }

    fn close_pipe(&mut self, pipe: u64) {
        // Refused only if it is over already.
        let _ = subtasks::close_pipe(pipe);
    }

    fn kill(&mut self, subtask: u64, grace_ms: u64) {
        // As above; then subtask-exited follows.
        let _ = subtasks::kill(subtask, KillPolicy { grace_ms });
    }

    fn write_stdin(&mut self, subtask: u64, data: &[u8]) -> Option<usize> {
        subtasks::write_stdin(subtask, data).ok().map(|taken| taken as usize)
    }

    fn list_directory(&mut self, path: &str) -> Result<Vec<(String, bool)>, String> {
        let entries = files::list_directory(self.task, path).map_err(|error| error.to_string())?;
        Ok(entries.into_iter().map(|entry| (entry.name, entry.is_directory)).collect())
    }

    fn first_byte(&mut self, path: &str) -> Result<Vec<u8>, String> {
        files::read_file(self.task, path, 0, 1).map_err(|error| error.to_string())
    }
}

fn input(input: &Input) -> subtasks::Input {
    match input {
        Input::Task => subtasks::Input::Task,
        Input::Empty => subtasks::Input::Empty,
        Input::File(path) => subtasks::Input::File(path.to_string()),
        Input::Text(_) => subtasks::Input::Executor,
        Input::Pipe(pipe) => subtasks::Input::Pipe(*pipe),
    }
}

/// A stream's own log is the only one it can go to: the other way relays were put.
fn output(output: &Output) -> subtasks::Output {
    match output {
        Output::Log(_) => subtasks::Output::Log,
        Output::Nothing => subtasks::Output::Nothing,
        Output::File(path, append) => {
            subtasks::Output::File(Target { path: path.to_string(), append: *append })
        }
        Output::Pipe(pipe) => subtasks::Output::Pipe(*pipe),
        Output::Capture(_) => subtasks::Output::Executor,
    }
}
