//! `stoa executor`: what ships, and what helps to write others. It never speaks to a cluster.

mod cast;
mod heard;
mod pack;
mod print;
mod script;
mod test;
mod text;

use crate::config::{Executor, Output};
use crate::failure::Failure;
use crate::shipped;

/// Does what was asked for.
///
/// # Errors
/// [`Failure`] of that command.
pub async fn executor(command: Executor, output: Output) -> Result<(), Failure> {
    match command {
        Executor::List => shipped::list(output),
        Executor::Save(arguments) => shipped::save(&arguments),
        Executor::Test(arguments) => test::test(&arguments, output).await,
        Executor::Pack(arguments) => pack::pack(&arguments),
    }
}
