//! The commands of transcripts, one a line:
//!
//! ```text
//! agent RESOURCES [tasks_max=N] [boot=B]    tick [TIME]
//! restart [host=alive] [lost=RECORDS] [boot=B] [give=RESOURCES]
//! connected | disconnected | heartbeat | error TEXT | final TEXT
//! registered AGENT SESSION | reregistered AGENT SESSION
//! command N launch F [role=ROLE] TASK [on=AGENT] [program=P] [input=P] \
//!     [executor=E:RESOURCE=N] [grace=TIME] RESOURCES [+ TASK ...]
//! command N kill F/T [grace=TIME] | command N shutdown F/E | command N remove F
//! command N pause F/T | command N resume F/T
//! command N drain [grace=TIME] | command N nothing
//! acknowledge F/T INCARNATION.NUMBER
//! message F/E TEXT
//! ask N F/T stdout|stderr OFFSET [wait]
//! host F/T STATE REASON [exit=N] [download=PATH:ARCHIVE] [data=BYTES] [TEXT]
//! host-message F/E TEXT | host-ended F/E TEXT | host-output F/T STDOUT STDERR
//! fetched P | fetch-failed P REASON TEXT
//! read N SIZE TEXT | read-failed N TEXT
//! published F/T | publish-failed F/T TEXT
//! ```

use std::str::FromStr;

use stoa_agent_core::{Input, LogPiece};
use stoa_model::agent_link::{Command, Event, RequestId, Welcome};
use stoa_model::command::{CommandInfo, Grants};
use stoa_model::digest::Digest;
use stoa_model::epoch::Epoch;
use stoa_model::host::{self, TaskChange};
use stoa_model::ids::{ExecutorId, FrameworkId, TaskId, UpdateId};
use stoa_model::operator::{LogRequest, LogStream};
use stoa_model::resources::Resources;
use stoa_model::status::{Download, Reason};
use stoa_model::task::{
    ExecutorInfo, ExecutorTask, KillPolicy, Limits, TaskBody, TaskInfo, TaskState,
};

/// The words of a line that are not read yet.
pub struct Words<'a>(Vec<&'a str>);

impl<'a> Words<'a> {
    pub fn new(line: &'a str) -> Self {
        Self(line.split_whitespace().collect())
    }

    pub fn next(&mut self) -> Result<&'a str, String> {
        if self.0.is_empty() { Err("a word is missing".to_owned()) } else { Ok(self.0.remove(0)) }
    }

    /// The next word as a value that says itself what it allows.
    fn parse<T: FromStr>(&mut self) -> Result<T, String> {
        let word = self.next()?;
        word.parse().map_err(|_| format!("{word:?} is not legal here"))
    }

    /// Takes `NAME=VALUE` from wherever it stands.
    pub fn value(&mut self, name: &str) -> Option<&'a str> {
        let is_it = |word: &&str| word.split_once('=').is_some_and(|(left, _)| left == name);
        let word = self.0.remove(self.0.iter().position(is_it)?);
        word.split_once('=').map(|(_, right)| right)
    }

    /// Takes the word `name` from wherever it stands.
    fn flag(&mut self, name: &str) -> bool {
        let position = self.0.iter().position(|word| *word == name);
        position.map(|position| self.0.remove(position)).is_some()
    }

    pub fn rest(&mut self) -> String {
        std::mem::take(&mut self.0).join(" ")
    }

    pub fn end(&self) -> Result<(), String> {
        if self.0.is_empty() { Ok(()) } else { Err(format!("{:?} is too much", self.0)) }
    }

    /// `F/T` or `F/E`.
    fn pair<T: FromStr>(&mut self) -> Result<(FrameworkId, T), String> {
        let word = self.next()?;
        let (framework, other) = word.split_once('/').ok_or("F/T is allowed")?;
        let other = other.parse().map_err(|_| format!("{word:?} is no pair of ids"))?;
        Ok((framework.parse().map_err(|illegal| format!("{illegal}"))?, other))
    }

    fn policy(&mut self) -> Result<Option<KillPolicy>, String> {
        let grace = self.value("grace").map(milliseconds).transpose()?;
        Ok(grace.map(|grace_ms| KillPolicy { grace_ms }))
    }
}

/// Reads `5s` or `100ms`.
pub fn milliseconds(text: &str) -> Result<u64, String> {
    let illegal = |_| format!("{text:?} is no time");
    match text.strip_suffix("ms") {
        Some(number) => number.parse().map_err(illegal),
        None => number_of_seconds(text).parse().map(|s: u64| s * 1_000).map_err(illegal),
    }
}

