//! How an agent comes back: what it runs is the truth, and the master's table follows it. It never
//! trusts a report that `report.rs` has not checked.
//!
//! In order: the former stream ends, the agent's account is emptied, its new total taken over,
//! what it reports charged again, what it has lost given up, what it has not received yet charged
//! too; then it is welcomed and what waits for it is sent again.

use std::collections::{BTreeMap, BTreeSet};

use stoa_model::agent::AgentInfo;
use stoa_model::agent_link::{Event, Reregister};
use stoa_model::framework::{FAILOVER_TIMEOUT_MS_DEFAULT, FrameworkInfo, ROLE_DEFAULT};
use stoa_model::ids::{AgentId, FrameworkId, Role, SessionId};
use stoa_model::operator::ClusterEvent;
use stoa_model::scheduler;
use stoa_model::status::Reason;
use stoa_model::task::{ExecutorRecord, TaskInfo, TaskRecord, TaskState};
use stoa_planted::{Bug, is_planted};

use crate::agents::{Executor, Standing};
use crate::book::Book;
use crate::deadlines::Deadline;
use crate::frameworks::{Framework, Link};
use crate::input::ConnectionId;
use crate::limits::FRAMEWORKS_MAX;
use crate::master::Master;
use crate::record::Record;
use crate::rejection::AgentRejection;
use crate::report::Report;
use crate::step::Step;
use crate::tasks::{Task, by_master};
use stoa_model::keys::{ExecutorKey, TaskKey};

/// An agent on its way back.
struct Returning {
    id: AgentId,
    /// Schedulers are told of each task: they believe it is unreachable, or know nothing of it.
    is_news: bool,
    /// The executors that the master knew of.
    executors: BTreeMap<ExecutorKey, Executor>,
    /// The tasks of Launches that the agent has not recorded.
    pending: BTreeMap<TaskKey, TaskInfo>,
}

impl Master {
    pub(crate) fn on_agent_reregister(
        &mut self,
        step: &mut Step,
        connection: ConnectionId,
        mut call: Reregister,
    ) -> Result<(), AgentRejection> {
        if self.gone.contains(&call.agent) && !is_planted(Bug::MasterAdmitsGone) {
            return Err(AgentRejection::Gone(call.agent));
        }
        let report = Report::read(&mut call)?;
        self.check_whereabouts(&call.agent, &report)?;
        let is_news = match self.agents.get(&call.agent).map(|agent| agent.standing) {
            None => {
                self.make_room(step)?;
                self.insert_agent(step, &call.agent, call.info.clone());
                true
            }
            Some(Standing::Connected { connection: former, .. }) => {
                let rejection = AgentRejection::TakenOver(call.agent.clone());
                self.refuse_agent(step, former, &rejection);
                false
            }
            Some(Standing::Unreachable { .. }) => {
                step.record(Record::AgentReachable { id: call.agent.clone() });
                true
            }
            Some(Standing::Disconnected | Standing::Recovered) => false,
        };
        let mut back = self.empty(step, call.agent, (call.info, is_news));
        self.resume(&mut back, call.session, &report);
        for (key, record) in &report.tasks {
            self.adopt_task(step, &back, key, record.clone());
        }
        for (key, record) in &report.executors {
            self.adopt_executor(step, &back, key, record.clone());
        }
        self.settle_unreported(step, &back, &report);
        self.settle_executors(step, &back);
        self.welcome_back(step, connection, &back.id);
        Ok(())
    }

    /// A task has one agent. One that is on another, as far as is known, is not believed in.
    fn check_whereabouts(&self, id: &AgentId, report: &Report) -> Result<(), AgentRejection> {
        for key in report.tasks.keys() {
            let known = self.frameworks.get(&key.framework).and_then(|of| of.tasks.get(&key.task));
            if let Some(elsewhere) = known.filter(|task| task.record.agent != *id) {
                let (task, agent) = (key.task.clone(), elsewhere.record.agent.clone());
                return Err(AgentRejection::TaskElsewhere { task, agent });
            }
        }
        Ok(())
    }

    /// Empties the agent's account and takes over what it says of itself now.
    fn empty(
        &mut self,
        step: &mut Step,
        id: AgentId,
        (info, is_news): (AgentInfo, bool),
    ) -> Returning {
        self.awaited.remove(&id);
        let executors = self.vacate(&id);
        self.allocator.shares.grow(&info.resources);
        let agent = self.agent_mut(&id);
        agent.standing = Standing::Disconnected;
        agent.book = Book::new(info.resources.clone());
        if agent.info != info {
            agent.info = info.clone();
            step.record(Record::Agent { id: id.clone(), info });
            self.drop_filters_for_agent(&id);
        }
        Returning { id, is_news, executors, pending: BTreeMap::new() }
    }

