//! A host in a directory of its own, and what tests say to it. It asserts nothing by itself.

#![allow(dead_code, reason = "each test binary uses its part")]

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use stoa_executor_host::{Config, EVENT_MS_MAX_DEFAULT, Host, HostHandle, log_path};
use stoa_model::command::{CommandInfo, NamedProgram};
use stoa_model::digest::Digest;
use stoa_model::host::{Command, Event, TaskChange};
use stoa_model::ids::{AgentId, ExecutorId, FrameworkId, TaskId};
use stoa_model::operator::LogStream;
use stoa_model::resources::Resources;
use stoa_model::task::{
    ExecutorInfo, ExecutorTask, KillPolicy, Limits, OUTPUT_BYTES_DEFAULT, TaskBody, TaskInfo,
    TaskState,
};
use tokio::sync::mpsc::Receiver;

/// Longer than anything here takes, so that a hang is a failure and not a hang.
const PATIENCE: Duration = Duration::from_secs(60);

pub const MIB: u64 = 1 << 20;

/// A host, its directories, and all it has said.
pub struct House {
    pub handle: HostHandle,
    pub events: Receiver<Event>,
    pub heard: Vec<Event>,
    pub root: PathBuf,
    _temporary: Option<tempfile::TempDir>,
}

impl House {
    pub fn new() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let mut house = Self::at(temporary.path());
        house._temporary = Some(temporary);
        house
    }

    /// A host in which one event of an executor may take so long.
    pub fn with_event_ms_max(event_ms_max: u64) -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let mut house = Self::made(temporary.path(), event_ms_max);
        house._temporary = Some(temporary);
        house
    }

    /// A host whose directories are those of an earlier one, if there was one.
    pub fn at(root: &Path) -> Self {
        Self::made(root, EVENT_MS_MAX_DEFAULT)
    }

    fn made(root: &Path, event_ms_max: u64) -> Self {
        let allowed = root.join("allowed");
        std::fs::create_dir_all(&allowed).unwrap();
        let config = Config {
            artifacts: root.join("artifacts"),
            sandboxes: root.join("sandboxes"),
            cache: root.join("cache"),
            directories_allowed: vec![allowed],
            guest_threads: 2,
            instances_max: 32,
            event_ms_max,
        };
        let (handle, events) = Host::start(config).unwrap();
        let root = root.canonicalize().unwrap();
        Self { handle, events, heard: Vec::new(), root, _temporary: None }
    }

    /// Puts bytes where the agent would.
    pub fn store(&self, bytes: &[u8]) -> Digest {
        let digest = Digest(Sha256::digest(bytes).into());
        std::fs::write(self.root.join("artifacts").join(digest.hex()), bytes).unwrap();
        digest
    }

    pub fn store_wat(&self, wat: &str) -> Digest {
        self.store(&wat::parse_str(wat).unwrap())
    }

    /// One of the committed sample tasks.
    pub fn store_sample(&self, name: &str) -> Digest {
        let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sample-tasks");
        self.store(&std::fs::read(samples.join(format!("{name}.wasm"))).unwrap())
    }

    pub async fn launch(&self, task: TaskInfo) {
        self.launch_for("f", task).await;
    }

    pub async fn launch_for(&self, framework: &str, task: TaskInfo) {
        let (framework, agent) = (framework_id(framework), AgentId::new("a").unwrap());
        self.handle.send(Command::Launch { framework, agent, task: Box::new(task) }).await;
    }

    pub async fn kill(&self, task: &str, grace_ms: u64) {
        let (framework, task) = (framework_id("f"), task_id(task));
        let policy = KillPolicy { grace_ms };
        self.handle.send(Command::Kill { framework, task, policy }).await;
    }

    pub async fn send_message(&self, executor: &str, data: &[u8]) {
        let (framework, executor) = (framework_id("f"), executor_id(executor));
        self.handle.send(Command::Message { framework, executor, data: data.to_vec() }).await;
    }

    /// Waits for the end of a framework's own executor and answers what was said of it.
    pub async fn executor_ended(&mut self, of: &str) -> String {
        loop {
            match self.next().await {
                Event::ExecutorEnded { executor, message, .. } if executor.as_str() == of => {
                    return message;
                }
                _ => {}
            }
        }
    }

    /// Waits for a message of an executor that begins so.
    pub async fn message(&mut self, of: &str, begin: &str) -> String {
        loop {
            if let Event::Message { executor, data, .. } = self.next().await
                && executor.as_str() == of
                && data.starts_with(begin.as_bytes())
            {
                return String::from_utf8(data).unwrap();
            }
        }
    }

    pub async fn next(&mut self) -> Event {
        let event = tokio::time::timeout(PATIENCE, self.events.recv()).await;
        let event = event.unwrap_or_else(|_| panic!("nothing more after {:#?}", self.heard));
        let event = event.expect("the host has ended");
        self.heard.push(event.clone());
        event
    }

    /// Waits until the task is in this state, or over.
    pub async fn until(&mut self, task: &str, state: TaskState) -> TaskChange {
        let wanted = |event: &Event| match event {
            Event::Update(change) if change.task.as_str() == task => {
                let reached = change.state == state || change.state.is_terminal();
                reached.then(|| (**change).clone())
            }
            _ => None,
        };
        if let Some(change) = self.heard.iter().find_map(wanted) {
            return change;
        }
        loop {
            if let Some(change) = wanted(&self.next().await) {
                return change;
            }
        }
    }

    /// Waits until the task is over.
    pub async fn over(&mut self, task: &str) -> TaskChange {
        self.until(task, TaskState::Gone).await
    }

    pub async fn run(&mut self, task: TaskInfo) -> TaskChange {
        let id = task.id.clone();
        self.launch(task).await;
        self.over(id.as_str()).await
    }

    /// The states that were told of a task, in order.
    pub fn states(&self, task: &str) -> Vec<TaskState> {
        let changes = self.heard.iter().filter_map(|event| match event {
            Event::Update(change) if change.task.as_str() == task => Some(change.state),
            _ => None,
        });
        changes.collect()
    }

    pub fn log(&self, task: &str, stream: LogStream) -> String {
        let sandboxes = self.root.join("sandboxes");
        let path = log_path(&sandboxes, &framework_id("f"), &task_id(task), stream);
        String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned()
    }

    /// The size of the stdout of a task as it was told last.
    pub fn stdout_bytes_told(&self, task: &str) -> Option<u64> {
        let mut told = self.heard.iter().rev().filter_map(|event| match event {
            Event::Output { task: of, stdout_bytes, .. } if of.as_str() == task => {
                Some(*stdout_bytes)
            }
            _ => None,
        });
        told.next()
    }

    /// The files of the cache, without its key: a file that was written anew is another one.
    pub fn cached(&self) -> BTreeMap<PathBuf, u64> {
        let mut files = BTreeMap::new();
        for directory in std::fs::read_dir(self.root.join("cache")).unwrap() {
            let directory = directory.unwrap().path();
            for file in std::fs::read_dir(directory).into_iter().flatten() {
                let file = file.unwrap();
                files.insert(file.path(), file.metadata().unwrap().ino());
            }
        }
        files
    }
}