fn number_of_seconds(text: &str) -> &str {
    text.strip_suffix('s').unwrap_or(text)
}

/// The digest that transcripts call `name`: the name itself, filled up with zeros.
pub fn digest(name: &str) -> Digest {
    let mut bytes = [0; 32];
    bytes[..name.len()].copy_from_slice(name.as_bytes());
    Digest(bytes)
}

/// The input of a line whose first word is read.
pub fn input(first: &str, words: &mut Words) -> Result<Input, String> {
    match first {
        "connected" => Ok(Input::Connected),
        "disconnected" => Ok(Input::Disconnected),
        "fetched" => Ok(Input::Fetched(digest(words.next()?))),
        "fetch-failed" => Ok(Input::FetchFailed {
            digest: digest(words.next()?),
            reason: reason(words.next()?)?,
            message: words.rest(),
        }),
        "read" => {
            let (request, size_bytes) = (RequestId(words.parse()?), words.parse()?);
            let data = words.rest().into_bytes();
            Ok(Input::LogRead { request, piece: Ok(LogPiece { data, size_bytes }) })
        }
        "read-failed" => {
            let request = RequestId(words.parse()?);
            Ok(Input::LogRead { request, piece: Err(words.rest()) })
        }
        "published" => {
            let (framework, task) = words.pair()?;
            Ok(Input::Published { framework, task, result: Ok(()) })
        }
        "publish-failed" => {
            let (framework, task) = words.pair()?;
            Ok(Input::Published { framework, task, result: Err(words.rest()) })
        }
        "heard" => {
            let (framework, host, number) = (words.parse()?, words.parse()?, words.parse()?);
            Ok(Input::HostHeard { framework, host, number })
        }
        "lost" => Ok(Input::HostLost { framework: words.parse()?, message: words.rest() }),
        _ if first.starts_with("host") => host_event(first, words).map(Input::Host),
        _ => master_event(first, words).map(Input::Master),
    }
}

fn master_event(first: &str, words: &mut Words) -> Result<Event, String> {
    match first {
        "registered" => Ok(Event::Registered(welcome(words)?)),
        "reregistered" => Ok(Event::Reregistered(welcome(words)?)),
        "heartbeat" => Ok(Event::Heartbeat),
        "error" => Ok(Event::Error { message: words.rest(), is_final: false, epoch: Epoch::NONE }),
        "final" => {
            let epoch = epoch(words)?;
            Ok(Event::Error { message: words.rest(), is_final: true, epoch })
        }
        "command" => Ok(Event::Command { number: words.parse()?, command: command(words)? }),
        "acknowledge" => {
            let (framework, task) = words.pair()?;
            let (incarnation, number) = words.next()?.split_once('.').ok_or("I.N is allowed")?;
            let part =
                |text: &str| text.parse::<u128>().map_err(|_| format!("{text} is no number"));
            let update = UpdateId(part(incarnation)? << 64 | part(number)?);
            Ok(Event::Acknowledge { framework, task, update })
        }
        "message" => {
            let (framework, executor) = words.pair()?;
            Ok(Event::Message { framework, executor, data: words.rest().into_bytes() })
        }
        "ask" => {
            let request = RequestId(words.parse()?);
            let (framework, task) = words.pair()?;
            let stream = match words.next()? {
                "stdout" => LogStream::Stdout,
                "stderr" => LogStream::Stderr,
                other => return Err(format!("{other:?} is no log")),
            };
            let (offset, wait) = (words.parse()?, words.flag("wait"));
            let log = LogRequest { task, stream, offset, bytes_max: 1_024, wait };
            Ok(Event::ReadLog { request, framework, log })
        }
        _ => Err("there is no such command".to_owned()),
    }
}

fn welcome(words: &mut Words) -> Result<Welcome, String> {
    let epoch = epoch(words)?;
    let (agent, session) = (words.parse()?, words.parse()?);
    Ok(Welcome { agent, session, heartbeat_ms: 15_000, epoch })
}

fn epoch(words: &mut Words) -> Result<Epoch, String> {
    let epoch = words.value("epoch").map_or(Ok(0), |text| text.parse().map_err(|_| "epoch=N"));
    Ok(Epoch(epoch?))
}

