//! The recording double that stands in for Stoa on targets other than wasm32. It notes every call
//! of the thread it is in, and answers as it was told; it never runs anything.
//!
//! Nothing is shared between threads, so tests run side by side. Answers are given in the order in
//! which they were set, each once; where none is left, all goes well: calls are taken, subtasks and
//! pipes count from 1, writes are taken whole, files and directories are empty.

use std::cell::RefCell;
use std::collections::VecDeque;

use crate::files::Entry;
use crate::subtasks::SpawnOptions;
use crate::{ExecutorInfo, KillPolicy, Limits, Reason, Resources};
use crate::{SubtaskExit, SubtaskOutput, TaskInfo, TaskStatus, Usage};
use crate::{driver as driver_words, files as files_words, subtasks as subtasks_words};

/// One call of the executor.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are the arguments of the calls")]
pub enum Call {
    /// [`driver::send_status_update`](crate::driver::send_status_update), and all its short forms.
    SendStatusUpdate(TaskStatus),
    /// [`driver::send_message`](crate::driver::send_message)
    SendMessage(Vec<u8>),
    /// [`driver::own_limits`](crate::driver::own_limits)
    OwnLimits,
    /// [`driver::own_usage`](crate::driver::own_usage)
    OwnUsage,
    /// [`driver::wake_after`](crate::driver::wake_after)
    WakeAfter(u64),
    /// [`driver::log`](crate::driver::log)
    Log(String),
    /// [`driver::stop`](crate::driver::stop)
    Stop,
    /// [`subtasks::spawn`](crate::subtasks::spawn)
    Spawn(SpawnOptions),
    /// [`subtasks::make_pipe`](crate::subtasks::make_pipe)
    MakePipe(Option<String>),
    /// [`subtasks::close_pipe`](crate::subtasks::close_pipe)
    ClosePipe(u64),
    /// [`subtasks::kill`](crate::subtasks::kill)
    Kill { subtask: u64, policy: KillPolicy },
    /// [`subtasks::pause`](crate::subtasks::pause)
    Pause(u64),
    /// [`subtasks::resume`](crate::subtasks::resume)
    Resume(u64),
    /// [`subtasks::usage_of`](crate::subtasks::usage_of)
    UsageOf(u64),
    /// [`subtasks::write_stdin`](crate::subtasks::write_stdin)
    WriteStdin { subtask: u64, data: Vec<u8> },
    /// [`files::list_directory`](crate::files::list_directory)
    ListDirectory { task: String, path: String },
    /// [`files::read_file`](crate::files::read_file)
    ReadFile { task: String, path: String, offset: u64, bytes_max: u32 },
}

/// Answers that were set and not given yet.
type Answers<T, R> = RefCell<VecDeque<Result<T, R>>>;

/// What stands in for Stoa in one thread.
#[derive(Default)]
struct Double {
    calls: RefCell<Vec<Call>>,
    subtasks: RefCell<u64>,
    pipes: RefCell<u64>,
    status_updates: Answers<(), driver_words::Refusal>,
    messages: Answers<(), driver_words::Refusal>,
    own_limits: RefCell<Option<Limits>>,
    own_usage: RefCell<VecDeque<Usage>>,
    spawns: Answers<u64, subtasks_words::Refusal>,
    made_pipes: Answers<u64, subtasks_words::Refusal>,
    closed_pipes: Answers<(), subtasks_words::Refusal>,
    kills: Answers<(), subtasks_words::Refusal>,
    pauses: Answers<(), subtasks_words::Refusal>,
    resumes: Answers<(), subtasks_words::Refusal>,
    usages: Answers<Usage, subtasks_words::Refusal>,
    writes: Answers<u32, subtasks_words::Refusal>,
    directories: Answers<Vec<Entry>, files_words::Refusal>,
    reads: Answers<Vec<u8>, files_words::Refusal>,
}

thread_local! {
    static DOUBLE: Double = Double::default();
}

/// Takes all calls since the last time, in order.
pub fn take() -> Vec<Call> {
    DOUBLE.with(|double| double.calls.take())
}

/// Takes all calls since the last time, and answers the status updates among them, in order.
pub fn take_statuses() -> Vec<TaskStatus> {
    let status = |call| match call {
        Call::SendStatusUpdate(status) => Some(status),
        _ => None,
    };
    take().into_iter().filter_map(status).collect()
}

