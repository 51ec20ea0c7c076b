//! The script of `stoa executor test`, read strictly: what is not known is refused with its place.
//! It never runs anything.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use stoa_model::command::NetworkGrant;
use stoa_model::ids::{ExecutorId, TaskId};
use stoa_model::status::Reason;
use stoa_model::task::TaskState;

use super::text::{Base64, Cpus, Size, Text, Time};
use crate::config::Directory;

/// Milliseconds that a wait may take if the script says nothing: 10 seconds.
const WITHIN_MS_DEFAULT: u64 = 10_000;

/// Bytes of memory of an executor whose script says nothing: 64 MiB, as of `stoa run`.
const MEMORY_BYTES_DEFAULT: u64 = 64 << 20;

/// All that happens to one executor.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// How it is born.
    #[serde(default)]
    pub executor: Birth,
    /// The longest that a wait may take.
    #[serde(default = "within_default")]
    pub within: Text<Time>,
    /// In their order.
    pub steps: Vec<Step>,
}

fn within_default() -> Text<Time> {
    Text(Time(WITHIN_MS_DEFAULT))
}

/// What an executor is born with.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Birth {
    /// Its id.
    pub id: Text<ExecutorId>,
    /// What it is told.
    pub data: Option<String>,
    /// The same for what is no text.
    pub data_base64: Option<Text<Base64>>,
    /// Of itself and what it starts for itself.
    pub memory: Text<Size>,
    /// What it may start, by name.
    pub programs: BTreeMap<String, PathBuf>,
}

impl Default for Birth {
    fn default() -> Self {
        Self {
            id: Text(ExecutorId::new("test").expect("the text is a legal id")),
            data: None,
            data_base64: None,
            memory: Text(Size(MEMORY_BYTES_DEFAULT)),
            programs: BTreeMap::new(),
        }
    }
}

/// One thing that happens, or is waited for.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// A task for it.
    Launch(Box<Launch>),
    /// The end of a task is asked for.
    Kill(Kill),
    /// Bytes of its scheduler.
    Message(Message),
    /// Its own end is asked for.
    Shutdown(Shutdown),
    /// Nothing, until something has happened.
    Wait(Wait),
}

/// A task.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Launch {
    /// Its id.
    pub task: Text<TaskId>,
    /// Its name; its id if there is none.
    pub name: Option<String>,
    /// What the executor is handed.
    pub data: Option<String>,
    /// The same for what is no text.
    pub data_base64: Option<Text<Base64>>,
    /// Thousandths of a cpu.
    pub cpus: Option<Text<Cpus>>,
    /// Of what is started for it.
    pub memory: Option<Text<Size>>,
    /// Of its sandbox.
    pub disk: Option<Text<Size>>,
    /// Units of fuel.
    pub fuel: Option<u64>,
    /// Of stdout and stderr together.
    pub output_limit: Option<Text<Size>>,
    /// The longest it may run.
    pub timeout: Option<Text<Time>>,
    /// What may be started for it, by name.
    #[serde(default)]
    pub programs: BTreeMap<String, PathBuf>,
    /// The environment of what is started for it.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// Its standard input.
    pub stdin: Option<String>,
    /// Directories of this machine.
    #[serde(default)]
    pub directories: Vec<Text<Directory>>,
    /// Whom it may connect to.
    #[serde(default)]
    pub network: Vec<Text<NetworkGrant>>,
}

/// The end of a task.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kill {
    /// Which.
    pub task: Text<TaskId>,
    /// Between the notice and the end; none is at once.
    pub grace: Option<Text<Time>>,
}

/// Bytes from a scheduler.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// As text.
    pub text: Option<String>,
    /// The same for what is no text.
    pub base64: Option<Text<Base64>>,
}

/// The end of the executor.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shutdown {
    /// Between the notice and the end; none is at once.
    pub grace: Option<Text<Time>>,
}

/// What is waited for.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wait {
    /// A change of a task.
    Update(Box<UpdateWait>),
    /// Bytes from the executor.
    Message(MessageWait),
    /// The executor's end.
    End(EndWait),
    /// That time passes.
    Time(Text<Time>),
}

/// A change of a task.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpdateWait {
    /// Whose.
    pub task: Text<TaskId>,
    /// Until it is in this state; none is until it is over.
    pub state: Option<Text<TaskState>>,
    /// The longest that this may take.
    pub within: Option<Text<Time>>,
    /// How it must be then.
    #[serde(default)]
    pub expect: Expected,
}

/// How a change of a task must be. What is not named may be anything.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// The state.
    pub state: Option<Text<TaskState>>,
    /// The reason.
    pub reason: Option<Text<Reason>>,
    /// A part of the message.
    pub message: Option<String>,
    /// The exit code of the program.
    pub exit_code: Option<i32>,
    /// The executor's data.
    pub data: Option<String>,
    /// The same for what is no text.
    pub data_base64: Option<Text<Base64>>,
    /// All that was written to the task's stdout.
    pub stdout: Option<String>,
    /// All that was written to the task's stderr.
    pub stderr: Option<String>,
}

