//! The scheduler behind `stoa run`, decided: takes the first offer that is large enough, launches
//! its one task, and follows it to its end. It never touches a stream.

use stoa_model::ids::{AgentId, IllegalId, TaskId};
use stoa_model::offer::{Filters, Offer};
use stoa_model::resources::Resources;
use stoa_model::scheduler::{Call, Event, ResourceRequest};
use stoa_model::status::TaskStatus;
use stoa_model::task::{TaskInfo, TaskState};

/// Offers that are of no use are refused for so long; a Revive is not needed, as the framework
/// ends with its task.
const REFUSE_MS: u64 = 60_000;

/// A task that was dropped before it started is launched again so many times.
const LAUNCHES_MAX: u32 = 5;

/// What to run, but for the agent and the final id, which the offer and the attempt decide.
#[derive(Clone, Debug)]
pub struct Template {
    /// Everything else; its `agent` and `id` are replaced.
    pub info: TaskInfo,
    /// What the offer must hold: the task's resources and those of its executor.
    pub needed: Resources,
}

/// What the person who waits should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// An offer was taken.
    Launched(TaskId, AgentId),
    /// The task has changed; it is not over.
    Changed(TaskStatus),
    /// The task is over.
    Over(TaskStatus),
    /// The master refuses the framework for good.
    Refused(String),
}

/// The scheduler.
#[derive(Debug)]
pub struct OneTask {
    template: Template,
    launches: u32,
    phase: Phase,
}

#[derive(Debug, PartialEq, Eq)]
enum Phase {
    Seeking,
    Launched(TaskId),
    Over,
}

impl OneTask {
    /// A scheduler that has not seen an offer yet.
    pub fn new(template: Template) -> Self {
        Self { template, launches: 0, phase: Phase::Seeking }
    }

    /// The call that kills the task, if it is somewhere.
    pub fn kill(&self) -> Option<Call> {
        match &self.phase {
            Phase::Launched(task) => {
                Some(Call::Kill { task: task.clone(), agent: None, policy: None })
            }
            Phase::Seeking | Phase::Over => None,
        }
    }

    /// Applies an event; appends what to say to the master, and answers what to tell the person.
    pub fn on_event(&mut self, event: Event, calls: &mut Vec<Call>) -> Option<Step> {
        match event {
            Event::Registered { .. } => {
                calls.push(self.request());
                None
            }
            Event::Offer(offers) => self.on_offers(offers, calls),
            Event::Update(status) => self.on_update(status, calls),
            Event::Error { message, is_final: true, .. } => Some(Step::Refused(message)),
            _ => None,
        }
    }

    fn request(&self) -> Call {
        let resources = self.template.needed.clone();
        Call::Request(vec![ResourceRequest { agent: None, resources }])
    }

    fn on_offers(&mut self, offers: Vec<Offer>, calls: &mut Vec<Call>) -> Option<Step> {
        let fits = |offer: &Offer| offer.resources.contains(&self.template.needed);
        let chosen = match self.phase {
            Phase::Seeking => offers.iter().position(fits),
            Phase::Launched(_) | Phase::Over => None,
        };
        let mut step = None;
        let mut useless = Vec::new();
        for (index, offer) in offers.into_iter().enumerate() {
            if Some(index) == chosen {
                step = Some(self.launch(offer, calls));
            } else {
                useless.push(offer.id);
            }
        }
        if !useless.is_empty() {
            let filters = Filters { refuse_ms: REFUSE_MS };
            calls.push(Call::Decline { offers: useless, filters });
        }
        step
    }

    fn launch(&mut self, offer: Offer, calls: &mut Vec<Call>) -> Step {
        self.launches += 1;
        let id = self.attempt_id().unwrap_or_else(|_| self.template.info.id.clone());
        let agent = offer.agent.clone();
        let task = TaskInfo { id: id.clone(), agent: agent.clone(), ..self.template.info.clone() };
        let filters = Filters { refuse_ms: REFUSE_MS };
        calls.push(Call::Launch { offers: vec![offer.id], tasks: vec![task], filters });
        calls.push(Call::Request(Vec::new()));
        calls.push(Call::Suppress(Vec::new()));
        self.phase = Phase::Launched(id.clone());
        Step::Launched(id, agent)
    }

    /// The task's id at the first attempt; later ones say which they are.
    fn attempt_id(&self) -> Result<TaskId, IllegalId> {
        match self.launches {
            1 => Ok(self.template.info.id.clone()),
            n => TaskId::new(&format!("{}.{n}", self.template.info.id)),
        }
    }

