//! `stoa bench`: what a cluster of real processes does, measured from outside; here `launch`, no-op
//! tasks. It never judges a figure.

use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::Serialize;
use stoa_model::command::CommandInfo;
use stoa_model::digest::Digest;
use stoa_model::epoch::Epoch;
use stoa_model::framework::{FAILOVER_TIMEOUT_MS_DEFAULT, FrameworkInfo, ROLE_DEFAULT};
use stoa_model::ids::Role;
use stoa_model::resources::Resources;
use stoa_model::status::TaskStatus;
use stoa_model::task::TaskBody;
use stoa_scheduler::{Client, Config};

use crate::cluster::Cluster;
use crate::config::{BenchLaunch, Output};
use crate::failure::{Failure, code};
use crate::lists::unprinted;
use crate::table::print_json;
use measured::{Measured, Work};
use processes::Processes;

mod cores;
mod crowd;
pub mod density;
pub mod kill;
pub mod map;
mod measured;
mod processes;

/// The smallest module that does nothing.
const NOOP: &[u8] = include_bytes!("../../sample-tasks/noop.wasm");

/// What is printed.
#[derive(Debug, Serialize)]
struct Report {
    tasks: u32,
    in_flight: u32,
    seconds: f64,
    tasks_per_second: f64,
    running_ms: Percentiles,
    finished_ms: Percentiles,
    cpu_us_per_task: CpuPerTask,
}

/// Of one figure over all tasks.
#[derive(Debug, Serialize)]
pub struct Percentiles {
    p50: f64,
    p90: f64,
    p99: f64,
}

/// Microseconds of cpu time, by process.
#[derive(Debug, Serialize)]
struct CpuPerTask {
    master: f64,
    agent: f64,
    scheduler: f64,
}

impl CpuPerTask {
    /// What of two readings falls to each of `tasks` tasks.
    fn between(before: [u64; 3], after: [u64; 3], tasks: f64) -> Self {
        let [master, agent, scheduler] =
            [0, 1, 2].map(|process: usize| (after[process] - before[process]) as f64 / tasks);
        Self { master, agent, scheduler }
    }
}

impl Percentiles {
    /// Of `samples`, in their unit; zeros if there are none.
    pub fn of(mut samples: Vec<f64>) -> Self {
        samples.sort_by(f64::total_cmp);
        let at = |percent: usize| {
            let rank = (samples.len() * percent).div_ceil(100).saturating_sub(1);
            samples.get(rank).copied().unwrap_or_default()
        };
        Self { p50: at(50), p90: at(90), p99: at(99) }
    }
}

/// Starts a cluster, launches the tasks, prints one report.
///
/// # Errors
/// [`Failure`] if the cluster cannot be started, or a task does not finish.
pub async fn launch(arguments: BenchLaunch, output: Output) -> Result<(), Failure> {
    let broken =
        |error: std::io::Error| Failure::new(code::FAILURE, format!("cannot measure: {error}"));
    let state = tempfile::tempdir().map_err(broken)?;
    let mut processes =
        Processes::start(state.path(), arguments.in_flight, arguments.isolation).await?;
    let cluster = Cluster::find(Some(&processes.master_address)).await?;
    let program = cluster.upload(&program(&arguments, state.path()).map_err(broken)?).await?;
    let client = client(&cluster, "bench launch");
    let mut measured = Measured::new(Noop { program }, arguments.in_flight, client);
    // The first task compiles the module; what is measured is a warm cluster.
    measured.run(1, 0).await?;
    let before = processes.cpu_us().map_err(broken)?;
    let started = Instant::now();
    let samples = measured.run(u64::from(arguments.tasks), 1).await?;
    let seconds = started.elapsed().as_secs_f64();
    let after = processes.cpu_us().map_err(broken)?;
    measured.client.unregister().await.map_err(|it| Failure::new(code::FAILURE, it.to_string()))?;
    processes.end().await;
    let report = Report {
        tasks: arguments.tasks,
        in_flight: arguments.in_flight,
        seconds,
        tasks_per_second: f64::from(arguments.tasks) / seconds,
        running_ms: Percentiles::of(samples.running_ms),
        finished_ms: Percentiles::of(samples.finished_ms),
        cpu_us_per_task: CpuPerTask::between(before, after, f64::from(arguments.tasks)),
    };
    print(&report, output).map_err(unprinted)
}

/// The scheduler of a measurement.
fn client(cluster: &Cluster, name: &str) -> Client {
    let info = FrameworkInfo {
        name: name.to_owned(),
        user: "bench".to_owned(),
        roles: vec![Role::new(ROLE_DEFAULT).expect("the default role is a legal id")],
        failover_timeout_ms: FAILOVER_TIMEOUT_MS_DEFAULT,
        labels: Vec::new(),
        ends_alone: false,
    };
    Client::start(cluster.masters.clone(), Config { info, framework: None, epoch: Epoch::NONE })
}

/// Brings a program into the cluster's store, by way of a file in `state`.
async fn upload(
    bytes: &[u8],
    name: &str,
    state: &Path,
    cluster: &Cluster,
) -> Result<Digest, Failure> {
    let path = state.join(name);
    std::fs::write(&path, bytes)
        .map_err(|error| Failure::new(code::FAILURE, format!("cannot measure: {error}")))?;
    cluster.upload(&path).await
}

/// Tasks that run a program of the smallest kind.
struct Noop {
    program: Digest,
}

impl Work for Noop {
    /// Little, so that the number in flight is bounded by us alone; and enough for a program of
    /// any language that does nothing.
    fn resources(&self) -> Resources {
        Resources::new(10, 32 << 20)
    }

    fn shared(&self) -> Resources {
        Resources::default()
    }

    fn body(&self, _number: u64) -> TaskBody {
        TaskBody::Command(CommandInfo::new(self.program, "noop"))
    }

    fn name(&self) -> &'static str {
        "noop"
    }

    fn check(&self, _number: u64, _status: &TaskStatus) -> Result<(), Failure> {
        Ok(())
    }
}

/// The module that is measured, as a file.
fn program(arguments: &BenchLaunch, state: &Path) -> std::io::Result<PathBuf> {
    if let Some(program) = &arguments.program {
        return Ok(program.clone());
    }
    let path = state.join("noop.wasm");
    std::fs::write(&path, NOOP)?;
    Ok(path)
}

fn print(report: &Report, output: Output) -> std::io::Result<()> {
    use std::io::Write;
    if output == Output::Json {
        return print_json(report);
    }
    let mut out = std::io::stdout().lock();
    let Report { tasks, in_flight, seconds, tasks_per_second, running_ms, finished_ms, .. } =
        report;
    writeln!(out, "{tasks} tasks, {in_flight} in flight: {seconds:.2} s, {tasks_per_second:.0}/s")?;
    for (name, it) in [("launch to running", running_ms), ("launch to end", finished_ms)] {
        writeln!(
            out,
            "{name:<18} p50 {:.2} ms, p90 {:.2} ms, p99 {:.2} ms",
            it.p50, it.p90, it.p99
        )?;
    }
    let cpu = &report.cpu_us_per_task;
    let CpuPerTask { master, agent, scheduler } = cpu;
    writeln!(
        out,
        "cpu per task: master {master:.1} us, agent {agent:.1} us, scheduler {scheduler:.1} us"
    )?;
    out.flush()
}
