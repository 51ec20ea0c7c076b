//! A scheduler that launches no-op tasks and notes when each runs and ends. It never waits for
//! anything but the master.

use std::collections::BTreeMap;
use std::time::Instant;

use stoa_model::command::CommandInfo;
use stoa_model::digest::Digest;
use stoa_model::ids::{AgentId, TaskId};
use stoa_model::offer::{Filters, Offer};
use stoa_model::resources::Resources;
use stoa_model::scheduler::{Call, Event};
use stoa_model::status::TaskStatus;
use stoa_model::task::{KillPolicy, Limits, TaskBody, TaskInfo, TaskState};
use stoa_scheduler::Client;

use crate::failure::{Failure, code};

/// What one task asks for: little, so that the number in flight is bounded by us alone; and enough
/// for a program of any language that does nothing.
const CPUS_MILLI: u64 = 10;
const MEMORY_BYTES: u64 = 32 << 20;

/// The scheduler.
pub struct Measured {
    /// Its stream.
    pub client: Client,
    program: Digest,
    in_flight_max: usize,
    in_flight: BTreeMap<TaskId, Instant>,
    offers: Vec<Offer>,
    samples: Samples,
}

/// Milliseconds from the Launch, of every task.
#[derive(Debug, Default)]
pub struct Samples {
    /// To RUNNING received.
    pub running_ms: Vec<f64>,
    /// To the end received and acknowledged.
    pub finished_ms: Vec<f64>,
}

impl Measured {
    /// A scheduler that runs `program`.
    pub fn new(program: Digest, in_flight_max: u32, client: Client) -> Self {
        Self {
            client,
            program,
            in_flight_max: in_flight_max as usize,
            in_flight: BTreeMap::new(),
            offers: Vec::new(),
            samples: Samples::default(),
        }
    }

    /// Launches `tasks` tasks, numbered from `first`, and waits until all are over.
    ///
    /// # Errors
    /// [`Failure`] if one of them does not finish.
    pub async fn run(&mut self, tasks: u64, first: u64) -> Result<Samples, Failure> {
        let mut next = first;
        let end = first + tasks;
        while next < end || !self.in_flight.is_empty() {
            next = self.launch(next, end).await?;
            let event = self.client.event().await.ok_or_else(ended)?;
            self.on_event(event).await?;
        }
        Ok(std::mem::take(&mut self.samples))
    }

    /// Launches as many tasks as there is room for; answers the number of the next.
    async fn launch(&mut self, mut next: u64, end: u64) -> Result<u64, Failure> {
        while next < end && self.in_flight.len() < self.in_flight_max {
            let Some(offer) = self.offers.pop() else { break };
            let room = self.in_flight_max - self.in_flight.len();
            let fit = offer.resources.cpus_milli / CPUS_MILLI;
            let fit = fit.min(offer.resources.memory_bytes / MEMORY_BYTES);
            let count = (end - next).min(room as u64).min(fit);
            let tasks = (next..next + count).map(|n| self.task(n, &offer.agent)).collect();
            next += count;
            self.call(Call::Launch {
                offers: vec![offer.id],
                tasks,
                filters: Filters { refuse_ms: 0 },
            })
            .await?;
        }
        Ok(next)
    }

    fn task(&mut self, number: u64, agent: &AgentId) -> TaskInfo {
        let id = TaskId::new(&format!("noop-{number}")).expect("the text is a legal id");
        self.in_flight.insert(id.clone(), Instant::now());
        let command = CommandInfo::new(self.program, "noop");
        TaskInfo {
            id,
            name: "noop".to_owned(),
            agent: agent.clone(),
            resources: Resources::new(CPUS_MILLI, MEMORY_BYTES),
            body: TaskBody::Command(command),
            limits: Limits::default(),
            labels: Vec::new(),
            kill_policy: KillPolicy::default(),
            max_completion_ms: None,
        }
    }

    async fn on_event(&mut self, event: Event) -> Result<(), Failure> {
        match event {
            Event::Offer(offers) => self.offers.extend(offers),
            Event::Rescind(ids) => self.offers.retain(|offer| !ids.contains(&offer.id)),
            Event::Update(status) => self.on_update(status).await?,
            Event::Error { message, .. } => return Err(Failure::new(code::FAILURE, message)),
            _ => {}
        }
        Ok(())
    }

    async fn on_update(&mut self, status: TaskStatus) -> Result<(), Failure> {
        if let (Some(agent), Some(update)) = (status.agent.clone(), status.update) {
            let task = status.task.clone();
            self.call(Call::Acknowledge { agent, task, update }).await?;
        }
        let Some(launched) = self.in_flight.get(&status.task) else { return Ok(()) };
        let elapsed_ms = launched.elapsed().as_secs_f64() * 1e3;
        match status.state {
            TaskState::Running => self.samples.running_ms.push(elapsed_ms),
            TaskState::Finished => {
                self.samples.finished_ms.push(elapsed_ms);
                self.in_flight.remove(&status.task);
            }
            state if state.is_terminal() => {
                let message = format!(
                    "task {} is {state} ({}): {}",
                    status.task, status.reason, status.message
                );
                return Err(Failure::new(code::FAILURE, message));
            }
            _ => {}
        }
        Ok(())
    }

    async fn call(&self, call: Call) -> Result<(), Failure> {
        self.client.call(call).await.map_err(|_| ended())
    }
}

fn ended() -> Failure {
    Failure::new(code::FAILURE, "the master has ended the measurement's framework")
}