    /// Goes on with the numbering of commands, or begins another one; finds out which tasks the
    /// agent has yet to receive.
    fn resume(&mut self, back: &mut Returning, session: Option<(SessionId, u64)>, report: &Report) {
        let outbox = &mut self.agent_mut(&back.id).outbox;
        let goes_on = session.filter(|(session, _)| session == outbox.session());
        if goes_on.and_then(|(_, number)| outbox.applied(number)).is_none() {
            let fresh = self.mint.session();
            self.agent_mut(&back.id).outbox.renew(fresh);
        }
        let outbox = &mut self.agent_mut(&back.id).outbox;
        // What it reports it has received, whatever it says of numbers: it must not run twice.
        outbox.withdraw(&report.tasks.keys().cloned().collect());
        back.pending = outbox
            .launches()
            .map(|(framework, task)| (TaskKey::new(framework, &task.id), task.clone()))
            .collect();
    }

    fn adopt_task(&mut self, step: &mut Step, back: &Returning, key: &TaskKey, record: TaskRecord) {
        if !self.is_framework_known(step, &key.framework) {
            if record.state.holds_resources() {
                self.agent_mut(&back.id).book.hold(&record.resources);
                self.hold_ending(&back.id, &key.framework, &record.resources);
            }
            self.command_removal(step, &back.id, &key.framework);
            return;
        }
        if self.is_acknowledged_end(key, &record) {
            return;
        }
        self.completed.remove(key);
        let framework = self.framework_mut(&key.framework);
        let known = framework.tasks.remove(&key.task);
        let mut task = Task::reported(record);
        if let Some(known) = known {
            task.keep_what_is_known(&known);
        }
        let record = task.record.clone();
        framework.tasks.insert(key.task.clone(), task);
        self.agent_mut(&back.id).tasks.insert(key.clone());
        if record.state.holds_resources() {
            self.hold(&back.id, &key.framework, &record.role, &record.resources);
        }
        if back.is_news {
            self.tell_return(step, key);
        }
        self.answer_about(step, &back.id, key);
    }

    /// Whether the end of a task was acknowledged, of which the agent has not heard. It will send
    /// its Update again, and hear of it then.
    fn is_acknowledged_end(&self, key: &TaskKey, record: &TaskRecord) -> bool {
        let update = |record: &TaskRecord| record.status.as_ref().and_then(|status| status.update);
        self.completed.task(&key.framework, &key.task).is_some_and(|completed| {
            record.state.is_terminal() && update(completed) == update(record)
        })
    }

    /// Tells a scheduler how a task is that came back. One that is over has an Update of its own,
    /// which follows with all there is to say.
    fn tell_return(&self, step: &mut Step, key: &TaskKey) {
        let record = &self.frameworks[&key.framework].tasks[&key.task].record;
        if record.state.is_terminal() {
            return;
        }
        let status = by_master(record, record.state, Reason::AgentReregistered, step.now)
            .with_message("the agent came back with the task");
        step.publish(ClusterEvent::TaskUpdated(key.framework.clone(), status.clone()));
        self.tell(step, &key.framework, scheduler::Event::Update(status));
    }

    /// Whether tasks of the framework may live. One that nobody has heard of, although frameworks
    /// are durable, is taken in as it is: its tasks cost more than a framework that waits in vain.
    fn is_framework_known(&mut self, step: &mut Step, id: &FrameworkId) -> bool {
        if self.frameworks.contains_key(id) {
            return true;
        }
        if self.removed.contains(id) || self.frameworks.len() >= FRAMEWORKS_MAX {
            return false;
        }
        let info = FrameworkInfo {
            name: "orphan".to_owned(),
            user: String::new(),
            roles: vec![Role::new(ROLE_DEFAULT).expect("the default role is legal")],
            failover_timeout_ms: FAILOVER_TIMEOUT_MS_DEFAULT,
            labels: Vec::new(),
            ends_alone: false,
        };
        let until = step.now.plus_ms(info.failover_timeout_ms);
        step.record(Record::Framework { id: id.clone(), info: info.clone() });
        step.record(Record::FrameworkDisconnected { id: id.clone(), deadline: until });
        self.deadlines.set(Deadline::Framework(id.clone()), until);
        let framework = Framework::new(info, Link::Disconnected { until });
        self.frameworks.insert(id.clone(), framework);
        true
    }

