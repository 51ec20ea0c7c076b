//! Measures the host alone: how many no-op tasks it runs in a second, and how soon one runs. Prints
//! one JSON object. `launches [TASKS] [AT_A_TIME] [GUEST_THREADS]`

use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};
use stoa_executor_host::{Config, EVENT_MS_MAX_DEFAULT, Host, HostHandle};
use stoa_model::command::CommandInfo;
use stoa_model::digest::Digest;
use stoa_model::host::{Command, Event};
use stoa_model::ids::{AgentId, FrameworkId, TaskId, UpdateId};
use stoa_model::resources::Resources;
use stoa_model::task::{KillPolicy, Limits, TaskBody, TaskInfo, TaskState};
use tokio::sync::mpsc::Receiver;

type Failure = Box<dyn std::error::Error>;

const NOOP: &[u8] = include_bytes!("../../../sample-tasks/noop.wasm");

struct Bench {
    host: HostHandle,
    events: Receiver<Event>,
    framework: FrameworkId,
    agent: AgentId,
    program: Digest,
}

impl Bench {
    async fn launch(&self, number: usize) -> Result<(), Failure> {
        let command = CommandInfo::new(self.program, "noop");
        let task = TaskInfo {
            id: TaskId::new(&format!("t{number}"))?,
            name: "noop".to_owned(),
            agent: self.agent.clone(),
            resources: Resources::new(10, 1 << 20),
            body: TaskBody::Command(command),
            limits: Limits::default(),
            labels: Vec::new(),
            kill_policy: KillPolicy::default(),
            max_completion_ms: None,
        };
        let (framework, agent) = (self.framework.clone(), self.agent.clone());
        self.host.send(Command::Launch { framework, agent, task: Box::new(task) }).await;
        Ok(())
    }

    /// Waits for the next end of a task, and acknowledges all on the way.
    async fn until(&mut self, state: TaskState) -> Result<(), Failure> {
        loop {
            let event = self.events.recv().await.ok_or("the host has ended")?;
            let Event::Update(change) = event else { continue };
            let change = *change;
            let (framework, task) = (change.framework, change.task);
            let update = UpdateId(0);
            self.host.send(Command::Acknowledge { framework, task, update }).await;
            match change.state {
                reached if reached == state => return Ok(()),
                TaskState::Starting | TaskState::Running | TaskState::Finished => {}
                _ => return Err(change.message.into()),
            }
        }
    }
}

fn cpu_time() -> Result<Duration, Failure> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let after_name = stat.rsplit_once(')').ok_or("no name")?.1;
    let fields: Vec<_> = after_name.split_whitespace().collect();
    let ticks = fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
    Ok(Duration::from_millis(ticks * 10))
}

fn percentile(sorted: &[u128], percent: usize) -> u128 {
    sorted[(sorted.len() - 1) * percent / 100]
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let argument = |number, default| {
        std::env::args().nth(number).map_or(Ok(default), |text| text.parse::<usize>())
    };
    let (tasks, at_a_time) = (argument(1, 100_000)?, argument(2, 256)?);
    let guest_threads = argument(3, 1)?;
    let root = tempfile::tempdir()?;
    let config = Config {
        artifacts: root.path().join("artifacts"),
        sandboxes: root.path().join("sandboxes"),
        cache: root.path().join("cache"),
        directories_allowed: Vec::new(),
        guest_threads,
        instances_max: 1_000,
        event_ms_max: EVENT_MS_MAX_DEFAULT,
    };
    let (host, events) = Host::start(config)?;
    let program = Digest(Sha256::digest(NOOP).into());
    std::fs::write(root.path().join("artifacts").join(program.hex()), NOOP)?;
    let (framework, agent) = (FrameworkId::new("f")?, AgentId::new("a")?);
    let mut bench = Bench { host, events, framework, agent, program };
    for number in 0..1_000 {
        bench.launch(number).await?;
        bench.until(TaskState::Finished).await?;
    }

    let mut running_us = Vec::new();
    for number in 0..5_000 {
        let launched = Instant::now();
        bench.launch(1_000_000_000 + number).await?;
        bench.until(TaskState::Running).await?;
        running_us.push(launched.elapsed().as_micros());
        bench.until(TaskState::Finished).await?;
    }
    running_us.sort_unstable();

    let (started, cpu) = (Instant::now(), cpu_time()?);
    for number in 0..tasks {
        if number >= at_a_time {
            bench.until(TaskState::Finished).await?;
        }
        bench.launch(2_000_000_000 + number).await?;
    }
    for _ in 0..at_a_time.min(tasks) {
        bench.until(TaskState::Finished).await?;
    }
    let (wall, cpu) = (started.elapsed(), cpu_time()? - cpu);
    println!(r#"{{"tasks":{tasks},"at_a_time":{at_a_time},"guest_threads":{guest_threads},"#);
    println!(
        r#""tasks_per_second":{:.0},"cpu_us_per_task":{:.1},"#,
        tasks as f64 / wall.as_secs_f64(),
        cpu.as_micros() as f64 / tasks as f64,
    );
    let running = [50, 90, 99].map(|percent| percentile(&running_us, percent));
    println!(
        r#""running_us":{{"p50":{},"p90":{},"p99":{}}}}}"#,
        running[0], running[1], running[2]
    );
    Ok(())
}