/// Defines the functions that set an answer.
macro_rules! answers {
    ($($(#[$doc:meta])* $name:ident: $queue:ident, $taken:ty, $refusal:ty;)*) => {$(
        $(#[$doc])*
        pub fn $name(answer: Result<$taken, $refusal>) {
            DOUBLE.with(|double| double.$queue.borrow_mut().push_back(answer));
        }
    )*};
}

answers! {
    /// Sets the answer to the next status update that has none yet.
    answer_send_status_update: status_updates, (), driver_words::Refusal;
    /// Sets the answer to the next message that has none yet.
    answer_send_message: messages, (), driver_words::Refusal;
    /// Sets the answer to the next spawn that has none yet: the subtask.
    answer_spawn: spawns, u64, subtasks_words::Refusal;
    /// Sets the answer to the next pipe made that has none yet: the pipe.
    answer_make_pipe: made_pipes, u64, subtasks_words::Refusal;
    /// Sets the answer to the next pipe closed that has none yet.
    answer_close_pipe: closed_pipes, (), subtasks_words::Refusal;
    /// Sets the answer to the next kill that has none yet.
    answer_kill: kills, (), subtasks_words::Refusal;
    /// Sets the answer to the next pause that has none yet.
    answer_pause: pauses, (), subtasks_words::Refusal;
    /// Sets the answer to the next resume that has none yet.
    answer_resume: resumes, (), subtasks_words::Refusal;
    /// Sets the answer to the next question for a usage that has none yet.
    answer_usage_of: usages, Usage, subtasks_words::Refusal;
    /// Sets the answer to the next write that has none yet: how many bytes are taken.
    answer_write_stdin: writes, u32, subtasks_words::Refusal;
    /// Sets the answer to the next listing that has none yet.
    answer_list_directory: directories, Vec<Entry>, files_words::Refusal;
    /// Sets the answer to the next read that has none yet.
    answer_read_file: reads, Vec<u8>, files_words::Refusal;
}

/// Sets the walls of the executor itself, from now on.
pub fn answer_own_limits(limits: Limits) {
    DOUBLE.with(|double| *double.own_limits.borrow_mut() = Some(limits));
}

/// Sets what the executor itself has used when it next asks and nothing is set for it yet. What was
/// set last stays.
pub fn answer_own_usage(usage: Usage) {
    DOUBLE.with(|double| double.own_usage.borrow_mut().push_back(usage));
}

/// An executor without data and programs, of the framework `framework` on the agent `agent`.
pub fn executor_info(id: &str) -> ExecutorInfo {
    ExecutorInfo {
        id: id.to_owned(),
        framework: "framework".to_owned(),
        agent: "agent".to_owned(),
        data: Vec::new(),
        programs: Vec::new(),
    }
}

/// A task without program and data, named as its id, of 1 cpu and 64 MiB, killed without grace.
pub fn task_info(id: &str) -> TaskInfo {
    TaskInfo {
        id: id.to_owned(),
        name: id.to_owned(),
        resources: Resources {
            cpus_milli: 1_000,
            memory_bytes: LIMITS.memory_bytes,
            disk_bytes: 0,
        },
        limits: LIMITS,
        labels: Vec::new(),
        kill_policy: KillPolicy::AT_ONCE,
        command: None,
        environment: Vec::new(),
        programs: Vec::new(),
        data: Vec::new(),
    }
}

/// The end of a subtask of a task that has used nothing.
pub fn subtask_exit(task: &str, subtask: u64, why: Reason) -> SubtaskExit {
    SubtaskExit { task: Some(task.to_owned()), subtask, why, usage: NOTHING_USED }
}

/// What a subtask of a task has written to stdout.
pub fn subtask_output(task: &str, subtask: u64, data: &[u8]) -> SubtaskOutput {
    let (task, data) = (Some(task.to_owned()), data.to_vec());
    SubtaskOutput { task, subtask, is_stderr: false, data }
}

/// 64 MiB each of memory and output, without limits on fuel and time.
pub const LIMITS: Limits =
    Limits { memory_bytes: 64 << 20, fuel: None, wall_ms: None, output_bytes: 64 << 20 };

/// No usage at all.
pub const NOTHING_USED: Usage =
    Usage { fuel: 0, wall_us: 0, memory_peak_bytes: 0, output_bytes: 0 };

impl Double {
    fn note(&self, call: Call) {
        self.calls.borrow_mut().push(call);
    }
}

/// The answer that was set first, or the usual one.
fn next<T, R>(answers: &Answers<T, R>, usual: impl FnOnce() -> T) -> Result<T, R> {
    answers.borrow_mut().pop_front().unwrap_or_else(|| Ok(usual()))
}

fn count(counter: &RefCell<u64>) -> u64 {
    *counter.borrow_mut() += 1;
    *counter.borrow()
}

/// The interface `driver`.
pub(crate) mod driver {
    use super::{Call, DOUBLE, LIMITS, NOTHING_USED, next};
    use crate::driver::Refusal;
    use crate::{Limits, TaskStatus, Usage};

    pub(crate) fn send_status_update(status: &TaskStatus) -> Result<(), Refusal> {
        DOUBLE.with(|double| {
            double.note(Call::SendStatusUpdate(status.clone()));
            next(&double.status_updates, || ())
        })
    }

    pub(crate) fn send_message(data: &[u8]) -> Result<(), Refusal> {
        DOUBLE.with(|double| {
            double.note(Call::SendMessage(data.to_vec()));
            next(&double.messages, || ())
        })
    }

    pub(crate) fn own_limits() -> Limits {
        DOUBLE.with(|double| {
            double.note(Call::OwnLimits);
            double.own_limits.borrow().unwrap_or(LIMITS)
        })
    }

    pub(crate) fn own_usage() -> Usage {
        DOUBLE.with(|double| {
            double.note(Call::OwnUsage);
            let mut usages = double.own_usage.borrow_mut();
            let last = usages.front().copied().unwrap_or(NOTHING_USED);
            if usages.len() > 1 { usages.pop_front().unwrap_or(last) } else { last }
        })
    }

    pub(crate) fn wake_after(ms: u64) {
        DOUBLE.with(|double| double.note(Call::WakeAfter(ms)));
    }

    pub(crate) fn log(line: &str) {
        DOUBLE.with(|double| double.note(Call::Log(line.to_owned())));
    }

    pub(crate) fn stop() {
        DOUBLE.with(|double| double.note(Call::Stop));
    }
}

/// The interface `subtasks`.
pub(crate) mod subtasks {
    use super::{Call, DOUBLE, NOTHING_USED, count, next};
    use crate::subtasks::{Refusal, SpawnOptions};
    use crate::{KillPolicy, Usage};

    pub(crate) fn spawn(options: &SpawnOptions) -> Result<u64, Refusal> {
        DOUBLE.with(|double| {
            double.note(Call::Spawn(options.clone()));
            next(&double.spawns, || count(&double.subtasks))
        })
    }

    pub(crate) fn make_pipe(task: Option<&str>) -> Result<u64, Refusal> {
        DOUBLE.with(|double| {
            double.note(Call::MakePipe(task.map(str::to_owned)));
            next(&double.made_pipes, || count(&double.pipes))
        })
    }

    pub(crate) fn close_pipe(pipe: u64) -> Result<(), Refusal> {
        DOUBLE.with(|double| {
            double.note(Call::ClosePipe(pipe));
            next(&double.closed_pipes, || ())
        })
    }

    pub(crate) fn kill(subtask: u64, policy: KillPolicy) -> Result<(), Refusal> {
        DOUBLE.with(|double| {
            double.note(Call::Kill { subtask, policy });
            next(&double.kills, || ())
        })
    }

    pub(crate) fn pause(subtask: u64) -> Result<(), Refusal> {
        DOUBLE.with(|double| {
            double.note(Call::Pause(subtask));
            next(&double.pauses, || ())
        })
    }

    pub(crate) fn resume(subtask: u64) -> Result<(), Refusal> {
        DOUBLE.with(|double| {
            double.note(Call::Resume(subtask));
            next(&double.resumes, || ())
        })
    }

    pub(crate) fn usage_of(subtask: u64) -> Result<Usage, Refusal> {
        DOUBLE.with(|double| {
            double.note(Call::UsageOf(subtask));
            next(&double.usages, || NOTHING_USED)
        })
    }

    pub(crate) fn write_stdin(subtask: u64, data: &[u8]) -> Result<u32, Refusal> {
        DOUBLE.with(|double| {
            double.note(Call::WriteStdin { subtask, data: data.to_vec() });
            next(&double.writes, || u32::try_from(data.len()).unwrap_or(u32::MAX))
        })
    }
}

/// The interface `files`.
pub(crate) mod files {
    use super::{Call, DOUBLE, next};
    use crate::files::{Entry, Refusal};

    pub(crate) fn list_directory(task: &str, path: &str) -> Result<Vec<Entry>, Refusal> {
        DOUBLE.with(|double| {
            double.note(Call::ListDirectory { task: task.to_owned(), path: path.to_owned() });
            next(&double.directories, Vec::new)
        })
    }

    pub(crate) fn read_file(
        task: &str,
        path: &str,
        offset: u64,
        bytes_max: u32,
    ) -> Result<Vec<u8>, Refusal> {
        DOUBLE.with(|double| {
            let (task, path) = (task.to_owned(), path.to_owned());
            double.note(Call::ReadFile { task, path, offset, bytes_max });
            next(&double.reads, Vec::new)
        })
    }
}
