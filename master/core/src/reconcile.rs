//! Questions about tasks: answered from the table, by where the task would be, or as soon as the
//! agents that may come back with it have done so or are past their time. It never says UNKNOWN
//! while an agent might still bring the task.

use std::collections::BTreeMap;

use stoa_model::ids::{AgentId, FrameworkId, TaskId};
use stoa_model::instant::Instant;
use stoa_model::scheduler::Event;
use stoa_model::status::{Reason, TaskStatus};
use stoa_model::task::{KillPolicy, TaskState};
use stoa_planted::{Bug, is_planted};

use crate::agents::Standing;
use crate::limits::QUESTIONS_HELD_MAX;
use crate::master::Master;
use crate::rejection::Rejection;
use crate::step::Step;
use crate::tasks::reconciled;
use stoa_model::keys::TaskKey;

/// What is asked of a task that is not known yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// What became of it.
    Reconcile,
    /// To end it.
    Kill(Option<KillPolicy>),
}

/// Questions that wait, by the agent that was named; those that name none wait for all agents.
///
/// Invariant: `count` is their number, at most [`QUESTIONS_HELD_MAX`].
#[derive(Debug, Default)]
pub(crate) struct Questions {
    waiting: BTreeMap<Option<AgentId>, BTreeMap<TaskKey, Question>>,
    count: usize,
}

impl Questions {
    /// Keeps a question; answers whether there was room. The same question is kept once, and a
    /// Kill is not forgotten over a Reconcile.
    fn hold(&mut self, agent: Option<AgentId>, key: TaskKey, question: Question) -> bool {
        let is_full = self.count >= QUESTIONS_HELD_MAX;
        let waiting = self.waiting.entry(agent).or_default();
        match waiting.get_mut(&key) {
            Some(_) if question == Question::Reconcile => {}
            Some(known) => *known = question,
            None if is_full => return false,
            None => {
                waiting.insert(key, question);
                self.count += 1;
            }
        }
        true
    }

    /// Takes the questions about a task that `agent` came back with.
    fn take_about(&mut self, agent: &AgentId, key: &TaskKey) -> Vec<Question> {
        let places = [Some(agent.clone()), None];
        let taken: Vec<Question> =
            places.iter().filter_map(|place| self.waiting.get_mut(place)?.remove(key)).collect();
        self.count -= taken.len();
        taken
    }

    /// Takes the questions that waited for one agent, or for all.
    fn take_waiting_for(&mut self, agent: Option<AgentId>) -> BTreeMap<TaskKey, Question> {
        let taken = self.waiting.remove(&agent).unwrap_or_default();
        self.count -= taken.len();
        taken
    }

    pub(crate) fn forget_framework(&mut self, framework: &FrameworkId) {
        for waiting in self.waiting.values_mut() {
            waiting.retain(|key, _| key.framework != *framework);
        }
        self.waiting.retain(|_, waiting| !waiting.is_empty());
        self.count = self.waiting.values().map(BTreeMap::len).sum();
    }

    /// Says what is wrong, given which agents there may be questions for.
    pub(crate) fn check(
        &self,
        may_wait_for: impl Fn(Option<&AgentId>) -> bool,
    ) -> Result<(), String> {
        if self.count != self.waiting.values().map(BTreeMap::len).sum::<usize>() {
            return Err("the count of questions is wrong".to_owned());
        }
        match self.waiting.iter().find(|(to, of)| !of.is_empty() && !may_wait_for(to.as_ref())) {
            Some((agent, _)) => Err(format!("questions wait for {agent:?}, which has settled")),
            None => Ok(()),
        }
    }
}

impl Master {
    pub(crate) fn on_reconcile(
        &mut self,
        step: &mut Step,
        framework: &FrameworkId,
        tasks: Vec<(TaskId, Option<AgentId>)>,
    ) -> Result<(), Rejection> {
        if tasks.is_empty() {
            for task in self.frameworks[framework].tasks.values() {
                let status = reconciled(&task.record, step.now);
                self.tell(step, framework, Event::Update(status));
            }
            return Ok(());
        }
        let mut result = Ok(());
        for (task, agent) in tasks {
            result = result.and(self.ask(step, framework, (task, agent), Question::Reconcile));
        }
        result
    }

    /// Answers now, and keeps the question as long as an agent may still come back with the task.
    pub(crate) fn ask(
        &mut self,
        step: &mut Step,
        framework: &FrameworkId,
        (task, agent): (TaskId, Option<AgentId>),
        question: Question,
    ) -> Result<(), Rejection> {
        let is_known = self.frameworks[framework].tasks.contains_key(&task);
        if let Some(status) = self.find_out(framework, &task, agent.as_ref(), step.now) {
            let may_come_back = status.state == TaskState::Unreachable && !is_known;
            self.tell(step, framework, Event::Update(status));
            if !may_come_back {
                return Ok(());
            }
        }
        if self.questions.hold(agent, TaskKey::new(framework, &task), question) {
            return Ok(());
        }
        Err(Rejection::QuestionsFull(task))
    }

    /// What can be said of a task now; nothing if an agent may still bring it.
    fn find_out(
        &self,
        framework: &FrameworkId,
        task: &TaskId,
        agent: Option<&AgentId>,
        now: Instant,
    ) -> Option<TaskStatus> {
        let live = self.frameworks[framework].tasks.get(task).map(|task| &task.record);
        if let Some(record) = live.or_else(|| self.completed.task(framework, task)) {
            return Some(reconciled(record, now));
        }
        let state = match agent.map(|agent| self.agents.get(agent).map(|agent| agent.standing)) {
            Some(Some(Standing::Connected { .. })) => TaskState::Gone,
            Some(Some(Standing::Unreachable { .. })) => TaskState::Unreachable,
            Some(Some(Standing::Recovered | Standing::Disconnected))
                if !is_planted(Bug::MasterGuessesUnknown) =>
            {
                return None;
            }
            Some(Some(Standing::Recovered | Standing::Disconnected)) => TaskState::Unknown,
            Some(None) if agent.is_some_and(|agent| self.gone.contains(agent)) => TaskState::Gone,
            Some(None) => TaskState::Unknown,
            None if self.awaited.is_empty() => TaskState::Unknown,
            None => return None,
        };
        let reason = Reason::Reconciliation;
        Some(TaskStatus::by_master(task.clone(), agent.cloned(), state, reason, now.ms))
    }

    /// An agent has come back with a task: questions about it are answered.
    pub(crate) fn answer_about(&mut self, step: &mut Step, agent: &AgentId, key: &TaskKey) {
        for question in self.questions.take_about(agent, key) {
            self.answer(step, key, None, question);
        }
    }

    /// It is settled how an agent stands: questions that waited for it are answered.
    pub(crate) fn answer_waiting_for(&mut self, step: &mut Step, agent: &AgentId) {
        for (key, question) in self.questions.take_waiting_for(Some(agent.clone())) {
            self.answer(step, &key, Some(agent.clone()), question);
        }
        if self.awaited.is_empty() {
            for (key, question) in self.questions.take_waiting_for(None) {
                self.answer(step, &key, None, question);
            }
        }
    }

    fn answer(&mut self, step: &mut Step, key: &TaskKey, agent: Option<AgentId>, to: Question) {
        let whose = (key.task.clone(), agent);
        let answered = match to {
            Question::Reconcile => self.ask(step, &key.framework, whose, to),
            Question::Kill(policy) => self.on_kill(step, &key.framework, whose, policy),
        };
        debug_assert_eq!(answered, Ok(()), "a question that was held is legal and finds room");
    }
}
