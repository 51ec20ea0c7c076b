//! Offers as a master makes and closes them, and Launches on them. It never knows how a master
//! chooses.

use std::collections::{BTreeMap, BTreeSet};

use stoa_master_core::{Action, ConnectionId, Input};
use stoa_model::agent_link::{self, Command};
use stoa_model::ids::{AgentId, FrameworkId, OfferId, Role, TaskId};
use stoa_model::operator::{ClusterEvent, ClusterState};
use stoa_model::resources::Resources;
use stoa_model::scheduler::{Call, Event};
use stoa_model::status::{Reason, TaskStatus};
use stoa_model::task::{TaskInfo, TaskState};

use crate::checker::{Checker, Step};
use crate::invariant::Invariant;
use crate::names::Name;
use crate::violation::{Checked, Violation, ensure};

/// An offer that is open.
#[derive(Clone, Debug)]
struct Open {
    framework: FrameworkId,
    agent: AgentId,
    role: Role,
    resources: Resources,
}

/// The offers of every master.
#[derive(Debug, Default)]
pub(crate) struct Offers {
    open: BTreeMap<(Name, OfferId), Open>,
    made: BTreeSet<OfferId>,
    /// Agents that have come to a master in its present life.
    welcomed: BTreeSet<(Name, AgentId)>,
}

impl Offers {
    /// A master begins with nothing.
    pub(crate) fn on_start(&mut self, master: Name) {
        self.open.retain(|(other, _), _| *other != master);
        self.welcomed.retain(|(other, _)| *other != master);
    }

    fn close(&mut self, master: Name, id: &OfferId) -> Checked {
        let closed = self.open.remove(&(master, id.clone()));
        ensure(closed.is_some(), Invariant::R3, || format!("{id} is closed and was not open"))
    }

    /// What the offers hold together, if they may be used together by this framework.
    fn pot(&self, master: Name, framework: &FrameworkId, ids: &[OfferId]) -> Option<Resources> {
        let distinct: BTreeSet<_> = ids.iter().collect();
        let open: Option<Vec<&Open>> =
            ids.iter().map(|id| self.open.get(&(master, id.clone()))).collect();
        let open = open.filter(|open| !open.is_empty() && distinct.len() == ids.len())?;
        let is_one = |it: &&Open| {
            it.framework == *framework && it.agent == open[0].agent && it.role == open[0].role
        };
        let sum = |sum: Resources, it: &&Open| sum.checked_add(&it.resources);
        open.iter().all(is_one).then(|| open.iter().try_fold(Resources::default(), sum))?
    }
}

/// What became of the tasks of a Launch in the step that decided.
struct Fate<'a> {
    launched: Vec<&'a TaskInfo>,
    told: Vec<&'a TaskStatus>,
}

impl<'a> Fate<'a> {
    fn of(actions: &'a [Action], framework: &FrameworkId, tasks: &[TaskInfo]) -> Self {
        let asked: BTreeSet<&TaskId> = tasks.iter().map(|task| &task.id).collect();
        let mut fate = Self { launched: Vec::new(), told: Vec::new() };
        for action in actions {
            match action {
                Action::ToAgent(_, agent_link::Event::Command { command, .. }) => {
                    if let Command::Launch { framework: of, tasks, .. } = command
                        && of == framework
                    {
                        fate.launched.extend(tasks.iter().filter(|it| asked.contains(&it.id)));
                    }
                }
                Action::ToScheduler(_, Event::Update(status)) if asked.contains(&status.task) => {
                    fate.told.push(status);
                }
                _ => {}
            }
        }
        fate
    }
}

impl Checker {
    pub(crate) fn check_offers(&mut self, step: &Step<'_>) -> Checked {
        if let Input::SchedulerCall(connection, Call::Launch { offers, tasks, .. }) = step.input
            && let Some(framework) = self.streams.framework(step.master, *connection)
        {
            self.check_launch(step, (&framework, *connection), (offers, tasks))?;
        }
        for action in step.actions {
            self.on_offer_action(step.master, action)?;
        }
        Ok(())
    }

