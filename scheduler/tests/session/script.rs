//! The lines of a transcript as inputs. It never plays them.
//!
//! ```text
//! connected, disconnected, ended
//! registered F [heartbeat=TIME] [epoch=N], reregistered F [epoch=N]
//! offer O…, rescind O…, heartbeat, error TEXT, final TEXT [epoch=N]
//! update T STATE [REASON] [id=A.N] [agent=A|none]   without an id it is the master's own
//! call request CPUS | decline O… | launch T… on O | kill T [grace=TIME] [agent=A]
//!    | acknowledge T A.N | reconcile [T…] | suppress | revive | message | shutdown E | unregister
//! ```

use stoa_model::command::CommandInfo;
use stoa_model::digest::Digest;
use stoa_model::epoch::Epoch;
use stoa_model::ids::{AgentId, UpdateId};
use stoa_model::offer::{Filters, Offer};
use stoa_model::resources::Resources;
use stoa_model::scheduler::{Call, Event, MasterInfo, ResourceRequest};
use stoa_model::status::{Reason, TaskStatus};
use stoa_model::task::{KillPolicy, Limits, TaskBody, TaskInfo, TaskState};
use stoa_scheduler::Input;

type Parsed<T> = Result<T, String>;

/// The value of `name=value`.
pub fn value<'a>(words: &[&'a str], name: &str) -> Option<&'a str> {
    words.iter().find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
}

/// Reads `5ms` or `2s`.
pub fn milliseconds(text: &str) -> Parsed<u64> {
    let (digits, factor) = match text.strip_suffix("ms") {
        Some(digits) => (digits, 1),
        None => (text.strip_suffix('s').unwrap_or(text), 1_000),
    };
    digits.parse::<u64>().map(|number| number * factor).map_err(|_| format!("{text:?} is no time"))
}

/// What happens to the session by this line.
pub fn input(words: &[&str]) -> Parsed<Input> {
    let (first, rest) = words.split_first().ok_or("an empty line")?;
    Ok(match *first {
        "connected" => Input::Connected,
        "disconnected" => Input::Disconnected,
        "ended" => Input::Ended,
        "call" => Input::Call(call(rest)?),
        _ => Input::Event(event(first, rest)?),
    })
}

fn id<T: std::str::FromStr>(word: &str) -> Parsed<T> {
    word.parse().map_err(|_| format!("{word:?} is no id"))
}

fn ids<T: std::str::FromStr>(words: &[&str]) -> Parsed<Vec<T>> {
    words.iter().map(|word| id(word)).collect()
}

fn event(first: &str, rest: &[&str]) -> Parsed<Event> {
    let epoch = value(rest, "epoch").map_or(Ok(0), str::parse).map_err(|_| "epoch=N")?;
    let (id_of, version) = ("m1".to_owned(), "0.1.0".to_owned());
    let master = MasterInfo { id: id_of, version, epoch: Epoch(epoch) };
    let heartbeat_ms = value(rest, "heartbeat").map_or(Ok(15_000), |text| match text {
        "endless" => Ok(u64::MAX),
        text => milliseconds(text),
    });
    let named = || rest.first().copied().ok_or("an id is missing".to_owned());
    Ok(match first {
        "registered" => {
            let framework = id(named()?)?;
            Event::Registered { framework, master, heartbeat_ms: heartbeat_ms? }
        }
        "reregistered" => {
            let framework = id(named()?)?;
            Event::Reregistered { framework, master, heartbeat_ms: heartbeat_ms? }
        }
        "offer" => Event::Offer(rest.iter().map(|word| offer(word)).collect::<Parsed<_>>()?),
        "rescind" => Event::Rescind(ids(rest)?),
        "update" => Event::Update(status(rest)?),
        "error" => Event::Error { message: rest.join(" "), is_final: false, epoch: Epoch::NONE },
        "final" => {
            let is_text = |word: &&&str| !word.starts_with("epoch=");
            let message: Vec<_> = rest.iter().filter(is_text).copied().collect();
            Event::Error { message: message.join(" "), is_final: true, epoch: Epoch(epoch) }
        }
        "heartbeat" => Event::Heartbeat,
        _ => return Err(format!("{first:?} is nothing that happens")),
    })
}

