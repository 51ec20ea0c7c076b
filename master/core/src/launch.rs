//! Launch: offers become tasks. Every task of the call ends in a record or in a terminal Update
//! with a reason; what the tasks leave over is declined.

use std::collections::BTreeSet;

use stoa_model::agent_link::Command;
use stoa_model::ids::{FrameworkId, OfferId, Role};
use stoa_model::offer::{Filters, Offer};
use stoa_model::operator::ClusterEvent;
use stoa_model::resources::Resources;
use stoa_model::scheduler::Event;
use stoa_model::status::{Reason, TaskStatus};
use stoa_model::task::{ExecutorInfo, TaskInfo, TaskState};
use stoa_planted::{Bug, is_planted};

use crate::agents::Executor;
use crate::limits::TASKS_PER_FRAMEWORK_MAX;
use crate::master::Master;
use crate::step::Step;
use crate::task_rules::{TaskFault, check_task};
use crate::tasks::Task;
use stoa_model::keys::{ExecutorKey, TaskKey};

/// Why the offers of a Launch cannot be used together.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum OffersFault {
    #[error("the launch names no offer")]
    None,
    #[error("offer {0} is not valid: it was answered, rescinded or never made to this framework")]
    Invalid(OfferId),
    #[error("offer {0} is named twice")]
    Twice(OfferId),
    #[error("offer {0} is of another agent or for another role than the first")]
    Mixed(OfferId),
}

/// The offers of a Launch, taken together. They are closed: what they held is free.
struct Pot {
    /// The first of them; all have its agent, role and framework.
    first: Offer,
    /// What is not used yet.
    rest: Resources,
}

impl Master {
    pub(crate) fn on_launch(
        &mut self,
        step: &mut Step,
        framework: &FrameworkId,
        (offers, tasks, filters): (Vec<OfferId>, Vec<TaskInfo>, Filters),
    ) {
        if let Err(fault) = self.check_spendable(framework, &offers) {
            self.give_back(step, framework, &offers);
            for task in tasks {
                let (state, reason) = (TaskState::Dropped, Reason::OfferInvalid);
                let status = TaskStatus::by_master(task.id, None, state, reason, step.now.ms);
                self.refuse_task(step, framework, status.with_message(fault.to_string()));
            }
            return;
        }
        let mut pot = self.open(&offers);
        let launched = self.fill(step, framework, &mut pot, tasks);
        let is_declined = launched.is_empty();
        if !is_declined {
            let (framework, role) = (framework.clone(), pot.first.role.clone());
            let command = Command::Launch { framework, role, tasks: launched };
            self.command(step, &pot.first.agent, command);
        }
        // A launch that used something is progress, so without a filter its rest goes to
        // whoever is next in turn, at once, even to the same framework.
        if !pot.rest.is_empty() && (is_declined || filters.refuse_ms > 0) {
            self.refuse(step.now, &pot.first, &pot.rest, filters);
        }
        if is_declined {
            for id in offers {
                step.publish(ClusterEvent::OfferDeclined(id, framework.clone()));
            }
        }
    }

    fn check_spendable(&self, framework: &FrameworkId, ids: &[OfferId]) -> Result<(), OffersFault> {
        let is_open = is_planted(Bug::MasterTakesForeignOffers);
        let is_own = |of: &&Offer| of.framework == *framework || is_open;
        let owned = |id: &OfferId| self.offers.get(id).filter(is_own);
        let mut seen = BTreeSet::new();
        let mut first: Option<&Offer> = None;
        for id in ids {
            let offer = owned(id).ok_or_else(|| OffersFault::Invalid(id.clone()))?;
            if !seen.insert(id) {
                return Err(OffersFault::Twice(id.clone()));
            }
            let first = first.get_or_insert(offer);
            if first.agent != offer.agent || first.role != offer.role {
                return Err(OffersFault::Mixed(id.clone()));
            }
        }
        first.map(|_| ()).ok_or(OffersFault::None)
    }

    /// Returns those of the offers that are the framework's, without a filter.
    fn give_back(&mut self, step: &mut Step, framework: &FrameworkId, ids: &[OfferId]) {
        for id in ids {
            if self.framework_mut(framework).offers.contains(id) {
                self.close_offer(id);
                step.publish(ClusterEvent::OfferDeclined(id.clone(), framework.clone()));
            }
        }
    }

    fn open(&mut self, ids: &[OfferId]) -> Pot {
        let offers: Vec<Offer> = ids.iter().filter_map(|id| self.close_offer(id)).collect();
        let rest = offers.iter().fold(Resources::default(), |sum, offer| {
            sum.checked_add(&offer.resources).expect("offers of one agent fit into its total")
        });
        let first = offers.into_iter().next().expect("a launch without offers was refused");
        Pot { first, rest }
    }

