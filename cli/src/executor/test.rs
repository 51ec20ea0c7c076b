//! `stoa executor test`: one executor in a host in this process, driven by a script. The host is
//! the one that agents have, so subtasks run; what is missing is the cluster. It never judges what
//! it hears: `heard.rs` does.

use std::path::{Path, PathBuf};
use std::time::Duration;

use stoa_executor_host::{Config, EVENT_MS_MAX_DEFAULT, Host, HostHandle, log_path};
use stoa_model::host::{Command, Event, TaskChange};
use stoa_model::ids::{ExecutorId, FrameworkId, TaskId, UpdateId};
use stoa_model::operator::LogStream;
use stoa_model::status::Reason;
use stoa_model::task::KillPolicy;
use tempfile::TempDir;
use tokio::sync::mpsc::Receiver;

use super::cast::{Cast, agent, framework};
use super::heard::{Heard, Written, mismatch, shown};
use super::print::{print_change, print_end, print_message};
use super::script::{EndWait, Launch, MessageWait, Script, Step, UpdateWait, Wait, data, parse};
use super::text::{Text, Time};
use crate::config::{Output, Test};
use crate::daemon::cache_dir;
use crate::failure::{Failure, chain, code};
use crate::lists::unprinted;
use crate::wasm_file::WasmFile;

/// Instances that live at a time: an executor and what it starts.
const INSTANCES_MAX: u32 = 64;

/// Threads that run guests: more would only reorder what is printed.
const GUEST_THREADS: usize = 1;

/// Runs an executor as a script says, and prints what it sends.
///
/// # Errors
/// [`Failure`] if a file cannot be used, or something is not as the script expects.
pub async fn test(arguments: &Test, output: Output) -> Result<(), Failure> {
    let executor = WasmFile::executor(&arguments.executor)?;
    let script = read(&arguments.script)?;
    let place = tempfile::Builder::new().prefix("stoa-").tempdir().map_err(|error| {
        Failure::new(code::FAILURE, format!("cannot make a directory for the test: {error}"))
    })?;
    let dir = arguments.script.parent().map(Path::to_owned).unwrap_or_default();
    let cast = Cast::new(place.path().join("artifacts"), dir, &executor, &script.executor)?;
    let mut stage = Stage::open(place, cast, &script, output)?;
    for (index, step) in script.steps.iter().enumerate() {
        let failed = |mut failure: Failure| {
            failure.message = format!("step {}: {}", index + 1, failure.message);
            failure
        };
        stage.step(step).await.map_err(failed)?;
    }
    stage.finish().await
}

fn read(path: &Path) -> Result<Script, Failure> {
    let hint = "`stoa executor test --help` shows a script";
    let refused =
        |why: String| Failure::new(code::USAGE, format!("{}: {why}", path.display())).hint(hint);
    let text = std::fs::read_to_string(path).map_err(|error| refused(error.to_string()))?;
    parse(&text).map_err(refused)
}

/// The executor at work, and what was heard of it.
struct Stage {
    handle: HostHandle,
    events: Receiver<Event>,
    cast: Cast,
    heard: Heard,
    executor: ExecutorId,
    within: u64,
    updates: u128,
    /// Whether a step has asked for the executor's end, or has seen it.
    is_end_expected: bool,
    sandboxes: PathBuf,
    output: Output,
    // After the host: what writes there ends before it is removed.
    _place: TempDir,
}

impl Stage {
    fn open(place: TempDir, cast: Cast, script: &Script, output: Output) -> Result<Self, Failure> {
        let sandboxes = place.path().join("sandboxes");
        let config = Config {
            artifacts: cast.artifacts().to_owned(),
            sandboxes: sandboxes.clone(),
            cache: cache_dir().unwrap_or_else(|| place.path().join("compiled")),
            directories_allowed: vec![PathBuf::from("/")],
            guest_threads: GUEST_THREADS,
            instances_max: INSTANCES_MAX,
            event_ms_max: EVENT_MS_MAX_DEFAULT,
        };
        let (handle, events) =
            Host::start(config).map_err(|error| Failure::new(code::FAILURE, chain(&error)))?;
        Ok(Self {
            handle,
            events,
            cast,
            heard: Heard::default(),
            executor: script.executor.id.0.clone(),
            within: script.within.0.0,
            updates: 0,
            is_end_expected: false,
            sandboxes,
            output,
            _place: place,
        })
    }

