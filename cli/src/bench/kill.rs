//! `stoa bench kill`: a crowd of guests of several kinds on one agent, each killed at its own time,
//! through a cluster of real processes. It never judges a figure.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::Serialize;
use stoa_model::ids::TaskId;
use stoa_model::resources::Resources;
use stoa_model::task::TaskState;

use super::crowd::{Crowd, Member};
use super::processes::Processes;
use super::{client, upload};
use crate::cluster::Cluster;
use crate::config::{BenchKill, Isolation, Output};
use crate::failure::{Failure, code};
use crate::lists::unprinted;
use crate::table::print_json;

/// Between one kill and the next.
const KILL_INTERVAL: Duration = Duration::from_millis(10);

/// What the members of the crowd may hold; `grow` takes all of it.
const MEMORY_BYTES: u64 = 8 << 20;

/// Never asks the host for anything.
const SPIN: &[u8] = include_bytes!("../../../sample-tasks/spin.wasm");
/// Waits in the host.
const SLEEP: &[u8] = include_bytes!("../../../sample-tasks/sleep.wasm");
/// Asks the host for the time, again and again.
const ASK: &[u8] = include_bytes!("ask.wasm");
/// Takes memory until it gets no more, writes to each page, and goes on asking for more.
const GROW: &[u8] = include_bytes!("grow.wasm");

/// The kinds of guests, in turn.
const KINDS: [(&str, &[u8]); 4] = [("spin", SPIN), ("sleep", SLEEP), ("ask", ASK), ("grow", GROW)];

/// What is printed.
#[derive(Debug, Serialize)]
struct Report {
    tasks: u32,
    kill_ms: Spread,
    kinds: BTreeMap<&'static str, Kind>,
}

/// What is printed of the guests of one kind.
#[derive(Debug, Serialize)]
struct Kind {
    tasks: usize,
    kill_ms: Spread,
}

/// Milliseconds from the Kill sent to KILLED received.
#[derive(Debug, Serialize)]
struct Spread {
    p50: f64,
    p99: f64,
    max: f64,
}

impl Spread {
    fn of(samples: impl Iterator<Item = f64>) -> Self {
        let mut samples: Vec<f64> = samples.collect();
        samples.sort_by(f64::total_cmp);
        let at = |percent: usize| {
            let rank = (samples.len() * percent).div_ceil(100).saturating_sub(1);
            samples.get(rank).copied().unwrap_or_default()
        };
        Self { p50: at(50), p99: at(99), max: at(100) }
    }
}

/// Starts a cluster, gathers the crowd, kills one after another, prints one report.
///
/// # Errors
/// [`Failure`] if the cluster cannot be started, or a guest ends before it is killed.
pub async fn kill(arguments: BenchKill, output: Output) -> Result<(), Failure> {
    let broken =
        |error: std::io::Error| Failure::new(code::FAILURE, format!("cannot measure: {error}"));
    let state = tempfile::tempdir().map_err(broken)?;
    let mut processes =
        Processes::start(state.path(), arguments.tasks, Isolation::Framework).await?;
    let cluster = Cluster::find(Some(&processes.master_address)).await?;
    let mut programs = Vec::new();
    for (name, wasm) in KINDS {
        programs.push(upload(wasm, &format!("{name}.wasm"), state.path(), &cluster).await?);
    }
    let members = (0..arguments.tasks).zip(KINDS.iter().zip(programs).cycle());
    let members = members.map(|(number, ((name, _), program))| Member {
        id: TaskId::new(&format!("{name}-{number}")).expect("the text is a legal id"),
        program,
        arguments: if *name == "sleep" { vec!["86400".to_owned()] } else { Vec::new() },
        resources: Resources::new(10, MEMORY_BYTES),
    });
    let members: Vec<Member> = members.collect();
    let ids: Vec<TaskId> = members.iter().map(|member| member.id.clone()).collect();
    let mut crowd = Crowd::new(client(&cluster, "bench kill"));
    if let (_, Some(why)) = crowd.gather(members).await? {
        return Err(Failure::new(code::FAILURE, format!("the crowd does not run: {why}")));
    }
    let samples = kill_all(&mut crowd, &ids).await?;
    crowd.disperse().await?;
    processes.end().await;
    print(&report(arguments.tasks, &samples), output).map_err(unprinted)
}

/// Kills one after another; answers how long each took, in milliseconds.
async fn kill_all(crowd: &mut Crowd, tasks: &[TaskId]) -> Result<BTreeMap<TaskId, f64>, Failure> {
    let (mut asked, mut samples) = (BTreeMap::new(), BTreeMap::new());
    let mut next = tasks.iter();
    let mut beat = tokio::time::interval(KILL_INTERVAL);
    while samples.len() < tasks.len() {
        let event = tokio::select! {
            _ = beat.tick(), if asked.len() < tasks.len() => {
                if let Some(task) = next.next() {
                    asked.insert(task.clone(), Instant::now());
                    crowd.kill(task.clone()).await?;
                }
                continue;
            }
            event = crowd.event() => event?,
        };
        let status = crowd.on_event(event).await?;
        let Some(status) = status.filter(|status| status.state.is_terminal()) else { continue };
        match asked.get(&status.task) {
            Some(at) if status.state == TaskState::Killed => {
                let ms = at.elapsed().as_secs_f64() * 1e3;
                samples.entry(status.task).or_insert(ms);
            }
            _ => {
                let message =
                    format!("task {} is {}: {}", status.task, status.state, status.message);
                return Err(Failure::new(code::FAILURE, message));
            }
        }
    }
    Ok(samples)
}

fn report(tasks: u32, samples: &BTreeMap<TaskId, f64>) -> Report {
    let of_kind = |kind: &str| {
        let prefix = format!("{kind}-");
        let of = samples.iter().filter(move |(task, _)| task.as_str().starts_with(&prefix));
        of.map(|(_, ms)| *ms).collect::<Vec<_>>()
    };
    let kinds = KINDS.map(|(kind, _)| {
        let of = of_kind(kind);
        (kind, Kind { tasks: of.len(), kill_ms: Spread::of(of.into_iter()) })
    });
    Report { tasks, kill_ms: Spread::of(samples.values().copied()), kinds: kinds.into() }
}

fn print(report: &Report, output: Output) -> std::io::Result<()> {
    use std::io::Write;
    if output == Output::Json {
        return print_json(report);
    }
    let mut out = std::io::stdout().lock();
    writeln!(out, "{} tasks killed, one every {} ms", report.tasks, KILL_INTERVAL.as_millis())?;
    let all = std::iter::once(("all", report.tasks as usize, &report.kill_ms));
    let kinds = report.kinds.iter().map(|(kind, it)| (*kind, it.tasks, &it.kill_ms));
    for (kind, tasks, Spread { p50, p99, max }) in all.chain(kinds) {
        writeln!(out, "{kind:<6} {tasks:>6}   p50 {p50:.2} ms, p99 {p99:.2} ms, max {max:.2} ms")?;
    }
    out.flush()
}
