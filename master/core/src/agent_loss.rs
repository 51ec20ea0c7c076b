//! How agents are lost: a broken stream, silence, Unregister, an operator's word. It never brings
//! one back; `reregistration.rs` does.
//!
//! CONNECTED, stream broken: DISCONNECTED, offers rescinded, tasks unchanged. Not back in time, and
//! `losses.rs` lets it go: UNREACHABLE, recorded first, its tasks too and their resources nobody's.
//! Unregistered, or gone by an operator's word: out of the cluster for good.

use std::collections::{BTreeMap, BTreeSet};

use stoa_model::agent_link;
use stoa_model::ids::{AgentId, FrameworkId};
use stoa_model::operator::{Answer, ClusterEvent, Refusal};
use stoa_model::scheduler::Event;
use stoa_model::status::Reason;
use stoa_model::task::TaskState;
use stoa_planted::{Bug, is_planted};

use crate::agents::{Executor, Standing};
use crate::deadlines::Deadline;
use crate::input::ConnectionId;
use crate::master::Master;
use crate::record::Record;
use crate::rejection::AgentRejection;
use crate::step::Step;
use crate::tasks::by_master;
use stoa_model::keys::{ExecutorKey, TaskKey};

/// How an agent goes for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Departure {
    /// It has said so itself, or makes room for another.
    Left,
    /// An operator has said so, and it may never come back.
    Gone,
}

impl Departure {
    fn record(self, id: &AgentId) -> Record {
        match self {
            Self::Left => Record::AgentRemoved { id: id.clone() },
            Self::Gone => Record::AgentGone { id: id.clone() },
        }
    }

    fn event(self, id: &AgentId) -> ClusterEvent {
        match self {
            Self::Left => ClusterEvent::AgentUnregistered(id.clone()),
            Self::Gone => ClusterEvent::AgentGone(id.clone()),
        }
    }

    /// Why its tasks are gone, and for people what is to be said of them and of the agent.
    fn words(self) -> (Reason, &'static str, &'static str) {
        match self {
            Self::Left => {
                (Reason::AgentLost, "its agent has left", "the agent has left the cluster")
            }
            Self::Gone => (
                Reason::AgentGone,
                "an operator has said that its agent is gone",
                "an operator has said that the agent is gone",
            ),
        }
    }
}

impl Master {
    pub(crate) fn on_agent_gone(&mut self, step: &mut Step, connection: ConnectionId) {
        if let Some(id) = self.agent_streams.forget(connection) {
            self.disconnect_agent(step, &id);
        }
    }

    /// Gives an agent whose stream has ended some time to come back.
    pub(crate) fn disconnect_agent(&mut self, step: &mut Step, id: &AgentId) {
        self.agent_mut(id).standing = Standing::Disconnected;
        let until = step.now.plus_ms(self.config.agent_unreachable_ms);
        self.deadlines.set(Deadline::Agent(id.clone()), until);
        if !is_planted(Bug::MasterKeepsOffersOfLost) {
            self.rescind_of_agent(step, id);
        }
        self.allocator.dirty.insert(id.clone());
        self.answer_logs_of(step, id);
        step.publish(ClusterEvent::AgentDisconnected(id.clone()));
    }

    fn answer_logs_of(&mut self, step: &mut Step, id: &AgentId) {
        let away = self.log_requests.extract_if(.., |_, asked| asked == id);
        for (request, agent) in away {
            step.answer(request, Answer::Refused(Refusal::AgentAway(agent)));
        }
    }

    /// An agent's time is over, unless it was heard of meanwhile.
    pub(crate) fn on_agent_deadline(&mut self, step: &mut Step, id: &AgentId) {
        let unreachable_ms = self.config.agent_unreachable_ms;
        if let Standing::Connected { connection, heard_at } = self.agent_mut(id).standing {
            let silent_at = heard_at.plus_ms(unreachable_ms);
            if silent_at > step.now && !is_planted(Bug::MasterLosesHeard) {
                self.deadlines.set(Deadline::Agent(id.clone()), silent_at);
                return;
            }
            self.refuse_agent(step, connection, &AgentRejection::Silent(id.clone()));
            self.deadlines.clear(&Deadline::Agent(id.clone()));
        }
        self.await_loss(step.now, id);
    }

    pub(crate) fn lose_agent(&mut self, step: &mut Step, id: &AgentId) {
        if !is_planted(Bug::MasterLosesUnrecorded) {
            step.record(Record::AgentUnreachable { id: id.clone(), since: step.now });
        }
        let executors = self.vacate(id);
        self.agent_mut(id).standing = Standing::Unreachable { since: step.now };
        step.publish(ClusterEvent::AgentUnreachable(id.clone()));

        let tasks = self.agent_mut(id).tasks.clone();
        let concerned = concerned(&tasks, &executors);
        for key in tasks {
            self.lose_task(step, &key);
        }
        self.tell_failure(step, id, concerned, "the agent does not answer");
        self.awaited.remove(id);
        self.answer_waiting_for(step, id);
    }

