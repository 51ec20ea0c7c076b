//! Before an executor hears of a task, all that the task's programs need is made: code, grants, a
//! place in the pool. It never starts anything.

use std::sync::Arc;

use stoa_model::command::Grants as Asked;
use stoa_model::digest::Digest;
use stoa_model::ids::FrameworkId;
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

/// All that is needed, if it is there already.
pub(crate) fn at_once(site: &Site, info: &TaskInfo) -> Option<Prepared> {
    if needs_preparation(asked(info), info.resources.disk_bytes) {
        return None;
    }
    let grants = Arc::default();
    match &info.body {
        TaskBody::Command(command) => {
            let program = site.compiler.ready(command.program)?;
            let slot = Arc::clone(&site.slots).try_acquire_many_owned(program.slots).ok()?;
            Some(Prepared { program: Some(program), grants, slot: Some(slot) })
        }
        TaskBody::Executor(task) => {
            let can_run =
                |digest| site.compiler.ready(digest).is_some_and(|it| it.runnable.is_ok());
            let all = task.programs.iter().all(|named| can_run(named.program));
            all.then_some(Prepared { program: None, grants, slot: None })
        }
    }
}

fn asked(info: &TaskInfo) -> &Asked {
    match &info.body {
        TaskBody::Command(command) => &command.grants,
        TaskBody::Executor(task) => &task.grants,
    }
}

/// Starts to make what is needed. The executor gets a note when it is there.
pub(crate) fn start(state: &State, info: &TaskInfo) {
    let preparation = Preparation {
        site: Arc::clone(&state.site),
        notes: state.notes.clone(),
        framework: state.framework.clone(),
        info: info.clone(),
    };
    state.site.work.spawn(async move {
        let prepared = preparation.make().await;
        let Preparation { site, notes, info, .. } = preparation;
        let note = Note::Prepared { task: info.id, prepared };
        if let Err(unsent) = notes.send(note).await
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
    info: TaskInfo,
}

impl Preparation {
    async fn make(&self) -> Result<Prepared, End> {
        match &self.info.body {
            TaskBody::Command(command) => {
                let program = self.program(&command.name, command.program).await?;
                let grants = self.grants().await?;
                let slot = Some(self.slot(program.slots).await?);
                Ok(Prepared { program: Some(program), grants, slot })
            }
            TaskBody::Executor(task) => {
                // All compile at the same time; the first in order that cannot run is named.
                for named in &task.programs {
                    drop(self.site.compiler.prepare(named.program));
                }
                for named in &task.programs {
                    let program = self.program(&named.name, named.program).await;
                    program.map_err(|end| {
                        let message = format!("its program {}: {}", named.name, end.message);
                        End { message, ..end }
                    })?;
                }
                Ok(Prepared { program: None, grants: self.grants().await?, slot: None })
            }
        }
    }

    /// Code that can be run.
    async fn program(&self, name: &str, digest: Digest) -> Result<Arc<Program>, End> {
        let phases = self.site.compiler.prepare(digest);
        let compiling = |bytes| self.tell(format!("compiling {name} ({})", Bytes(bytes)));
        let program = compiler::ready(phases, compiling).await?;
        match &program.runnable {
            Ok(_) => Ok(program),
            Err(end) => Err(end.clone()),
        }
    }

    async fn slot(&self, wanted: u32) -> Result<OwnedSemaphorePermit, End> {
        let slots = Arc::clone(&self.site.slots);
        if let Ok(slot) = Arc::clone(&slots).try_acquire_many_owned(wanted) {
            return Ok(slot);
        }
        let slots_max = self.site.slots_max;
        self.tell(format!("waiting: all {slots_max} instances of this host are in use"));
        slots.acquire_many_owned(wanted).await.map_err(|_| End::failed("the host ended"))
    }

    async fn grants(&self) -> Result<Arc<Grants>, End> {
        let disk_bytes = self.info.resources.disk_bytes;
        if !needs_preparation(asked(&self.info), disk_bytes) {
            return Ok(Arc::default());
        }
        let (site, framework) = (Arc::clone(&self.site), self.framework.clone());
        let (task, asked) = (self.info.id.clone(), asked(&self.info).clone());
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
        let _ = self.notes.try_send(Note::Progress { task: self.info.id.clone(), message });
    }
}
