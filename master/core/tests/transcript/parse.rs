//! The language of inputs: what a scheduler or an operator says, as a line of words.
//!
//! A call is its name, plain words (ids), `key=value` words, and what follows ` : ` as a list
//! separated by `; `.

use std::collections::BTreeMap;

use stoa_master_core::Input;
use stoa_model::agent_link::RequestId;
use stoa_model::command::CommandInfo;
use stoa_model::digest::Digest;
use stoa_model::framework::FrameworkInfo;
use stoa_model::ids::{AgentId, FrameworkId, OfferId, Role};
use stoa_model::offer::Filters;
use stoa_model::operator::{AgentOrder, LogRequest, LogStream, Query, TaskName};
use stoa_model::resources::Resources;
use stoa_model::scheduler::{Call, ResourceRequest};
use stoa_model::task::{ExecutorInfo, ExecutorTask, KillPolicy, Label, Limits, TaskBody, TaskInfo};

use super::names;

/// The words of a call or of an entry of its list.
pub struct Words<'a> {
    pub plain: Vec<&'a str>,
    keys: BTreeMap<&'a str, &'a str>,
}

impl<'a> Words<'a> {
    pub fn read(text: &'a str) -> Self {
        let mut words = Self { plain: Vec::new(), keys: BTreeMap::new() };
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            match word.split_once('=') {
                Some((key, value)) => drop(words.keys.insert(key, value)),
                None => words.plain.push(word),
            }
        }
        words
    }

    pub fn key(&self, key: &str) -> Option<&'a str> {
        self.keys.get(key).copied()
    }

    /// The plain word at `index` as an id.
    pub fn id<Id: std::str::FromStr<Err: std::fmt::Display>>(
        &self,
        index: usize,
    ) -> Result<Id, String> {
        id(self.plain.get(index).ok_or_else(|| format!("word {} is missing", index + 1))?)
    }

    pub fn number(&self, key: &str) -> Result<Option<u64>, String> {
        self.key(key)
            .map(|value| value.parse().map_err(|_| format!("{key}={value} is no number")))
            .transpose()
    }

    pub fn milliseconds(&self, key: &str) -> Result<Option<u64>, String> {
        self.key(key).map(milliseconds).transpose()
    }

    /// The words that are resources, with `prefix` before their names.
    pub fn resources(&self, prefix: &str) -> Result<Resources, String> {
        let known = ["cpus", "memory", "disk", "ports", "gpus"];
        let parts: Vec<String> = known
            .iter()
            .filter_map(|name| Some(format!("{name}={}", self.key(&format!("{prefix}{name}"))?)))
            .collect();
        parts.join(" ").parse().map_err(|why| format!("{why}"))
    }

    /// The words that are no resources and not among `known`.
    pub fn attributes(&self) -> BTreeMap<String, String> {
        let others = ["cpus", "memory", "disk", "ports", "gpus", "session"];
        let keys = self.keys.iter().filter(|(key, _)| !others.contains(key));
        keys.map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }
}

pub fn id<Id: std::str::FromStr<Err: std::fmt::Display>>(word: &str) -> Result<Id, String> {
    names::expand(word).parse().map_err(|why| format!("{why}"))
}

/// Reads `5s`, `250ms` or `0`.
pub fn milliseconds(text: &str) -> Result<u64, String> {
    let (digits, factor) = match (text.strip_suffix("ms"), text.strip_suffix('s')) {
        (Some(digits), _) => (digits, 1),
        (None, Some(digits)) => (digits, 1_000),
        (None, None) => (text, 1),
    };
    let number: u64 = digits.parse().map_err(|_| format!("{text:?} is no time"))?;
    Ok(number * factor)
}

