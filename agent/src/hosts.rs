//! The executor hosts of an agent: one within its own process, or a process for each framework
//! that outlives it. It never decides what runs in them.

mod business;
mod keeper;
mod main_loop;
mod place;
mod processes;
mod walls;

use std::path::PathBuf;
use std::pin::pin;

use stoa_agent_core::{HostsFound, Input, Recovered};
use stoa_executor_host::{Config, Host, HostHandle, StartError};
use stoa_model::host::{Command, Event};
use stoa_model::ids::FrameworkId;
use tokio::sync::mpsc;

use crate::limits::INPUTS_PER_ROUND_MAX;
use processes::Processes;

pub use main_loop::{ServeError, serve};

/// Where the containers of frameworks live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// All in the agent's own process: what runs ends with it.
    None,
    /// Those of each framework in a process of their own. One that dies takes no other framework's
    /// tasks with it, and all of them outlive the agent.
    Framework {
        /// The program of such a process and its first arguments; [`serve`] is what it must run.
        program: Vec<String>,
    },
}

/// The executor hosts of an agent.
pub enum Hosts {
    /// One, in this process.
    Own {
        /// To it.
        handle: HostHandle,
        /// From it.
        events: mpsc::Receiver<Event>,
    },
    /// One for each framework.
    Processes(Processes),
}

/// The hosts of the agent's last process, before any new one may start.
pub struct Before {
    processes: Processes,
    isolation: Isolation,
}

impl Before {
    /// Looks below `dir` for hosts that the agent's last process has left behind. Those that are
    /// not to live on are ended before this returns, so that nothing runs twice.
    ///
    /// # Errors
    /// [`StartError`] if the directory cannot be used.
    pub async fn find(
        dir: PathBuf,
        isolation: Isolation,
        config: &Config,
        recovered: &Recovered,
    ) -> Result<Self, StartError> {
        let (program, lives_on) = match &isolation {
            Isolation::None => (Vec::new(), false),
            Isolation::Framework { program } => (program.clone(), true),
        };
        let mut processes = Processes::new(dir, program, config)?;
        processes.find(recovered, lives_on).await;
        Ok(Self { processes, isolation })
    }

    /// Which of them live on.
    pub fn found(&self) -> HostsFound {
        match self.isolation {
            Isolation::None => HostsFound::None,
            Isolation::Framework { .. } => HostsFound::Of(self.processes.frameworks()),
        }
    }

    /// The hosts from here on.
    ///
    /// # Errors
    /// [`StartError`] if the one of this process cannot start.
    pub fn start(self, config: Config) -> Result<Hosts, StartError> {
        match self.isolation {
            Isolation::None => {
                let (handle, events) = Host::start(config)?;
                Ok(Hosts::Own { handle, events })
            }
            Isolation::Framework { .. } => Ok(Hosts::Processes(self.processes)),
        }
    }
}

impl Hosts {
    /// Hands a command to the host it is for. That host may be waiting for its own events to be
    /// taken, so they are.
    pub async fn send(&mut self, command: Command, inputs: &mut Vec<Input>) {
        match self {
            Self::Own { handle, events } => {
                let mut sending = pin!(handle.send(command));
                loop {
                    tokio::select! {
                        biased;
                        () = &mut sending => return,
                        Some(event) = events.recv() => inputs.push(Input::Host(event)),
                    }
                }
            }
            Self::Processes(processes) => processes.send(command),
        }
    }

    /// What a host has said up to and with this number is recorded.
    pub fn taken(&mut self, framework: &FrameworkId, (host, number): (u64, u64)) {
        if let Self::Processes(processes) = self {
            processes.taken(framework, (host, number));
        }
    }

    /// The core has heard of the end of a framework's host.
    pub fn forget(&mut self, framework: &FrameworkId) {
        if let Self::Processes(processes) = self {
            processes.forget(framework);
        }
    }

    /// Waits for what a host says next. Nothing is lost if it is dropped.
    pub async fn wait(&mut self) -> Vec<Input> {
        match self {
            Self::Own { events, .. } => {
                let mut heard = Vec::new();
                let count = events.recv_many(&mut heard, INPUTS_PER_ROUND_MAX).await;
                assert!(count > 0, "the executor host has ended although the agent holds it");
                heard.into_iter().map(Input::Host).collect()
            }
            Self::Processes(processes) => processes.wait().await,
        }
    }

    /// Adds what has come from them meanwhile.
    pub fn add_what_is_there(&mut self, inputs: &mut Vec<Input>) {
        match self {
            Self::Own { events, .. } => {
                while inputs.len() < INPUTS_PER_ROUND_MAX
                    && let Ok(event) = events.try_recv()
                {
                    inputs.push(Input::Host(event));
                }
            }
            Self::Processes(processes) => processes.add_what_is_there(inputs),
        }
    }
}