    async fn step(&mut self, step: &Step) -> Result<(), Failure> {
        match step {
            Step::Launch(launch) => self.launch(launch).await,
            Step::Kill(kill) => {
                let task = self.launched(&kill.task.0)?;
                let policy = KillPolicy { grace_ms: ms(kill.grace.as_ref()) };
                let command = Command::Kill { framework: framework(), task, policy };
                self.handle.send(command).await;
                Ok(())
            }
            Step::Message(message) => {
                let data = data(&message.text, &message.base64).unwrap_or_default();
                let (framework, executor) = self.of_executor("message")?;
                self.handle.send(Command::Message { framework, executor, data }).await;
                Ok(())
            }
            Step::Shutdown(shutdown) => {
                let grace_ms = ms(shutdown.grace.as_ref());
                let (framework, executor) = self.of_executor("shutdown")?;
                self.is_end_expected = true;
                self.handle.send(Command::Shutdown { framework, executor, grace_ms }).await;
                Ok(())
            }
            Step::Wait(Wait::Update(wait)) => self.wait_for_update(wait).await,
            Step::Wait(Wait::Message(wait)) => self.wait_for_message(wait).await,
            Step::Wait(Wait::End(wait)) => self.wait_for_end(wait).await,
            Step::Wait(Wait::Time(time)) => self.until(time.0.0, |_| None::<()>).await.map(|_| ()),
        }
    }

    async fn launch(&mut self, launch: &Launch) -> Result<(), Failure> {
        let task = Box::new(self.cast.task(launch)?);
        self.heard.on_launch(&task.id);
        self.is_end_expected = false;
        self.handle.send(Command::Launch { framework: framework(), agent: agent(), task }).await;
        Ok(())
    }

    /// The executor is started by the first task that needs it.
    fn of_executor(&self, what: &str) -> Result<(FrameworkId, ExecutorId), Failure> {
        if self.cast.has_launched() {
            return Ok((framework(), self.executor.clone()));
        }
        Err(wrong(format!("a {what} for an executor that no task was launched for")))
    }

    fn launched(&self, task: &TaskId) -> Result<TaskId, Failure> {
        match self.cast.knows(task) {
            true => Ok(task.clone()),
            false => Err(wrong(format!("no task {task} was launched before"))),
        }
    }

    async fn wait_for_update(&mut self, wait: &UpdateWait) -> Result<(), Failure> {
        let task = self.launched(&wait.task.0)?;
        let state = wait.state.as_ref().map(|state| state.0);
        let within = self.within(wait.within.as_ref());
        let change = self.until(within, |heard| heard.change(&task, state).cloned()).await?;
        let Some(change) = change else {
            let wanted = state.map_or("over".to_owned(), |state| state.to_string());
            return Err(wrong(format!("task {task} was not {wanted} after {}", time(within))));
        };
        self.is_end_expected |= change.reason == Reason::ExecutorLost;
        if let Some(state) = state.filter(|state| *state != change.state) {
            let change = shown(&change);
            return Err(wrong(format!("task {task} is {change}; {state} was waited for")));
        }
        match mismatch(&wait.expect, &change, &self.written(&task)) {
            None => Ok(()),
            Some(why) => Err(wrong(why)),
        }
    }

    async fn wait_for_message(&mut self, wait: &MessageWait) -> Result<(), Failure> {
        let wanted = data(&wait.text, &wait.base64);
        let within = self.within(wait.within.as_ref());
        let found = |heard: &mut Heard| {
            let is_found = heard.take_message(wanted.as_deref());
            (is_found || heard.end().is_some()).then_some(is_found)
        };
        let ended = match self.until(within, found).await? {
            Some(true) => return Ok(()),
            Some(false) => format!(": it has ended: {}", self.heard.end().unwrap_or_default()),
            None => String::new(),
        };
        let wanted = match &wanted {
            Some(wanted) => format!("the message {}", super::heard::quoted(wanted)),
            None => "any message".to_owned(),
        };
        let got = self.heard.passed_over();
        let within = time(within);
        Err(wrong(format!("the executor did not send {wanted} within {within}, but {got}{ended}")))
    }

