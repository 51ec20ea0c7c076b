//! The Updates on their way to Stoa, which takes a bounded number in one event. It never decides
//! what becomes of a task.

use std::collections::VecDeque;

use stoa_executor::{Reason, TaskState, TaskStatus, driver};

use crate::limits::{EVENT_UPDATES_MAX, UPDATES_WAITING_MAX};

/// The Updates on their way to Stoa, in order.
#[derive(Default)]
pub(crate) struct Updates {
    waiting: VecDeque<TaskStatus>,
    sent_in_event: usize,
}

impl Updates {
    /// A new event begins: Stoa takes more again.
    pub(crate) fn on_event(&mut self) {
        self.sent_in_event = 0;
        while let Some(status) = self.waiting.pop_front() {
            if !self.send_now(&status) {
                return self.waiting.push_front(status);
            }
        }
    }

    /// The answer to a call.
    pub(crate) fn finished(&mut self, task: &str, data: Vec<u8>) {
        self.send(TaskStatus { data, ..TaskStatus::new(task, TaskState::Finished) });
    }

    /// A call that is not answered, and why.
    pub(crate) fn failed(&mut self, task: &str, message: String, because: Option<Reason>) {
        // Stoa takes these for no failure of a task.
        let because = because.filter(|why| !matches!(why, Reason::Exited(0) | Reason::Killed));
        self.send(TaskStatus { message, because, ..TaskStatus::new(task, TaskState::Failed) });
    }

    /// A call that was killed as asked.
    pub(crate) fn killed(&mut self, task: &str) {
        self.send(TaskStatus::new(task, TaskState::Killed));
    }

    /// Whether some wait for the next event.
    pub(crate) fn are_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Whether so many wait that no more should be caused.
    pub(crate) fn are_too_many(&self) -> bool {
        self.waiting.len() >= UPDATES_WAITING_MAX
    }

    fn send(&mut self, status: TaskStatus) {
        if self.are_waiting() || !self.send_now(&status) {
            self.waiting.push_back(status);
        }
    }

    /// Answers whether it is done with; if not, it is to be sent in a later event.
    fn send_now(&mut self, status: &TaskStatus) -> bool {
        if self.sent_in_event >= EVENT_UPDATES_MAX {
            return false;
        }
        match driver::send_status_update(status) {
            Ok(()) => {
                self.sent_in_event += 1;
                true
            }
            Err(driver::Refusal::TooMuch(_)) => {
                self.sent_in_event = EVENT_UPDATES_MAX;
                false
            }
            // The task is over for Stoa too: nobody is left to be told.
            Err(driver::Refusal::UnknownTask(_) | driver::Refusal::IllegalState(_)) => true,
        }
    }
}
