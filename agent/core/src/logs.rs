//! Questions for the logs of tasks: those that wait for output and those that are being read. It
//! never reads a file.

use std::collections::{BTreeMap, BTreeSet};

use stoa_model::agent_link::{Call, RequestId};
use stoa_model::ids::FrameworkId;
use stoa_model::instant::Instant;
use stoa_model::limits::CHUNK_BYTES_MAX;
use stoa_model::operator::{LogChunk, LogRequest, LogStream};

use crate::Agent;
use crate::action::Action;
use crate::deadlines::Deadlines;
use crate::input::LogPiece;
use crate::limits::{LOG_REQUESTS_MAX, LOG_WAIT_MS};
use stoa_model::keys::TaskKey;

/// Invariant: `by_task` lists exactly the questions that wait.
#[derive(Debug, Default)]
pub(crate) struct Logs {
    /// Bytes of stdout and stderr of live tasks, as far as the host has told.
    sizes: BTreeMap<TaskKey, (u64, u64)>,
    waits: Deadlines<RequestId, Question>,
    by_task: BTreeSet<(TaskKey, RequestId)>,
    reads: BTreeMap<RequestId, Read>,
}

/// A piece of a log that somebody waits for.
#[derive(Debug)]
struct Question {
    framework: FrameworkId,
    log: LogRequest,
}

impl Question {
    fn key(&self) -> TaskKey {
        TaskKey::new(&self.framework, &self.log.task)
    }
}

/// A piece of a log that the edge is reading.
#[derive(Debug)]
struct Read {
    offset: u64,
    /// Whether the task was over before the file was read, so that the file was whole.
    is_over: bool,
}

impl Logs {
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.waits.next()
    }

    /// Nobody waits for answers any more: they would go to a stream that is gone.
    pub(crate) fn on_link_down(&mut self) {
        self.waits.clear();
        self.by_task.clear();
        self.reads.clear();
    }

    pub(crate) fn sized_tasks(&self) -> impl Iterator<Item = &TaskKey> {
        self.sizes.keys()
    }

    fn has_output(&self, key: &TaskKey, log: &LogRequest) -> bool {
        let (stdout_bytes, stderr_bytes) = self.sizes.get(key).copied().unwrap_or_default();
        match log.stream {
            LogStream::Stdout => stdout_bytes > log.offset,
            LogStream::Stderr => stderr_bytes > log.offset,
        }
    }

    fn take_wait(&mut self, request: RequestId) -> Option<Question> {
        let question = self.waits.remove(&request)?;
        self.by_task.remove(&(question.key(), request));
        Some(question)
    }

    /// The questions about a task that wait.
    fn waiting_for(&self, key: &TaskKey) -> Vec<RequestId> {
        let all = (key.clone(), RequestId(0))..=(key.clone(), RequestId(u64::MAX));
        self.by_task.range(all).map(|(_, request)| *request).collect()
    }

    pub(crate) fn check(&self) -> Result<(), String> {
        let questions = self.waits.len() + self.reads.len();
        if questions > LOG_REQUESTS_MAX || self.by_task.len() != self.waits.len() {
            return Err(format!("{questions} questions, {} listed", self.by_task.len()));
        }
        Ok(())
    }
}

impl Agent {
    pub(crate) fn on_read_log(
        &mut self,
        now: Instant,
        request: RequestId,
        (framework, log): (FrameworkId, LogRequest),
        actions: &mut Vec<Action>,
    ) {
        if self.logs.waits.contains(&request) || self.logs.reads.contains_key(&request) {
            return; // Whoever asked first gets the answer.
        }
        let question = Question { framework, log };
        let key = question.key();
        let is_known = self.kept.tasks.contains_key(&key) || self.kept.sandboxes.contains(&key);
        if !is_known {
            let chunk = Err(format!("the agent has no task {key} and no logs of it"));
            return self.tell(Call::Log { request, chunk }, actions);
        }
        if self.logs.waits.len() + self.logs.reads.len() >= LOG_REQUESTS_MAX {
            let chunk = Err("too many questions for logs wait at the agent".to_owned());
            return self.tell(Call::Log { request, chunk }, actions);
        }
        if question.log.wait && self.is_live(&key) && !self.logs.has_output(&key, &question.log) {
            self.logs.by_task.insert((key, request));
            self.logs.waits.set(request, now.plus_ms(LOG_WAIT_MS), question);
        } else {
            self.read_log(request, question, actions);
        }
    }

    fn is_live(&self, key: &TaskKey) -> bool {
        self.kept.tasks.get(key).is_some_and(|task| task.is_live())
    }

    fn read_log(&mut self, request: RequestId, question: Question, actions: &mut Vec<Action>) {
        let is_over = !self.is_live(&question.key());
        let Question { framework, log } = question;
        self.logs.reads.insert(request, Read { offset: log.offset, is_over });
        let bytes_max = log.bytes_max.min(CHUNK_BYTES_MAX as u32);
        let log = LogRequest { bytes_max, ..log };
        actions.push(Action::ReadLog { request, framework, log });
    }

    pub(crate) fn on_log_read(
        &mut self,
        request: RequestId,
        piece: Result<LogPiece, String>,
        actions: &mut Vec<Action>,
    ) {
        let Some(Read { offset, is_over }) = self.logs.reads.remove(&request) else {
            return;
        };
        let chunk = piece.map(|LogPiece { data, size_bytes }| {
            let end = offset.saturating_add(data.len() as u64);
            LogChunk { data, is_end: is_over && end >= size_bytes }
        });
        self.tell(Call::Log { request, chunk }, actions);
    }

    /// The host has told the sizes of a task's logs; they only grow.
    pub(crate) fn on_output(
        &mut self,
        key: TaskKey,
        (stdout_bytes, stderr_bytes): (u64, u64),
        actions: &mut Vec<Action>,
    ) {
        if !self.is_live(&key) {
            return;
        }
        let sizes = self.logs.sizes.entry(key.clone()).or_default();
        *sizes = (sizes.0.max(stdout_bytes), sizes.1.max(stderr_bytes));
        for request in self.logs.waiting_for(&key) {
            let question = self.logs.waits.get(&request);
            if question.is_some_and(|question| self.logs.has_output(&key, &question.log)) {
                self.wake_log(request, actions);
            }
        }
    }

    /// The task is over: nothing more will come, so nobody needs to wait.
    pub(crate) fn wake_logs(&mut self, key: &TaskKey, actions: &mut Vec<Action>) {
        self.logs.sizes.remove(key);
        for request in self.logs.waiting_for(key) {
            self.wake_log(request, actions);
        }
    }

    fn wake_log(&mut self, request: RequestId, actions: &mut Vec<Action>) {
        if let Some(question) = self.logs.take_wait(request) {
            self.read_log(request, question, actions);
        }
    }

    /// Reads for those who have waited long enough: there may be output that the host told of
    /// before this agent started.
    pub(crate) fn on_log_deadline(&mut self, now: Instant, actions: &mut Vec<Action>) {
        while let Some((request, question)) = self.logs.waits.pop_due(now) {
            self.logs.by_task.remove(&(question.key(), request));
            self.read_log(request, question, actions);
        }
    }
}
