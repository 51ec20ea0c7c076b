//! `stoa bench map`: calls of one warm function, each a task of the executor `map`, through a
//! cluster of real processes. It never judges a figure.

use std::time::Instant;

use serde::Serialize;
use stoa_model::command::NamedProgram;
use stoa_model::digest::Digest;
use stoa_model::ids::ExecutorId;
use stoa_model::resources::Resources;
use stoa_model::status::TaskStatus;
use stoa_model::task::{ExecutorInfo, ExecutorTask, TaskBody};

use super::measured::{Measured, Work};
use super::processes::Processes;
use super::{CpuPerTask, Percentiles, client, cores, upload};
use crate::cluster::Cluster;
use crate::config::{BenchMap, Output};
use crate::failure::{Failure, code};
use crate::lists::unprinted;
use crate::shipped;
use crate::table::print_json;

/// A function that answers each line in capitals.
const UPPER: &[u8] = include_bytes!("../../../sample-tasks/upper.wasm");

/// What is printed.
#[derive(Debug, Serialize)]
struct Report {
    calls: u32,
    in_flight: u32,
    cores: u32,
    instances: u32,
    seconds: f64,
    calls_per_second: f64,
    answered_ms: Percentiles,
    cpu_us_per_call: CpuPerTask,
}

/// Starts a cluster, has the function called, prints one report.
///
/// # Errors
/// [`Failure`] if the cluster cannot be started, or an answer is not what it must be.
pub async fn map(arguments: BenchMap, output: Output) -> Result<(), Failure> {
    let broken =
        |error: std::io::Error| Failure::new(code::FAILURE, format!("cannot measure: {error}"));
    cores::bind(arguments.cores)?;
    let state = tempfile::tempdir().map_err(broken)?;
    let mut processes =
        Processes::start(state.path(), arguments.in_flight, arguments.isolation).await?;
    let cluster = Cluster::find(Some(&processes.master_address)).await?;
    let map = shipped::named("map").expect("it ships").component;
    let calls = Calls {
        executor: upload(map, "map.wasm", state.path(), &cluster).await?,
        function: upload(UPPER, "upper.wasm", state.path(), &cluster).await?,
        instances: arguments.cores,
    };
    let client = client(&cluster, "bench map");
    let mut measured = Measured::new(calls, arguments.in_flight, client);
    // The first calls compile both and start the instances; what is measured is warm.
    measured.run(100, 0).await?;
    let before = processes.cpu_us().map_err(broken)?;
    let started = Instant::now();
    let samples = measured.run(u64::from(arguments.calls), 100).await?;
    let seconds = started.elapsed().as_secs_f64();
    let after = processes.cpu_us().map_err(broken)?;
    measured.client.unregister().await.map_err(|it| Failure::new(code::FAILURE, it.to_string()))?;
    processes.end().await;
    let calls = f64::from(arguments.calls);
    let report = Report {
        calls: arguments.calls,
        in_flight: arguments.in_flight,
        cores: arguments.cores,
        instances: arguments.cores,
        seconds,
        calls_per_second: calls / seconds,
        answered_ms: Percentiles::of(samples.finished_ms),
        cpu_us_per_call: CpuPerTask::between(before, after, calls),
    };
    print(&report, output).map_err(unprinted)
}

/// Calls of the function, one a task.
struct Calls {
    executor: Digest,
    function: Digest,
    /// How many of the function are kept warm: one for each core.
    instances: u32,
}

impl Calls {
    fn input(number: u64) -> String {
        format!("input {number}")
    }
}

impl Work for Calls {
    /// A call uses nothing of its own: it runs in the executor's instances.
    fn resources(&self) -> Resources {
        Resources::new(1, 4 << 10)
    }

    fn shared(&self) -> Resources {
        Resources::new(100, 256 << 20)
    }

    fn body(&self, number: u64) -> TaskBody {
        let id = ExecutorId::new("map").expect("a plain word is an id");
        let program = NamedProgram { name: "upper".to_owned(), program: self.function };
        let executor = ExecutorInfo {
            name: "map".to_owned(),
            programs: vec![program],
            data: format!(r#"{{"instances": {}}}"#, self.instances).into_bytes(),
            ..ExecutorInfo::new(id, self.executor, self.shared())
        };
        let input = Self::input(number).into_bytes();
        TaskBody::Executor(Box::new(ExecutorTask::new(executor, input)))
    }

    fn name(&self) -> &'static str {
        "call"
    }

    fn check(&self, number: u64, status: &TaskStatus) -> Result<(), Failure> {
        let wanted = Self::input(number).to_uppercase();
        if status.data == wanted.as_bytes() {
            return Ok(());
        }
        let got = String::from_utf8_lossy(&status.data);
        let message = format!("{} was answered {got:?}, not {wanted:?}", status.task);
        Err(Failure::new(code::FAILURE, message))
    }
}

fn print(report: &Report, output: Output) -> std::io::Result<()> {
    use std::io::Write;
    if output == Output::Json {
        return print_json(report);
    }
    let mut out = std::io::stdout().lock();
    let Report { calls, in_flight, cores, seconds, calls_per_second, answered_ms: it, .. } = report;
    writeln!(
        out,
        "{calls} calls, {in_flight} in flight, on {cores} cores: {seconds:.2} s, \
         {calls_per_second:.0}/s"
    )?;
    writeln!(
        out,
        "launch to answer   p50 {:.2} ms, p90 {:.2} ms, p99 {:.2} ms",
        it.p50, it.p90, it.p99
    )?;
    let CpuPerTask { master, agent, scheduler } = &report.cpu_us_per_call;
    writeln!(
        out,
        "cpu per call: master {master:.1} us, agent {agent:.1} us, scheduler {scheduler:.1} us"
    )?;
    out.flush()
}
