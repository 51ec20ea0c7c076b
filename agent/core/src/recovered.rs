//! All that survives an agent's end. It changes by records only, so replaying them gives the very
//! state the agent was in. It never decides what is recorded.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use stoa_model::digest::Digest;
use stoa_model::epoch::Epoch;
use stoa_model::ids::{AgentId, FrameworkId, Role, SessionId, UpdateId};
use stoa_model::resources::Resources;
use stoa_model::status::TaskStatus;
use stoa_model::task::{ExecutorRecord, TaskInfo, TaskState};

use crate::charges::Charges;
use crate::limits::FRAMEWORKS_REMOVED_MAX;
use crate::record::Record;
use crate::sandboxes::Sandboxes;
use crate::tasks::{Kill, Stage, Task, may_follow};
use stoa_model::keys::{ExecutorKey, TaskKey};

/// What an agent remembers. The default is an agent that never registered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    pub(crate) identity: Option<Identity>,
    /// The highest epoch that the agent has obeyed.
    pub(crate) epoch: Epoch,
    /// The start of the machine in which the agent ran last.
    pub(crate) boot: Option<String>,
    pub(crate) tasks: BTreeMap<TaskKey, Task>,
    pub(crate) executors: BTreeMap<ExecutorKey, Executor>,
    pub(crate) sandboxes: Sandboxes,
    pub(crate) frameworks_removed: VecDeque<FrameworkId>,
    /// The host that a framework has or had last, and how far what it said is written.
    hosts_heard: BTreeMap<FrameworkId, (u64, u64)>,
    pub(crate) charges: Charges,
}

/// Who the agent is to the master.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) agent: AgentId,
    pub(crate) session: SessionId,
    /// The highest command applied in this session.
    pub(crate) applied: u64,
}

/// A framework's own executor from the first task that names it until its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Executor {
    pub(crate) record: ExecutorRecord,
    pub(crate) program: Digest,
    /// Whether the host was handed a task of it.
    pub(crate) is_started: bool,
    /// Whether the host was told to end it.
    pub(crate) is_ending: bool,
}

/// Why a record cannot follow the ones before it: the checkpoint is not one that an agent wrote.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IllegalRecord {
    /// Commands and tasks come from a master that knows the agent.
    #[error("a command or task is recorded before the agent registered")]
    NotRegistered,
    /// Numbers only grow.
    #[error("command {got} is recorded after command {applied}")]
    NumberOld {
        /// The number in the record.
        got: u64,
        /// The number before it.
        applied: u64,
    },
    /// Epochs only grow.
    #[error("epoch {got} is recorded after epoch {obeyed}")]
    EpochOld {
        /// The epoch in the record.
        got: Epoch,
        /// The epoch before it.
        obeyed: Epoch,
    },
    /// A task begins once.
    #[error("task {0} is recorded twice")]
    TaskKnown(TaskKey),
    /// Only a task that was launched changes.
    #[error("task {0} is changed by a record but was never launched")]
    TaskUnknown(TaskKey),
    /// A task's life goes one way.
    #[error("task {task} is recorded as {to} after {from}")]
    StateIllegal {
        /// Which task.
        task: TaskKey,
        /// The state before.
        from: TaskState,
        /// The state in the record.
        to: TaskState,
    },
    /// Updates are acknowledged in their order.
    #[error("an acknowledgement is recorded that task {0} does not wait for")]
    NotWaiting(TaskKey),
    /// An executor begins once.
    #[error("executor {0} is recorded twice")]
    ExecutorKnown(ExecutorKey),
    /// Only an executor that was admitted changes.
    #[error("executor {0} is changed by a record but was never admitted")]
    ExecutorUnknown(ExecutorKey),
    /// The sum of what is charged cannot exist.
    #[error("charging {0} on top of what is recorded is more than can exist")]
    ChargesOverflow(Resources),
    /// Only a sandbox that is kept is removed.
    #[error("the sandbox of task {0} is removed by a record but was not kept")]
    SandboxUnknown(TaskKey),
}

