//! A process for each framework: which there are, what goes to whom, and what they say. It never
//! waits for one of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use stoa_agent_core::{Input, Recovered};
use stoa_executor_host::{Config, StartError};
use stoa_model::host::{Command, Event};
use stoa_model::ids::FrameworkId;
use stoa_protocol::host::ToHost;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use crate::hosts::keeper::{Keeper, Program};
use crate::hosts::place::Place;
use crate::limits::{
    HOST_FRAMES_WAITING_MAX, HOST_WORDS_WAITING_MAX, HOSTS_MAX, INPUTS_PER_ROUND_MAX,
};

/// What the keepers of hosts tell the agent's loop.
pub enum Heard {
    /// An event, with its number; 0 is one that may be lost.
    Event { framework: FrameworkId, host: u64, number: u64, event: Event },
    /// Nothing has lived in the host for a while; it has got so many commands.
    Idle { framework: FrameworkId, host: u64, commands: u64 },
    /// The host has ended, and how, for people.
    Ended { framework: FrameworkId, host: u64, message: String },
}

/// A host from its start until the core has heard of its end. Until then nothing of its framework
/// goes to another one.
struct Life {
    host: u64,
    /// To its keeper; none once it takes nothing more.
    frames: Option<mpsc::Sender<ToHost>>,
    /// Commands that were handed to its keeper.
    commands: u64,
    /// Tells its keeper that it is to be ended at once.
    give_up: Option<oneshot::Sender<()>>,
}

/// The hosts of all frameworks.
pub struct Processes {
    dir: PathBuf,
    program: Program,
    keepers: JoinSet<()>,
    lives: BTreeMap<FrameworkId, Life>,
    to_loop: mpsc::Sender<Heard>,
    heard: mpsc::Receiver<Heard>,
}

impl Processes {
    /// No hosts yet.
    ///
    /// # Errors
    /// [`StartError`] if their directory cannot be made.
    pub fn new(dir: PathBuf, program: Vec<String>, config: &Config) -> Result<Self, StartError> {
        std::fs::create_dir_all(&dir)
            .map_err(|source| StartError::Directory { path: dir.clone(), source })?;
        let (to_loop, heard) = mpsc::channel(HOST_WORDS_WAITING_MAX);
        let program = Program::new(program, config);
        let (lives, keepers) = (BTreeMap::new(), JoinSet::new());
        Ok(Self { dir, program, lives, keepers, to_loop, heard })
    }

    /// Looks for hosts of the agent's last process and goes on with them, or ends them. Of two of
    /// one framework the one goes on that was heard of last.
    pub async fn find(&mut self, recovered: &Recovered, lives_on: bool) {
        let mut places = Place::all(&self.dir).unwrap_or_else(|error| {
            tracing::warn!(path = %self.dir.display(), %error, "cannot look for executor hosts");
            Vec::new()
        });
        places.sort_by_key(|it| std::cmp::Reverse(recovered.heard_of(&it.framework, it.host)));
        for place in places {
            let taken = recovered.heard_of(&place.framework, place.host);
            let is_wanted = lives_on && !self.lives.contains_key(&place.framework);
            let Some(keeper) = Keeper::find(place.clone(), taken, is_wanted).await else {
                place.remove();
                continue;
            };
            tracing::info!(framework = %place.framework, "its executor host is found again");
            self.begin(place.framework.clone(), place.host, Ok(keeper));
        }
    }

    /// Whose hosts live.
    pub fn frameworks(&self) -> BTreeSet<FrameworkId> {
        self.lives.keys().cloned().collect()
    }

    /// Hands a command to the host of its framework. A Launch starts one if there is none; nothing
    /// else has something to do where there is none.
    pub fn send(&mut self, command: Command) {
        let framework = match &command {
            Command::Launch { framework, .. } => {
                if !self.lives.contains_key(framework) {
                    self.start(framework.clone());
                }
                framework.clone()
            }
            Command::Kill { framework, .. }
            | Command::SetPaused { framework, .. }
            | Command::Message { framework, .. }
            | Command::Acknowledge { framework, .. }
            | Command::Shutdown { framework, .. } => framework.clone(),
            Command::RemoveFramework { framework } => {
                let framework = framework.clone();
                self.hand(&framework, ToHost::Command(command));
                self.hand(&framework, ToHost::End);
                // Its keeper sees to its end.
                self.lives.remove(&framework);
                return;
            }
            Command::Reregistered { .. } => {
                for framework in self.frameworks() {
                    self.hand(&framework, ToHost::Command(command.clone()));
                }
                return;
            }
        };
        self.hand(&framework, ToHost::Command(command));
    }

