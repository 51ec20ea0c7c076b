//! Events in: the trait of executors, and the way from the component's exports to the one that
//! lives. It never calls out, but for the words of a panic.

use std::any::Any;
use std::cell::RefCell;
use std::marker::PhantomData;
use std::panic::PanicHookInfo;

use crate::bindings::exports::stoa::executor::events::Guest;
use crate::{ExecutorInfo, KillPolicy, Reason, TaskInfo, Usage, driver};

/// What an executor does with each event. Made a component by [`export!`](crate::export).
///
/// One value lives per framework, executor id and agent, from the first task that needs it.
pub trait Executor: 'static + Sized {
    /// The first event: makes the executor.
    fn registered(info: ExecutorInfo) -> Self;

    /// A task to run. From here on the executor reports how it goes and how it ends.
    ///
    /// # Errors
    /// A reason for people, if the executor refuses the task; it is over then.
    fn launch_task(&mut self, task: TaskInfo) -> Result<(), String>;

    /// A task is to end, within the grace of the policy. Its end must be reported as always.
    fn kill_task(&mut self, task: &str, policy: KillPolicy);

    /// The agent has come back after a restart; the tasks have gone on meanwhile.
    fn reregistered(&mut self, _info: ExecutorInfo) {}

    /// Bytes from the scheduler.
    fn message(&mut self, _data: Vec<u8>) {}

    /// The scheduler has taken in an Update of this task.
    fn acknowledged(&mut self, _task: &str) {}

    /// A subtask has ended; every one does, once.
    fn subtask_exited(&mut self, _exit: SubtaskExit) {}

    /// A subtask whose output goes to the executor has written.
    fn subtask_output(&mut self, _output: SubtaskOutput) {}

    /// The time that was asked for by [`driver::wake_after`] has come.
    fn tick(&mut self) {}

    /// The executor is to end within so many milliseconds. By default it ends at once, and the
    /// tasks it still has fail.
    fn shutdown(&mut self, _grace_ms: u64) {
        driver::stop();
    }
}

/// The end of a subtask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubtaskExit {
    /// Whose grant it lived in; none is the executor's own.
    pub task: Option<String>,
    /// The subtask, as `spawn` numbered it.
    pub subtask: u64,
    /// How it ended.
    pub why: Reason,
    /// What it has used.
    pub usage: Usage,
}

/// What a subtask has written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubtaskOutput {
    /// Whose grant it lives in; none is the executor's own.
    pub task: Option<String>,
    /// The subtask, as `spawn` numbered it.
    pub subtask: u64,
    /// Whether it went to stderr; else to stdout.
    pub is_stderr: bool,
    /// The bytes, cut anywhere.
    pub data: Vec<u8>,
}

/// The component's exports for the executor `E`.
#[doc(hidden)]
pub struct Events<E>(PhantomData<E>);

impl<E: Executor> Events<E> {
    /// Says that `E` is an executor.
    #[allow(clippy::new_without_default, reason = "only the macro makes one")]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

thread_local! {
    /// The executor of this component. Of any type, as a static cannot be generic.
    static EXECUTOR: RefCell<Option<Box<dyn Any>>> = const { RefCell::new(None) };
}

/// Hands an event to the executor.
fn hand<E: Executor, T>(event: impl FnOnce(&mut E) -> T) -> T {
    EXECUTOR.with_borrow_mut(|executor| {
        let executor = executor.as_mut().and_then(|any| any.downcast_mut::<E>());
        event(executor.expect("registered is the first event, and makes the executor"))
    })
}

impl<E: Executor> Guest for Events<E> {
    fn registered(info: ExecutorInfo) {
        // In one line: where, and the message.
        let log =
            |panic: &PanicHookInfo<'_>| driver::log(&panic.to_string().replacen('\n', " ", 1));
        std::panic::set_hook(Box::new(log));
        EXECUTOR.set(Some(Box::new(E::registered(info))));
    }

    fn reregistered(info: ExecutorInfo) {
        hand(|executor: &mut E| executor.reregistered(info));
    }

    fn launch_task(task: TaskInfo) -> Result<(), String> {
        hand(|executor: &mut E| executor.launch_task(task))
    }

    fn kill_task(task: String, policy: KillPolicy) {
        hand(|executor: &mut E| executor.kill_task(&task, policy));
    }

    fn message(data: Vec<u8>) {
        hand(|executor: &mut E| executor.message(data));
    }

    fn acknowledged(task: String) {
        hand(|executor: &mut E| executor.acknowledged(&task));
    }

    fn subtask_exited(task: Option<String>, subtask: u64, why: Reason, usage: Usage) {
        hand(|executor: &mut E| executor.subtask_exited(SubtaskExit { task, subtask, why, usage }));
    }

    fn subtask_output(task: Option<String>, subtask: u64, is_stderr: bool, data: Vec<u8>) {
        let output = SubtaskOutput { task, subtask, is_stderr, data };
        hand(|executor: &mut E| executor.subtask_output(output));
    }

    fn tick() {
        hand(E::tick);
    }

    fn shutdown(grace_ms: u64) {
        hand(|executor: &mut E| executor.shutdown(grace_ms));
    }
}
