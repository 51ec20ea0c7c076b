//! One executor host in a process of its own: starts it, or finds it again, speaks with it, and
//! sees to its end. It never decides what the host is told.

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use stoa_executor_host::Config;
use stoa_model::ids::FrameworkId;
use stoa_protocol::host::{FrameError, FromHost, ToHost, append, read, write};
use tokio::io::BufReader;
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::hosts::place::Place;
use crate::hosts::processes::Heard;
use crate::limits::{HOST_ASK_MS, HOST_END_MS, HOST_GREETING_MS, HOST_SILENT_MS};

/// Frames that are written together at most.
const FRAMES_TOGETHER_MAX: usize = 256;

/// The program of executor hosts, with all its arguments.
#[derive(Clone, Debug)]
pub struct Program {
    words: Vec<String>,
    arguments: Vec<OsString>,
}

impl Program {
    /// The program that starts with `words` and serves a host that is made as `config` says.
    pub fn new(words: Vec<String>, config: &Config) -> Self {
        let mut arguments = Vec::new();
        let mut add = |name: &str, value: OsString| arguments.extend([name.into(), value]);
        // The host has another working directory. A path that cannot be absolute is the host's to
        // refuse.
        let whole = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        add("--artifacts", whole(&config.artifacts).into());
        add("--sandboxes", whole(&config.sandboxes).into());
        add("--cache", whole(&config.cache).into());
        for directory in &config.directories_allowed {
            add("--allow-dir", whole(directory).into());
        }
        add("--guest-threads", config.guest_threads.to_string().into());
        add("--instances-max", config.instances_max.to_string().into());
        add("--event-ms-max", config.event_ms_max.to_string().into());
        Self { words, arguments }
    }

    /// Starts it. The host holds the listener as its stdin, so that its socket is there before it
    /// is, and no longer than it. It is no child of the terminal: what ends the agent there does
    /// not end it.
    fn start(
        &self,
        listener: std::os::unix::net::UnixListener,
        log: std::fs::File,
    ) -> io::Result<Child> {
        let Some((program, words)) = self.words.split_first() else {
            return Err(io::Error::other("no program for executor hosts is known"));
        };
        Command::new(program)
            .args(words)
            .args(&self.arguments)
            .current_dir("/")
            .stdin(Stdio::from(OwnedFd::from(listener)))
            .stdout(Stdio::null())
            .stderr(log)
            .process_group(0)
            .spawn()
    }
}

/// One executor host in a process of its own.
pub struct Keeper {
    place: Place,
    /// Its process, if this agent has started it.
    child: Option<Child>,
    /// The number of its last event that is recorded.
    taken: u64,
}

impl Keeper {
    /// Starts a host for a framework.
    ///
    /// # Errors
    /// What the machine says.
    pub fn start(
        below: &Path,
        host: u64,
        framework: &FrameworkId,
        program: &Program,
    ) -> io::Result<Self> {
        let (place, listener) = Place::make(below, host, framework)?;
        let started = place.log().and_then(|log| program.start(listener, log));
        let started = started.and_then(|mut child| {
            let noted = child.id().map_or(Ok(()), |id| place.note_process(id));
            noted.inspect_err(|_| drop(child.start_kill())).map(|()| child)
        });
        match started {
            Ok(child) => Ok(Self { place, child: Some(child), taken: 0 }),
            Err(error) => {
                place.remove();
                Err(error)
            }
        }
    }

    /// A host of the agent's last process, of which events up to `taken` are recorded; none if it
    /// is not there any more. One that is not wanted, or does not answer, is ended first.
    pub async fn find(place: Place, taken: u64, is_wanted: bool) -> Option<Self> {
        let mut stream = place.connect().await.ok()?;
        let keeper = Self { place, child: None, taken };
        if is_wanted
            && let Ok(Ok(())) = timeout(ms(HOST_GREETING_MS), greet(&mut stream, taken)).await
        {
            return Some(keeper);
        }
        tracing::warn!(framework = %keeper.place.framework, "ending an executor host that is left");
        if let Err(error) = keeper.place.kill() {
            tracing::error!(framework = %keeper.place.framework, %error, "it cannot be ended");
        }
        let _ = timeout(ms(HOST_END_MS), until_gone(&keeper.place)).await;
        None
    }

    /// Speaks with the host until it ends, or is given up; then it is gone.
    pub async fn keep(
        mut self,
        told: mpsc::Receiver<ToHost>,
        given_up: oneshot::Receiver<()>,
        to_loop: mpsc::Sender<Heard>,
    ) {
        let message = tokio::select! {
            message = self.speak(told, &to_loop) => message,
            () = is_given_up(given_up) => "it did not take what it was told".to_owned(),
        };
        let message = self.end(message).await;
        let Place { framework, host, .. } = self.place;
        // Nobody listens only when the agent ends.
        let _ = to_loop.send(Heard::Ended { framework, host, message }).await;
    }

