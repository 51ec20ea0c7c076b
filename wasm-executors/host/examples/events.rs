//! Measures what an executor's events cost: a message there and back, a task from its launch to its
//! end without a subtask, and a subtask from its spawn until its end is told. Prints the medians as
//! one JSON object. `events [ROUNDS]`

use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};
use stoa_executor_host::{Config, EVENT_MS_MAX_DEFAULT, Host, HostHandle};
use stoa_model::command::NamedProgram;
use stoa_model::digest::Digest;
use stoa_model::host::{Command, Event};
use stoa_model::ids::{AgentId, ExecutorId, FrameworkId, TaskId, UpdateId};
use stoa_model::resources::Resources;
use stoa_model::task::{
    ExecutorInfo, ExecutorTask, KillPolicy, Limits, TaskBody, TaskInfo, TaskState,
};
use tokio::sync::mpsc::Receiver;

type Failure = Box<dyn std::error::Error>;

/// An executor that sends back what it is sent, ends its tasks at once, and starts what it is told.
const PUPPET: &[u8] = include_bytes!("../tests/puppet.wasm");
const NOOP: &[u8] = include_bytes!("../../../sample-tasks/noop.wasm");

struct Bench {
    host: HostHandle,
    events: Receiver<Event>,
    framework: FrameworkId,
    agent: AgentId,
    executor: ExecutorInfo,
    noop: Digest,
}

impl Bench {
    async fn launch(&self, id: &str, data: &[u8]) -> Result<(), Failure> {
        let mut task = ExecutorTask::new(self.executor.clone(), data.to_vec());
        task.programs = vec![NamedProgram { name: "noop".to_owned(), program: self.noop }];
        let task = TaskInfo {
            id: TaskId::new(id)?,
            name: "event".to_owned(),
            agent: self.agent.clone(),
            resources: Resources::new(10, 64 << 20),
            body: TaskBody::Executor(Box::new(task)),
            limits: Limits::default(),
            labels: Vec::new(),
            kill_policy: KillPolicy::default(),
            max_completion_ms: None,
        };
        let (framework, agent) = (self.framework.clone(), self.agent.clone());
        self.host.send(Command::Launch { framework, agent, task: Box::new(task) }).await;
        Ok(())
    }

    async fn until_state(&mut self, state: TaskState) -> Result<(), Failure> {
        loop {
            let event = self.events.recv().await.ok_or("the host has ended")?;
            let Event::Update(change) = event else { continue };
            let change = *change;
            let (framework, task) = (change.framework, change.task);
            let update = UpdateId(0);
            self.host.send(Command::Acknowledge { framework, task, update }).await;
            match change.state {
                reached if reached == state => return Ok(()),
                TaskState::Starting | TaskState::Running => {}
                _ => return Err(change.message.into()),
            }
        }
    }

    /// Sends to the executor and waits for what it sends then.
    async fn exchange(&mut self, data: &[u8], expected: &[u8]) -> Result<(), Failure> {
        let (framework, executor) = (self.framework.clone(), self.executor.id.clone());
        self.host.send(Command::Message { framework, executor, data: data.to_vec() }).await;
        loop {
            match self.events.recv().await.ok_or("the host has ended")? {
                Event::Message { data, .. } if data == expected => return Ok(()),
                Event::Message { data, .. } => {
                    return Err(String::from_utf8_lossy(&data).into());
                }
                Event::ExecutorEnded { message, .. } => return Err(message.into()),
                Event::Update(_) | Event::Output { .. } => {}
            }
        }
    }
}

fn median_us(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_nanos() as f64 / 1_000.0
}

fn bench(root: &std::path::Path) -> Result<Bench, Failure> {
    let config = Config {
        artifacts: root.join("artifacts"),
        sandboxes: root.join("sandboxes"),
        cache: root.join("cache"),
        directories_allowed: Vec::new(),
        guest_threads: 1,
        instances_max: 100,
        event_ms_max: EVENT_MS_MAX_DEFAULT,
    };
    let (host, events) = Host::start(config)?;
    let store = |bytes: &[u8]| {
        let digest = Digest(Sha256::digest(bytes).into());
        std::fs::write(root.join("artifacts").join(digest.hex()), bytes).map(|()| digest)
    };
    let (puppet, noop) = (store(PUPPET)?, store(NOOP)?);
    let (framework, agent) = (FrameworkId::new("f")?, AgentId::new("a")?);
    let resources = Resources::new(10, 64 << 20);
    let executor = ExecutorInfo::new(ExecutorId::new("puppet")?, puppet, resources);
    Ok(Bench { host, events, framework, agent, executor, noop })
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let rounds = std::env::args().nth(1).map_or(Ok(10_000), |text| text.parse::<usize>())?.max(1);
    let root = tempfile::tempdir()?;
    let mut bench = bench(root.path())?;

    let mut launches = Vec::new();
    for number in 0..rounds {
        let started = Instant::now();
        bench.launch(&format!("t{number}"), b"finish").await?;
        bench.until_state(TaskState::Finished).await?;
        launches.push(started.elapsed());
    }

    // The subtasks live in this one.
    bench.launch("lives", b"wait").await?;
    bench.until_state(TaskState::Running).await?;
    let mut messages = Vec::new();
    for _ in 0..rounds {
        let started = Instant::now();
        bench.exchange(b"to and fro", b"to and fro").await?;
        messages.push(started.elapsed());
    }
    let mut spawns = Vec::new();
    for _ in 0..rounds {
        let started = Instant::now();
        bench.exchange(b"spawn", b"exited").await?;
        spawns.push(started.elapsed());
    }

    println!(
        r#"{{"rounds":{rounds},"message_us":{:.1},"launch_us":{:.1},"spawn_us":{:.1}}}"#,
        median_us(messages),
        median_us(launches),
        median_us(spawns),
    );
    Ok(())
}
