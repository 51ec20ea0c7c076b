//! Write executors for Stoa in Rust.
//!
//! An executor is a wasm component that is handed the tasks of one framework on one agent. Events
//! come in one at a time, as the methods of [`Executor`]; what the executor wants done goes out
//! through [`driver`] (to Stoa and the scheduler), [`subtasks`] (programs that it starts) and
//! [`files`] (what its tasks were granted to read). [`export!`] makes the component of it.
//!
//! The smallest executor answers each task at once; this is all of its `src/lib.rs`:
//!
//! ```
//! use stoa_executor::{Executor, ExecutorInfo, KillPolicy, TaskInfo, driver};
//!
//! /// Answers each task with its own data, backwards.
//! struct Backwards;
//!
//! impl Executor for Backwards {
//!     fn registered(_info: ExecutorInfo) -> Self {
//!         Self
//!     }
//!
//!     fn launch_task(&mut self, task: TaskInfo) -> Result<(), String> {
//!         driver::running(&task.id)?;
//!         driver::finished(&task.id, task.data.into_iter().rev().collect())?;
//!         Ok(())
//!     }
//!
//!     fn kill_task(&mut self, _task: &str, _policy: KillPolicy) {
//!         // Every task is over before this event could come.
//!     }
//! }
//!
//! stoa_executor::export!(Backwards);
//! ```
//!
//! One that runs programs starts them as subtasks, and says how they ended:
//!
//! ```
//! use stoa_executor::subtasks::{self, SpawnOptions};
//! use stoa_executor::{Executor, ExecutorInfo, KillPolicy, SubtaskExit, TaskInfo, driver};
//! use std::collections::BTreeMap;
//!
//! /// Runs the program of each task.
//! struct Runner {
//!     running: BTreeMap<String, u64>,
//! }
//!
//! impl Executor for Runner {
//!     fn registered(_info: ExecutorInfo) -> Self {
//!         Self { running: BTreeMap::new() }
//!     }
//!
//!     fn launch_task(&mut self, task: TaskInfo) -> Result<(), String> {
//!         match subtasks::spawn(&SpawnOptions::own(&task.id)) {
//!             Ok(subtask) => {
//!                 driver::running(&task.id)?;
//!                 self.running.insert(task.id, subtask);
//!                 Ok(())
//!             }
//!             Err(refusal) => driver::not_spawned(&task.id, refusal),
//!         }
//!     }
//!
//!     fn kill_task(&mut self, task: &str, policy: KillPolicy) {
//!         if let Some(subtask) = self.running.get(task) {
//!             // Refused only if it has ended meanwhile, and then subtask_exited follows.
//!             let _ = subtasks::kill(*subtask, policy);
//!         }
//!     }
//!
//!     fn subtask_exited(&mut self, exit: SubtaskExit) {
//!         if let Some(task) = &exit.task {
//!             self.running.remove(task);
//!             // Refused only if the task is over for Stoa too: there is nobody left to tell.
//!             let _ = driver::ended(&exit);
//!         }
//!     }
//! }
//!
//! stoa_executor::export!(Runner);
//! ```
//!
//! # What an executor may rely on
//!
//! - Events come one at a time, and the executor keeps its memory between them. Each has a deadline
//!   (5 s) and fuel of its own: an executor that traps, panics or overruns it is lost, and all its
//!   tasks with it. Long work belongs into subtasks, or is cut up with [`driver::wake_after`].
//! - Every task that [`Executor::launch_task`] did not refuse must be reported on, until a terminal
//!   state: FINISHED, FAILED or KILLED. Nothing can be said of it after that.
//! - Each call to Stoa returns at once. A refusal, such as [`driver::Refusal`], says what was wrong
//!   with it; whoever is refused too often is ended.
//! - A panic is the end of the executor. Its message goes to [`driver::log`] first.
//!
//! # Tests
//!
//! On targets other than wasm32 every call goes to a recording `double`, so that the unit tests
//! of an executor run with plain `cargo test`:
//!
//! ```
//! # use stoa_executor::{Executor, ExecutorInfo, KillPolicy, TaskInfo, driver};
//! # struct Backwards;
//! # impl Executor for Backwards {
//! #     fn registered(_info: ExecutorInfo) -> Self { Self }
//! #     fn launch_task(&mut self, task: TaskInfo) -> Result<(), String> {
//! #         driver::running(&task.id)?;
//! #         driver::finished(&task.id, task.data.into_iter().rev().collect())?;
//! #         Ok(())
//! #     }
//! #     fn kill_task(&mut self, _task: &str, _policy: KillPolicy) {}
//! # }
//! use stoa_executor::double::{self, Call};
//! use stoa_executor::{TaskState, TaskStatus};
//!
//! let mut executor = Backwards::registered(double::executor_info("e"));
//! executor.launch_task(TaskInfo { data: b"abc".to_vec(), ..double::task_info("t") }).unwrap();
//! assert_eq!(
//!     double::take(),
//!     [
//!         Call::SendStatusUpdate(TaskStatus::new("t", TaskState::Running)),
//!         Call::SendStatusUpdate(TaskStatus {
//!             data: b"cba".to_vec(),
//!             ..TaskStatus::new("t", TaskState::Finished)
//!         }),
//!     ]
//! );
//! ```
//!
//! # The crate of an executor
//!
//! ```toml
//! [lib]
//! crate-type = ["cdylib"]
//!
//! [profile.release]
//! opt-level = "s"
//! lto = true
//! codegen-units = 1
//! panic = "abort"
//! strip = true
//! ```
//!
//! It is built for `wasm32-unknown-unknown` and made a component from there: then it imports
//! nothing but the world. Built for `wasm32-wasip2` it is a component at once, and may use the
//! clocks and the randomness of WASI.

pub mod driver;
pub mod files;
pub mod subtasks;

#[cfg(not(target_arch = "wasm32"))]
pub mod double;
mod events;
mod words;

#[doc(hidden)]
pub use events::Events;
pub use events::{Executor, SubtaskExit, SubtaskOutput};

#[doc(inline)]
pub use bindings::exports::stoa::executor::events::ExecutorInfo;
#[doc(inline)]
pub use bindings::stoa::executor::types::{
    KillPolicy, Label, Limits, NamedProgram, Program, Reason, Resources, TaskInfo, TaskState,
    TaskStatus, Usage,
};

/// What wit-bindgen makes of the world; the rest of the crate is its readable side.
#[doc(hidden)]
#[allow(missing_docs, unsafe_code, reason = "generated")]
pub mod bindings {
    wit_bindgen::generate!({
        world: "executor",
        path: "../wit",
        pub_export_macro: true,
        export_macro_name: "export_events",
        default_bindings_module: "stoa_executor::bindings",
        additional_derives: [PartialEq, Eq],
        with: {
            // Generated ones would show themselves to people as their Debug does.
            "stoa:executor/driver@0.1.0/refusal": crate::driver::Refusal,
            "stoa:executor/subtasks@0.1.0/refusal": crate::subtasks::Refusal,
            "stoa:executor/files@0.1.0/refusal": crate::files::Refusal,
        },
    });
}

/// Makes the component's exports of a type that implements [`Executor`]. Used once, at the root of
/// the executor's crate.
///
/// On targets other than wasm32 it only checks that the type is an executor.
#[macro_export]
macro_rules! export {
    ($executor:ty) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            type StoaExecutorEvents = $crate::Events<$executor>;
    $crate::bindings::export_events!(StoaExecutorEvents with_types_in $crate::bindings);
        };
        #[cfg(not(target_arch = "wasm32"))]
        const _: $crate::Events<$executor> = $crate::Events::new();
    };
}
