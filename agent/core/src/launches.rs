//! The road of a task from its Launch to the executor host: admitted, waiting for its artifacts,
//! handed over. It never touches a task that the host has.

use std::sync::Arc;

use stoa_model::agent_link::Call;
use stoa_model::digest::Digest;
use stoa_model::host;
use stoa_model::ids::{FrameworkId, Role};
use stoa_model::instant::Instant;
use stoa_model::status::Reason;
use stoa_model::task::{ExecutorRecord, TaskInfo, TaskState};
use stoa_planted::Bug;

use crate::Agent;
use crate::action::{Action, Warning};
use crate::admission::Refusal;
use crate::artifacts::Needs;
use crate::record::Record;
use crate::tasks::{Stage, Task};
use stoa_model::keys::{ExecutorKey, TaskKey};

/// What follows from the records of one Launch.
#[derive(Debug, Default)]
pub(crate) struct Launch {
    /// To be handed to the host at once.
    ready: Vec<TaskKey>,
    fetches: Vec<Digest>,
    /// Not admitted; each has an Update to send.
    refused: Vec<TaskKey>,
    /// Not admitted, and told once.
    refused_once: Vec<Call>,
}

impl Agent {
    /// Records what becomes of each task of a Launch.
    pub(crate) fn admit_all(
        &mut self,
        now: Instant,
        (framework, role): (&FrameworkId, &Role),
        tasks: Vec<TaskInfo>,
        actions: &mut Vec<Action>,
    ) -> Launch {
        let mut launch = Launch::default();
        for task in tasks {
            let key = TaskKey::new(framework, &task.id);
            match self.admit(&key, &task) {
                Ok(()) => match self.launch(&key, role, Arc::new(task), actions) {
                    Needs::Nothing => launch.ready.push(key),
                    Needs::Fetches(fetches) => launch.fetches.extend(fetches),
                },
                Err(Refusal::Collision(key)) => {
                    actions.push(Action::Warn(Warning::TaskCollision(key)));
                }
                Err(refusal) => {
                    self.refuse(now, (&key, role, task, refusal), &mut launch, actions);
                }
            }
        }
        launch
    }

    fn launch(
        &mut self,
        key: &TaskKey,
        role: &Role,
        task: Arc<TaskInfo>,
        actions: &mut Vec<Action>,
    ) -> Needs {
        if let Some(executor) = task.executor()
            && !self.kept.executors.contains_key(&ExecutorKey::new(&key.framework, &executor.id))
        {
            let (framework, program) = (key.framework.clone(), executor.program);
            let (id, resources) = (executor.id.clone(), executor.resources.clone());
            let executor = ExecutorRecord { id, resources, role: role.clone() };
            self.record(Record::ExecutorAdmitted { framework, executor, program }, actions);
        }
        let needs = self.artifacts.on_task(key, task.artifacts());
        let (framework, role) = (key.framework.clone(), role.clone());
        let launched = Record::Launched { framework, role, task };
        self.record_unless(Bug::AgentForgetsLaunch, launched, actions);
        needs
    }

    fn refuse(
        &mut self,
        now: Instant,
        (key, role, task, refusal): (&TaskKey, &Role, TaskInfo, Refusal),
        launch: &mut Launch,
        actions: &mut Vec<Action>,
    ) {
        let (state, reason) = refusal.end();
        let status = self.status(now, &task, state, reason).with_message(refusal.to_string());
        let framework = key.framework.clone();
        if refusal.is_kept() {
            let (role, task) = (role.clone(), Arc::new(task));
            self.record(Record::Refused { framework, role, task, status }, actions);
            launch.refused.push(key.clone());
        } else {
            launch.refused_once.push(Call::Update { framework, status, latest: state });
        }
    }

    /// Does what a Launch asks for, once its records are written.
    pub(crate) fn start_all(&mut self, now: Instant, launch: Launch, actions: &mut Vec<Action>) {
        self.deliver(&launch.ready, actions);
        actions.extend(launch.fetches.into_iter().map(Action::Fetch));
        for key in &launch.refused {
            self.send_head(now, key, self.config.resend_ms_min, actions);
        }
        for call in launch.refused_once {
            self.tell(call, actions);
        }
    }

    /// Hands tasks to the host. That they may have run is recorded first: a task whose agent ends
    /// before it is told from one that never left.
    fn deliver(&mut self, keys: &[TaskKey], actions: &mut Vec<Action>) {
        for TaskKey { framework, task } in keys.iter().cloned() {
            let delivered = Record::Delivered { framework, task };
            self.record_unless(Bug::AgentForgetsDelivery, delivered, actions);
        }
        for key in keys {
            self.start_executor(key, actions);
        }
        for key in keys {
            self.hand_over(key, actions);
        }
    }

    /// Gives the host a task that is recorded as delivered.
    pub(crate) fn hand_over(&self, key: &TaskKey, actions: &mut Vec<Action>) {
        let Some((task, agent)) = self.kept.tasks.get(key).zip(self.kept.agent()) else {
            return;
        };
        actions.push(Action::ToHost(host::Command::Launch {
            framework: key.framework.clone(),
            agent: agent.clone(),
            task: Box::new((**task.info()).clone()),
        }));
        self.hand_over_paused(key, actions);
    }

    /// Tells the host, which has the task, whether that is frozen, if anybody ever said so.
    pub(crate) fn hand_over_paused(&self, key: &TaskKey, actions: &mut Vec<Action>) {
        let task = self.kept.tasks.get(key).filter(|task| task.stage() == Stage::Delivered);
        let Some(is_paused) = task.and_then(Task::paused) else { return };
        let TaskKey { framework, task } = key.clone();
        actions.push(Action::ToHost(host::Command::SetPaused { framework, task, is_paused }));
    }

    pub(crate) fn on_fetched(&mut self, digest: Digest, actions: &mut Vec<Action>) {
        let ready = self.artifacts.on_fetched(digest);
        self.deliver(&ready, actions);
    }

    pub(crate) fn on_fetch_failed(
        &mut self,
        now: Instant,
        digest: Digest,
        (reason, message): (Reason, String),
        actions: &mut Vec<Action>,
    ) {
        let message = format!("artifact {digest} could not be fetched: {message}");
        for key in self.artifacts.on_failed(digest) {
            self.end(now, &key, (TaskState::Failed, reason, &message), actions);
        }
    }

    /// Goes on with the tasks of the checkpoint that were not handed to the host. This waits for
    /// the master, without whom nothing can be fetched.
    pub(crate) fn resume_launches(&mut self, actions: &mut Vec<Action>) {
        let tasks = self.kept.tasks.iter();
        let left = tasks.filter(|(key, task)| {
            task.is_live() && task.stage() == Stage::Waiting && !self.artifacts.is_waiting(key)
        });
        let left: Vec<_> = left.map(|(key, task)| (key.clone(), task.info().artifacts())).collect();
        let mut ready = Vec::new();
        for (key, digests) in left {
            match self.artifacts.on_task(&key, digests) {
                Needs::Nothing => ready.push(key),
                Needs::Fetches(fetches) => actions.extend(fetches.into_iter().map(Action::Fetch)),
            }
        }
        self.deliver(&ready, actions);
    }
}