impl Recovered {
    /// The agent's id, if it ever registered.
    pub fn agent(&self) -> Option<&AgentId> {
        self.identity.as_ref().map(|identity| &identity.agent)
    }

    /// The number of the last event of this host that is written; 0 is none.
    pub fn heard_of(&self, framework: &FrameworkId, host: u64) -> u64 {
        let heard = self.hosts_heard.get(framework).filter(|(it, _)| *it == host);
        heard.map_or(0, |(_, number)| *number)
    }

    /// Every task whose sandbox may be on the disk; any other sandbox there is waste.
    pub fn sandboxes(&self) -> impl Iterator<Item = &TaskKey> {
        self.tasks.keys().chain(self.sandboxes.iter())
    }

    /// Takes the next record of the checkpoint.
    ///
    /// # Errors
    /// [`IllegalRecord`] if an agent cannot have written it after the ones before; the state is
    /// then the one before it.
    pub fn apply(&mut self, record: &Record) -> Result<(), IllegalRecord> {
        match record {
            Record::Booted { boot } => {
                self.boot = Some(boot.clone());
                Ok(())
            }
            Record::EpochRaised { epoch } => self.on_epoch_raised(*epoch),
            Record::Registered { agent, session } => self.on_registered(agent, session),
            Record::CommandApplied { number } => self.on_command_applied(*number),
            Record::Launched { framework, role, task } => self.on_launched(framework, role, task),
            Record::Refused { framework, role, task, status } => {
                self.on_refused(TaskKey::new(framework, &task.id), (role, task), status)
            }
            Record::Delivered { framework, task } => {
                self.task_mut(&TaskKey::new(framework, task)).map(Task::on_delivered)
            }
            Record::KillRequested { framework, task, policy, reason } => {
                let kill = Kill { policy: *policy, reason: *reason };
                self.task_mut(&TaskKey::new(framework, task)).map(|task| task.on_kill(kill))
            }
            Record::PausedSet { framework, task, is_paused } => {
                self.task_mut(&TaskKey::new(framework, task)).map(|task| task.on_paused(*is_paused))
            }
            Record::Updated { framework, status } => {
                self.on_updated(TaskKey::new(framework, &status.task), status)
            }
            Record::Published { framework, task, failure } => self
                .task_mut(&TaskKey::new(framework, task))
                .map(|task| task.on_published(failure.as_deref())),
            Record::Acknowledged { framework, task, update } => {
                self.on_acknowledged(TaskKey::new(framework, task), *update)
            }
            Record::ExecutorAdmitted { framework, executor, program } => {
                self.on_executor(ExecutorKey::new(framework, &executor.id), executor, *program)
            }
            Record::ExecutorStarted { framework, executor } => self
                .executor_mut(&ExecutorKey::new(framework, executor))
                .map(|executor| executor.is_started = true),
            Record::ShutdownRequested { framework, executor } => self
                .executor_mut(&ExecutorKey::new(framework, executor))
                .map(|executor| executor.is_ending = true),
            Record::ExecutorEnded { framework, executor } => {
                self.on_executor_ended(ExecutorKey::new(framework, executor))
            }
            Record::HostHeard { framework, host, number } => {
                self.hosts_heard.insert(framework.clone(), (*host, *number));
                Ok(())
            }
            Record::FrameworkRemoved { framework } => self.on_framework_removed(framework),
            Record::SandboxKept { framework, task } => {
                self.sandboxes.insert(TaskKey::new(framework, task));
                Ok(())
            }
            Record::SandboxRemoved { framework, task } => {
                self.on_sandbox_removed(TaskKey::new(framework, task))
            }
        }
    }