/// `7 State`, `7 Kill t1`, `7 Kill F1/t1`, `7 ReadLog t1`, `7 drain A1 grace=5s` and the other
/// orders, `7 ResetBreaker`, `7 gone`.
pub fn query(text: &str) -> Result<Input, String> {
    let words = Words::read(text);
    let number = words.plain.first().and_then(|word| word.parse().ok()).ok_or("no number")?;
    let request = RequestId(number);
    let query = match words.plain.get(1).copied() {
        Some("gone") => return Ok(Input::QueryGone(request)),
        Some("State") => Query::State,
        Some(verb @ ("Pause" | "Resume")) => {
            Query::SetPaused { task: task_name(&words)?, is_paused: verb == "Pause" }
        }
        Some("Kill") => Query::Kill { task: task_name(&words)?, policy: None },
        Some("ReadLog") => {
            let task = task_name(&words)?;
            let log = LogRequest {
                task: task.task.clone(),
                stream: LogStream::Stdout,
                offset: 0,
                bytes_max: 1_024,
                wait: false,
            };
            Query::ReadLog { task, log }
        }
        Some("ResetBreaker") => Query::ResetBreaker,
        Some(word) => Query::Agent { agent: words.id(2)?, order: order(word, &words)? },
        None => return Err("no query".to_owned()),
    };
    Ok(Input::Query(request, query))
}

fn order(word: &str, words: &Words) -> Result<AgentOrder, String> {
    Ok(match word {
        "drain" => AgentOrder::Drain { grace_max_ms: words.milliseconds("grace")? },
        "undrain" => AgentOrder::Undrain,
        "deactivate" => AgentOrder::Deactivate,
        "reactivate" => AgentOrder::Reactivate,
        "give-up" => AgentOrder::Gone,
        other => return Err(format!("unknown query {other:?}")),
    })
}

fn task_name(words: &Words) -> Result<TaskName, String> {
    let word = words.plain.get(2).ok_or("no task")?;
    match word.split_once('/') {
        Some((framework, task)) => {
            Ok(TaskName { framework: Some(id(framework)?), task: id(task)? })
        }
        None => Ok(TaskName { framework: None, task: id(word)? }),
    }
}

/// What a scheduler says; `offers` says of which agent an offer is.
pub fn call(text: &str, offers: &BTreeMap<OfferId, AgentId>) -> Result<Call, String> {
    let (head, list) = text.split_once(" : ").unwrap_or((text, ""));
    let list: Vec<&str> = list.split("; ").filter(|entry| !entry.is_empty()).collect();
    let (name, arguments) = head.split_once(' ').unwrap_or((head, ""));
    let words = Words::read(arguments);
    Ok(match name {
        "Register" => Call::Register(framework(&words)?),
        "Reregister" => Call::Reregister { framework: words.id(0)?, info: framework(&words)? },
        "Unregister" => Call::Unregister,
        "Request" => Call::Request(list.into_iter().map(request).collect::<Result<Vec<_>, _>>()?),
        "Decline" => Call::Decline { offers: ids(&words.plain)?, filters: filters(&words)? },
        "Revive" => Call::Revive(ids(&words.plain)?),
        "Suppress" => Call::Suppress(ids(&words.plain)?),
        "Launch" => {
            let named: Vec<OfferId> = ids(&words.plain)?;
            let agent = named.first().and_then(|first| offers.get(first)).cloned();
            let tasks = list.into_iter().map(|entry| task(entry, agent.clone()));
            let tasks = tasks.collect::<Result<Vec<_>, _>>()?;
            Call::Launch { offers: named, tasks, filters: filters(&words)? }
        }
        "Pause" | "Resume" => Call::SetPaused { task: words.id(0)?, is_paused: name == "Pause" },
        "Kill" => {
            let agent = words.plain.get(1).map(|word| id(word)).transpose()?;
            let policy = words.milliseconds("grace")?.map(|grace_ms| KillPolicy { grace_ms });
            Call::Kill { task: words.id(0)?, agent, policy }
        }
        "Acknowledge" => {
            let update = words.plain.get(2).ok_or("no update")?;
            let update = names::update(update)?;
            Call::Acknowledge { agent: words.id(0)?, task: words.id(1)?, update }
        }
        "Reconcile" => Call::Reconcile(
            words.plain.iter().map(|word| question(word)).collect::<Result<Vec<_>, _>>()?,
        ),
        "Message" => {
            let data = words.plain.get(2).ok_or("no data")?.as_bytes().to_vec();
            Call::Message { agent: words.id(0)?, executor: words.id(1)?, data }
        }
        "Shutdown" => Call::Shutdown { agent: words.id(0)?, executor: words.id(1)? },
        other => return Err(format!("unknown call {other}")),
    })
}

