//! Actions as the lines of a transcript: `->` goes to the master, `=>` to the host.

use stoa_agent_core::{Action, Record};
use stoa_model::agent_link::{Call, Reregister};
use stoa_model::digest::Digest;
use stoa_model::epoch::Epoch;
use stoa_model::host::Command;
use stoa_model::ids::{Role, UpdateId};
use stoa_model::status::{Reason, TaskStatus};
use stoa_model::task::TaskRecord;

/// Appends the lines of one action.
pub fn print(action: &Action, lines: &mut Vec<String>) {
    match action {
        Action::Record(it) => lines.push(format!("record {}", record(it))),
        Action::Connect => lines.push("connect".to_owned()),
        Action::Disconnect => lines.push("disconnect".to_owned()),
        Action::ToMaster(Call::Reregister(it)) => reregister(it, lines),
        Action::ToMaster(it) => lines.push(format!("-> {}", call(it))),
        Action::HostForgotten { framework } => lines.push(format!("=> Forgotten {framework}")),
        Action::HostTaken { framework, host, number } => {
            lines.push(format!("=> Taken {framework} {host} {number}"));
        }
        Action::ToHost(it) => lines.push(format!("=> {}", command(it))),
        Action::Fetch(digest) => lines.push(format!("fetch {}", name(digest))),
        Action::ReadLog { request, framework, log } => {
            let stream = format!("{:?}", log.stream).to_lowercase();
            lines.push(format!(
                "read-log {} {framework}/{} {stream} from {}",
                request.0, log.task, log.offset
            ));
        }
        Action::Publish { framework, task, archives } => {
            let archives: Vec<_> = archives.iter().map(name).collect();
            lines.push(format!("publish {framework}/{task} {}", archives.join(" ")));
        }
        Action::RemoveSandbox { framework, task } => {
            lines.push(format!("remove-sandbox {framework}/{task}"));
        }
        Action::Warn(warning) => lines.push(format!("warn {warning}")),
        Action::End(message) => lines.push(format!("end {message}")),
    }
}

/// The name that transcripts use for a digest.
fn name(digest: &Digest) -> String {
    String::from_utf8_lossy(&digest.0).trim_end_matches('\0').to_owned()
}

fn update(id: Option<UpdateId>) -> String {
    id.map_or("?".to_owned(), |id| format!("{}.{}", id.0 >> 64, id.0 as u64))
}

fn status(status: &TaskStatus) -> String {
    let mut text =
        format!("{} {} {}", update(status.update), status.state.as_str(), status.reason.as_str());
    if let Some(code) = status.exit_code {
        text.push_str(&format!(" exit={code}"));
    }
    if !status.data.is_empty() {
        text.push_str(&format!(" data={}", status.data.len()));
    }
    for download in &status.downloads {
        text.push_str(&format!(" download={}:{}", download.guest_path, name(&download.archive)));
    }
    if !status.message.is_empty() {
        text.push_str(&format!(" {:?}", status.message));
    }
    text
}

fn record(record: &Record) -> String {
    match record {
        Record::Booted { boot } => format!("Booted {boot}"),
        Record::EpochRaised { epoch } => format!("EpochRaised {epoch}"),
        Record::Registered { agent, session } => format!("Registered {agent} {session}"),
        Record::CommandApplied { number } => format!("CommandApplied {number}"),
        Record::Launched { framework, task, .. } => format!("Launched {framework}/{}", task.id),
        Record::Refused { framework, task, status: it, .. } => {
            format!("Refused {framework}/{} {}", task.id, status(it))
        }
        Record::Delivered { framework, task } => format!("Delivered {framework}/{task}"),
        Record::KillRequested { framework, task, policy, reason } => {
            let why = match reason {
                Reason::KillRequested => String::new(),
                reason => format!(" {reason}"),
            };
            format!("KillRequested {framework}/{task} grace={}ms{why}", policy.grace_ms)
        }
        Record::PausedSet { framework, task, is_paused } => {
            format!("PausedSet {framework}/{task} {is_paused}")
        }
        Record::Updated { framework, status: it } => {
            format!("Updated {framework}/{} {}", it.task, status(it))
        }
        Record::Published { framework, task, failure: None } => {
            format!("Published {framework}/{task}")
        }
        Record::Published { framework, task, failure: Some(failure) } => {
            format!("Published {framework}/{task} failed: {failure}")
        }
        Record::Acknowledged { framework, task, update: it } => {
            format!("Acknowledged {framework}/{task} {}", update(Some(*it)))
        }
        Record::ExecutorAdmitted { framework, executor, .. } => {
            format!("ExecutorAdmitted {framework}/{} {}", executor.id, executor.resources)
        }
        Record::ExecutorStarted { framework, executor } => {
            format!("ExecutorStarted {framework}/{executor}")
        }
        Record::ShutdownRequested { framework, executor } => {
            format!("ShutdownRequested {framework}/{executor}")
        }
        Record::ExecutorEnded { framework, executor } => {
            format!("ExecutorEnded {framework}/{executor}")
        }
        Record::HostHeard { framework, host, number } => {
            format!("HostHeard {framework} {host} {number}")
        }
        Record::FrameworkRemoved { framework } => format!("FrameworkRemoved {framework}"),
        Record::SandboxKept { framework, task } => format!("SandboxKept {framework}/{task}"),
        Record::SandboxRemoved { framework, task } => {
            format!("SandboxRemoved {framework}/{task}")
        }
    }
}

