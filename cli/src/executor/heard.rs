//! What an executor under test has sent, and whether it is what its script expects. Pure: it never
//! waits for anything and never prints.

use std::collections::{BTreeSet, VecDeque};

use stoa_model::host::TaskChange;
use stoa_model::ids::TaskId;
use stoa_model::status::Reason;
use stoa_model::task::TaskState;

use super::script::{Expected, data};

/// All that was heard and not yet asked for.
#[derive(Debug, Default)]
pub struct Heard {
    /// Of all tasks, in their order.
    changes: Vec<TaskChange>,
    /// Those that no wait has taken yet.
    messages: VecDeque<Vec<u8>>,
    /// Those that a wait has passed over.
    passed: Vec<Vec<u8>>,
    /// What was said of the executor's end, if no wait has taken it.
    end: Option<String>,
    /// Launched and not over.
    open: BTreeSet<TaskId>,
}

/// What a task has written.
#[derive(Debug, Default)]
pub struct Written {
    /// Its stdout.
    pub stdout: String,
    /// Its stderr.
    pub stderr: String,
}

impl Heard {
    /// A task is on its way.
    pub fn on_launch(&mut self, task: &TaskId) {
        self.open.insert(task.clone());
    }

    /// A task has changed.
    pub fn on_change(&mut self, change: TaskChange) {
        if change.state.is_terminal() {
            self.open.remove(&change.task);
        }
        self.changes.push(change);
    }

    /// The executor has sent bytes.
    pub fn on_message(&mut self, data: Vec<u8>) {
        self.messages.push_back(data);
    }

    /// The executor has ended.
    pub fn on_end(&mut self, message: String) {
        self.end = Some(message);
    }

    /// The first change that brought a task into this state, or its end if that came before.
    pub fn change(&self, task: &TaskId, state: Option<TaskState>) -> Option<&TaskChange> {
        let reached = |change: &&TaskChange| {
            change.task == *task && (Some(change.state) == state || change.state.is_terminal())
        };
        self.changes.iter().find(reached)
    }

    /// Whether the executor has sent this, or anything if nothing is named; messages up to it are
    /// taken.
    pub fn take_message(&mut self, wanted: Option<&[u8]>) -> bool {
        while let Some(message) = self.messages.pop_front() {
            if wanted.is_none_or(|wanted| *wanted == message) {
                return true;
            }
            self.passed.push(message);
        }
        false
    }

    /// The messages that nobody wanted, for people.
    pub fn passed_over(&self) -> String {
        let shown: Vec<_> = self.passed.iter().map(|message| quoted(message)).collect();
        if shown.is_empty() { "nothing".to_owned() } else { shown.join(", ") }
    }

    /// What was said of the executor's end, once.
    pub fn take_end(&mut self) -> Option<String> {
        self.end.take()
    }

    /// What was said of the executor's end.
    pub fn end(&self) -> Option<&str> {
        self.end.as_deref()
    }

    /// What was said of the executor to the first task that was lost with it.
    pub fn loss(&self) -> Option<&str> {
        let mut lost = self.changes.iter().filter(|it| it.reason == Reason::ExecutorLost);
        lost.next().map(|change| change.message.as_str())
    }

    /// Tasks that are not over.
    pub fn open(&self) -> Vec<&str> {
        self.open.iter().map(TaskId::as_str).collect()
    }
}

/// Bytes for people, in quotes.
pub fn quoted(bytes: &[u8]) -> String {
    format!("{:?}", String::from_utf8_lossy(bytes))
}

/// A change in one line, for people.
pub fn shown(change: &TaskChange) -> String {
    let mut text = format!("{} ({}", change.state, change.reason);
    if let Some(code) = change.exit_code {
        text.push_str(&format!(", exit code {code}"));
    }
    if !change.message.is_empty() {
        text.push_str(&format!(": {}", change.message));
    }
    text.push(')');
    text
}