    /// Makes the tasks that are legal and fit, and refuses the others one by one.
    fn fill(
        &mut self,
        step: &mut Step,
        framework: &FrameworkId,
        pot: &mut Pot,
        tasks: Vec<TaskInfo>,
    ) -> Vec<TaskInfo> {
        let mut launched = Vec::new();
        for task in tasks {
            match self.rest_after(framework, pot, &task) {
                Ok(rest) => {
                    if !is_planted(Bug::MasterSpendsTwice) {
                        pot.rest = rest;
                    }
                    self.make_task(step, framework, &pot.first.role, &task);
                    launched.push(task);
                }
                Err(fault) => {
                    let (state, reason) = fault.verdict();
                    let agent = Some(pot.first.agent.clone());
                    let status = TaskStatus::by_master(task.id, agent, state, reason, step.now.ms);
                    self.refuse_task(step, framework, status.with_message(fault.to_string()));
                }
            }
        }
        launched
    }

    /// What the pot holds after the task has taken its part.
    fn rest_after(
        &self,
        framework: &FrameworkId,
        pot: &Pot,
        task: &TaskInfo,
    ) -> Result<Resources, TaskFault> {
        let agent = &self.agents[&pot.first.agent];
        let known = &self.frameworks[framework];
        if known.tasks.contains_key(&task.id) || self.completed.task(framework, &task.id).is_some()
        {
            return Err(TaskFault::IdUsed);
        }
        if task.agent != pot.first.agent {
            let offered = pot.first.agent.clone();
            return Err(TaskFault::AgentOther { named: task.agent.clone(), offered });
        }
        check_task(task)?;
        if known.tasks.len() >= TASKS_PER_FRAMEWORK_MAX {
            return Err(TaskFault::TasksFull);
        }
        if agent.outbox.is_full() {
            return Err(TaskFault::CommandsFull);
        }
        let asked = match task.executor() {
            Some(executor) if self.is_new_executor(framework, pot, executor)? => {
                task.resources.checked_add(&executor.resources)
            }
            _ => Some(task.resources.clone()),
        };
        asked.as_ref().and_then(|asked| pot.rest.checked_sub(asked)).ok_or_else(|| {
            let asked = Box::new(asked.unwrap_or_else(|| task.resources.clone()));
            TaskFault::ResourcesExceeded { asked, held: Box::new(pot.rest.clone()) }
        })
    }

    /// Whether the executor does not live on the agent yet, and has to be charged.
    fn is_new_executor(
        &self,
        framework: &FrameworkId,
        pot: &Pot,
        executor: &ExecutorInfo,
    ) -> Result<bool, TaskFault> {
        let key = ExecutorKey::new(framework, &executor.id);
        let Some(living) = self.agents[&pot.first.agent].executors.get(&key) else {
            return Ok(true);
        };
        let is_same_program = living.program.is_none_or(|program| program == executor.program);
        if is_same_program && living.resources == executor.resources {
            return Ok(false);
        }
        Err(TaskFault::ExecutorOther(executor.id.clone()))
    }

    fn make_task(
        &mut self,
        step: &mut Step,
        framework: &FrameworkId,
        role: &Role,
        info: &TaskInfo,
    ) {
        if let Some(executor) = info.executor() {
            let key = ExecutorKey::new(framework, &executor.id);
            if !self.agents[&info.agent].executors.contains_key(&key) {
                let executor = Executor {
                    resources: executor.resources.clone(),
                    role: role.clone(),
                    program: Some(executor.program),
                    is_started: false,
                    is_ending: false,
                };
                self.hold_executor(&info.agent, key, executor);
            }
        }
        self.hold(&info.agent, framework, role, &info.resources);
        self.agent_mut(&info.agent).tasks.insert(TaskKey::new(framework, &info.id));
        let task = Task::launched(framework, role, info);
        self.framework_mut(framework).tasks.insert(info.id.clone(), task);
        step.publish(ClusterEvent::TaskLaunched(
            framework.clone(),
            info.id.clone(),
            info.agent.clone(),
            info.resources.clone(),
        ));
    }

    /// Tells the scheduler that a task of a Launch does not come to be.
    fn refuse_task(&self, step: &mut Step, framework: &FrameworkId, status: TaskStatus) {
        step.publish(ClusterEvent::TaskUpdated(framework.clone(), status.clone()));
        self.tell(step, framework, Event::Update(status));
    }
}