fn ids<Id: std::str::FromStr<Err: std::fmt::Display>>(words: &[&str]) -> Result<Vec<Id>, String> {
    words.iter().map(|word| id(word)).collect()
}

fn filters(words: &Words) -> Result<Filters, String> {
    let refuse_ms = words.milliseconds("refuse")?;
    Ok(refuse_ms.map_or_else(Filters::default, |refuse_ms| Filters { refuse_ms }))
}

fn framework(words: &Words) -> Result<FrameworkInfo, String> {
    let roles = words.key("roles").unwrap_or("web");
    let roles: Result<Vec<Role>, String> =
        roles.split(',').filter(|role| !role.is_empty()).map(id).collect();
    Ok(FrameworkInfo {
        name: words.key("name").unwrap_or("test").to_owned(),
        user: "user".to_owned(),
        roles: roles?,
        failover_timeout_ms: words.milliseconds("failover")?.unwrap_or(10_000),
        labels: Vec::new(),
        ends_alone: words.plain.contains(&"alone"),
    })
}

/// `cpus=1 memory=1GiB` or `A1 cpus=1`.
fn request(entry: &str) -> Result<ResourceRequest, String> {
    let words = Words::read(entry);
    let agent = words.plain.first().map(|word| id(word)).transpose()?;
    Ok(ResourceRequest { agent, resources: words.resources("")? })
}

/// `t1` or `t1@A1`.
fn question(word: &str) -> Result<(stoa_model::ids::TaskId, Option<AgentId>), String> {
    match word.split_once('@') {
        Some((task, agent)) => Ok((id(task)?, Some(id(agent)?))),
        None => Ok((id(word)?, None)),
    }
}

/// `t1 cpus=1 memory=1GiB agent=A1 fuel=9 output=9 complete=9s grace=1s executor=e1
/// executor.cpus=1 program=2 label=key`.
fn task(entry: &str, agent: Option<AgentId>) -> Result<TaskInfo, String> {
    let words = Words::read(entry);
    let agent = match words.key("agent") {
        Some(word) => id(word)?,
        None => agent.unwrap_or(id("A1")?),
    };
    let program = Digest([u8::try_from(words.number("program")?.unwrap_or(0)).unwrap_or(0); 32]);
    let limits = Limits {
        fuel: words.number("fuel")?,
        output_bytes: words.number("output")?.unwrap_or(Limits::default().output_bytes),
    };
    let label = |key: &str| Label { key: key.trim_matches('"').to_owned(), value: String::new() };
    Ok(TaskInfo {
        id: words.id(0)?,
        name: "task".to_owned(),
        agent,
        resources: words.resources("")?,
        body: body(&words, program)?,
        limits,
        labels: words.key("label").map(label).into_iter().collect(),
        kill_policy: KillPolicy { grace_ms: words.milliseconds("grace")?.unwrap_or(0) },
        max_completion_ms: words.milliseconds("complete")?,
    })
}

fn body(words: &Words, program: Digest) -> Result<TaskBody, String> {
    if let Some(executor) = words.key("executor") {
        let executor = ExecutorInfo::new(id(executor)?, program, words.resources("executor.")?);
        return Ok(TaskBody::Executor(Box::new(ExecutorTask::new(executor, Vec::new()))));
    }
    Ok(TaskBody::Command(CommandInfo::new(program, "program")))
}

/// The framework and the rest of `F1/t1`.
pub fn pair<Id: std::str::FromStr<Err: std::fmt::Display>>(
    word: &str,
) -> Result<(FrameworkId, Id), String> {
    let (framework, rest) = word.split_once('/').ok_or_else(|| format!("{word:?} has no /"))?;
    Ok((id(framework)?, id(rest)?))
}
