//! Actions as the lines of a transcript: `->` goes to the master, `=>` to the author.

use std::fmt::Display;

use stoa_model::ids::{AgentId, UpdateId};
use stoa_model::scheduler::{Call, Event};
use stoa_model::status::TaskStatus;
use stoa_scheduler::Action;

/// The line of one action.
pub fn print(action: &Action) -> String {
    match action {
        Action::Connect => "connect".to_owned(),
        Action::Disconnect => "disconnect".to_owned(),
        Action::Send(it) => format!("-> {}", call(it)),
        Action::Deliver(it) => format!("=> {}", event(it)),
        Action::Warn(warning) => format!("warn {warning}"),
        Action::End => "end".to_owned(),
    }
}

fn list<T: Display>(items: &[T]) -> String {
    let items: Vec<_> = items.iter().map(T::to_string).collect();
    if items.is_empty() { "all".to_owned() } else { items.join(" ") }
}

fn place(agent: Option<&AgentId>) -> String {
    agent.map_or(String::new(), |agent| format!("@{agent}"))
}

fn update(id: UpdateId) -> String {
    format!("{}.{}", id.0 >> 64, id.0 & u128::from(u64::MAX))
}

fn call(call: &Call) -> String {
    match call {
        Call::Register(info) => format!("Register {}", list(&info.roles)),
        Call::Reregister { framework, .. } => format!("Reregister {framework}"),
        Call::Unregister => "Unregister".to_owned(),
        Call::Request(requests) => {
            let requests: Vec<_> = requests.iter().map(|it| it.resources.clone()).collect();
            format!("Request {}", list(&requests))
        }
        Call::Decline { offers, .. } => format!("Decline {}", list(offers)),
        Call::Revive(roles) => format!("Revive {}", list(roles)),
        Call::Suppress(roles) => format!("Suppress {}", list(roles)),
        Call::Launch { offers, tasks, .. } => {
            let tasks: Vec<_> = tasks.iter().map(|task| task.id.clone()).collect();
            format!("Launch {} on {}", list(&tasks), list(offers))
        }
        Call::SetPaused { task, is_paused: true } => format!("Pause {task}"),
        Call::SetPaused { task, .. } => format!("Resume {task}"),
        Call::Kill { task, agent, policy } => {
            let grace = policy.map_or(String::new(), |it| format!(" grace={}ms", it.grace_ms));
            format!("Kill {task}{}{grace}", place(agent.as_ref()))
        }
        Call::Acknowledge { task, update: it, .. } => format!("Acknowledge {task} {}", update(*it)),
        Call::Reconcile(tasks) => {
            let tasks =
                tasks.iter().map(|(task, agent)| format!("{task}{}", place(agent.as_ref())));
            format!("Reconcile {}", list(&tasks.collect::<Vec<_>>()))
        }
        Call::Message { executor, .. } => format!("Message for {executor}"),
        Call::Shutdown { executor, .. } => format!("Shutdown {executor}"),
    }
}

fn event(event: &Event) -> String {
    match event {
        Event::Registered { framework, .. } => format!("Registered {framework}"),
        Event::Reregistered { framework, .. } => format!("Reregistered {framework}"),
        Event::Offer(offers) => {
            let offers: Vec<_> = offers.iter().map(|offer| offer.id.clone()).collect();
            format!("Offer {}", list(&offers))
        }
        Event::Rescind(offers) => format!("Rescind {}", list(offers)),
        Event::Update(it) => format!("Update {}", status(it)),
        Event::Message { executor, .. } => format!("Message from {executor}"),
        Event::Failure { agent, message, .. } => format!("Failure on {agent}: {message}"),
        Event::Error { message, is_final, .. } => {
            format!("Error{}: {message}", if *is_final { " for good" } else { "" })
        }
        Event::Heartbeat => "Heartbeat".to_owned(),
    }
}

fn status(status: &TaskStatus) -> String {
    let id = status.update.map_or(String::new(), |id| format!(" {}", update(id)));
    let message = &status.message;
    let message = if message.is_empty() { String::new() } else { format!(" {message:?}") };
    format!("{} {} {}{id}{message}", status.task, status.state, status.reason)
}