    /// What a host has said up to and with this number is recorded.
    pub fn taken(&mut self, framework: &FrameworkId, (host, number): (u64, u64)) {
        if self.lives.get(framework).is_some_and(|life| life.host == host) {
            self.hand(framework, ToHost::Taken { number });
        }
    }

    /// A host that does not take what it is told is given up: its end follows, and what is not
    /// handed over ends with it.
    fn hand(&mut self, framework: &FrameworkId, frame: ToHost) {
        let Some(life) = self.lives.get_mut(framework) else { return };
        life.commands += u64::from(matches!(frame, ToHost::Command(_)));
        let is_taken = life.frames.as_ref().is_some_and(|frames| frames.try_send(frame).is_ok());
        if !is_taken {
            life.frames = None;
            if let Some(give_up) = life.give_up.take() {
                // Whose keeper is over ends anyway.
                let _ = give_up.send(());
            }
        }
    }

    /// The core has heard of the end of a framework's host: the next Launch starts another.
    pub fn forget(&mut self, framework: &FrameworkId) {
        if self.lives.get(framework).is_some_and(|life| life.frames.is_none()) {
            self.lives.remove(framework);
        }
    }

    fn start(&mut self, framework: FrameworkId) {
        let (host, _) = uuid::Uuid::new_v4().as_u64_pair();
        let made = match self.lives.len() {
            HOSTS_MAX.. => Err(std::io::Error::other(format!(
                "{HOSTS_MAX} executor hosts are there already, more are not allowed"
            ))),
            _ => Keeper::start(&self.dir, host, &framework, &self.program),
        };
        self.begin(framework, host, made);
    }

    fn begin(&mut self, framework: FrameworkId, host: u64, made: std::io::Result<Keeper>) {
        let (frames, told) = mpsc::channel(HOST_FRAMES_WAITING_MAX);
        let (give_up, given_up) = oneshot::channel();
        let life = Life { host, frames: Some(frames), commands: 0, give_up: Some(give_up) };
        self.lives.insert(framework.clone(), life);
        let to_loop = self.to_loop.clone();
        match made {
            Ok(keeper) => drop(self.keepers.spawn(keeper.keep(told, given_up, to_loop))),
            Err(error) => {
                let message = format!("it could not start: {error}");
                let ended = Heard::Ended { framework, host, message };
                self.keepers.spawn(async move { drop(to_loop.send(ended).await) });
            }
        }
    }

    /// Waits for what a host says next. Nothing is lost if it is dropped.
    pub async fn wait(&mut self) -> Vec<Input> {
        loop {
            tokio::select! {
                Some(heard) = self.heard.recv() => {
                    let mut inputs = Vec::new();
                    self.on_heard(heard, &mut inputs);
                    if !inputs.is_empty() {
                        return inputs;
                    }
                }
                Some(ended) = self.keepers.join_next() => ended.expect("a keeper does not panic"),
            }
        }
    }

    /// Adds what has come from them meanwhile.
    pub fn add_what_is_there(&mut self, inputs: &mut Vec<Input>) {
        while inputs.len() < INPUTS_PER_ROUND_MAX
            && let Ok(heard) = self.heard.try_recv()
        {
            self.on_heard(heard, inputs);
        }
    }

    fn on_heard(&mut self, heard: Heard, inputs: &mut Vec<Input>) {
        match heard {
            Heard::Event { number: 0, event, .. } => inputs.push(Input::Host(event)),
            Heard::Event { framework, host, number, event } => {
                // One record of how far it came is enough for all that is heard in a round.
                let is_of_this = |input: &Input| match input {
                    Input::HostHeard { host: of, .. } => *of == host,
                    _ => false,
                };
                if let Some(older) = inputs.iter().rposition(is_of_this) {
                    inputs.remove(older);
                }
                inputs.push(Input::Host(event));
                inputs.push(Input::HostHeard { framework, host, number });
            }
            Heard::Idle { framework, host, commands } => {
                let is_idle = |life: &Life| life.host == host && life.commands == commands;
                if self.lives.get(&framework).is_some_and(is_idle) {
                    self.hand(&framework, ToHost::End);
                    self.lives.remove(&framework);
                }
            }
            Heard::Ended { framework, host, message } => {
                // One that ends with its framework is not there any more.
                let Some(life) = self.lives.get_mut(&framework).filter(|it| it.host == host) else {
                    return;
                };
                life.frames = None;
                tracing::warn!(%framework, message, "an executor host has ended");
                inputs.push(Input::HostLost { framework, message });
            }
        }
    }
}
