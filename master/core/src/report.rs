//! What an agent says it runs when it comes back, checked as a whole. It never changes anything:
//! a report that is not legal harms nobody.

use std::collections::BTreeMap;

use stoa_model::agent_link::Reregister;
use stoa_model::ids::AgentId;
use stoa_model::resources::Resources;
use stoa_model::task::{ExecutorRecord, TaskRecord, TaskState};

use crate::admission::check_agent;
use crate::limits::TASKS_PER_REPORT_MAX;
use crate::rejection::AgentRejection;
use crate::updates::is_agents_to_say;
use stoa_model::keys::{ExecutorKey, TaskKey};

/// The tasks and executors of a legal report.
///
/// Invariant: what they hold together fits into what the agent gives.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) tasks: BTreeMap<TaskKey, TaskRecord>,
    pub(crate) executors: BTreeMap<ExecutorKey, ExecutorRecord>,
}

impl Report {
    /// Reads what the call says of tasks and executors.
    pub(crate) fn read(call: &mut Reregister) -> Result<Self, AgentRejection> {
        check_agent(&call.info)?;
        if call.tasks.len() > TASKS_PER_REPORT_MAX {
            return Err(AgentRejection::ReportTooLong(call.tasks.len()));
        }
        let mut report = Self { tasks: BTreeMap::new(), executors: BTreeMap::new() };
        for record in std::mem::take(&mut call.tasks) {
            let record = read_task(&call.agent, record)?;
            let key = TaskKey::new(&record.framework, &record.id);
            if let Some(twice) = report.tasks.insert(key, record) {
                return Err(AgentRejection::TaskTwice(twice.id));
            }
        }
        for (framework, record) in std::mem::take(&mut call.executors) {
            let key = ExecutorKey::new(&framework, &record.id);
            if let Some(twice) = report.executors.insert(key, record) {
                return Err(AgentRejection::ExecutorTwice(twice.id));
            }
        }
        let given = &call.info.resources;
        if report.held().is_none_or(|held| !given.contains(&held)) {
            return Err(AgentRejection::ReportTooLarge { given: Box::new(given.clone()) });
        }
        Ok(report)
    }

    /// What all of it holds together; nothing if that cannot be added up.
    fn held(&self) -> Option<Resources> {
        let tasks = self.tasks.values().filter(|record| record.state.holds_resources());
        let of_tasks = tasks.map(|record| &record.resources);
        let of_executors = self.executors.values().map(|record| &record.resources);
        of_tasks
            .chain(of_executors)
            .try_fold(Resources::default(), |sum, resources| sum.checked_add(resources))
    }
}

fn read_task(agent: &AgentId, mut record: TaskRecord) -> Result<TaskRecord, AgentRejection> {
    if record.agent != *agent {
        return Err(AgentRejection::TaskElsewhere { task: record.id, agent: record.agent });
    }
    let is_legal = match &mut record.status {
        None => record.state == TaskState::Staging,
        Some(status) => {
            status.agent = Some(agent.clone());
            status.task == record.id && status.update.is_some() && is_agents_to_say(status.state)
        }
    };
    if is_legal && is_agents_to_say(record.state) {
        return Ok(record);
    }
    Err(AgentRejection::StatusIllegal(record.id))
}
