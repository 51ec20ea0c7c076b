//! The tasks a scheduler has launched and not seen the end of, and the Updates it has taken in.
//! It never decides what to do with them: it remembers what must be asked again after the stream
//! broke, and what must not be told twice.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use stoa_model::ids::{AgentId, TaskId, UpdateId};
use stoa_model::limits::BATCH_ENTRIES_MAX;
use stoa_model::scheduler::Call;
use stoa_model::status::TaskStatus;
use stoa_model::task::{KillPolicy, TaskState};

use crate::limits::ENDS_REMEMBERED_MAX;

/// One launched task.
struct Task {
    agent: AgentId,
    /// A kill that no terminal Update has confirmed yet.
    kill: Option<Option<KillPolicy>>,
    /// The last Update that was delivered to the author.
    delivered: Option<Delivered>,
}

/// An Update in the author's hands.
struct Delivered {
    update: UpdateId,
    is_terminal: bool,
    is_acknowledged: bool,
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

/// All launched tasks that are not over, and the last ends that were taken in.
#[derive(Default)]
pub struct Tasks {
    live: BTreeMap<TaskId, Task>,
    ends: BTreeSet<UpdateId>,
    ends_by_age: VecDeque<UpdateId>,
}

impl Tasks {
    /// Remembers a task that goes out with a Launch.
    pub fn on_launch(&mut self, task: TaskId, agent: AgentId) {
        self.live.entry(task).or_insert(Task {
            agent,
            kill: None,
            delivered: None,
        });
    }

    /// Remembers a kill until the task is over.
    pub fn on_kill(&mut self, task: &TaskId, policy: Option<KillPolicy>) {
        if let Some(task) = self.live.get_mut(task) {
            task.kill = Some(policy);
        }
    }

    /// Takes in an Update. A resent one is told by its id; what a master says by itself has none
    /// and is always new.
    pub fn on_update(&mut self, status: &TaskStatus) -> Novelty {
        let is_over = status.state.is_terminal() || status.state == TaskState::Unknown;
        let Some(update) = status.update else {
            if is_over {
                self.live.remove(&status.task);
            }
            return Novelty::New;
        };
        if self.ends.contains(&update) {
            return Novelty::Acknowledged;
        }
        let Some(task) = self.live.get_mut(&status.task) else {
            return Novelty::New;
        };
        match &task.delivered {
            Some(last) if last.update == update && last.is_acknowledged => Novelty::Acknowledged,
            Some(last) if last.update == update => Novelty::Delivered,
            _ => {
                let is_terminal = status.state.is_terminal();
                task.delivered = Some(Delivered {
                    update,
                    is_terminal,
                    is_acknowledged: false,
                });
                Novelty::New
            }
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
        let kills = self.live.iter().filter_map(|(id, task)| {
            let policy = task.kill?;
            Some(Call::Kill {
                task: id.clone(),
                agent: Some(task.agent.clone()),
                policy,
            })
        });
        let questions: Vec<_> = self
            .live
            .iter()
            .map(|(id, task)| (id.clone(), Some(task.agent.clone())))
            .collect();
        let questions = questions
            .chunks(BATCH_ENTRIES_MAX)
            .map(|some| some.to_vec());
        questions.map(Call::Reconcile).chain(kills).collect()
    }
}
