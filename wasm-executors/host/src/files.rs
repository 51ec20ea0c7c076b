//! What an executor may see of the files of its tasks: the interface `files` of the world.

use crate::state::State;
use crate::world::stoa::executor::files::{Entry, Host, Refusal};

impl Host for State {
    async fn list_directory(&mut self, task: String, _: String) -> Result<Vec<Entry>, Refusal> {
        Err(Refusal::UnknownTask(task))
    }

    async fn read_file(
        &mut self,
        task: String,
        _: String,
        _: u64,
        _: u32,
    ) -> Result<Vec<u8>, Refusal> {
        Err(Refusal::UnknownTask(task))
    }
}