    fn on_update(&mut self, status: TaskStatus, calls: &mut Vec<Call>) -> Option<Step> {
        if let (Some(agent), Some(update)) = (status.agent.clone(), status.update) {
            calls.push(Call::Acknowledge { agent, task: status.task.clone(), update });
        }
        if self.phase != Phase::Launched(status.task.clone()) {
            return None;
        }
        if status.state == TaskState::Dropped && self.launches < LAUNCHES_MAX {
            self.phase = Phase::Seeking;
            calls.push(self.request());
            calls.push(Call::Revive(Vec::new()));
            return Some(Step::Changed(status));
        }
        if status.state.is_terminal() || status.state == TaskState::Unknown {
            self.phase = Phase::Over;
            return Some(Step::Over(status));
        }
        Some(Step::Changed(status))
    }
}

#[cfg(test)]
mod tests {
    use stoa_model::ids::{ExecutorId, FrameworkId, OfferId, Role, UpdateId};
    use stoa_model::status::Reason;
    use stoa_model::task::{ExecutorInfo, ExecutorTask, KillPolicy, Limits, TaskBody};

    use super::*;

    fn template() -> Template {
        let executor = ExecutorInfo::new(
            ExecutorId::new("x").unwrap(),
            stoa_model::digest::Digest([0; 32]),
            Resources::default(),
        );
        let info = TaskInfo {
            id: TaskId::new("t").unwrap(),
            name: "t".to_owned(),
            agent: AgentId::new("-").unwrap(),
            resources: Resources::new(1_000, 1 << 20),
            body: TaskBody::Executor(Box::new(ExecutorTask::new(executor, Vec::new()))),
            limits: Limits::default(),
            labels: Vec::new(),
            kill_policy: KillPolicy::default(),
            max_completion_ms: None,
        };
        Template { needed: info.resources.clone(), info }
    }

    fn offer(id: &str, cpus_milli: u64) -> Offer {
        Offer {
            id: OfferId::new(id).unwrap(),
            framework: FrameworkId::new("f").unwrap(),
            agent: AgentId::new("a").unwrap(),
            hostname: String::new(),
            role: Role::new("default").unwrap(),
            resources: Resources::new(cpus_milli, 1 << 30),
            attributes: Default::default(),
        }
    }

    fn update(task: &str, state: TaskState) -> Event {
        let agent = Some(AgentId::new("a").unwrap());
        let task = TaskId::new(task).unwrap();
        let mut status = TaskStatus::by_master(task, agent, state, Reason::Progress, 0);
        status.update = Some(UpdateId(1));
        Event::Update(status)
    }

    #[test]
    fn first_offer_that_fits_is_used_and_the_others_are_declined() {
        let mut scheduler = OneTask::new(template());
        let mut calls = Vec::new();
        let offers = vec![offer("o1", 500), offer("o2", 1_000), offer("o3", 2_000)];
        let step = scheduler.on_event(Event::Offer(offers), &mut calls);
        assert!(matches!(step, Some(Step::Launched(..))));
        let large = OfferId::new("o2").unwrap();
        let launched = |call: &Call| match call {
            Call::Launch { offers, .. } => *offers == [large.clone()],
            _ => false,
        };
        assert!(calls.iter().any(launched));
        let declined =
            |call: &Call| matches!(call, Call::Decline { offers, .. } if offers.len() == 2);
        assert!(calls.iter().any(declined));
    }

    #[test]
    fn dropped_task_is_launched_again_under_another_id() {
        let mut scheduler = OneTask::new(template());
        let mut calls = Vec::new();
        scheduler.on_event(Event::Offer(vec![offer("o1", 1_000)]), &mut calls);
        scheduler.on_event(update("t", TaskState::Dropped), &mut calls);
        let step = scheduler.on_event(Event::Offer(vec![offer("o2", 1_000)]), &mut calls);
        assert!(matches!(step, Some(Step::Launched(id, _)) if id.as_str() == "t.2"));
    }

    #[test]
    fn every_update_is_acknowledged_and_the_last_one_ends_it() {
        let mut scheduler = OneTask::new(template());
        scheduler.on_event(Event::Offer(vec![offer("o1", 1_000)]), &mut Vec::new());
        for (state, is_over) in [(TaskState::Running, false), (TaskState::Finished, true)] {
            let mut calls = Vec::new();
            let step = scheduler.on_event(update("t", state), &mut calls);
            assert!(matches!(calls.as_slice(), [Call::Acknowledge { .. }]));
            assert_eq!(matches!(step, Some(Step::Over(_))), is_over);
        }
        assert_eq!(scheduler.kill(), None);
    }
}
