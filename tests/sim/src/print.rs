//! Messages as the lines of a transcript: who says what to whom. It never prints them. Heartbeats
//! have no line: they only say that their sender lives.

use stoa_invariants::Name;
use stoa_model::agent_link;
use stoa_model::host;
use stoa_model::offer::Offer;
use stoa_model::scheduler;
use stoa_model::task::TaskInfo;

use crate::queue::{Call, Event};
use crate::status_line::{status, update};

/// What a scheduler or an agent says to the master.
pub fn call(peer: Name, master: Name, call: &Call) -> Option<String> {
    let what = match call {
        Call::Scheduler(call) => scheduler_call(call),
        Call::Agent(agent_link::Call::Heartbeat) => return None,
        Call::Agent(call) => agent_call(call),
    };
    Some(format!("{peer:>6} -> {master} {what}"))
}

/// What the master says to a scheduler or an agent.
pub fn event(peer: Name, master: Name, event: &Event) -> Option<String> {
    let what = match event {
        Event::Scheduler(scheduler::Event::Heartbeat)
        | Event::Agent(agent_link::Event::Heartbeat) => return None,
        Event::Scheduler(event) => scheduler_event(event),
        Event::Agent(event) => agent_event(event),
    };
    Some(format!("{peer:>6} <- {master} {what}"))
}

fn list<T>(items: &[T], show: impl Fn(&T) -> String) -> String {
    let shown: Vec<_> = items.iter().map(show).collect();
    if shown.is_empty() { "all".to_owned() } else { shown.join(", ") }
}

fn task(task: &TaskInfo) -> String {
    let executor = task.executor().map_or(String::new(), |of| format!(" by {}", of.id));
    format!("{} {}{executor}", task.id, task.resources)
}

fn offer(offer: &Offer) -> String {
    format!("{} {} {}", offer.id, offer.agent, offer.resources)
}

fn scheduler_call(call: &scheduler::Call) -> String {
    use scheduler::Call as It;
    match call {
        It::Register(info) => format!("Register {}", list(&info.roles, ToString::to_string)),
        It::Reregister { framework, .. } => format!("Reregister {framework}"),
        It::Unregister => "Unregister".to_owned(),
        It::Request(requests) if requests.is_empty() => "Request nothing".to_owned(),
        It::Request(requests) => {
            format!("Request {}", list(requests, |request| request.resources.to_string()))
        }
        It::Decline { offers, filters } => {
            let offers = list(offers, ToString::to_string);
            format!("Decline {offers} refuse_ms={}", filters.refuse_ms)
        }
        It::Revive(roles) => format!("Revive {}", list(roles, ToString::to_string)),
        It::Suppress(roles) => format!("Suppress {}", list(roles, ToString::to_string)),
        It::Launch { offers, tasks, .. } => {
            format!("Launch {} on {}", list(tasks, task), list(offers, ToString::to_string))
        }
        It::Kill { task, policy, .. } => format!("Kill {task}{}", grace(*policy)),
        It::SetPaused { task, is_paused } => format!("{} {task}", verb(*is_paused)),
        It::Acknowledge { task, update: it, .. } => {
            format!("Acknowledge {task} {}", update(Some(*it)))
        }
        It::Reconcile(tasks) => format!("Reconcile {}", list(tasks, |(task, _)| task.to_string())),
        It::Message { agent, executor, .. } => format!("Message for {executor} on {agent}"),
        It::Shutdown { agent, executor } => format!("Shutdown {executor} on {agent}"),
    }
}

fn verb(is_paused: bool) -> &'static str {
    if is_paused { "Pause" } else { "Resume" }
}

fn grace(policy: Option<stoa_model::task::KillPolicy>) -> String {
    policy.map_or(String::new(), |policy| format!(" grace_ms={}", policy.grace_ms))
}

fn scheduler_event(event: &scheduler::Event) -> String {
    use scheduler::Event as It;
    match event {
        It::Registered { framework, .. } => format!("Registered {framework}"),
        It::Reregistered { framework, .. } => format!("Reregistered {framework}"),
        It::Offer(offers) => format!("Offer {}", list(offers, offer)),
        It::Rescind(offers) => format!("Rescind {}", list(offers, ToString::to_string)),
        It::Update(it) => format!("Update {}", status(it)),
        It::Message { agent, executor, .. } => format!("Message from {executor} on {agent}"),
        It::Failure { agent, executor, message } => {
            let executor = executor.as_ref().map_or("all".to_owned(), ToString::to_string);
            format!("Failure of {executor} on {agent}: {message}")
        }
        It::Error { message, is_final, .. } => {
            let end = if *is_final { " for good" } else { "" };
            format!("Error{end}: {message}")
        }
        It::Heartbeat => "Heartbeat".to_owned(),
    }
}