pub fn framework_id(text: &str) -> FrameworkId {
    FrameworkId::new(text).unwrap()
}

pub fn task_id(text: &str) -> TaskId {
    TaskId::new(text).unwrap()
}

pub fn agent_id(text: &str) -> AgentId {
    AgentId::new(text).unwrap()
}

pub fn executor_id(text: &str) -> ExecutorId {
    ExecutorId::new(text).unwrap()
}

/// A program with no grant but 64 MiB of memory.
pub fn task(id: &str, program: Digest) -> TaskInfo {
    let command = CommandInfo::new(program, "program");
    task_of(id, TaskBody::Command(command))
}

/// A task for a framework's own executor, which may start itself as a program.
pub fn executor_task(id: &str, executor: &str, program: Digest, data: &[u8]) -> TaskInfo {
    let executor = ExecutorInfo {
        data: b"executor data".to_vec(),
        ..ExecutorInfo::new(executor_id(executor), program, Resources::new(0, 16 * MIB))
    };
    task_of(id, TaskBody::Executor(Box::new(ExecutorTask::new(executor, data.to_vec()))))
}

/// A task for the rascal, which may start itself as a program.
pub fn rascal_task(house: &House, id: &str, data: &str) -> TaskInfo {
    let program = house.store(include_bytes!("../rascal.wasm"));
    let mut task = executor_task(id, "rascal", program, data.as_bytes());
    let itself = NamedProgram { name: "rascal".to_owned(), program };
    executor_task_of(&mut task).executor.programs.push(itself);
    task
}

fn task_of(id: &str, body: TaskBody) -> TaskInfo {
    let mut resources = Resources::new(100, 64 * MIB);
    resources.disk_bytes = MIB;
    TaskInfo {
        id: task_id(id),
        name: id.to_owned(),
        agent: AgentId::new("a").unwrap(),
        resources,
        body,
        limits: Limits { fuel: None, output_bytes: OUTPUT_BYTES_DEFAULT },
        labels: Vec::new(),
        kill_policy: KillPolicy::default(),
        max_completion_ms: None,
    }
}

/// The executor's part of a task made by [`executor_task`], to be changed.
pub fn for_executor(task: &mut TaskInfo) -> &mut ExecutorTask {
    match &mut task.body {
        TaskBody::Executor(task) => task,
        TaskBody::Command(_) => panic!("the task is a command"),
    }
}

/// The command of a task made by [`task`], to be changed.
pub fn command(task: &mut TaskInfo) -> &mut CommandInfo {
    match &mut task.body {
        TaskBody::Command(command) => command,
        TaskBody::Executor(_) => panic!("the task is for an executor"),
    }
}

/// What an executor's task made by [`executor_task`] is, to be changed.
pub fn executor_task_of(task: &mut TaskInfo) -> &mut ExecutorTask {
    match &mut task.body {
        TaskBody::Command(_) => panic!("the task is for no executor"),
        TaskBody::Executor(task) => task,
    }
}

pub fn with_arguments(mut task: TaskInfo, arguments: &[&str]) -> TaskInfo {
    command(&mut task).arguments = arguments.iter().map(|it| (*it).to_owned()).collect();
    task
}
