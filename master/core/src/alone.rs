//! Frameworks that are meant to go on alone: without a scheduler the master takes in their
//! Updates, and ends them once their last task is over. It never ends a framework that has not
//! asked for this.

use stoa_model::ids::{AgentId, FrameworkId, TaskId, UpdateId};

use crate::frameworks::Framework;
use crate::master::Master;
use crate::step::Step;

impl Framework {
    /// Whether it goes on without a scheduler now.
    pub(crate) fn is_alone(&self) -> bool {
        self.info.ends_alone && self.connection().is_none()
    }
}

impl Master {
    /// A framework's scheduler is gone: if it is to go on alone, nobody else will take in what
    /// is not acknowledged yet.
    pub(crate) fn begin_alone(&mut self, step: &mut Step, id: &FrameworkId) {
        self.perhaps_over.insert(id.clone());
        let framework = &self.frameworks[id];
        if !framework.is_alone() {
            return;
        }
        let open = framework.tasks.values().filter_map(|task| {
            let record = &task.record;
            Some((record.agent.clone(), record.id.clone(), task.unacknowledged?))
        });
        let open: Vec<(AgentId, TaskId, UpdateId)> = open.collect();
        for (agent, task, update) in open {
            self.on_acknowledge(step, id, (&agent, &task), update);
        }
    }

    /// Ends the frameworks that go on alone and have nothing left to do. As long as an agent is
    /// awaited, it may come back with a task of theirs.
    pub(crate) fn end_those_alone(&mut self, step: &mut Step) {
        if !self.awaited.is_empty() {
            return;
        }
        while let Some(id) = self.perhaps_over.pop_first() {
            let framework = self.frameworks.get(&id);
            if framework.is_some_and(|framework| framework.is_alone() && framework.tasks.is_empty())
            {
                self.remove_framework(step, &id);
            }
        }
    }
}
