//! `stoa bench density`: how many tasks that only wait one agent holds, and what memory each of
//! them costs. It never judges a figure.

use serde::Serialize;
use stoa_model::ids::TaskId;
use stoa_model::resources::Resources;

use super::crowd::{Crowd, Member};
use super::processes::Processes;
use super::{client, upload};
use crate::cluster::Cluster;
use crate::config::{BenchDensity, Isolation, Output};
use crate::failure::{Failure, code};
use crate::lists::unprinted;
use crate::table::print_json;

/// Waits in the host.
const SLEEP: &[u8] = include_bytes!("../../../sample-tasks/sleep.wasm");

/// What one task may hold; it holds less.
const MEMORY_BYTES: u64 = 2 << 20;

/// What is printed.
#[derive(Debug, Serialize)]
struct Report {
    idle_tasks: usize,
    /// Resident memory of the agent's process, before the tasks and with them.
    memory_before_bytes: u64,
    memory_bytes: u64,
    bytes_per_task: u64,
    /// Why there are no more tasks than that; nothing if no more were wanted.
    refused: Option<String>,
}

/// Starts a cluster, launches sleeping tasks until one does not start, prints one report.
///
/// # Errors
/// [`Failure`] if the cluster cannot be started, or not one task runs.
pub async fn density(arguments: BenchDensity, output: Output) -> Result<(), Failure> {
    let broken =
        |error: std::io::Error| Failure::new(code::FAILURE, format!("cannot measure: {error}"));
    let state = tempfile::tempdir().map_err(broken)?;
    let mut processes =
        Processes::start(state.path(), arguments.tasks, Isolation::Framework).await?;
    let cluster = Cluster::find(Some(&processes.master_address)).await?;
    let program = upload(SLEEP, "sleep.wasm", state.path(), &cluster).await?;
    let member = |number: u32| Member {
        id: TaskId::new(&format!("sleep-{number}")).expect("the text is a legal id"),
        program,
        arguments: vec!["86400".to_owned()],
        resources: Resources::new(1, MEMORY_BYTES),
    };
    let mut crowd = Crowd::new(client(&cluster, "bench density"));
    // The first one compiles the program and starts the executor.
    let (first, refused) = crowd.gather(vec![member(0)]).await?;
    if let Some(why) = refused {
        return Err(Failure::new(code::FAILURE, format!("not one task runs: {why}")));
    }
    let memory_before_bytes = processes.agent_memory_bytes().map_err(broken)?;
    let (others, refused) = crowd.gather((1..arguments.tasks).map(member).collect()).await?;
    let memory_bytes = processes.agent_memory_bytes().map_err(broken)?;
    crowd.disperse().await?;
    processes.end().await;
    let grown_bytes = memory_bytes.saturating_sub(memory_before_bytes);
    let report = Report {
        idle_tasks: first + others,
        memory_before_bytes,
        memory_bytes,
        bytes_per_task: grown_bytes.checked_div(others as u64).unwrap_or_default(),
        refused,
    };
    print(&report, output).map_err(unprinted)
}

fn print(report: &Report, output: Output) -> std::io::Result<()> {
    use std::io::Write;
    if output == Output::Json {
        return print_json(report);
    }
    let mut out = std::io::stdout().lock();
    let mib = report.memory_bytes as f64 / f64::from(1 << 20);
    let kib = report.bytes_per_task as f64 / 1024.0;
    writeln!(
        out,
        "{} idle tasks: {mib:.0} MiB of the agent, {kib:.1} KiB a task",
        report.idle_tasks
    )?;
    if let Some(why) = &report.refused {
        writeln!(out, "one more was not started: {why}")?;
    }
    out.flush()
}
