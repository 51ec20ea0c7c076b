//! Moves resources in the account of an agent and in the shares of a role and a framework, always
//! in both. It never decides whether to.

use stoa_model::ids::{AgentId, FrameworkId, Role};
use stoa_model::resources::Resources;

use crate::agents::Executor;
use crate::master::Master;
use stoa_model::keys::{ExecutorKey, TaskKey};

impl Master {
    /// Charges a framework for what it uses from now on.
    pub(crate) fn hold(
        &mut self,
        agent: &AgentId,
        framework: &FrameworkId,
        role: &Role,
        resources: &Resources,
    ) {
        self.agent_mut(agent).book.hold(resources);
        self.allocator.shares.charge(role, framework, resources);
    }

    /// Frees what a framework has used; it is offered again in the same step.
    pub(crate) fn release(
        &mut self,
        agent: &AgentId,
        framework: &FrameworkId,
        role: &Role,
        resources: &Resources,
    ) {
        self.agent_mut(agent).book.release(resources);
        self.allocator.shares.release(role, framework, resources);
        self.allocator.dirty.insert(agent.clone());
        self.note_drain(agent);
    }

    /// Frees what a task has used.
    pub(crate) fn release_task(&mut self, key: &TaskKey) {
        let task = &self.framework_mut(&key.framework).tasks[&key.task];
        let (agent, role) = (task.record.agent.clone(), task.record.role.clone());
        let resources = task.record.resources.clone();
        self.release(&agent, &key.framework, &role, &resources);
    }

    /// Charges an executor from now on until it has ended.
    pub(crate) fn hold_executor(&mut self, agent: &AgentId, key: ExecutorKey, executor: Executor) {
        self.hold(agent, &key.framework, &executor.role, &executor.resources);
        self.agent_mut(agent).executors.insert(key, executor);
    }

    /// Frees what an executor has used.
    pub(crate) fn release_executor(&mut self, agent: &AgentId, key: &ExecutorKey) {
        let executor = self.agent_mut(agent).executors.remove(key);
        let executor = executor.expect("only known executors are released");
        self.release(agent, &key.framework, &executor.role, &executor.resources);
    }
}
