//! What an executor may see of the files of its tasks: the interface `files` of the world. It only
//! reads, and only what the task was granted.

use stoa_model::limits::DATA_BYTES_MAX;

use crate::grants::Grants;
use crate::paths::{self, Unusable};
use crate::state::State;
use crate::words;
use crate::world::stoa::executor::files::{Entry, Host, Refusal};

impl Host for State {
    async fn list_directory(&mut self, task: String, path: String) -> Result<Vec<Entry>, Refusal> {
        let entries = self.looking(task, move |grants| paths::list(grants, &path)).await?;
        let entry = |it: paths::Entry| Entry { name: it.name, is_directory: it.is_directory };
        Ok(entries.into_iter().map(entry).collect())
    }

    /// Whoever wants more at a time than data may have gets less, as at the end of a file.
    async fn read_file(
        &mut self,
        task: String,
        path: String,
        offset: u64,
        bytes_max: u32,
    ) -> Result<Vec<u8>, Refusal> {
        let bytes_max = usize::try_from(bytes_max).unwrap_or(usize::MAX).min(DATA_BYTES_MAX);
        self.looking(task, move |grants| paths::read(grants, &path, offset, bytes_max)).await
    }
}

impl State {
    /// Looks at the files of a task where it may block. Who is cut meanwhile leaves nothing behind.
    async fn looking<T: Send + 'static>(
        &mut self,
        task: String,
        look: impl FnOnce(&Grants) -> Result<T, Unusable> + Send + 'static,
    ) -> Result<T, Refusal> {
        let Some(id) = words::task_id(&task).filter(|id| self.launched(id).is_some()) else {
            return Err(Refusal::UnknownTask(task));
        };
        let grants = self.grants_of(Some(&id)).map_err(|end| Refusal::Failed(end.message))?;
        let looked = self.site.work.spawn_blocking(move || look(&grants)).await;
        let looked =
            looked.map_err(|error| Refusal::Failed(format!("the host failed: {error}")))?;
        looked.map_err(|error| match error {
            Unusable::NotGranted(text) => Refusal::NotGranted(text),
            Unusable::NotFound(text) => Refusal::NotFound(text),
            Unusable::Failed(text) => Refusal::Failed(text),
        })
    }
}
