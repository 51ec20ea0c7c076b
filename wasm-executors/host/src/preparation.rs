//! Before an executor hears of a task, all that the task's own program needs is made: code, grants,
//! a place in the pool. It never starts anything.

use std::sync::Arc;

use stoa_model::command::{CommandInfo, Grants as Asked};
use stoa_model::digest::Digest;
use stoa_model::ids::{FrameworkId, TaskId};
use stoa_model::size::Bytes;
use stoa_model::task::{TaskBody, TaskInfo};
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use crate::compiler;
use crate::end::End;
use crate::executor::Note;
use crate::grants::{Grants, needs_preparation};
use crate::program::Program;
use crate::sandbox::Place;
use crate::site::Site;
use crate::state::State;
use crate::tasks::Prepared;

/// What a task is granted, and its own program if it names one.
fn asked(info: &TaskInfo) -> (Option<&CommandInfo>, &Asked) {
    match &info.body {
        TaskBody::Command(command) => (Some(command), &command.grants),
        TaskBody::Executor(task) => (None, &task.grants),
    }
}

/// All that is needed, if it is there already.
pub(crate) fn at_once(site: &Site, info: &TaskInfo) -> Option<Prepared> {
    let (command, grants) = asked(info);
    if needs_preparation(grants, info.resources.disk_bytes) {
        return None;
    }
    let (program, slot) = match command {
        None => (None, None),
        Some(command) => {
            let program = site.compiler.ready(command.program)?;
            let slot = Arc::clone(&site.slots).try_acquire_many_owned(program.slots).ok()?;
            (Some(program), Some(slot))
        }
    };
    Some(Prepared { program, grants: Arc::default(), slot })
}

/// Starts to make what is needed. The executor gets a note when it is there.
pub(crate) fn start(state: &State, info: &TaskInfo) {
    let (command, grants) = asked(info);
    let preparation = Preparation {
        site: Arc::clone(&state.site),
        notes: state.notes.clone(),
        framework: state.framework.clone(),
        task: info.id.clone(),
        command: command.map(|command| (command.program, command.name.clone())),
        grants: grants.clone(),
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
    /// The task's own program, and its name.
    command: Option<(Digest, String)>,
    grants: Asked,
    disk_bytes: u64,
}

impl Preparation {
    async fn make(&self) -> Result<Prepared, End> {
        let program = match &self.command {
            Some((program, name)) => Some(self.program(*program, name).await?),
            None => None,
        };
        let grants = match needs_preparation(&self.grants, self.disk_bytes) {
            true => self.grants().await?,
            false => Arc::default(),
        };
        let slot = match &program {
            Some(program) => Some(self.slot(program.slots).await?),
            None => None,
        };
        Ok(Prepared { program, grants, slot })
    }

    async fn program(&self, program: Digest, name: &str) -> Result<Arc<Program>, End> {
        let phases = self.site.compiler.prepare(program);
        let compiling = |bytes| self.tell(format!("compiling {name} ({})", Bytes(bytes)));
        let program = compiler::ready(phases, compiling).await?;
        match &program.runnable {
            Ok(_) => Ok(program),
            Err(end) => Err(end.clone()),
        }
    }

    async fn slot(&self, slots_wanted: u32) -> Result<OwnedSemaphorePermit, End> {
        let slots = Arc::clone(&self.site.slots);
        if let Ok(slot) = Arc::clone(&slots).try_acquire_many_owned(slots_wanted) {
            return Ok(slot);
        }
        let slots_max = self.site.slots_max;
        self.tell(format!("waiting: all {slots_max} instances of this host are in use"));
        let slot = slots.acquire_many_owned(slots_wanted).await;
        slot.map_err(|_| End::failed("the host ended"))
    }

    async fn grants(&self) -> Result<Arc<Grants>, End> {
        let (site, asked) = (Arc::clone(&self.site), self.grants.clone());
        let (framework, task) = (self.framework.clone(), self.task.clone());
        let disk_bytes = self.disk_bytes;
        let grants = self.site.work.spawn_blocking(move || {
            let place = Place {
                sandboxes: &site.sandboxes,
                artifacts: &site.artifacts,
                framework: &framework,
                task: &task,
            };
            Grants::prepare(&asked, &place, &site.directories_allowed, disk_bytes)
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