    fn check_launch(
        &mut self,
        step: &Step<'_>,
        (framework, _): (&FrameworkId, ConnectionId),
        (offers, tasks): (&[OfferId], &[TaskInfo]),
    ) -> Checked {
        let fate = Fate::of(step.actions, framework, tasks);
        let Some(pot) = self.offers.pot(step.master, framework, offers) else {
            let why = |what: &str| format!("{framework} on {offers:?}: {what}");
            ensure(fate.launched.is_empty(), Invariant::R5, || why("tasks are launched"))?;
            let is_answer = |status: &&TaskStatus| {
                status.state == TaskState::Dropped && status.reason == Reason::OfferInvalid
            };
            let is_answered = fate.told.len() == tasks.len() && fate.told.iter().all(is_answer);
            return ensure(is_answered, Invariant::R5, || why("not each task is answered once"));
        };
        let of_tasks = fate.launched.iter().map(|task| &task.resources);
        let sum =
            of_tasks.into_iter().try_fold(Resources::default(), |sum, it| sum.checked_add(it));
        ensure(sum.as_ref().is_some_and(|sum| pot.contains(sum)), Invariant::R6, || {
            format!("{framework} on {offers:?}: {sum:?} of {pot}")
        })?;
        let is_answered = fate.launched.len() + fate.told.len() == tasks.len();
        ensure(is_answered, Invariant::T4, || {
            format!("{framework}: {} launched, {} told", fate.launched.len(), fate.told.len())
        })?;
        // Offers that nothing was launched on are declined, and that is published.
        if !fate.launched.is_empty() {
            offers.iter().try_for_each(|id| self.offers.close(step.master, id))?;
        }
        Ok(())
    }

    fn on_offer_action(&mut self, master: Name, action: &Action) -> Checked {
        let offers = &mut self.offers;
        match action {
            Action::Publish(ClusterEvent::OfferMade(id, framework, agent, role, resources)) => {
                let is_here = offers.welcomed.contains(&(master, agent.clone()));
                ensure(is_here, Invariant::R10, || format!("{id} of {agent} by {master}"))?;
                let (framework, agent) = (framework.clone(), agent.clone());
                let (role, resources) = (role.clone(), resources.clone());
                let open = Open { framework, agent, role, resources };
                offers.open.insert((master, id.clone()), open);
                ensure(offers.made.insert(id.clone()), Invariant::R3, || format!("{id} is made"))
            }
            Action::Publish(
                ClusterEvent::OfferDeclined(id, _) | ClusterEvent::OfferRescinded(id, _),
            ) => offers.close(master, id),
            Action::Publish(
                ClusterEvent::AgentDisconnected(id)
                | ClusterEvent::AgentGone(id)
                | ClusterEvent::AgentUnregistered(id),
            ) => {
                offers.welcomed.remove(&(master, id.clone()));
                Ok(())
            }
            Action::ToAgent(
                _,
                agent_link::Event::Registered(welcome) | agent_link::Event::Reregistered(welcome),
            ) => {
                offers.welcomed.insert((master, welcome.agent.clone()));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// For every agent, what is free, offered and used is all there is, and what is offered is in
    /// the offers.
    pub(crate) fn check_accounts(&self, state: &ClusterState) -> Checked {
        let mut in_offers: BTreeMap<&AgentId, Resources> = BTreeMap::new();
        for offer in &state.offers {
            let sum = in_offers.entry(&offer.agent).or_default();
            let more = sum.checked_add(&offer.resources);
            *sum = more.ok_or_else(|| Violation::new(Invariant::R2, format!("{offer:?}")))?;
        }
        let sum = |sum: Resources, more: &Resources| sum.checked_add(more);
        for agent in &state.agents {
            let all = [&agent.free, &agent.offered, &agent.used];
            let all = all.into_iter().try_fold(Resources::default(), sum);
            let is_all = all.as_ref() == Some(&agent.info.resources);
            ensure(is_all, Invariant::R1, || format!("{agent:?}"))?;
            let is_offered = match in_offers.get(&agent.id) {
                Some(sum) => *sum == agent.offered,
                None => agent.offered.is_empty(),
            };
            ensure(is_offered, Invariant::R2, || format!("{agent:?}"))?;
        }
        Ok(())
    }
}