fn call(call: &Call) -> String {
    match call {
        Call::Register { info, epoch: it } => format!("Register {}{}", info.resources, epoch(*it)),
        Call::Reregister(_) => unreachable!("it has lines of its own"),
        Call::Unregister => "Unregister".to_owned(),
        Call::Update { framework, status: it, latest } => {
            format!("Update {framework}/{} {} latest={}", it.task, status(it), latest.as_str())
        }
        Call::Applied { number } => format!("Applied {number}"),
        Call::Message { framework, executor, data } => {
            format!("Message {framework}/{executor} {}", String::from_utf8_lossy(data))
        }
        Call::ExecutorEnded { framework, executor, message } => {
            format!("ExecutorEnded {framework}/{executor} {message:?}")
        }
        Call::Log { request, chunk: Ok(chunk) } => {
            let end = if chunk.is_end { " end" } else { "" };
            format!("Log {} {:?}{end}", request.0, String::from_utf8_lossy(&chunk.data))
        }
        Call::Log { request, chunk: Err(why) } => format!("Log {} failed: {why}", request.0),
        Call::Heartbeat => "Heartbeat".to_owned(),
    }
}

fn reregister(call: &Reregister, lines: &mut Vec<String>) {
    let (session, number) = call.session.as_ref().map_or(("none", 0), |(s, n)| (s.as_str(), *n));
    let resources = &call.info.resources;
    let epoch = epoch(call.epoch);
    let agent = &call.agent;
    lines.push(format!("-> Reregister {agent} {resources} session={session}:{number}{epoch}"));
    for record in &call.tasks {
        let TaskRecord { framework, id, resources, role: of, state, status: it, .. } = record;
        let it = it.as_ref().map_or("no status".to_owned(), status);
        let (of, paused) = (role(of), if record.is_paused { " paused" } else { "" });
        let state = state.as_str();
        lines.push(format!("     task {framework}/{id} {resources}{of} {state} {it}{paused}"));
    }
    for (framework, executor) in &call.executors {
        let (id, held, of) = (&executor.id, &executor.resources, role(&executor.role));
        lines.push(format!("     executor {framework}/{id} {held}{of}"));
    }
}

/// Nothing for none.
fn epoch(epoch: Epoch) -> String {
    if epoch.is_some() { format!(" epoch={epoch}") } else { String::new() }
}

/// Nothing for the role that transcripts mean if they name none.
fn role(role: &Role) -> String {
    match role.as_str() {
        "web" => String::new(),
        role => format!(" role={role}"),
    }
}

fn command(command: &Command) -> String {
    match command {
        Command::Launch { framework, agent, task } => {
            format!("Launch {framework}/{} as {agent}", task.id)
        }
        Command::SetPaused { framework, task, is_paused: true } => {
            format!("Pause {framework}/{task}")
        }
        Command::SetPaused { framework, task, .. } => format!("Resume {framework}/{task}"),
        Command::Kill { framework, task, policy } => {
            format!("Kill {framework}/{task} grace={}ms", policy.grace_ms)
        }
        Command::Message { framework, executor, data } => {
            format!("Message {framework}/{executor} {}", String::from_utf8_lossy(data))
        }
        Command::Acknowledge { framework, task, update: it } => {
            format!("Acknowledge {framework}/{task} {}", update(Some(*it)))
        }
        Command::Shutdown { framework, executor, grace_ms } => {
            format!("Shutdown {framework}/{executor} grace={grace_ms}ms")
        }
        Command::RemoveFramework { framework } => format!("RemoveFramework {framework}"),
        Command::Reregistered { agent } => format!("Reregistered {agent}"),
    }
}
