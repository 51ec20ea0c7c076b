//! Before an executor hears of a task, all that the task's own program needs is made: code, grants,
//! a place in the pool. It never starts anything.

use std::sync::Arc;

use stoa_model::command::CommandInfo;
use stoa_model::ids::{FrameworkId, TaskId};
use stoa_model::size::Bytes;
use stoa_model::task::TaskInfo;
use tokio::sync::mpsc;

use crate::compiler;
use crate::end::End;
use crate::executor::Note;
use crate::grants::{Grants, needs_preparation};
use crate::sandbox::Place;
use crate::site::Site;
use crate::state::State;
use crate::tasks::Prepared;

/// All that is needed, if it is there already.
pub(crate) fn at_once(site: &Site, command: &CommandInfo) -> Option<Prepared> {
    if needs_preparation(&command.grants) {
        return None;
    }
    let program = site.compiler.ready(command.program)?;
    let slot = Arc::clone(&site.slots).try_acquire_many_owned(program.slots).ok()?;
    Some(Prepared { program, grants: Arc::default(), slot: Some(slot) })
}

/// Starts to make what is needed. The executor gets a note when it is there.
pub(crate) fn start(state: &State, info: &TaskInfo, command: &CommandInfo) {
    let preparation = Preparation {
        site: Arc::clone(&state.site),
        notes: state.notes.clone(),
        framework: state.framework.clone(),
        task: info.id.clone(),
        command: command.clone(),
        disk_bytes: info.resources.disk_bytes,
    };
    state.site.work.spawn(async move {
        let prepared = preparation.make().await;
        let Preparation { site, notes, task, .. } = preparation;
        if let Err(unsent) = notes.send(Note::Prepared { task, prepared }).await
            && let Note::Prepared { prepared, .. } = unsent.0
        {
            undo(&site, prepared);
        }
    });
}

/// Clears away what was made for a task that is over.
pub(crate) fn undo(site: &Arc<Site>, prepared: Result<Prepared, End>) {
    if let Ok(prepared) = prepared
        && let Some(sandbox) = prepared.grants.sandbox.clone()
    {
        site.work.spawn_blocking(move || sandbox.remove());
    }
}

struct Preparation {
    site: Arc<Site>,
    notes: mpsc::Sender<Note>,
    framework: FrameworkId,
    task: TaskId,
    command: CommandInfo,
    disk_bytes: u64,
}

impl Preparation {
    async fn make(&self) -> Result<Prepared, End> {
        let phases = self.site.compiler.prepare(self.command.program);
        let compiling = |bytes| {
            self.tell(format!("compiling {} ({})", self.command.name, Bytes(bytes)));
        };
        let program = compiler::ready(phases, compiling).await?;
        if let Err(end) = &program.runnable {
            return Err(end.clone());
        }
        let grants = match needs_preparation(&self.command.grants) {
            true => self.grants().await?,
            false => Arc::default(),
        };
        let slots = Arc::clone(&self.site.slots);
        let slot = match Arc::clone(&slots).try_acquire_many_owned(program.slots) {
            Ok(slot) => slot,
            Err(_) => {
                let slots_max = self.site.slots_max;
                self.tell(format!("waiting: all {slots_max} instances of this host are in use"));
                let slot = slots.acquire_many_owned(program.slots).await;
                slot.map_err(|_| End::failed("the host ended"))?
            }
        };
        Ok(Prepared { program, grants, slot: Some(slot) })
    }

    async fn grants(&self) -> Result<Arc<Grants>, End> {
        let (site, command) = (Arc::clone(&self.site), self.command.clone());
        let (framework, task) = (self.framework.clone(), self.task.clone());
        let disk_bytes = self.disk_bytes;
        let grants = self.site.work.spawn_blocking(move || {
            let place = Place {
                sandboxes: &site.sandboxes,
                artifacts: &site.artifacts,
                framework: &framework,
                task: &task,
            };
            Grants::prepare(&command.grants, &place, &site.directories_allowed, disk_bytes)
        });
        match grants.await {
            Ok(grants) => grants.map(Arc::new),
            Err(error) => Err(End::failed(format!("its grants could not be made: {error}"))),
        }
    }

    /// Progress that finds no room is left out: the end of the preparation says more.
    fn tell(&self, message: String) {
        let _ = self.notes.try_send(Note::Progress { task: self.task.clone(), message });
    }
}
