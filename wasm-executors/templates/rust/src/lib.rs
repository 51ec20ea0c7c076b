//! An executor: it answers each task with the task's data in capitals. A task whose data is `wait`
//! runs until it is killed.

use std::collections::BTreeSet;

use stoa_executor::{Executor, ExecutorInfo, KillPolicy, TaskInfo, driver};

/// Lives from its first task to its shutdown; its memory is kept between events.
struct Shouter {
    /// The tasks that wait to be killed.
    waiting: BTreeSet<String>,
}

impl Executor for Shouter {
    fn registered(info: ExecutorInfo) -> Self {
        driver::log(&format!("{} is here", info.id));
        Self { waiting: BTreeSet::new() }
    }

    fn launch_task(&mut self, task: TaskInfo) -> Result<(), String> {
        let text = String::from_utf8(task.data).map_err(|_| "its data is no text".to_owned())?;
        if text.is_empty() {
            return Err("it has no data: there is nothing to say".to_owned());
        }
        driver::running(&task.id)?;
        if text == "wait" {
            self.waiting.insert(task.id);
        } else {
            driver::finished(&task.id, text.to_uppercase().into_bytes())?;
        }
        Ok(())
    }

    fn kill_task(&mut self, task: &str, _policy: KillPolicy) {
        if self.waiting.remove(task) {
            // Refused only if the task is over for Stoa too: there is nobody left to tell.
            let _ = driver::killed(task);
        }
    }

    fn message(&mut self, data: Vec<u8>) {
        let heard = String::from_utf8_lossy(&data);
        let answer = format!("{} waiting, heard {heard}", self.waiting.len());
        if let Err(refusal) = driver::send_message(answer.as_bytes()) {
            driver::log(&format!("no answer was sent: {refusal}"));
        }
    }

    fn shutdown(&mut self, _grace_ms: u64) {
        for task in std::mem::take(&mut self.waiting) {
            // As above.
            let _ = driver::killed(&task);
        }
        driver::stop();
    }
}

stoa_executor::export!(Shouter);

/// Plain `cargo test` runs these: outside of wasm every call goes to a double that notes it.
#[cfg(test)]
mod tests {
    use stoa_executor::double::{self, Call};
    use stoa_executor::{TaskState, TaskStatus};

    use super::*;

    fn launched(executor: &mut Shouter, task: &str, data: &str) -> Result<(), String> {
        let data = data.as_bytes().to_vec();
        executor.launch_task(TaskInfo { data, ..double::task_info(task) })
    }

    fn states() -> Vec<TaskState> {
        double::take_statuses().into_iter().map(|status| status.state).collect()
    }

    #[test]
    fn task_is_answered_in_capitals() {
        let mut executor = Shouter::registered(double::executor_info("e"));
        assert_eq!(double::take(), [Call::Log("e is here".to_owned())]);
        launched(&mut executor, "t", "hello").unwrap();
        let finished = TaskStatus::new("t", TaskState::Finished);
        assert_eq!(
            double::take_statuses(),
            [
                TaskStatus::new("t", TaskState::Running),
                TaskStatus { data: b"HELLO".to_vec(), ..finished },
            ]
        );
    }

    #[test]
    fn waiting_task_runs_until_it_is_killed() {
        let mut executor = Shouter::registered(double::executor_info("e"));
        launched(&mut executor, "t", "wait").unwrap();
        assert_eq!(states(), [TaskState::Running]);
        executor.kill_task("t", KillPolicy { grace_ms: 0 });
        assert_eq!(states(), [TaskState::Killed]);
        executor.kill_task("t", KillPolicy { grace_ms: 0 });
        assert_eq!(states(), []);
    }

    #[test]
    fn task_without_data_is_refused() {
        let mut executor = Shouter::registered(double::executor_info("e"));
        launched(&mut executor, "t", "").unwrap_err();
        assert_eq!(states(), []);
    }
}