/// Bytes from the executor. What else it sends before is passed over.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MessageWait {
    /// As text; any bytes if nothing is named.
    pub text: Option<String>,
    /// The same for what is no text.
    pub base64: Option<Text<Base64>>,
    /// The longest that this may take.
    pub within: Option<Text<Time>>,
}

/// The executor's end.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndWait {
    /// A part of what is said of it.
    pub message: Option<String>,
    /// The longest that this may take.
    pub within: Option<Text<Time>>,
}

/// Bytes that stand in a script as text or as base64, or not at all.
pub fn data(text: &Option<String>, base64: &Option<Text<Base64>>) -> Option<Vec<u8>> {
    match (base64, text) {
        (Some(Text(Base64(bytes))), _) => Some(bytes.clone()),
        (None, Some(text)) => Some(text.clone().into_bytes()),
        (None, None) => None,
    }
}

/// Reads a script.
///
/// # Errors
/// What is wrong, and where.
pub fn parse(text: &str) -> Result<Script, String> {
    let script: Script = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let is_doubled = |text: &Option<String>, base64: &Option<_>| text.is_some() && base64.is_some();
    let birth = &script.executor;
    if is_doubled(&birth.data, &birth.data_base64) {
        return Err("executor: data and data_base64 exclude each other".to_owned());
    }
    for (index, step) in script.steps.iter().enumerate() {
        let doubled = match step {
            Step::Launch(it) => is_doubled(&it.data, &it.data_base64),
            Step::Message(it) => is_doubled(&it.text, &it.base64),
            Step::Wait(Wait::Update(it)) => is_doubled(&it.expect.data, &it.expect.data_base64),
            Step::Wait(Wait::Message(it)) => is_doubled(&it.text, &it.base64),
            Step::Kill(_) | Step::Shutdown(_) | Step::Wait(Wait::End(_) | Wait::Time(_)) => false,
        };
        if doubled {
            return Err(format!("step {}: the text and base64 exclude each other", index + 1));
        }
    }
    Ok(script)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn script_is_read_with_its_units() {
        let script = parse(
            r#"{"executor": {"data_base64": "/wA=", "memory": "1MiB"}, "within": "3s", "steps": [
                {"launch": {"task": "t", "cpus": "0.5", "timeout": "1m", "stdin": "x",
                            "directories": [".::/here:ro"], "network": ["localhost:80"]}},
                {"wait": {"update": {"task": "t", "state": "running", "expect": {}}}},
                {"wait": {"time": "5ms"}}, {"kill": {"task": "t"}}, {"shutdown": {}}]}"#,
        )
        .unwrap();
        let birth = &script.executor;
        assert_eq!(data(&birth.data, &birth.data_base64), Some(vec![0xff, 0]));
        assert_eq!((birth.memory.0.0, script.within.0.0), (1 << 20, 3_000));
        assert_eq!(birth.id.0.as_str(), "test");
        let Step::Launch(launch) = &script.steps[0] else { panic!("a launch is first") };
        assert_eq!(launch.cpus.as_ref().map(|cpus| cpus.0.0), Some(500));
        assert_eq!(launch.timeout.as_ref().map(|time| time.0.0), Some(60_000));
        assert_eq!(launch.directories[0].0.guest, "/here");
        let Step::Wait(Wait::Update(wait)) = &script.steps[1] else { panic!("a wait is second") };
        assert_eq!(wait.state.as_ref().map(|state| state.0), Some(TaskState::Running));
    }

    #[test]
    fn what_is_not_known_is_refused_with_its_place() {
        for (text, parts) in [
            ("", ["EOF", "line 1"]),
            ("[]", ["expected struct Script", "line 1"]),
            ("{\n\"stepz\": []}", ["stepz", "line 2"]),
            (r#"{"steps": [{"jump": {}}]}"#, ["jump", "line 1"]),
            ("{\"steps\": [\n{\"launch\": {}}]}", ["task", "line 2"]),
            (r#"{"steps": [{"kill": {"task": "a/b"}}]}"#, ["a/b", "line 1"]),
            (r#"{"steps": [{"kill": {"task": "a", "grace": 5}}]}"#, ["string", "line 1"]),
            (r#"{"steps": [{"wait": {"time": "5"}}]}"#, ["30s", "line 1"]),
            (r#"{"steps": [{"message": {"base64": "?"}}]}"#, ["base64", "line 1"]),
            (
                r#"{"steps": [{"wait": {"update": {"task": "t", "state": "DONE"}}}]}"#,
                ["DONE", "FINISHED"],
            ),
            (r#"{"steps": [{"message": {"text": "a", "base64": ""}}]}"#, ["step 1", "exclude"]),
        ] {
            let error = parse(text).unwrap_err();
            assert!(parts.iter().all(|part| error.contains(part)), "{text}: {error}");
        }
    }
}
