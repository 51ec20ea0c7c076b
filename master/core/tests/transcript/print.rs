//! The language of actions: one line each, short, with everything that matters.

use std::fmt::Write;

use stoa_master_core::{Action, ConnectionId, Record};
use stoa_model::agent::AgentDuty;
use stoa_model::agent_link::{self, Command};
use stoa_model::operator::{Answer, ClusterEvent, ClusterState};
use stoa_model::scheduler;
use stoa_model::status::TaskStatus;
use stoa_model::task::KillPolicy;

/// An action in one line.
pub fn action(action: &Action, name: impl Fn(ConnectionId) -> String) -> String {
    match action {
        Action::Record(of) => format!("record {}", record(of)),
        Action::ToScheduler(to, event) => format!("{} <- {}", name(*to), scheduler_event(event)),
        Action::CloseScheduler(connection) => format!("{} closed", name(*connection)),
        Action::ToAgent(to, event) => format!("{} <- {}", name(*to), agent_event(event)),
        Action::CloseAgent(connection) => format!("{} closed", name(*connection)),
        Action::Answer(request, of) => format!("answer {} {}", request.0, answer(of)),
        Action::Publish(event) => format!("event {}", cluster_event(event)),
        Action::Stop { known } => format!("stop, since epoch {known} is known"),
    }
}

fn record(record: &Record) -> String {
    match record {
        Record::Agent { id, info } => format!("Agent {id} {}", info.resources),
        Record::AgentUnreachable { id, since } => format!("AgentUnreachable {id} since={since}"),
        Record::AgentReachable { id } => format!("AgentReachable {id}"),
        Record::AgentRemoved { id } => format!("AgentRemoved {id}"),
        Record::AgentDuty { id, duty: of } => format!("AgentDuty {id} {}", duty(*of)),
        Record::AgentGone { id } => format!("AgentGone {id}"),
        Record::Framework { id, info } => {
            let roles: Vec<&str> = info.roles.iter().map(|role| role.as_str()).collect();
            format!("Framework {id} {} roles={}", info.name, roles.join(","))
        }
        Record::FrameworkDisconnected { id, deadline } => {
            format!("FrameworkDisconnected {id} until={deadline}")
        }
        Record::FrameworkConnected { id } => format!("FrameworkConnected {id}"),
        Record::FrameworkRemoved { id } => format!("FrameworkRemoved {id}"),
    }
}

fn scheduler_event(event: &scheduler::Event) -> String {
    use scheduler::Event;
    match event {
        Event::Registered { framework, .. } => format!("Registered {framework}"),
        Event::Reregistered { framework, .. } => format!("Reregistered {framework}"),
        Event::Offer(offers) => {
            let offers: Vec<String> = offers
                .iter()
                .map(|of| format!("{} {} {} {}", of.id, of.agent, of.role, of.resources))
                .collect();
            format!("Offer {}", offers.join("; "))
        }
        Event::Rescind(offers) => format!("Rescind {}", join(offers)),
        Event::Update(of) => format!("Update {}", status(of)),
        Event::Message { agent, executor, data } => {
            format!("Message {agent} {executor} {}", String::from_utf8_lossy(data))
        }
        Event::Failure { agent, executor, message } => match executor {
            Some(executor) => format!("Failure {agent} {executor} \"{message}\""),
            None => format!("Failure {agent} \"{message}\""),
        },
        Event::Error { message, is_final, .. } => {
            format!("Error {}\"{message}\"", if *is_final { "final " } else { "" })
        }
        Event::Heartbeat => "Heartbeat".to_owned(),
    }
}

fn status(status: &TaskStatus) -> String {
    let mut line = format!("{} {} {}", status.task, status.state, status.reason);
    if let Some(update) = status.update {
        let _ = write!(line, " u{}", update.0);
    }
    if let Some(agent) = &status.agent {
        let _ = write!(line, " {agent}");
    }
    if let Some(executor) = &status.executor {
        let _ = write!(line, " executor={executor}");
    }
    if let Some(code) = status.exit_code {
        let _ = write!(line, " exit={code}");
    }
    if !status.message.is_empty() {
        let _ = write!(line, " \"{}\"", status.message);
    }
    line
}

fn agent_event(event: &agent_link::Event) -> String {
    use agent_link::Event;
    match event {
        Event::Registered(welcome) => format!("Registered {} {}", welcome.agent, welcome.session),
        Event::Reregistered(welcome) => {
            format!("Reregistered {} {}", welcome.agent, welcome.session)
        }
        Event::Command { number, command: of } => format!("#{number} {}", command(of)),
        Event::Acknowledge { framework, task, update } => {
            format!("Acknowledge {framework}/{task} u{}", update.0)
        }
        Event::Message { framework, executor, data } => {
            format!("Message {framework}/{executor} {}", String::from_utf8_lossy(data))
        }
        Event::ReadLog { request, framework, log } => {
            format!("ReadLog {} {framework}/{}", request.0, log.task)
        }
        Event::Error { message, is_final, .. } => {
            format!("Error {}\"{message}\"", if *is_final { "final " } else { "" })
        }
        Event::Heartbeat => "Heartbeat".to_owned(),
    }
}