    /// The agent may come back with the task; until then it holds nothing.
    fn lose_task(&mut self, step: &mut Step, key: &TaskKey) {
        let known = self.framework_mut(&key.framework).tasks.get_mut(&key.task);
        let task = known.expect("the index of an agent's tasks agrees with the table");
        if task.record.state.is_terminal() {
            return;
        }
        let reason = Reason::AgentUnreachable;
        let status = by_master(&task.record, TaskState::Unreachable, reason, step.now)
            .with_message("the agent does not answer; it may come back with the task");
        task.record.state = TaskState::Unreachable;
        task.record.status = Some(status.clone());
        task.unacknowledged = None;
        step.publish(ClusterEvent::TaskUpdated(key.framework.clone(), status.clone()));
        self.tell(step, &key.framework, Event::Update(status));
    }

    pub(crate) fn on_agent_unregister(&mut self, step: &mut Step, id: &AgentId) {
        self.remove_agent(step, id, Departure::Left);
    }

    /// Takes an agent out of the cluster for good, with all its tasks.
    pub(crate) fn remove_agent(&mut self, step: &mut Step, id: &AgentId, how: Departure) {
        step.record(how.record(id));
        if let Some(connection) = self.agent_mut(id).connection() {
            if how == Departure::Gone {
                let message = AgentRejection::Gone(id.clone()).to_string();
                let epoch = self.config.master.epoch;
                step.send_agent(
                    connection,
                    agent_link::Event::Error { message, is_final: true, epoch },
                );
            }
            step.close_agent(connection);
            self.agent_streams.close(connection);
        }
        self.answer_logs_of(step, id);
        self.rescind_of_agent(step, id);
        let executors = self.vacate(id);
        step.publish(how.event(id));

        let tasks = self.agent_mut(id).tasks.clone();
        let concerned = concerned(&tasks, &executors);
        let (reason, of_task, of_agent) = how.words();
        for key in tasks {
            self.end_task(step, &key, (TaskState::Gone, reason), of_task);
        }
        self.tell_failure(step, id, concerned, of_agent);
        self.drop_filters_for_agent(id);
        self.deadlines.clear(&Deadline::Agent(id.clone()));
        self.agents.remove(id);
        self.forget_loss(step, id);
        self.perhaps_drained.remove(id);
        self.allocator.dirty.insert(id.clone());
        self.awaited.remove(id);
        self.answer_waiting_for(step, id);
    }

    /// Ends a task that will never be heard of again, and that is charged nothing any more.
    pub(crate) fn end_task(
        &mut self,
        step: &mut Step,
        key: &TaskKey,
        (state, reason): (TaskState, Reason),
        message: &str,
    ) {
        let known = self.framework_mut(&key.framework).tasks.get_mut(&key.task);
        let record = &mut known.expect("only known tasks are ended").record;
        let state = if record.state.is_terminal() { record.state } else { state };
        let told = record.status.as_ref().filter(|status| status.state.is_terminal());
        let status = match told {
            // The agent has said how it ended, and can be asked no more.
            Some(status) => stoa_model::status::TaskStatus { update: None, ..status.clone() },
            None => by_master(record, state, reason, step.now).with_message(message),
        };
        record.state = state;
        record.status = Some(status.clone());
        step.publish(ClusterEvent::TaskUpdated(key.framework.clone(), status.clone()));
        self.complete(key);
        self.tell(step, &key.framework, Event::Update(status));
    }

    /// Frees all that is charged on an agent and takes it out of the pool, if it is in it. The
    /// states of its tasks are left to the caller. Answers the executors that were there.
    pub(crate) fn vacate(&mut self, id: &AgentId) -> BTreeMap<ExecutorKey, Executor> {
        let agent = self.agent_mut(id);
        if !agent.is_in_pool() {
            return BTreeMap::new();
        }
        let total = agent.book.total().clone();
        let executors = agent.executors.clone();
        let ending: Vec<FrameworkId> = agent.ending.keys().cloned().collect();
        for key in agent.tasks.clone() {
            if self.frameworks[&key.framework].tasks[&key.task].record.state.holds_resources() {
                self.release_task(&key);
            }
        }
        for key in executors.keys() {
            self.release_executor(id, key);
        }
        for framework in ending {
            self.release_ending(id, &framework);
        }
        self.allocator.shares.shrink(&total);
        executors
    }

    fn tell_failure(
        &self,
        step: &mut Step,
        agent: &AgentId,
        concerned: BTreeSet<FrameworkId>,
        message: &str,
    ) {
        for framework in concerned {
            let (agent, message) = (agent.clone(), message.to_owned());
            self.tell(step, &framework, Event::Failure { agent, executor: None, message });
        }
    }
}

/// The frameworks that had anything on an agent.
fn concerned(
    tasks: &BTreeSet<TaskKey>,
    executors: &BTreeMap<ExecutorKey, Executor>,
) -> BTreeSet<FrameworkId> {
    let of_tasks = tasks.iter().map(|key| key.framework.clone());
    of_tasks.chain(executors.keys().map(|key| key.framework.clone())).collect()
}
