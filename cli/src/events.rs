//! `stoa events`: what happens in the cluster, one event a line. It never keeps any.

use std::io::Write;

use serde_json::{Value, json};
use stoa_model::operator::ClusterEvent;

use crate::cluster::Cluster;
use crate::config::{Events, Output};
use crate::failure::Failure;
use crate::lists::unprinted;
use crate::view::{ResourcesView, StatusView};

/// Prints events as they happen; without `--watch` what the cluster consists of now, as the
/// events that made it.
///
/// # Errors
/// [`Failure`] if the master does not answer, or ends the watch.
pub async fn events(arguments: Events, output: Output) -> Result<(), Failure> {
    let cluster = Cluster::find(arguments.at.master.as_deref()).await?;
    if !arguments.watch {
        return standing(&cluster, output).await;
    }
    let mut watch = cluster.watch().await?;
    loop {
        print(&watch.next().await?, output)?;
    }
}

/// The events that lead to the state as it is.
async fn standing(cluster: &Cluster, output: Output) -> Result<(), Failure> {
    let state = cluster.state().await?;
    let agents = state.agents.into_iter().map(|a| ClusterEvent::AgentRegistered(a.id, a.info));
    let frameworks =
        state.frameworks.into_iter().map(|f| ClusterEvent::FrameworkRegistered(f.id, f.info));
    let offers = state
        .offers
        .into_iter()
        .map(|o| ClusterEvent::OfferMade(o.id, o.framework, o.agent, o.role, o.resources));
    let tasks = state.tasks.into_iter().map(|task| match task.status {
        Some(status) => ClusterEvent::TaskUpdated(task.framework, status),
        None => ClusterEvent::TaskLaunched(task.framework, task.id, task.agent, task.resources),
    });
    for event in agents.chain(frameworks).chain(offers).chain(tasks) {
        print(&event, output)?;
    }
    Ok(())
}

fn print(event: &ClusterEvent, output: Output) -> Result<(), Failure> {
    let (name, fields) = described(event);
    let mut out = std::io::stdout().lock();
    let printed = match output {
        Output::Json => {
            let mut value = fields;
            value["event"] = json!(name);
            writeln!(out, "{value}")
        }
        Output::Table => writeln!(out, "{name:<22} {}", line(event)),
    };
    printed.and_then(|()| out.flush()).map_err(unprinted)
}

/// An event's name, and its fields in JSON.
fn described(event: &ClusterEvent) -> (&'static str, Value) {
    use ClusterEvent as E;
    let agent = |id: &stoa_model::ids::AgentId| json!({ "agent": id.as_str() });
    let framework = |id: &stoa_model::ids::FrameworkId| json!({ "framework": id.as_str() });
    match event {
        E::AgentRegistered(id, info) => (
            "AgentRegistered",
            json!({ "agent": id.as_str(), "hostname": info.hostname,
                    "resources": ResourcesView::from(&info.resources) }),
        ),
        E::AgentReregistered(id) => ("AgentReregistered", agent(id)),
        E::AgentDisconnected(id) => ("AgentDisconnected", agent(id)),
        E::AgentUnreachable(id) => ("AgentUnreachable", agent(id)),
        E::AgentUnregistered(id) => ("AgentUnregistered", agent(id)),
        E::AgentGone(id) => ("AgentGone", agent(id)),
        E::AgentDutyChanged(id, duty) => {
            ("AgentDutyChanged", json!({ "agent": id.as_str(), "duty": duty.as_str() }))
        }
        E::BreakerTripped { away, agents } => {
            ("BreakerTripped", json!({ "away": away, "agents": agents }))
        }
        E::BreakerReset => ("BreakerReset", json!({})),
        E::FrameworkRegistered(id, info) => (
            "FrameworkRegistered",
            json!({ "framework": id.as_str(), "name": info.name, "user": info.user }),
        ),
        E::FrameworkReregistered(id) => ("FrameworkReregistered", framework(id)),
        E::FrameworkDisconnected(id) => ("FrameworkDisconnected", framework(id)),
        E::FrameworkRemoved(id) => ("FrameworkRemoved", framework(id)),
        E::OfferMade(id, to, of, role, resources) => (
            "OfferMade",
            json!({ "offer": id.as_str(), "framework": to.as_str(), "agent": of.as_str(),
                    "role": role.as_str(), "resources": ResourcesView::from(resources) }),
        ),
        E::OfferDeclined(id, by) => {
            ("OfferDeclined", json!({ "offer": id.as_str(), "framework": by.as_str() }))
        }
        E::OfferRescinded(id, from) => {
            ("OfferRescinded", json!({ "offer": id.as_str(), "framework": from.as_str() }))
        }
        E::TaskLaunched(of, id, on, resources) => (
            "TaskLaunched",
            json!({ "framework": of.as_str(), "task": id.as_str(), "agent": on.as_str(),
                    "resources": ResourcesView::from(resources) }),
        ),
        E::TaskUpdated(of, status) => {
            ("TaskUpdated", json!({ "framework": of.as_str(), "status": StatusView::from(status) }))
        }
    }
}

/// What a person reads after an event's name.
fn line(event: &ClusterEvent) -> String {
    use ClusterEvent as E;
    match event {
        E::AgentRegistered(id, info) => {
            format!("{id} on {} with {}", info.hostname, info.resources)
        }
        E::AgentReregistered(id)
        | E::AgentDisconnected(id)
        | E::AgentUnreachable(id)
        | E::AgentGone(id)
        | E::AgentUnregistered(id) => id.to_string(),
        E::AgentDutyChanged(id, duty) => format!("{id} is {duty}"),
        E::BreakerTripped { away, agents } => {
            format!("{away} of {agents} agents are away: none is given up")
        }
        E::BreakerReset => "agents are given up again".to_owned(),
        E::FrameworkRegistered(id, info) => format!("{id} {} of {}", info.name, info.user),
        E::FrameworkReregistered(id) | E::FrameworkDisconnected(id) | E::FrameworkRemoved(id) => {
            id.to_string()
        }
        E::OfferMade(id, to, of, role, resources) => {
            format!("{id} to {to} as {role}: {resources} of {of}")
        }
        E::OfferDeclined(id, by) => format!("{id} by {by}"),
        E::OfferRescinded(id, from) => format!("{id} from {from}"),
        E::TaskLaunched(of, id, on, resources) => format!("{of}/{id} on {on} with {resources}"),
        E::TaskUpdated(of, status) => {
            let message = if status.message.is_empty() { "" } else { ": " };
            format!(
                "{of}/{} {} ({}){message}{}",
                status.task, status.state, status.reason, status.message
            )
        }
    }
}