fn command(command: &Command) -> String {
    match command {
        Command::Launch { framework, tasks, .. } => {
            let tasks: Vec<&str> = tasks.iter().map(|task| task.id.as_str()).collect();
            let tasks = if tasks.is_empty() { "nothing".to_owned() } else { tasks.join(" ") };
            format!("Launch {framework} {tasks}")
        }
        Command::SetPaused { framework, task, is_paused: true } => {
            format!("Pause {framework}/{task}")
        }
        Command::SetPaused { framework, task, .. } => format!("Resume {framework}/{task}"),
        Command::Kill { framework, task, policy } => match policy {
            Some(KillPolicy { grace_ms }) => format!("Kill {framework}/{task} grace={grace_ms}ms"),
            None => format!("Kill {framework}/{task}"),
        },
        Command::Shutdown { framework, executor } => format!("Shutdown {framework}/{executor}"),
        Command::RemoveFramework { framework } => format!("RemoveFramework {framework}"),
        Command::Drain { grace_max_ms: Some(ms) } => format!("Drain grace={ms}ms"),
        Command::Drain { grace_max_ms: None } => "Drain".to_owned(),
        Command::Nothing => "Nothing".to_owned(),
    }
}

fn answer(answer: &Answer) -> String {
    match answer {
        Answer::State(_) => "State".to_owned(),
        Answer::PausedSet { task, is_news } => {
            let news = if *is_news { "news" } else { "no news" };
            let is_paused = task.is_paused;
            format!("PausedSet {}/{} is_paused={is_paused} {news}", task.framework, task.id)
        }
        Answer::Killed(record) => {
            format!("Killed {}/{} {}", record.framework, record.id, record.state)
        }
        Answer::Log(chunk) => format!("Log {}", String::from_utf8_lossy(&chunk.data)),
        Answer::Agent(state) => {
            format!("Agent {} {} {}", state.id, state.standing.as_str(), duty(state.duty))
        }
        Answer::AgentGone(id) => format!("AgentGone {id}"),
        Answer::BreakerReset { agents } => format!("BreakerReset {agents}"),
        Answer::Refused(refusal) => format!("Refused \"{refusal}\""),
    }
}

fn duty(duty: AgentDuty) -> String {
    match duty {
        AgentDuty::Draining { grace_max_ms: Some(ms) } => format!("{duty} grace={ms}ms"),
        _ => duty.to_string(),
    }
}

fn cluster_event(event: &ClusterEvent) -> String {
    match event {
        ClusterEvent::AgentRegistered(id, info) => {
            format!("AgentRegistered {id} {}", info.resources)
        }
        ClusterEvent::AgentReregistered(id) => format!("AgentReregistered {id}"),
        ClusterEvent::AgentDisconnected(id) => format!("AgentDisconnected {id}"),
        ClusterEvent::AgentUnreachable(id) => format!("AgentUnreachable {id}"),
        ClusterEvent::AgentUnregistered(id) => format!("AgentUnregistered {id}"),
        ClusterEvent::AgentGone(id) => format!("AgentGone {id}"),
        ClusterEvent::AgentDutyChanged(id, of) => format!("AgentDutyChanged {id} {}", duty(*of)),
        ClusterEvent::BreakerTripped { away, agents } => {
            format!("BreakerTripped {away} of {agents}")
        }
        ClusterEvent::BreakerReset => "BreakerReset".to_owned(),
        ClusterEvent::FrameworkRegistered(id, info) => {
            format!("FrameworkRegistered {id} {}", info.name)
        }
        ClusterEvent::FrameworkReregistered(id) => format!("FrameworkReregistered {id}"),
        ClusterEvent::FrameworkDisconnected(id) => format!("FrameworkDisconnected {id}"),
        ClusterEvent::FrameworkRemoved(id) => format!("FrameworkRemoved {id}"),
        ClusterEvent::OfferMade(id, framework, agent, role, resources) => {
            format!("OfferMade {id} {framework} {agent} {role} {resources}")
        }
        ClusterEvent::OfferDeclined(id, framework) => format!("OfferDeclined {id} {framework}"),
        ClusterEvent::OfferRescinded(id, framework) => format!("OfferRescinded {id} {framework}"),
        ClusterEvent::TaskLaunched(framework, task, agent, resources) => {
            format!("TaskLaunched {framework}/{task} {agent} {resources}")
        }
        ClusterEvent::TaskUpdated(framework, of) => {
            format!("TaskUpdated {framework} {}", status(of))
        }
    }
}

/// The whole view, a line for each thing in it.
pub fn state(state: &ClusterState) -> String {
    let mut out = String::new();
    for agent in &state.agents {
        let duty = match agent.duty {
            AgentDuty::Active => String::new(),
            of => format!(" {}", duty(of)),
        };
        let _ = writeln!(
            out,
            "{} {}{duty} free: {}, offered: {}, used: {}",
            agent.id,
            agent.standing.as_str(),
            agent.free,
            agent.offered,
            agent.used
        );
    }
    for framework in &state.frameworks {
        let connected = if framework.is_connected { "connected" } else { "away" };
        let (id, tasks, allocated) = (&framework.id, framework.tasks_live, &framework.allocated);
        let _ = writeln!(out, "{id} {connected} tasks: {tasks}, allocated: {allocated}");
    }
    for offer in &state.offers {
        let _ =
            writeln!(out, "{} {} {} {}", offer.id, offer.framework, offer.agent, offer.resources);
    }
    for task in &state.tasks {
        let role = match task.role.as_str() {
            "web" => String::new(),
            role => format!(" role={role}"),
        };
        let (framework, id, agent, state) = (&task.framework, &task.id, &task.agent, task.state);
        let _ = writeln!(out, "{framework}/{id} {agent} {state}{role}");
    }
    if state.agents_held > 0 {
        let _ = writeln!(out, "{} agents are held", state.agents_held);
    }
    super::names::shorten(&out)
}

fn join<T: std::fmt::Display>(parts: &[T]) -> String {
    parts.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}