/// What of a change is not as it must be; none if all is.
pub fn mismatch(expected: &Expected, change: &TaskChange, written: &Written) -> Option<String> {
    let differs = |what: &str, got: String, wanted: String| {
        format!("task {} is {}: {what} {got}, not {wanted}", change.task, shown(change))
    };
    let state = expected.state.as_ref().filter(|wanted| wanted.0 != change.state);
    if let Some(wanted) = state {
        return Some(differs("state", change.state.to_string(), wanted.0.to_string()));
    }
    let reason = expected.reason.as_ref().filter(|wanted| wanted.0 != change.reason);
    if let Some(wanted) = reason {
        return Some(differs("reason", change.reason.to_string(), wanted.0.to_string()));
    }
    if let Some(code) = expected.exit_code.filter(|code| Some(*code) != change.exit_code) {
        let got = change.exit_code.map_or_else(|| "none".to_owned(), |code| code.to_string());
        return Some(differs("exit code", got, code.to_string()));
    }
    let message = expected.message.as_ref().filter(|part| !change.message.contains(*part));
    if let Some(part) = message {
        let wanted = format!("one with {part:?} in it");
        return Some(differs("message", format!("{:?}", change.message), wanted));
    }
    let wanted = data(&expected.data, &expected.data_base64);
    if let Some(wanted) = wanted.filter(|wanted| *wanted != change.data) {
        return Some(differs("data", quoted(&change.data), quoted(&wanted)));
    }
    for (what, wanted, got) in [
        ("stdout", &expected.stdout, &written.stdout),
        ("stderr", &expected.stderr, &written.stderr),
    ] {
        if let Some(wanted) = wanted.as_ref().filter(|wanted| *wanted != got) {
            return Some(differs(what, format!("{got:?}"), format!("{wanted:?}")));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use stoa_model::ids::FrameworkId;

    use super::*;

    fn change(state: TaskState, data: &[u8]) -> TaskChange {
        TaskChange {
            framework: FrameworkId::new("f").unwrap(),
            task: TaskId::new("t").unwrap(),
            state,
            reason: Reason::ExecutorReported,
            message: "well done".to_owned(),
            exit_code: None,
            usage: None,
            data: data.to_vec(),
            downloads: Vec::new(),
        }
    }

    fn expected(json: &str) -> Expected {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn only_what_is_named_must_be_so() {
        let change = change(TaskState::Finished, b"a");
        let written = Written { stdout: "x".to_owned(), ..Written::default() };
        for (json, part) in [
            ("{}", None),
            (r#"{"state": "FINISHED", "reason": "EXECUTOR_REPORTED", "data": "a"}"#, None),
            (r#"{"message": "done", "stdout": "x", "stderr": ""}"#, None),
            (r#"{"state": "FAILED"}"#, Some("not FAILED")),
            (r#"{"reason": "EXITED"}"#, Some("not EXITED")),
            (r#"{"message": "bad"}"#, Some("\"bad\"")),
            (r#"{"exit_code": 0}"#, Some("exit code none, not 0")),
            (r#"{"data": "b"}"#, Some("data \"a\", not \"b\"")),
            (r#"{"stdout": ""}"#, Some("stdout \"x\", not \"\"")),
        ] {
            let found = mismatch(&expected(json), &change, &written);
            match part {
                None => assert_eq!(found, None, "{json}"),
                Some(part) => assert!(found.as_ref().is_some_and(|it| it.contains(part)), "{json}"),
            }
        }
    }

    #[test]
    fn change_that_is_waited_for_is_found_or_the_end() {
        let mut heard = Heard::default();
        let task = TaskId::new("t").unwrap();
        heard.on_launch(&task);
        assert!(heard.change(&task, None).is_none());
        heard.on_change(change(TaskState::Running, b""));
        assert_eq!(heard.open(), ["t"]);
        let running = heard.change(&task, Some(TaskState::Running));
        assert_eq!(running.map(|it| it.state), Some(TaskState::Running));
        assert!(heard.change(&task, None).is_none());
        heard.on_change(change(TaskState::Failed, b""));
        let over = heard.change(&task, Some(TaskState::Killing));
        assert_eq!(over.map(|it| it.state), Some(TaskState::Failed));
        assert!(heard.open().is_empty());
    }

    #[test]
    fn messages_up_to_the_wanted_one_are_taken() {
        let mut heard = Heard::default();
        for message in ["a", "b", "c"] {
            heard.on_message(message.as_bytes().to_vec());
        }
        assert!(heard.take_message(Some(b"b")));
        assert!(!heard.take_message(Some(b"a")), "it was before");
        assert_eq!(heard.passed_over(), "\"a\", \"c\"");
        assert!(!heard.take_message(None));
    }
}
