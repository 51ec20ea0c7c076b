//! The tasks that a scheduler deals with and has not seen the end of, and the Updates it has taken
//! in. It never decides what to do with them: it remembers what must be asked again after the
//! stream broke, and what must not be told twice.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use stoa_model::ids::{AgentId, TaskId, UpdateId};
use stoa_model::limits::BATCH_ENTRIES_MAX;
use stoa_model::scheduler::Call;
use stoa_model::status::{Reason, TaskStatus};
use stoa_model::task::{KillPolicy, TaskState};
use stoa_planted::{Bug, is_planted};

use crate::limits::ENDS_REMEMBERED_MAX;

/// One task that the author has launched, killed or asked about, or was told of.
#[derive(Debug)]
struct Task {
    /// Where it is, if that is known.
    agent: Option<AgentId>,
    /// A kill that no terminal Update has confirmed yet.
    kill: Option<Option<KillPolicy>>,
    /// The last Update that was delivered to the author.
    delivered: Option<Delivered>,
    /// The author has asked about it and was not answered since.
    is_asked: bool,
    /// A master has said that it is over; nothing is left but to acknowledge what was delivered.
    is_over: bool,
}

/// An Update in the author's hands.
#[derive(Debug)]
struct Delivered {
    update: UpdateId,
    is_terminal: bool,
    is_acknowledged: bool,
}

impl Task {
    fn new(agent: Option<AgentId>) -> Self {
        Self { agent, kill: None, delivered: None, is_asked: false, is_over: false }
    }

    /// Whether the author knows its end, and only has to acknowledge it.
    fn is_told_over(&self) -> bool {
        self.is_over || self.delivered.as_ref().is_some_and(|last| last.is_terminal)
    }

    /// Whether nothing will follow: it is over, acknowledged, and not asked about.
    fn is_done(&self) -> bool {
        let is_waiting = self.delivered.as_ref().is_some_and(|last| !last.is_acknowledged);
        self.is_told_over() && !is_waiting && !self.is_asked
    }
}

/// What an Update is to the author.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Novelty {
    /// Not seen before.
    New,
    /// In the author's hands, who has not acknowledged it yet.
    Delivered,
    /// Taken in; the master or the agent missed the Acknowledge.
    Acknowledged,
}

/// All tasks that are not over, and the last ends that were taken in.
#[derive(Debug, Default)]
pub struct Tasks {
    live: BTreeMap<TaskId, Task>,
    ends: BTreeSet<UpdateId>,
    ends_by_age: VecDeque<UpdateId>,
}

impl Tasks {
    /// Remembers a task that goes out with a Launch.
    pub fn on_launch(&mut self, task: TaskId, agent: AgentId) {
        self.known(task, Some(agent));
    }

    /// Remembers a question until it is answered, and the task as long as the answer is not that
    /// it is over. Answers where the task is, if that is known.
    pub fn on_question(&mut self, task: TaskId, agent: Option<AgentId>) -> Option<AgentId> {
        let task = self.known(task, agent);
        task.is_asked = true;
        task.agent.clone()
    }

    /// Remembers a kill until the task is over. Answers where the task is, if that is known.
    pub fn on_kill(
        &mut self,
        task: TaskId,
        agent: Option<AgentId>,
        policy: Option<KillPolicy>,
    ) -> Option<AgentId> {
        self.known(task.clone(), None).kill = Some(policy);
        self.on_question(task, agent)
    }

    fn known(&mut self, task: TaskId, agent: Option<AgentId>) -> &mut Task {
        let task = self.live.entry(task).or_insert_with(|| Task::new(None));
        task.agent = agent.or(task.agent.take());
        task
    }

    /// Takes in an Update. A resent one is told by its id; what a master says by itself has none
    /// and is always new.
    pub fn on_update(&mut self, status: &TaskStatus) -> Novelty {
        let Some(update) = status.update else {
            self.on_answer(status);
            return Novelty::New;
        };
        if self.ends.contains(&update) {
            return Novelty::Acknowledged;
        }
        let task = self.known(status.task.clone(), status.agent.clone());
        match &task.delivered {
            Some(last) if last.update == update && last.is_acknowledged => Novelty::Acknowledged,
            Some(last) if last.update == update => Novelty::Delivered,
            _ => {
                let is_terminal = status.state.is_terminal();
                task.delivered = Some(Delivered { update, is_terminal, is_acknowledged: false });
                task.is_asked = false;
                Novelty::New
            }
        }
    }

    /// Takes in what a master says by itself. A task that is over is forgotten, once the author
    /// has acknowledged what was delivered.
    fn on_answer(&mut self, status: &TaskStatus) {
        if !status.state.is_terminal() && status.state != TaskState::Unknown {
            self.known(status.task.clone(), status.agent.clone()).is_asked = false;
        } else if let Some(task) = self.live.get_mut(&status.task) {
            task.is_asked = false;
            // A master that was not told where the task is does not know it if its agent is away.
            task.is_over |= status.state.is_terminal() || status.agent == task.agent;
            self.forget_if_done(&status.task);
        }
    }

    /// The kill to say again of a task that has come back with its agent: a master that did not
    /// know the task could not keep it.
    pub fn kill_after_return(&self, status: &TaskStatus) -> Option<Call> {
        let has_returned = status.reason == Reason::AgentReregistered && status.update.is_none();
        let task = self.live.get(&status.task).filter(|_| has_returned)?;
        let policy = task.kill.filter(|_| !task.is_told_over())?;
        Some(Call::Kill { task: status.task.clone(), agent: task.agent.clone(), policy })
    }

    /// Takes in that the author has acknowledged an Update; the terminal one ends the task.
    pub fn on_acknowledge(&mut self, id: &TaskId, update: UpdateId) {
        let Some(task) = self.live.get_mut(id) else {
            return;
        };
        let Some(last) = task.delivered.as_mut().filter(|last| last.update == update) else {
            return;
        };
        last.is_acknowledged = true;
        self.forget_if_done(id);
    }

    /// Of a task that is done only its last Update is remembered, should it come again.
    fn forget_if_done(&mut self, id: &TaskId) {
        if !self.live.get(id).is_some_and(Task::is_done) {
            return;
        }
        let last = self.live.remove(id).and_then(|task| task.delivered);
        if let Some(last) = last {
            self.remember_end(last.update);
        }
    }

    fn remember_end(&mut self, update: UpdateId) {
        self.ends.insert(update);
        self.ends_by_age.push_back(update);
        if self.ends_by_age.len() > ENDS_REMEMBERED_MAX
            && let Some(oldest) = self.ends_by_age.pop_front()
        {
            self.ends.remove(&oldest);
        }
    }

    /// What to say to a master that may have lost some of what was said before: a question for
    /// every task, and kills again.
    pub fn calls_after_reregistration(&self) -> Vec<Call> {
        let kills = self.live.iter().filter(|(_, task)| !task.is_told_over());
        let kills = kills.filter_map(|(id, task)| {
            let policy = task.kill.filter(|_| !is_planted(Bug::SessionForgetsKills))?;
            Some(Call::Kill { task: id.clone(), agent: task.agent.clone(), policy })
        });
        let is_lost = is_planted(Bug::SessionForgetsQuestions);
        let asked = self.live.iter().filter(|(_, task)| task.is_asked || !task.is_told_over());
        let asked = asked.filter(|_| !is_lost);
        let questions: Vec<_> = asked.map(|(id, task)| (id.clone(), task.agent.clone())).collect();
        let questions = questions.chunks(BATCH_ENTRIES_MAX);
        questions.map(|some| Call::Reconcile(some.to_vec())).chain(kills).collect()
    }
}