fn command(words: &mut Words) -> Result<Command, String> {
    match words.next()? {
        verb @ ("pause" | "resume") => {
            let (framework, task) = words.pair()?;
            Ok(Command::SetPaused { framework, task, is_paused: verb == "pause" })
        }
        "launch" => {
            let framework = words.parse()?;
            let role = words.value("role").unwrap_or("web");
            let role = role.parse().map_err(|illegal| format!("{illegal}"))?;
            let texts = words.rest();
            let tasks = texts.split(" + ").map(|text| task(&mut Words::new(text)));
            Ok(Command::Launch { framework, role, tasks: tasks.collect::<Result<_, _>>()? })
        }
        "kill" => {
            let (framework, task) = words.pair()?;
            Ok(Command::Kill { framework, task, policy: words.policy()? })
        }
        "shutdown" => {
            let (framework, executor) = words.pair()?;
            Ok(Command::Shutdown { framework, executor })
        }
        "drain" => {
            let grace_max_ms = words.value("grace").map(milliseconds).transpose()?;
            Ok(Command::Drain { grace_max_ms })
        }
        "nothing" => Ok(Command::Nothing),
        "remove" => Ok(Command::RemoveFramework { framework: words.parse()? }),
        other => Err(format!("{other:?} is no command")),
    }
}

/// A task of agent `a1` with the program `p1`, unless the words say otherwise.
pub fn task(words: &mut Words) -> Result<TaskInfo, String> {
    let id: TaskId = words.parse()?;
    let program = digest(words.value("program").unwrap_or("p1"));
    let uploads = words.value("input").map(digest);
    let body = match words.value("executor") {
        None => TaskBody::Command(program_of(program, uploads)),
        Some(text) => {
            let (id, resources) = text.split_once(':').unwrap_or((text, ""));
            let resources: Resources = resources.parse().map_err(|it| format!("{it}"))?;
            let id: ExecutorId = id.parse().map_err(|illegal| format!("{illegal}"))?;
            let executor = ExecutorInfo {
                data: b"setup".to_vec(),
                ..ExecutorInfo::new(id, program, resources)
            };
            TaskBody::Executor(Box::new(ExecutorTask::new(executor, b"work".to_vec())))
        }
    };
    Ok(TaskInfo {
        name: id.to_string(),
        id,
        agent: words.value("on").unwrap_or("a1").parse().map_err(|it| format!("{it}"))?,
        body,
        limits: Limits::default(),
        labels: Vec::new(),
        kill_policy: words.policy()?.unwrap_or_default(),
        max_completion_ms: None,
        resources: words.rest().parse().map_err(|illegal| format!("{illegal}"))?,
    })
}

fn program_of(program: Digest, stdin: Option<Digest>) -> CommandInfo {
    CommandInfo {
        arguments: vec!["argument".to_owned()],
        grants: Grants { stdin, ..Grants::default() },
        ..CommandInfo::new(program, "program")
    }
}

fn host_event(first: &str, words: &mut Words) -> Result<host::Event, String> {
    match first {
        "host" => change(words).map(|change| host::Event::Update(Box::new(change))),
        "host-message" => {
            let (framework, executor) = words.pair()?;
            Ok(host::Event::Message { framework, executor, data: words.rest().into_bytes() })
        }
        "host-ended" => {
            let (framework, executor) = words.pair()?;
            Ok(host::Event::ExecutorEnded { framework, executor, message: words.rest() })
        }
        "host-output" => {
            let (framework, task) = words.pair()?;
            let (stdout_bytes, stderr_bytes) = (words.parse()?, words.parse()?);
            Ok(host::Event::Output { framework, task, stdout_bytes, stderr_bytes })
        }
        _ => Err("there is no such command".to_owned()),
    }
}

fn change(words: &mut Words) -> Result<TaskChange, String> {
    let (framework, task) = words.pair()?;
    let state = words.next()?;
    let state = TaskState::ALL.into_iter().find(|it| it.as_str() == state).ok_or("no state")?;
    let reason = reason(words.next()?)?;
    let download = words.value("download").and_then(|text| text.split_once(':'));
    let download = download
        .map(|(path, archive)| Download { guest_path: path.to_owned(), archive: digest(archive) });
    let exit_code = words.value("exit").map(str::parse).transpose().map_err(|_| "exit=N")?;
    let bytes: usize = words.value("data").unwrap_or("0").parse().map_err(|_| "data=BYTES")?;
    Ok(TaskChange {
        framework,
        task,
        state,
        reason,
        message: words.rest(),
        exit_code,
        usage: None,
        data: vec![b'x'; bytes],
        downloads: download.into_iter().collect(),
    })
}

fn reason(text: &str) -> Result<Reason, String> {
    let mut all = Reason::ALL.into_iter();
    all.find(|reason| reason.as_str() == text).ok_or_else(|| format!("{text:?} is no reason"))
}
