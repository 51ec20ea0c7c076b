//! A scheduler that launches tasks of one kind and notes when each runs and ends. It never waits
//! for anything but the master.

use std::collections::BTreeMap;
use std::time::Instant;

use stoa_model::ids::{AgentId, TaskId};
use stoa_model::offer::{Filters, Offer};
use stoa_model::resources::Resources;
use stoa_model::scheduler::{Call, Event};
use stoa_model::status::TaskStatus;
use stoa_model::task::{KillPolicy, Limits, TaskBody, TaskInfo, TaskState};
use stoa_scheduler::Client;

use crate::failure::{Failure, code};

/// What is measured: tasks of one kind.
pub trait Work {
    /// What one task asks for; never nothing.
    fn resources(&self) -> Resources;

    /// What all tasks share on an agent, such as their executor.
    fn shared(&self) -> Resources;

    /// What the task of this number runs.
    fn body(&self, number: u64) -> TaskBody;

    /// What its tasks are called.
    fn name(&self) -> &'static str;

    /// Whether the task of this number has ended as it must.
    ///
    /// # Errors
    /// [`Failure`] says what it should have come to.
    fn check(&self, number: u64, status: &TaskStatus) -> Result<(), Failure>;
}

/// The scheduler.
pub struct Measured<W> {
    /// Its stream.
    pub client: Client,
    work: W,
    in_flight_max: usize,
    in_flight: BTreeMap<TaskId, (u64, Instant)>,
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

impl<W: Work> Measured<W> {
    /// A scheduler that has this done.
    pub fn new(work: W, in_flight_max: u32, client: Client) -> Self {
        Self {
            client,
            work,
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
            let (each, shared) = (self.work.resources(), self.work.shared());
            let fits = |offered: u64, shared: u64, each: u64| {
                offered.saturating_sub(shared).checked_div(each).unwrap_or(u64::MAX)
            };
            let offered = &offer.resources;
            let cpus = fits(offered.cpus_milli, shared.cpus_milli, each.cpus_milli);
            let memory = fits(offered.memory_bytes, shared.memory_bytes, each.memory_bytes);
            let fit = cpus.min(memory);
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
        let name = self.work.name();
        let id = TaskId::new(&format!("{name}-{number}")).expect("the text is a legal id");
        self.in_flight.insert(id.clone(), (number, Instant::now()));
        TaskInfo {
            id,
            name: name.to_owned(),
            agent: agent.clone(),
            resources: self.work.resources(),
            body: self.work.body(number),
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
        let Some(&(number, launched)) = self.in_flight.get(&status.task) else { return Ok(()) };
        let elapsed_ms = launched.elapsed().as_secs_f64() * 1e3;
        match status.state {
            TaskState::Running => self.samples.running_ms.push(elapsed_ms),
            TaskState::Finished => {
                self.work.check(number, &status)?;
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