    fn on_epoch_raised(&mut self, got: Epoch) -> Result<(), IllegalRecord> {
        if got <= self.epoch {
            return Err(IllegalRecord::EpochOld { got, obeyed: self.epoch });
        }
        self.epoch = got;
        Ok(())
    }

    fn on_registered(&mut self, agent: &AgentId, session: &SessionId) -> Result<(), IllegalRecord> {
        let (agent, session) = (agent.clone(), session.clone());
        self.identity = Some(Identity { agent, session, applied: 0 });
        Ok(())
    }

    fn on_command_applied(&mut self, number: u64) -> Result<(), IllegalRecord> {
        let identity = self.identity.as_mut().ok_or(IllegalRecord::NotRegistered)?;
        if number <= identity.applied {
            return Err(IllegalRecord::NumberOld { got: number, applied: identity.applied });
        }
        identity.applied = number;
        Ok(())
    }

    fn on_launched(
        &mut self,
        framework: &FrameworkId,
        role: &Role,
        task: &Arc<TaskInfo>,
    ) -> Result<(), IllegalRecord> {
        let key = TaskKey::new(framework, &task.id);
        self.check_new(&key)?;
        let charged = self.charges.add_task(&key, task);
        charged.ok_or_else(|| IllegalRecord::ChargesOverflow(task.resources.clone()))?;
        self.tasks.insert(key, Task::launched(role.clone(), task.clone()));
        Ok(())
    }

    fn on_refused(
        &mut self,
        key: TaskKey,
        (role, task): (&Role, &TaskInfo),
        status: &TaskStatus,
    ) -> Result<(), IllegalRecord> {
        self.check_new(&key)?;
        self.tasks.insert(key, Task::refused(role.clone(), task, status.clone()));
        Ok(())
    }

    /// Whether a task may begin: the master has given this agent an id, and the task is new.
    fn check_new(&self, key: &TaskKey) -> Result<(), IllegalRecord> {
        if self.identity.is_none() {
            return Err(IllegalRecord::NotRegistered);
        }
        if self.tasks.contains_key(key) {
            return Err(IllegalRecord::TaskKnown(key.clone()));
        }
        Ok(())
    }

    fn on_updated(&mut self, key: TaskKey, status: &TaskStatus) -> Result<(), IllegalRecord> {
        let task = self.task_mut(&key)?;
        let (from, to) = (task.state(), status.state);
        if !may_follow(from, to) {
            return Err(IllegalRecord::StateIllegal { task: key, from, to });
        }
        task.on_updated(status.clone());
        let info = task.info().clone();
        if to.is_terminal() {
            self.charges.take_task(&key, &info);
        }
        Ok(())
    }

    fn on_acknowledged(&mut self, key: TaskKey, update: UpdateId) -> Result<(), IllegalRecord> {
        let state = self.task_mut(&key)?.on_acknowledged(update);
        match state {
            None => return Err(IllegalRecord::NotWaiting(key)),
            Some(state) if state.is_terminal() => self.forget(&key),
            Some(_) => {}
        }
        Ok(())
    }

    fn on_executor(
        &mut self,
        key: ExecutorKey,
        record: &ExecutorRecord,
        program: Digest,
    ) -> Result<(), IllegalRecord> {
        if self.executors.contains_key(&key) {
            return Err(IllegalRecord::ExecutorKnown(key));
        }
        let charged = self.charges.add(&record.resources);
        charged.ok_or_else(|| IllegalRecord::ChargesOverflow(record.resources.clone()))?;
        let record = record.clone();
        let executor = Executor { record, program, is_started: false, is_ending: false };
        self.executors.insert(key, executor);
        Ok(())
    }

    fn on_executor_ended(&mut self, key: ExecutorKey) -> Result<(), IllegalRecord> {
        let executor = self.executors.remove(&key);
        let executor = executor.ok_or(IllegalRecord::ExecutorUnknown(key))?;
        self.charges.take(&executor.record.resources);
        Ok(())
    }