    async fn wait_for_end(&mut self, wait: &EndWait) -> Result<(), Failure> {
        let within = self.within(wait.within.as_ref());
        let Some(end) = self.until(within, Heard::take_end).await? else {
            return Err(wrong(format!("the executor had not ended after {}", time(within))));
        };
        self.is_end_expected = true;
        match &wait.message {
            Some(part) if !end.contains(part) => {
                Err(wrong(format!("the executor has ended: {end:?}; {part:?} is not in it")))
            }
            _ => Ok(()),
        }
    }

    /// Every task comes to its end, and the executor to none that nobody asked for.
    async fn finish(mut self) -> Result<(), Failure> {
        let all_over = |heard: &mut Heard| heard.open().is_empty().then_some(());
        if self.until(self.within, all_over).await?.is_none() {
            let tasks = self.heard.open().join(", ");
            let within = time(self.within);
            let message = format!("after the last step {tasks} was not over within {within}");
            return Err(wrong(message).hint("end it: {\"kill\": {\"task\": \"…\"}}"));
        }
        // Its end is told after those of its tasks, and is perhaps still on its way.
        match self.heard.end().or_else(|| self.heard.loss()) {
            Some(end) if !self.is_end_expected => {
                let message = format!("no step waited for the executor's end: {end}");
                Err(wrong(message).hint("{\"wait\": {\"end\": {}}} waits for its end"))
            }
            _ => Ok(()),
        }
    }

    fn within(&self, asked: Option<&Text<Time>>) -> u64 {
        asked.map_or(self.within, |time| time.0.0)
    }

    /// Takes in what comes until something is found; answers none if that takes too long.
    async fn until<T>(
        &mut self,
        within_ms: u64,
        mut found: impl FnMut(&mut Heard) -> Option<T>,
    ) -> Result<Option<T>, Failure> {
        let deadline = tokio::time::sleep(Duration::from_millis(within_ms));
        tokio::pin!(deadline);
        loop {
            if let Some(found) = found(&mut self.heard) {
                return Ok(Some(found));
            }
            tokio::select! {
                event = self.events.recv() => {
                    let ended = || Failure::new(code::FAILURE, "the executor host has ended");
                    self.on_event(event.ok_or_else(ended)?).await?;
                }
                () = &mut deadline => return Ok(None),
            }
        }
    }

    async fn on_event(&mut self, event: Event) -> Result<(), Failure> {
        match event {
            Event::Update(change) => {
                let written = self.written(&change.task);
                print_change(&change, &written, self.output).map_err(unprinted)?;
                self.acknowledge(&change).await;
                self.heard.on_change(*change);
            }
            Event::Message { data, .. } => {
                print_message(&data, self.output).map_err(unprinted)?;
                self.heard.on_message(data);
            }
            Event::ExecutorEnded { message, .. } => {
                print_end(&message, self.output).map_err(unprinted)?;
                self.heard.on_end(message);
            }
            Event::Output { .. } => {}
        }
        Ok(())
    }

    async fn acknowledge(&mut self, change: &TaskChange) {
        self.updates += 1;
        let (framework, task) = (change.framework.clone(), change.task.clone());
        let update = UpdateId(self.updates);
        self.handle.send(Command::Acknowledge { framework, task, update }).await;
    }

    fn written(&self, task: &TaskId) -> Written {
        let read = |stream| {
            let path = log_path(&self.sandboxes, &framework(), task, stream);
            // A task that has written nothing has no file.
            String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned()
        };
        Written { stdout: read(LogStream::Stdout), stderr: read(LogStream::Stderr) }
    }
}

/// What was not as the script expects.
fn wrong(message: String) -> Failure {
    Failure::new(code::FAILURE, message).hint(
        "what the executor has sent is printed above; `stoa executor test --help` shows \
               what a script may expect",
    )
}

fn ms(time: Option<&Text<Time>>) -> u64 {
    time.map_or(0, |time| time.0.0)
}

fn time(ms: u64) -> String {
    humantime::format_duration(Duration::from_millis(ms)).to_string()
}
