//! `stoa ps`, `agents`, `frameworks`, `offers`, `describe`, `kill`, `pause` and `resume`:
//! questions with one answer. It never keeps a connection.

use stoa_model::task::KillPolicy;

use crate::cluster::Cluster;
use crate::config::{At, Describe, Kill, Output, Pause, Ps};
use crate::failure::{Failure, code};
use crate::table::{print, print_json};
use crate::view::{AgentView, FrameworkView, OfferView, TaskView};

/// What standard output refused.
pub fn unprinted(error: std::io::Error) -> Failure {
    match error.kind() {
        // Whoever reads has had enough, as `head` has: nothing went wrong.
        std::io::ErrorKind::BrokenPipe => Failure::new(0, ""),
        _ => Failure::new(code::FAILURE, format!("cannot print: {error}")),
    }
}

/// Lists tasks; those that are over only if asked.
///
/// # Errors
/// [`Failure`] if the master does not answer.
pub async fn ps(arguments: Ps, output: Output) -> Result<(), Failure> {
    let cluster = Cluster::find(arguments.at.master.as_deref()).await?;
    let state = cluster.state().await?;
    let wanted = state.tasks.iter().filter(|task| arguments.all || !task.state.is_terminal());
    print(&wanted.map(TaskView::from).collect::<Vec<_>>(), output).map_err(unprinted)
}

/// Lists agents.
///
/// # Errors
/// [`Failure`] if the master does not answer.
pub async fn agents(at: At, output: Output) -> Result<(), Failure> {
    let state = Cluster::find(at.master.as_deref()).await?.state().await?;
    if state.agents_held > 0 {
        eprintln!(
            "{} agents are away for too long, but too many are away to give them up\n\
             hint: if they will not come back: stoa agent reset-breaker",
            state.agents_held
        );
    }
    let views: Vec<_> = state.agents.iter().map(AgentView::from).collect();
    print(&views, output).map_err(unprinted)
}

/// Lists frameworks.
///
/// # Errors
/// [`Failure`] if the master does not answer.
pub async fn frameworks(at: At, output: Output) -> Result<(), Failure> {
    let state = Cluster::find(at.master.as_deref()).await?.state().await?;
    let views: Vec<_> = state.frameworks.iter().map(FrameworkView::from).collect();
    print(&views, output).map_err(unprinted)
}

/// Lists outstanding offers.
///
/// # Errors
/// [`Failure`] if the master does not answer.
pub async fn offers(at: At, output: Output) -> Result<(), Failure> {
    let state = Cluster::find(at.master.as_deref()).await?.state().await?;
    let views: Vec<_> = state.offers.iter().map(OfferView::from).collect();
    print(&views, output).map_err(unprinted)
}

/// Ends a task, and prints it as it was when the kill went out.
///
/// # Errors
/// [`Failure`] if the master knows no such task, or does not answer.
pub async fn kill(arguments: Kill, output: Output) -> Result<(), Failure> {
    let cluster = Cluster::find(arguments.at.master.as_deref()).await?;
    let policy = arguments.grace.map(|grace_ms| KillPolicy { grace_ms });
    let task = cluster.kill(&arguments.task, policy).await?;
    print(&[TaskView::from(&task)], output).map_err(unprinted)
}

/// Freezes a task or lets it go on, and prints it as it is wanted from now on.
///
/// # Errors
/// [`Failure`] if the master knows no such task, the task is over, or the master does not answer.
pub async fn set_paused(arguments: Pause, is_paused: bool, output: Output) -> Result<(), Failure> {
    let cluster = Cluster::find(arguments.at.master.as_deref()).await?;
    let (task, is_news) = cluster.set_paused(&arguments.task, is_paused).await?;
    if !is_news {
        let already = if is_paused { "paused already" } else { "not paused" };
        eprintln!("stoa: task {} is {already}", arguments.task);
    }
    print(&[TaskView::from(&task)], output).map_err(unprinted)
}

/// Prints all that is known of one thing.
///
/// # Errors
/// [`Failure`] if there is no such thing, or the master does not answer.
pub async fn describe(arguments: Describe, output: Output) -> Result<(), Failure> {
    let kinds = "task, agent, framework or offer";
    let Some((kind, name)) = arguments.what.split_once('/') else {
        return Err(Failure::new(code::USAGE, format!("{:?} names no kind", arguments.what))
            .hint(format!("write KIND/NAME with a {kinds}, such as task/words-1")));
    };
    let state = Cluster::find(arguments.at.master.as_deref()).await?.state().await?;
    let json = |value: Result<serde_json::Value, serde_json::Error>| {
        value.expect("a view has string keys only and always serializes")
    };
    let found = match kind {
        "task" => {
            let matches = |task: &&stoa_model::task::TaskRecord| {
                task.id.as_str() == name || format!("{}/{}", task.framework, task.id) == name
            };
            state
                .tasks
                .iter()
                .find(matches)
                .map(|it| json(serde_json::to_value(TaskView::from(it))))
        }
        "agent" => state
            .agents
            .iter()
            .find(|agent| agent.id.as_str() == name)
            .map(|it| json(serde_json::to_value(AgentView::from(it)))),
        "framework" => state
            .frameworks
            .iter()
            .find(|framework| framework.id.as_str() == name)
            .map(|it| json(serde_json::to_value(FrameworkView::from(it)))),
        "offer" => state
            .offers
            .iter()
            .find(|offer| offer.id.as_str() == name)
            .map(|it| json(serde_json::to_value(OfferView::from(it)))),
        _ => {
            return Err(Failure::new(code::USAGE, format!("{kind:?} is no kind"))
                .hint(format!("write KIND/NAME with a {kinds}")));
        }
    };
    let found = found.ok_or_else(|| {
        Failure::new(code::FAILURE, format!("there is no {kind} {name}"))
            .hint("`stoa ps -a`, `agents`, `frameworks` and `offers` list what there is")
    })?;
    match output {
        Output::Json => print_json(&found),
        Output::Table => print_fields(&found),
    }
    .map_err(unprinted)
}

/// One field a line, in the order of the view.
fn print_fields(value: &serde_json::Value) -> std::io::Result<()> {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    for (name, value) in value.as_object().into_iter().flatten() {
        match value {
            serde_json::Value::String(text) => writeln!(out, "{name}: {text}")?,
            value => writeln!(out, "{name}: {value}")?,
        }
    }
    out.flush()
}
