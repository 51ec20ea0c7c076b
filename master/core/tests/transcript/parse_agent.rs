//! The language of inputs: what an agent says, as a line of words.

use stoa_model::agent::AgentInfo;
use stoa_model::agent_link::{Call, RequestId, Reregister};
use stoa_model::epoch::Epoch;
use stoa_model::ids::{AgentId, ExecutorId, FrameworkId, Role, TaskId};
use stoa_model::operator::LogChunk;
use stoa_model::status::{Reason, TaskStatus};
use stoa_model::task::{ExecutorRecord, TaskRecord, TaskState};

use super::names;
use super::parse::{Words, id, pair};

/// What an agent says.
pub fn call(text: &str) -> Result<Call, String> {
    let (head, list) = text.split_once(" : ").unwrap_or((text, ""));
    let list: Vec<&str> = list.split("; ").filter(|entry| !entry.is_empty()).collect();
    let (name, arguments) = head.split_once(' ').unwrap_or((head, ""));
    let words = Words::read(arguments);
    Ok(match name {
        "Register" => Call::Register { info: agent(&words)?, epoch: epoch(&words)? },
        "Reregister" => Call::Reregister(Box::new(reregister(&words, list)?)),
        "Unregister" => Call::Unregister,
        "Update" => {
            let (framework, task) = pair(words.plain.first().ok_or("no task")?)?;
            let status = status(&words, task)?.ok_or("no update")?;
            let latest = words.key("latest").map(state).transpose()?.unwrap_or(status.state);
            Call::Update { framework, status, latest }
        }
        "Applied" => {
            let number = words.plain.first().and_then(|word| word.parse().ok());
            Call::Applied { number: number.ok_or("no number")? }
        }
        "Message" => {
            let data = words.plain.get(2).ok_or("no data")?.as_bytes().to_vec();
            Call::Message { framework: words.id(0)?, executor: words.id(1)?, data }
        }
        "ExecutorEnded" => {
            let (framework, executor) = pair(words.plain.first().ok_or("no executor")?)?;
            Call::ExecutorEnded { framework, executor, message: "it ended".to_owned() }
        }
        "Log" => log(&words)?,
        "Heartbeat" => Call::Heartbeat,
        other => return Err(format!("unknown call {other}")),
    })
}

fn agent(words: &Words) -> Result<AgentInfo, String> {
    Ok(AgentInfo {
        hostname: "host".to_owned(),
        resources: words.resources("")?,
        attributes: words.attributes(),
        version: "0".to_owned(),
    })
}

/// `7 text` or `7 error=why`.
fn log(words: &Words) -> Result<Call, String> {
    let number = words.plain.first().and_then(|word| word.parse().ok()).ok_or("no number")?;
    let chunk = match words.key("error") {
        Some(why) => Err(why.to_owned()),
        None => {
            let data = words.plain.get(1).copied().unwrap_or("").as_bytes().to_vec();
            Ok(LogChunk { data, is_end: false })
        }
    };
    Ok(Call::Log { request: RequestId(number), chunk })
}

/// What the agent has obeyed: `epoch=3`, or none.
fn epoch(words: &Words) -> Result<Epoch, String> {
    let number = words.key("epoch").map_or(Ok(0), |word| word.parse().map_err(|_| "no epoch"));
    Ok(Epoch(number?))
}

/// `A1 session=S1:3 cpus=4 : F1/t1 RUNNING u2 cpus=1; executor F1/e1 cpus=1`.
fn reregister(words: &Words, list: Vec<&str>) -> Result<Reregister, String> {
    let session = words.key("session").map(|text| {
        let (session, number) = text.split_once(':').ok_or("SESSION:NUMBER is missing")?;
        Ok::<_, String>((id(session)?, number.parse().map_err(|_| "no number")?))
    });
    let agent_id: AgentId = words.id(0)?;
    let mut report = Reregister {
        info: agent(words)?,
        session: session.transpose()?,
        tasks: Vec::new(),
        executors: Vec::new(),
        agent: agent_id.clone(),
        epoch: epoch(words)?,
    };
    for entry in list {
        match entry.strip_prefix("executor ") {
            Some(entry) => report.executors.push(executor(&Words::read(entry))?),
            None => report.tasks.push(task(&Words::read(entry), &agent_id)?),
        }
    }
    Ok(report)
}

fn executor(words: &Words) -> Result<(FrameworkId, ExecutorRecord), String> {
    let (framework, id) = pair::<ExecutorId>(words.plain.first().ok_or("no executor")?)?;
    Ok((framework, ExecutorRecord { id, resources: words.resources("")?, role: role(words)? }))
}

/// `F1/t1 RUNNING u2 cpus=1 executor=e1 on=A1`; without an update it has no status.
fn task(words: &Words, agent: &AgentId) -> Result<TaskRecord, String> {
    let (framework, task) = pair::<TaskId>(words.plain.first().ok_or("no task")?)?;
    let executor = words.key("executor").map(|word| {
        let resources = words.resources("executor.")?;
        Ok::<_, String>(ExecutorRecord { id: id(word)?, resources, role: role(words)? })
    });
    let status = status(words, task.clone())?;
    Ok(TaskRecord {
        framework,
        id: task,
        name: "task".to_owned(),
        agent: words.key("on").map(id).transpose()?.unwrap_or_else(|| agent.clone()),
        resources: words.resources("")?,
        role: role(words)?,
        executor: executor.transpose()?,
        labels: Vec::new(),
        state: state(words.key("latest").or(words.plain.get(1).copied()).ok_or("no state")?)?,
        status,
        is_paused: words.plain.contains(&"paused"),
    })
}

/// `role=batch`; `web` if nothing is said, as for frameworks.
fn role(words: &Words) -> Result<Role, String> {
    id(words.key("role").unwrap_or("web"))
}

/// The state and update after the task, with `reason=` and `exit=`.
fn status(words: &Words, task: TaskId) -> Result<Option<TaskStatus>, String> {
    let Some(update) = words.plain.get(2) else { return Ok(None) };
    let reason = words.key("reason").unwrap_or("PROGRESS");
    let reason = Reason::ALL.into_iter().find(|known| known.as_str() == reason);
    let reason = reason.ok_or("an unknown reason")?;
    let state = state(words.plain.get(1).ok_or("no state")?)?;
    let mut status = TaskStatus::by_master(task, None, state, reason, 0);
    if *update != "-" {
        status.update = Some(names::update(update)?);
    }
    status.exit_code = words.number("exit")?.map(|code| i32::try_from(code).unwrap_or(0));
    Ok(Some(status))
}

fn state(word: &str) -> Result<TaskState, String> {
    let state = TaskState::ALL.into_iter().find(|state| state.as_str() == word);
    state.ok_or_else(|| format!("{word:?} is no state"))
}
