//! What operators ask. It never answers for an agent: a log is read where it is.

use stoa_model::agent_link::{Command, Event, RequestId};
use stoa_model::ids::AgentId;
use stoa_model::operator::{Answer, LogChunk, LogRequest, Query, Refusal, TaskName};
use stoa_model::task::{KillPolicy, TaskRecord};

use crate::limits::LOG_REQUESTS_WAITING_MAX;
use crate::master::Master;
use crate::step::Step;

impl Master {
    pub(crate) fn on_query(&mut self, step: &mut Step, request: RequestId, query: Query) {
        let answer = match query {
            Query::State => Some(Answer::State(Box::new(self.state()))),
            Query::Kill { task, policy } => Some(self.on_operator_kill(step, &task, policy)),
            Query::SetPaused { task, is_paused } => {
                Some(self.on_operator_set_paused(step, &task, is_paused))
            }
            Query::ReadLog { task, log } => self.on_read_log(step, request, (&task, log)),
            Query::Agent { agent, order } => Some(self.on_order(step, &agent, order)),
            Query::ResetBreaker => Some(self.on_reset_breaker()),
        };
        if let Some(answer) = answer {
            step.answer(request, answer);
        }
    }

    fn on_operator_kill(
        &mut self,
        step: &mut Step,
        name: &TaskName,
        policy: Option<KillPolicy>,
    ) -> Answer {
        let record = match self.task_named(name) {
            Ok(record) => record.clone(),
            Err(refusal) => return Answer::Refused(refusal),
        };
        let policy = policy.map(|policy| KillPolicy {
            grace_ms: policy.grace_ms.min(stoa_model::limits::DURATION_MS_MAX),
        });
        if !record.state.is_terminal() {
            if self.agents[&record.agent].outbox.is_full() {
                return Answer::Refused(Refusal::TooManyWaiting);
            }
            let (framework, task) = (record.framework.clone(), record.id.clone());
            self.command(step, &record.agent, Command::Kill { framework, task, policy });
        }
        Answer::Killed(Box::new(record))
    }

    fn on_read_log(
        &mut self,
        step: &mut Step,
        request: RequestId,
        (name, mut log): (&TaskName, LogRequest),
    ) -> Option<Answer> {
        let record = match self.task_named(name) {
            Ok(record) => record,
            Err(refusal) => return Some(Answer::Refused(refusal)),
        };
        let agent = record.agent.clone();
        let connection = self.agents.get(&agent).and_then(|agent| agent.connection());
        let Some(connection) = connection else {
            return Some(Answer::Refused(Refusal::AgentAway(agent)));
        };
        if self.log_requests.len() >= LOG_REQUESTS_WAITING_MAX {
            return Some(Answer::Refused(Refusal::TooManyWaiting));
        }
        log.task = record.id.clone();
        let framework = record.framework.clone();
        step.send_agent(connection, Event::ReadLog { request, framework, log });
        self.log_requests.insert(request, agent);
        None
    }

    /// The one task of this name: among those that are not over first, then among those that are.
    pub(crate) fn task_named(&self, name: &TaskName) -> Result<&TaskRecord, Refusal> {
        let is_named = |record: &&TaskRecord| {
            name.framework.as_ref().is_none_or(|framework| record.framework == *framework)
        };
        let live = self.frameworks.values().filter_map(|of| of.tasks.get(&name.task));
        let live: Vec<&TaskRecord> = live.map(|task| &task.record).filter(is_named).collect();
        let found = if live.is_empty() {
            self.completed.iter().filter(|record| record.id == name.task).filter(is_named).collect()
        } else {
            live
        };
        match found.as_slice() {
            [] => Err(Refusal::TaskUnknown(name.clone())),
            [record] => Ok(record),
            several => {
                let frameworks = several.iter().map(|record| record.framework.clone()).collect();
                Err(Refusal::TaskAmbiguous(name.clone(), frameworks))
            }
        }
    }

    /// An agent answers ReadLog. What nobody waits for, or another agent was asked, is passed over.
    pub(crate) fn on_log(
        &mut self,
        step: &mut Step,
        agent: &AgentId,
        request: RequestId,
        chunk: Result<LogChunk, String>,
    ) {
        if self.log_requests.get(&request) != Some(agent) {
            return;
        }
        self.log_requests.remove(&request);
        let answer = match chunk {
            Ok(chunk) => Answer::Log(chunk),
            Err(why) => Answer::Refused(Refusal::LogUnavailable(why)),
        };
        step.answer(request, answer);
    }

    pub(crate) fn on_query_gone(&mut self, request: RequestId) {
        self.log_requests.remove(&request);
    }
}
