//! The tasks that a scheduler deals with and has not seen the end of, and the Updates it has taken
//! in. It never decides what to do with them: it remembers what must be asked again after the
//! stream broke, and what must not be told twice.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use stoa_model::ids::{AgentId, TaskId, UpdateId};
use stoa_model::limits::BATCH_ENTRIES_MAX;
use stoa_model::scheduler::Call;
use stoa_model::status::TaskStatus;
use stoa_model::task::{KillPolicy, TaskState};

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
        Self { agent, kill: None, delivered: None }
    }

    /// Whether the author knows its end, and only has to acknowledge it.
    fn is_told_over(&self) -> bool {
        self.delivered.as_ref().is_some_and(|last| last.is_terminal)
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
    /// it is over.
    pub fn on_question(&mut self, task: TaskId, agent: Option<AgentId>) {
        self.known(task, agent);
    }

    /// Remembers a kill until the task is over.
    pub fn on_kill(&mut self, task: TaskId, agent: Option<AgentId>, policy: Option<KillPolicy>) {
        self.known(task, agent).kill = Some(policy);
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
                Novelty::New
            }
        }
    }

    /// Takes in what a master says by itself. A task that is over is forgotten, but for an end
    /// that the author has yet to acknowledge.
    fn on_answer(&mut self, status: &TaskStatus) {
        if !status.state.is_terminal() && status.state != TaskState::Unknown {
            self.known(status.task.clone(), status.agent.clone());
        } else if self.live.get(&status.task).is_some_and(|task| !task.is_told_over()) {
            self.live.remove(&status.task);
        }
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
        if last.is_terminal {
            self.live.remove(id);
            self.remember_end(update);
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
        let open = || self.live.iter().filter(|(_, task)| !task.is_told_over());
        let kills = open().filter_map(|(id, task)| {
            let policy = task.kill?;
            Some(Call::Kill { task: id.clone(), agent: task.agent.clone(), policy })
        });
        let questions: Vec<_> = open().map(|(id, task)| (id.clone(), task.agent.clone())).collect();
        let questions = questions.chunks(BATCH_ENTRIES_MAX);
        questions.map(|some| Call::Reconcile(some.to_vec())).chain(kills).collect()
    }
}