    fn adopt_executor(
        &mut self,
        step: &mut Step,
        back: &Returning,
        key: &ExecutorKey,
        record: ExecutorRecord,
    ) {
        if !self.is_framework_known(step, &key.framework) {
            self.agent_mut(&back.id).book.hold(&record.resources);
            self.hold_ending(&back.id, &key.framework, &record.resources);
            self.command_removal(step, &back.id, &key.framework);
            return;
        }
        let known = back.executors.get(key);
        let executor = Executor {
            resources: record.resources,
            role: known.map_or(record.role, |known| known.role.clone()),
            program: known.and_then(|known| known.program),
            is_started: true,
            is_ending: false,
        };
        self.hold_executor(&back.id, key.clone(), executor);
    }

    /// Tasks that the agent did not report are on their way to it, or over.
    fn settle_unreported(&mut self, step: &mut Step, back: &Returning, report: &Report) {
        let mut withdrawn = BTreeSet::new();
        for key in self.agent_mut(&back.id).tasks.clone() {
            if report.tasks.contains_key(&key) {
                continue;
            }
            let is_lost = is_planted(Bug::MasterGivesUpPending);
            let Some(task) = back.pending.get(&key).filter(|_| !is_lost) else {
                let verdict = (TaskState::Gone, Reason::AgentForgot);
                self.end_task(step, &key, verdict, "the agent came back without the task");
                continue;
            };
            if !self.hold_pending(back, &key, task) {
                withdrawn.insert(key.clone());
                let verdict = (TaskState::Dropped, Reason::AgentRefused);
                self.end_task(step, &key, verdict, "the agent came back with less than it had");
            } else if back.is_news {
                self.tell_return(step, &key);
            }
        }
        self.agent_mut(&back.id).outbox.withdraw(&withdrawn);
    }

    /// Charges a task that the agent has not received yet, with its executor; answers whether
    /// there is room.
    fn hold_pending(&mut self, back: &Returning, key: &TaskKey, info: &TaskInfo) -> bool {
        let known = self.framework_mut(&key.framework).tasks.get_mut(&key.task);
        let task = known.expect("the index of an agent's tasks agrees with the table");
        task.record.state = TaskState::Staging;
        let role = task.record.role.clone();
        let agent = &self.agents[&back.id];
        let executor = info.executor().filter(|executor| {
            !agent.executors.contains_key(&ExecutorKey::new(&key.framework, &executor.id))
        });
        let free = agent.book.free();
        let fits = match executor {
            Some(executor) => info.resources.checked_add(&executor.resources),
            None => Some(info.resources.clone()),
        }
        .is_some_and(|needed| free.contains(&needed));
        if !fits {
            return false;
        }
        self.hold(&back.id, &key.framework, &role, &info.resources);
        if let Some(info) = executor {
            let executor = Executor {
                resources: info.resources.clone(),
                role,
                program: Some(info.program),
                is_started: false,
                is_ending: false,
            };
            self.hold_executor(&back.id, ExecutorKey::new(&key.framework, &info.id), executor);
        }
        true
    }

    /// Schedulers hear of executors that ended while their agent was away.
    fn settle_executors(&mut self, step: &mut Step, back: &Returning) {
        for (key, executor) in &back.executors {
            if executor.is_started && !self.agents[&back.id].executors.contains_key(key) {
                let event = scheduler::Event::Failure {
                    agent: back.id.clone(),
                    executor: Some(key.executor.clone()),
                    message: "the agent came back without the executor".to_owned(),
                };
                self.tell(step, &key.framework, event);
            }
        }
    }

    /// Greets the agent and sends again what it has not recorded.
    fn welcome_back(&mut self, step: &mut Step, connection: ConnectionId, id: &AgentId) {
        let welcome = self.welcome(step, connection, id);
        step.send_agent(connection, Event::Reregistered(welcome));
        for (number, command) in self.agents[id].outbox.waiting() {
            step.send_agent(connection, Event::Command { number, command: command.clone() });
        }
        self.resume_drain(step, id);
        step.publish(ClusterEvent::AgentReregistered(id.clone()));
        self.answer_waiting_for(step, id);
    }
}