fn agent_call(call: &agent_link::Call) -> String {
    use agent_link::Call as It;
    match call {
        It::Register { info, .. } => format!("Register {}", info.resources),
        It::Reregister(it) => {
            let session = it.session.as_ref();
            let session = session.map_or("none".to_owned(), |(id, last)| format!("{id}:{last}"));
            let tasks = it.tasks.iter().map(|task| format!(" {} {}", task.id, task.state));
            format!("Reregister {} {session}{}", it.agent, tasks.collect::<String>())
        }
        It::Unregister => "Unregister".to_owned(),
        It::Update { status: it, latest, .. } => format!("Update {} latest={latest}", status(it)),
        It::Applied { number } => format!("Applied {number}"),
        It::Message { executor, .. } => format!("Message from {executor}"),
        It::ExecutorEnded { executor, .. } => format!("ExecutorEnded {executor}"),
        It::Log { request, .. } => format!("Log {}", request.0),
        It::Heartbeat => "Heartbeat".to_owned(),
    }
}

fn agent_event(event: &agent_link::Event) -> String {
    use agent_link::Event as It;
    match event {
        It::Registered(welcome) => format!("Registered {} {}", welcome.agent, welcome.session),
        It::Reregistered(welcome) => format!("Reregistered {} {}", welcome.agent, welcome.session),
        It::Command { number, command } => format!("Command {number} {}", agent_command(command)),
        It::Acknowledge { task, update: it, .. } => {
            format!("Acknowledge {task} {}", update(Some(*it)))
        }
        It::Message { executor, .. } => format!("Message for {executor}"),
        It::ReadLog { request, log, .. } => format!("ReadLog {} {}", request.0, log.task),
        It::Error { message, is_final, .. } => {
            format!("Error{}: {message}", if *is_final { " for good" } else { "" })
        }
        It::Heartbeat => "Heartbeat".to_owned(),
    }
}

fn agent_command(command: &agent_link::Command) -> String {
    use agent_link::Command as It;
    match command {
        It::Launch { tasks, .. } => format!("Launch {}", list(tasks, task)),
        It::Kill { task, policy, .. } => format!("Kill {task}{}", grace(*policy)),
        It::SetPaused { task, is_paused, .. } => format!("{} {task}", verb(*is_paused)),
        It::Shutdown { executor, .. } => format!("Shutdown {executor}"),
        It::RemoveFramework { framework } => format!("RemoveFramework {framework}"),
        It::Drain { grace_max_ms } => {
            let grace_ms = grace_max_ms.map_or(String::new(), |ms| format!(" grace={ms}ms"));
            format!("Drain{grace_ms}")
        }
        It::Nothing => "Nothing".to_owned(),
    }
}

/// What an agent says to its host.
pub fn host_command(agent: Name, command: &host::Command) -> String {
    use host::Command as It;
    let what = match command {
        It::Launch { task, .. } => format!("Launch {}", task.id),
        It::Kill { task, policy, .. } => format!("Kill {task}{}", grace(Some(*policy))),
        It::SetPaused { task, is_paused, .. } => format!("{} {task}", verb(*is_paused)),
        It::Message { executor, .. } => format!("Message for {executor}"),
        It::Acknowledge { task, update: it, .. } => {
            format!("Acknowledge {task} {}", update(Some(*it)))
        }
        It::Shutdown { executor, .. } => format!("Shutdown {executor}"),
        It::RemoveFramework { framework } => format!("RemoveFramework {framework}"),
        It::Reregistered { .. } => "Reregistered".to_owned(),
    };
    format!("{agent:>6} => host   {what}")
}

/// What a host says to its agent.
pub fn host_event(agent: Name, event: &host::Event) -> String {
    use host::Event as It;
    let what = match event {
        It::Update(change) => format!("{} {} {}", change.task, change.state, change.reason),
        It::Message { executor, .. } => format!("Message from {executor}"),
        It::ExecutorEnded { executor, message, .. } => format!("{executor} has ended: {message}"),
        It::Output { task, .. } => format!("{task} has written"),
    };
    format!("{agent:>6} <= host   {what}")
}
