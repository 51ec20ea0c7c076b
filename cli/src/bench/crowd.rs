//! A scheduler that keeps a crowd of tasks running on one agent. It never looks at the time, and
//! acknowledges whatever it hears.

use std::collections::VecDeque;
use std::time::Duration;

use stoa_model::command::CommandInfo;
use stoa_model::digest::Digest;
use stoa_model::ids::{AgentId, TaskId};
use stoa_model::offer::{Filters, Offer};
use stoa_model::resources::Resources;
use stoa_model::scheduler::{Call, Event};
use stoa_model::status::TaskStatus;
use stoa_model::task::{KillPolicy, Limits, TaskBody, TaskInfo, TaskState};
use stoa_scheduler::Client;
use tokio::time::timeout;

use crate::failure::{Failure, code};

/// Tasks of a crowd that are on their way to RUNNING at once.
const STARTING_MAX: usize = 256;

/// How long those that start may be silent before they count as waiting for room.
const STALL: Duration = Duration::from_secs(5);

/// One of a crowd, as it is to be.
pub struct Member {
    /// Its id.
    pub id: TaskId,
    /// What it runs.
    pub program: Digest,
    /// With which arguments.
    pub arguments: Vec<String>,
    /// Its walls.
    pub resources: Resources,
}

/// The scheduler.
pub struct Crowd {
    client: Client,
    offers: Vec<Offer>,
}

impl Crowd {
    /// One that has nobody yet.
    pub fn new(client: Client) -> Self {
        Self { client, offers: Vec::new() }
    }

    /// Launches these until all run, or until one ends before it runs, or nothing is heard of any
    /// for [`STALL`]: those then wait for room. Answers how many run, and why
    /// that are not all, if they are not.
    ///
    /// # Errors
    /// [`Failure`] if the master ends the framework.
    pub async fn gather(
        &mut self,
        members: Vec<Member>,
    ) -> Result<(usize, Option<String>), Failure> {
        let (wanted, mut running, mut starting) = (members.len(), 0, 0);
        let mut last = "nothing was heard of them".to_owned();
        let mut left = VecDeque::from(members);
        while running < wanted {
            starting += self.launch(&mut left, STARTING_MAX - starting).await?;
            let Ok(event) = timeout(STALL, self.event()).await else {
                return Ok((running, Some(last)));
            };
            let Some(status) = self.on_event(event?).await? else { continue };
            match status.state {
                TaskState::Running => {
                    running += 1;
                    starting -= 1;
                }
                state if state.is_terminal() => return Ok((running, Some(told(&status)))),
                _ => last = told(&status),
            }
        }
        Ok((running, None))
    }

    /// Asks for the end of one, without grace.
    ///
    /// # Errors
    /// [`Failure`] if the master has ended the framework.
    pub async fn kill(&self, task: TaskId) -> Result<(), Failure> {
        let policy = Some(KillPolicy { grace_ms: 0 });
        self.call(Call::Kill { task, agent: None, policy }).await
    }

    /// The next event. Nothing is lost if the wait for it is given up.
    ///
    /// # Errors
    /// [`Failure`] if the master has ended the framework.
    pub async fn event(&mut self) -> Result<Event, Failure> {
        self.client.event().await.ok_or_else(ended)
    }

    /// Takes in what was heard; answers the status, if it is one.
    ///
    /// # Errors
    /// [`Failure`] if the master has refused something or ended the framework.
    pub async fn on_event(&mut self, event: Event) -> Result<Option<TaskStatus>, Failure> {
        match event {
            Event::Offer(offers) => self.offers.extend(offers),
            Event::Rescind(ids) => self.offers.retain(|offer| !ids.contains(&offer.id)),
            Event::Error { message, .. } => return Err(Failure::new(code::FAILURE, message)),
            Event::Update(status) => {
                if let (Some(agent), Some(update)) = (status.agent.clone(), status.update) {
                    let task = status.task.clone();
                    self.call(Call::Acknowledge { agent, task, update }).await?;
                }
                return Ok(Some(status));
            }
            _ => {}
        }
        Ok(None)
    }

    /// Ends the framework, and with it whoever is left.
    ///
    /// # Errors
    /// [`Failure`] if the master does not hear of it.
    pub async fn disperse(mut self) -> Result<(), Failure> {
        self.client.unregister().await.map_err(|it| Failure::new(code::FAILURE, it.to_string()))
    }

    /// Launches as many as there is room for, at most `most`; answers how many.
    async fn launch(&mut self, left: &mut VecDeque<Member>, most: usize) -> Result<usize, Failure> {
        let mut launched = 0;
        while launched < most && !left.is_empty() {
            let Some(offer) = self.offers.pop() else { break };
            let (mut room, mut tasks) = (offer.resources.clone(), Vec::new());
            while launched + tasks.len() < most {
                let fits = left.front().and_then(|next| room.checked_sub(&next.resources));
                let (Some(rest), Some(next)) = (fits, left.pop_front()) else { break };
                room = rest;
                tasks.push(task(next, offer.agent.clone()));
            }
            launched += tasks.len();
            let (offers, filters) = (vec![offer.id], Filters { refuse_ms: 0 });
            self.call(Call::Launch { offers, tasks, filters }).await?;
        }
        Ok(launched)
    }

    async fn call(&self, call: Call) -> Result<(), Failure> {
        self.client.call(call).await.map_err(|_| ended())
    }
}

/// A status for people.
fn told(status: &TaskStatus) -> String {
    let TaskStatus { task, state, reason, message, .. } = status;
    format!("task {task} is {state} ({reason}): {message}")
}

fn task(member: Member, agent: AgentId) -> TaskInfo {
    let arguments = member.arguments;
    TaskInfo {
        name: member.id.to_string(),
        id: member.id,
        agent,
        resources: member.resources,
        body: TaskBody::Command(CommandInfo {
            arguments,
            ..CommandInfo::new(member.program, "crowd")
        }),
        limits: Limits::default(),
        labels: Vec::new(),
        kill_policy: KillPolicy::default(),
        max_completion_ms: None,
    }
}

fn ended() -> Failure {
    Failure::new(code::FAILURE, "the master has ended the measurement's framework")
}