    /// Answers how it ended, for people.
    async fn speak(&self, told: mpsc::Receiver<ToHost>, to_loop: &mpsc::Sender<Heard>) -> String {
        let greeted = async {
            let mut stream = self.place.connect().await?;
            greet(&mut stream, self.taken).await.map(|()| stream)
        };
        let stream = match timeout(ms(HOST_GREETING_MS), greeted).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return words(&error),
            Err(_) => return format!("it did not answer within {HOST_GREETING_MS} ms"),
        };
        let (from, to) = stream.into_split();
        tokio::select! {
            message = self.hear(from, to_loop) => message,
            message = tell(to, told) => message,
        }
    }

    async fn hear(&self, from: OwnedReadHalf, to_loop: &mpsc::Sender<Heard>) -> String {
        let mut from = BufReader::new(from);
        let mut last = self.taken;
        loop {
            match timeout(ms(HOST_SILENT_MS), read(&mut from)).await {
                Ok(Ok(FromHost::Event { number, event })) if number == 0 || number == last + 1 => {
                    last = last.max(number);
                    let Place { framework, host, .. } = self.place.clone();
                    let heard = Heard::Event { framework, host, number, event };
                    if to_loop.send(heard).await.is_err() {
                        // The agent ends, and not the host.
                        std::future::pending::<()>().await;
                    }
                }
                Ok(Ok(FromHost::Event { number, .. })) => {
                    return format!("it sent event {number} after event {last}");
                }
                Ok(Ok(FromHost::Idle { commands })) => {
                    let Place { framework, host, .. } = self.place.clone();
                    // As above.
                    let _ = to_loop.send(Heard::Idle { framework, host, commands }).await;
                }
                Ok(Ok(FromHost::Hello { .. } | FromHost::Alive)) => {}
                Ok(Err(error)) => return words(&error),
                Err(_) => return format!("it did not answer for {HOST_SILENT_MS} ms"),
            }
        }
    }

    /// Makes sure that the process is gone; answers how it ended, for people.
    async fn end(&mut self, message: String) -> String {
        let killed = match &mut self.child {
            // One that has ended by itself says how.
            Some(child) => match timeout(ms(1_000), child.wait()).await {
                Ok(Ok(status)) => {
                    self.place.remove();
                    return format!("{message} ({status})");
                }
                _ => child.kill().await,
            },
            None => self.place.kill(),
        };
        if let Err(error) = killed {
            let framework = &self.place.framework;
            tracing::error!(%framework, %error, "an executor host cannot be ended");
        }
        let _ = timeout(ms(HOST_END_MS), until_gone(&self.place)).await;
        self.place.remove();
        message
    }
}

/// Greets a host, and is greeted.
async fn greet(stream: &mut UnixStream, taken: u64) -> Result<(), FrameError> {
    let mut frame = Vec::new();
    append(&ToHost::Attach { taken }, &mut frame)?;
    write(stream, &frame).await?;
    match read(stream).await? {
        FromHost::Hello { version } => {
            tracing::debug!(version, "an executor host greets its agent");
            Ok(())
        }
        other => Err(io::Error::other(format!("{other:?} is no greeting")).into()),
    }
}

/// Tells a host what comes, and asks it now and then whether it lives. Answers when it was told to
/// end and had the time for it.
async fn tell(mut to: OwnedWriteHalf, mut told: mpsc::Receiver<ToHost>) -> String {
    let mut asks = interval(ms(HOST_ASK_MS));
    asks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut frames, mut bytes) = (Vec::new(), Vec::new());
    loop {
        tokio::select! {
            count = told.recv_many(&mut frames, FRAMES_TOGETHER_MAX) => {
                if count == 0 {
                    // Whoever ends it says so by `End`, or gives it up.
                    std::future::pending::<()>().await;
                }
            }
            _ = asks.tick() => frames.push(ToHost::Ask),
        }
        let is_end = frames.contains(&ToHost::End);
        bytes.clear();
        for frame in frames.drain(..) {
            if let Err(error) = append(&frame, &mut bytes) {
                return format!("what it was to be told does not fit: {error}");
            }
        }
        if write(&mut to, &bytes).await.is_err() {
            // How it ended is heard, not told.
            std::future::pending::<()>().await;
        }
        if is_end {
            tokio::time::sleep(ms(HOST_END_MS)).await;
            return "it was told to end and did not".to_owned();
        }
    }
}

/// Waits until nobody holds the host's listener.
async fn until_gone(place: &Place) {
    const LOOK_MS: u64 = 5;
    while place.connect().await.is_ok() {
        tokio::time::sleep(ms(LOOK_MS)).await;
    }
}

async fn is_given_up(given_up: oneshot::Receiver<()>) {
    if given_up.await.is_err() {
        std::future::pending::<()>().await;
    }
}

fn words(error: &FrameError) -> String {
    match error {
        FrameError::Ended | FrameError::Broken(_) => "its process ended".to_owned(),
        other => other.to_string(),
    }
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}
