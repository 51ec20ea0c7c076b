//! The end of a framework, by its own will or because nobody took it over in time. It never ends
//! a single task.
//!
//! What the framework's tasks and executors held stays charged to their agents until each agent
//! has recorded the RemoveFramework, so no agent is ever given more than it has.

use std::collections::{BTreeSet, VecDeque};

use stoa_model::ids::{AgentId, FrameworkId};
use stoa_model::operator::ClusterEvent;
use stoa_model::resources::Resources;
use stoa_model::status::Reason;
use stoa_model::task::TaskState;
use stoa_planted::{Bug, is_planted};

use crate::deadlines::Deadline;
use crate::limits::FRAMEWORKS_REMOVED_MAX;
use crate::master::Master;
use crate::record::Record;
use crate::step::Step;
use crate::tasks::{Task, by_master};
use stoa_model::keys::TaskKey;

/// Frameworks that are over, the newest [`FRAMEWORKS_REMOVED_MAX`].
///
/// Invariant: both hold the same ids.
#[derive(Debug, Default)]
pub(crate) struct RemovedFrameworks {
    by_age: VecDeque<FrameworkId>,
    ids: BTreeSet<FrameworkId>,
}

impl RemovedFrameworks {
    pub(crate) fn contains(&self, id: &FrameworkId) -> bool {
        self.ids.contains(id)
    }

    pub(crate) fn insert(&mut self, id: FrameworkId) {
        if !self.ids.insert(id.clone()) {
            return;
        }
        self.by_age.push_back(id);
        if self.by_age.len() > FRAMEWORKS_REMOVED_MAX
            && let Some(oldest) = self.by_age.pop_front()
        {
            self.ids.remove(&oldest);
        }
    }
}

impl Master {
    pub(crate) fn on_unregister(&mut self, step: &mut Step, id: &FrameworkId) {
        self.remove_framework(step, id);
    }

    pub(crate) fn remove_framework(&mut self, step: &mut Step, id: &FrameworkId) {
        if !is_planted(Bug::MasterForgetsRemoval) {
            step.record(Record::FrameworkRemoved { id: id.clone() });
        }
        self.withdraw_of_framework(step, id);
        self.drop_filters(id);
        self.questions.forget_framework(id);
        self.deadlines.clear(&Deadline::Framework(id.clone()));
        let framework = self.frameworks.remove(id).expect("only known frameworks are removed");
        for role in &framework.info.roles {
            self.allocator.shares.set_turn(role, id, None);
        }
        if let Some(connection) = framework.connection() {
            self.schedulers.close(connection);
            step.close_scheduler(connection);
        }
        let mut agents = BTreeSet::new();
        for task in framework.tasks.into_values() {
            agents.insert(task.record.agent.clone());
            self.end_task_of_removed(step, task);
        }
        self.end_executors_of_removed(id, &mut agents);
        for agent in agents {
            self.command_removal(step, &agent, id);
        }
        self.removed.insert(id.clone());
        step.publish(ClusterEvent::FrameworkRemoved(id.clone()));
    }

    fn end_task_of_removed(&mut self, step: &mut Step, task: Task) {
        let Task { mut record, .. } = task;
        self.agent_mut(&record.agent).tasks.remove(&TaskKey::new(&record.framework, &record.id));
        self.note_drain(&record.agent);
        if record.state.holds_resources() {
            self.allocator.shares.release(&record.role, &record.framework, &record.resources);
            self.hold_ending(&record.agent, &record.framework, &record.resources);
        }
        if !record.state.is_terminal() {
            let reason = Reason::FrameworkRemoved;
            let status = by_master(&record, TaskState::Killed, reason, step.now)
                .with_message("its framework was removed");
            step.publish(ClusterEvent::TaskUpdated(record.framework.clone(), status.clone()));
            record.state = TaskState::Killed;
            record.status = Some(status);
        }
        self.completed.insert(record);
    }

    fn end_executors_of_removed(&mut self, id: &FrameworkId, agents: &mut BTreeSet<AgentId>) {
        let mut ended = Vec::new();
        for (agent_id, agent) in &mut self.agents {
            for (key, executor) in agent.executors.extract_if(.., |key, _| key.framework == *id) {
                ended.push((agent_id.clone(), key, executor));
            }
        }
        for (agent, key, executor) in ended {
            self.allocator.shares.release(&executor.role, &key.framework, &executor.resources);
            self.hold_ending(&agent, id, &executor.resources);
            agents.insert(agent);
        }
    }

    /// Notes what a removed framework still holds on an agent, where it is charged already.
    pub(crate) fn hold_ending(&mut self, agent: &AgentId, of: &FrameworkId, part: &Resources) {
        let ending = self.agent_mut(agent).ending.entry(of.clone()).or_default();
        *ending = ending.checked_add(part).expect("what one agent has in use can be added up");
    }

    /// An agent has recorded that a framework is removed: what that held there is free.
    pub(crate) fn release_ending(&mut self, id: &AgentId, of: &FrameworkId) {
        let agent = self.agent_mut(id);
        if let Some(resources) = agent.ending.remove(of) {
            agent.book.release(&resources);
            self.allocator.dirty.insert(id.clone());
            self.note_drain(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oldest_removed_framework_is_forgotten() {
        let mut removed = RemovedFrameworks::default();
        let id = |n: usize| FrameworkId::new(&format!("F{n}")).unwrap();
        for n in 0..=FRAMEWORKS_REMOVED_MAX {
            removed.insert(id(n));
        }
        removed.insert(id(1));
        assert!(!removed.contains(&id(0)) && removed.contains(&id(1)));
    }
}