fn offer(word: &str) -> Parsed<Offer> {
    Ok(Offer {
        id: id(word)?,
        framework: id("f1")?,
        agent: id("a1")?,
        hostname: "here".to_owned(),
        role: id("web")?,
        resources: Resources::new(1_000, 1 << 30),
        attributes: Default::default(),
    })
}

fn update(word: &str) -> Parsed<UpdateId> {
    let parts = word.split_once('.').and_then(|(high, low)| {
        Some(UpdateId(high.parse::<u128>().ok()? << 64 | low.parse::<u128>().ok()?))
    });
    parts.ok_or_else(|| format!("{word:?} is no Update such as 1.1"))
}

fn status(words: &[&str]) -> Parsed<TaskStatus> {
    let (task, rest) = words.split_first().ok_or("a task is missing")?;
    let has_name = |word: &str| rest.contains(&word);
    let state = TaskState::ALL.into_iter().find(|state| has_name(state.as_str()));
    let reason = Reason::ALL.into_iter().find(|reason| has_name(reason.as_str()));
    let agent: Option<AgentId> = match value(rest, "agent").unwrap_or("a1") {
        "none" => None,
        word => Some(id(word)?),
    };
    let state = state.ok_or("a state is missing")?;
    let status =
        TaskStatus::by_master(id(task)?, agent, state, reason.unwrap_or(Reason::Progress), 0);
    Ok(TaskStatus { update: value(rest, "id").map(update).transpose()?, ..status })
}

fn call(words: &[&str]) -> Parsed<Call> {
    let (what, rest) = words.split_first().ok_or("a call is missing")?;
    let first = || rest.first().copied().ok_or("a word is missing".to_owned());
    Ok(match *what {
        "request" => {
            let cpus_milli = first()?.parse().map_err(|_| "thousandths of a cpu")?;
            let resources = Resources::new(cpus_milli, 0);
            Call::Request(vec![ResourceRequest { agent: None, resources }])
        }
        "decline" => Call::Decline { offers: ids(rest)?, filters: Filters::default() },
        "launch" => launch(rest)?,
        "kill" => {
            let grace_ms = value(rest, "grace").map(milliseconds).transpose()?;
            let policy = grace_ms.map(|grace_ms| KillPolicy { grace_ms });
            let agent = value(rest, "agent").map(id).transpose()?;
            Call::Kill { task: id(first()?)?, agent, policy }
        }
        "acknowledge" => {
            let update = update(rest.last().ok_or("an Update is missing")?)?;
            Call::Acknowledge { agent: id("a1")?, task: id(first()?)?, update }
        }
        "reconcile" => Call::Reconcile(ids(rest)?.into_iter().map(|task| (task, None)).collect()),
        "suppress" => Call::Suppress(Vec::new()),
        "revive" => Call::Revive(Vec::new()),
        "message" => {
            Call::Message { agent: id("a1")?, executor: id("e1")?, data: b"hello".to_vec() }
        }
        "shutdown" => Call::Shutdown { agent: id("a1")?, executor: id(first()?)? },
        "unregister" => Call::Unregister,
        _ => return Err(format!("{what:?} is no call")),
    })
}

fn launch(words: &[&str]) -> Parsed<Call> {
    let at = words.iter().position(|word| *word == "on").ok_or("`on` is missing")?;
    let tasks = words[..at].iter().map(|word| task(word)).collect::<Parsed<_>>()?;
    Ok(Call::Launch { offers: ids(&words[at + 1..])?, tasks, filters: Filters::default() })
}

fn task(word: &str) -> Parsed<TaskInfo> {
    let command = CommandInfo::new(Digest([1; 32]), "guest");
    Ok(TaskInfo {
        id: id(word)?,
        name: word.to_owned(),
        agent: id("a1")?,
        resources: Resources::new(1_000, 1 << 20),
        body: TaskBody::Command(command),
        limits: Limits::default(),
        labels: Vec::new(),
        kill_policy: KillPolicy::default(),
        max_completion_ms: None,
    })
}
