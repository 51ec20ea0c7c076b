//! What everyone outside can see of an agent, and what they must never see. It knows nothing of
//! how the agent works.

use std::collections::{BTreeMap, BTreeSet};

use stoa_agent_core::{Action, Record};
use stoa_model::agent_link::Call;
use stoa_model::host::Command;
use stoa_model::ids::{ExecutorId, FrameworkId, TaskId, UpdateId};
use stoa_model::resources::Resources;
use stoa_model::status::TaskStatus;

type Key = (FrameworkId, TaskId);

/// One life of a task, from its Launch to the acknowledgement of its end.
#[derive(Default)]
struct Life {
    held: Option<Resources>,
    /// What was recorded and not acknowledged, in order.
    updates: Vec<(UpdateId, bool)>,
    is_over: bool,
    /// Whether the host that is there was handed it.
    is_delivered: bool,
}

/// The agent so far.
pub struct Trace {
    total: Resources,
    lives: BTreeMap<Key, Life>,
    executors: BTreeMap<(FrameworkId, ExecutorId), Resources>,
    acknowledged: BTreeSet<UpdateId>,
}

impl Trace {
    pub fn new(total: Resources) -> Self {
        Self {
            total,
            lives: BTreeMap::new(),
            executors: BTreeMap::new(),
            acknowledged: BTreeSet::new(),
        }
    }

    /// A host that lived on may be handed once more what it said nothing of; a new one nothing
    /// that an old one had.
    pub fn on_restart(&mut self, is_host_fresh: bool) {
        if !is_host_fresh {
            self.lives.values_mut().for_each(|life| life.is_delivered = false);
        }
    }

    pub fn on_action(&mut self, action: &Action) {
        match action {
            Action::Record(record) => self.on_record(record),
            Action::ToMaster(Call::Update { framework, status, latest }) => {
                assert!(*latest >= status.state, "{latest} is older");
                self.on_sent(framework, status);
            }
            Action::ToHost(Command::Launch { framework, task, .. }) => {
                let life = self.life(framework, &task.id);
                assert!(!life.is_delivered, "task {} was delivered twice", task.id);
                life.is_delivered = true;
                assert!(!life.is_over && life.updates.is_empty(), "it began before");
            }
            _ => {}
        }
    }

    fn life(&mut self, framework: &FrameworkId, task: &TaskId) -> &mut Life {
        let life = self.lives.get_mut(&(framework.clone(), task.clone()));
        life.unwrap_or_else(|| panic!("nobody launched {framework}/{task}"))
    }

    /// One at a time, in order, and never again what is acknowledged.
    fn on_sent(&mut self, framework: &FrameworkId, status: &TaskStatus) {
        let update = status.update.expect("an agent's own");
        assert!(!self.acknowledged.contains(&update), "acknowledged but sent again: {status:?}");
        let life = self.lives.get(&(framework.clone(), status.task.clone()));
        let recorded = life.and_then(|life| life.updates.first());
        let is_told_once = life.is_none_or(|life| life.updates.iter().all(|(id, _)| *id != update));
        assert!(is_told_once || recorded.is_some_and(|(id, _)| *id == update), "out of order");
        assert!(!is_told_once || status.state.is_terminal(), "sent before it was recorded");
    }

    fn on_record(&mut self, record: &Record) {
        match record {
            Record::Launched { framework, task, .. } => {
                let life = Life { held: Some(task.resources.clone()), ..Life::default() };
                let old = self.lives.insert((framework.clone(), task.id.clone()), life);
                assert!(old.is_none(), "{} was launched while it lived", task.id);
            }
            Record::Refused { framework, task, status, .. } => {
                let old = self.lives.insert((framework.clone(), task.id.clone()), Life::default());
                assert!(old.is_none(), "{} was refused while it lived", task.id);
                self.on_updated(framework, status);
            }
            Record::Updated { framework, status } => self.on_updated(framework, status),
            Record::Acknowledged { framework, task, update } => {
                let (id, is_end) = self.life(framework, task).updates.remove(0);
                assert_eq!(id, *update, "acknowledged out of order");
                self.acknowledged.insert(*update);
                if is_end {
                    self.lives.remove(&(framework.clone(), task.clone()));
                }
            }
            Record::ExecutorAdmitted { framework, executor, .. } => {
                let key = (framework.clone(), executor.id.clone());
                self.executors.insert(key, executor.resources.clone());
            }
            Record::ExecutorEnded { framework, executor } => {
                self.executors.remove(&(framework.clone(), executor.clone()));
            }
            Record::FrameworkRemoved { framework } => {
                self.lives.retain(|(other, _), _| other != framework);
                self.executors.retain(|(other, _), _| other != framework);
            }
            _ => {}
        }
        self.check_held();
    }

    fn on_updated(&mut self, framework: &FrameworkId, status: &TaskStatus) {
        let life = self.life(framework, &status.task);
        assert!(!life.is_over, "{status:?} follows the end");
        life.is_over = status.state.is_terminal();
        life.updates.push((status.update.expect("an agent's own"), life.is_over));
        if life.is_over {
            life.held = None;
        }
    }

    /// What lives fits into what there is.
    fn check_held(&self) {
        let tasks = self.lives.values().filter_map(|life| life.held.as_ref());
        let held = tasks.chain(self.executors.values());
        let sum = held.fold(Resources::default(), |sum, held| sum.checked_add(held).unwrap());
        assert!(self.total.contains(&sum), "{sum} is held of {}", self.total);
    }
}
