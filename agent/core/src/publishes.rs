//! Downloads of ended tasks on their way to the master's store. Until they are there, the end is
//! not told. It never reads a file.

use std::collections::BTreeMap;

use stoa_model::digest::Digest;
use stoa_model::instant::Instant;

use crate::Agent;
use crate::action::{Action, Warning};
use crate::deadlines::Deadlines;
use crate::limits::{PUBLISH_RETRY_MS, PUBLISH_TRIES_MAX};
use crate::record::Record;
use crate::updates::cut;
use stoa_model::keys::TaskKey;

/// The tasks whose downloads are on their way, each with how often that was tried.
///
/// A task that is in neither waits for the master to greet the agent.
#[derive(Debug, Default)]
pub(crate) struct Publishes {
    /// The edge is at it.
    running: BTreeMap<TaskKey, u32>,
    /// They failed and are tried again; the number is that of the next try.
    retries: Deadlines<TaskKey, u32>,
}

impl Publishes {
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.retries.next()
    }

    /// Without a stream nothing is tried again.
    pub(crate) fn pause(&mut self) {
        self.retries.clear();
    }

    pub(crate) fn forget(&mut self, key: &TaskKey) {
        self.running.remove(key);
        self.retries.remove(key);
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &TaskKey> {
        self.running.keys().chain(self.retries.keys())
    }
}

impl Agent {
    /// Begins the `number`th try, if the task has downloads that are not there yet.
    pub(crate) fn publish(&mut self, key: &TaskKey, number: u32, actions: &mut Vec<Action>) {
        let task = self.kept.tasks.get(key).filter(|task| task.is_publishing());
        let Some(task) = task.filter(|_| self.link.is_open()) else {
            return;
        };
        let downloads = task.updates().back().into_iter().flat_map(|status| &status.downloads);
        let mut archives: Vec<Digest> = downloads.map(|download| download.archive).collect();
        archives.sort_unstable();
        archives.dedup();
        self.publishes.running.insert(key.clone(), number);
        let TaskKey { framework, task } = key.clone();
        actions.push(Action::Publish { framework, task, archives });
    }

    /// Begins with every task whose downloads nobody is at, now that the master listens again.
    pub(crate) fn resume_publishes(&mut self, actions: &mut Vec<Action>) {
        let waiting = self.kept.tasks.iter().filter(|(key, task)| {
            task.is_publishing() && !self.publishes.running.contains_key(key)
        });
        let waiting: Vec<_> = waiting.map(|(key, _)| key.clone()).collect();
        for key in waiting {
            self.publish(&key, 1, actions);
        }
    }

    pub(crate) fn on_publish_deadline(&mut self, now: Instant, actions: &mut Vec<Action>) {
        while let Some((key, number)) = self.publishes.retries.pop_due(now) {
            self.publish(&key, number, actions);
        }
    }

    pub(crate) fn on_published(
        &mut self,
        now: Instant,
        key: TaskKey,
        result: Result<(), String>,
        actions: &mut Vec<Action>,
    ) {
        let Some(number) = self.publishes.running.remove(&key) else {
            return;
        };
        match result {
            Ok(()) => self.on_publish_over(now, key, None, actions),
            // It failed with the stream; the next greeting begins anew.
            Err(_) if !self.link.is_open() => {}
            Err(message) if number < PUBLISH_TRIES_MAX => {
                let delay_ms = PUBLISH_RETRY_MS << (number - 1);
                self.publishes.retries.set(key.clone(), now.plus_ms(delay_ms), number + 1);
                actions.push(Action::Warn(Warning::PublishFailed { task: key, message }));
            }
            Err(message) => self.on_publish_over(now, key, Some(cut(&message)), actions),
        }
    }

    /// The end of the task may be told.
    fn on_publish_over(
        &mut self,
        now: Instant,
        key: TaskKey,
        failure: Option<String>,
        actions: &mut Vec<Action>,
    ) {
        let TaskKey { framework, task } = key.clone();
        self.record(Record::Published { framework, task, failure }, actions);
        if !self.resends.contains(&key) {
            self.send_head(now, &key, self.config.resend_ms_min, actions);
        }
    }
}