    fn on_sandbox_removed(&mut self, key: TaskKey) -> Result<(), IllegalRecord> {
        let was_kept = self.sandboxes.remove(&key);
        was_kept.then_some(()).ok_or(IllegalRecord::SandboxUnknown(key))
    }

    fn on_framework_removed(&mut self, framework: &FrameworkId) -> Result<(), IllegalRecord> {
        let keys: Vec<_> =
            self.tasks.keys().filter(|key| key.framework == *framework).cloned().collect();
        keys.iter().for_each(|key| self.forget(key));
        for (_, executor) in self.executors.extract_if(.., |key, _| key.framework == *framework) {
            self.charges.take(&executor.record.resources);
        }
        self.hosts_heard.remove(framework);
        self.frameworks_removed.retain(|other| other != framework);
        self.frameworks_removed.push_back(framework.clone());
        if self.frameworks_removed.len() > FRAMEWORKS_REMOVED_MAX {
            self.frameworks_removed.pop_front();
        }
        Ok(())
    }

    /// The task is no more; its sandbox is kept if it ever was admitted.
    fn forget(&mut self, key: &TaskKey) {
        let Some(task) = self.tasks.remove(key) else {
            return;
        };
        if task.is_live() {
            self.charges.take_task(key, task.info());
        }
        if task.stage() != Stage::Refused {
            self.sandboxes.insert(key.clone());
        }
    }

    fn task_mut(&mut self, key: &TaskKey) -> Result<&mut Task, IllegalRecord> {
        self.tasks.get_mut(key).ok_or_else(|| IllegalRecord::TaskUnknown(key.clone()))
    }

    fn executor_mut(&mut self, key: &ExecutorKey) -> Result<&mut Executor, IllegalRecord> {
        self.executors.get_mut(key).ok_or_else(|| IllegalRecord::ExecutorUnknown(key.clone()))
    }

    /// A short list of records that gives this very state, to begin a new checkpoint with.
    pub fn snapshot(&self) -> Vec<Record> {
        let mut records = Vec::new();
        if let Some(boot) = self.boot.clone() {
            records.push(Record::Booted { boot });
        }
        if self.epoch.is_some() {
            records.push(Record::EpochRaised { epoch: self.epoch });
        }
        if let Some(Identity { agent, session, applied }) = self.identity.clone() {
            records.push(Record::Registered { agent, session });
            if applied > 0 {
                records.push(Record::CommandApplied { number: applied });
            }
        }
        for framework in self.frameworks_removed.iter().cloned() {
            records.push(Record::FrameworkRemoved { framework });
        }
        for (framework, &(host, number)) in &self.hosts_heard {
            let framework = framework.clone();
            records.push(Record::HostHeard { framework, host, number });
        }
        for TaskKey { framework, task } in self.sandboxes.iter().cloned() {
            records.push(Record::SandboxKept { framework, task });
        }
        // Those that are over come first: they are charged for a moment, when nothing else is.
        for is_live in [false, true] {
            let tasks = self.tasks.iter().filter(|(_, task)| task.is_live() == is_live);
            tasks.for_each(|(key, task)| task.to_records(&key.framework, &mut records));
        }
        for (key, executor) in &self.executors {
            executor.to_records(&key.framework, &mut records);
        }
        records
    }
}

impl Executor {
    fn to_records(&self, framework: &FrameworkId, records: &mut Vec<Record>) {
        let (framework, record) = (framework.clone(), self.record.clone());
        let (executor, program) = (record.id.clone(), self.program);
        records.push(Record::ExecutorAdmitted {
            framework: framework.clone(),
            executor: record,
            program,
        });
        if self.is_started {
            let (framework, executor) = (framework.clone(), executor.clone());
            records.push(Record::ExecutorStarted { framework, executor });
        }
        if self.is_ending {
            records.push(Record::ShutdownRequested { framework, executor });
        }
    }
}
