//! An agent that runs nothing, but reports as if it did: it keeps its tasks over broken streams,
//! now and then forgets some, and now and then says what no agent may say.

use std::collections::BTreeMap;

use fastrand::Rng;
use stoa_master_core::{Action, ConnectionId, Input};
use stoa_model::agent::AgentInfo;
use stoa_model::agent_link::{Call, Command, Event, RequestId, Reregister, Welcome};
use stoa_model::epoch::Epoch;
use stoa_model::ids::{AgentId, ExecutorId, FrameworkId, SessionId, TaskId, UpdateId};
use stoa_model::operator::LogChunk;
use stoa_model::resources::Resources;
use stoa_model::status::{Reason, TaskStatus};
use stoa_model::task::{ExecutorRecord, TaskRecord, TaskState};

use super::scheduler::{any_executor, any_id, any_task};

pub struct Agent {
    info: AgentInfo,
    connection: Option<ConnectionId>,
    id: Option<AgentId>,
    session: Option<(SessionId, u64)>,
    tasks: BTreeMap<(FrameworkId, TaskId), TaskRecord>,
    executors: BTreeMap<(FrameworkId, ExecutorId), ExecutorRecord>,
    /// Commands that came and are not recorded yet.
    received: Vec<(u64, Command)>,
    updates: u128,
}

impl Agent {
    pub fn new(at: usize, random: &mut Rng) -> Self {
        let mut resources = Resources::new(random.u64(1..9) * 500, random.u64(1..9) * (512 << 20));
        if random.bool() {
            resources.ports = "1000-1019".parse().expect("legal ports");
            resources = resources.with_scalar("gpus", 2);
        }
        Self {
            info: AgentInfo {
                hostname: format!("host-{at}"),
                resources,
                attributes: BTreeMap::new(),
                version: String::new(),
            },
            connection: None,
            id: None,
            session: None,
            tasks: BTreeMap::new(),
            executors: BTreeMap::new(),
            received: Vec::new(),
            updates: (at as u128) << 64,
        }
    }

    pub fn lose_stream(&mut self) {
        self.connection = None;
        self.received.clear();
    }

    pub fn hear(&mut self, action: &Action) {
        match action {
            Action::ToAgent(to, event) if Some(*to) == self.connection => self.on(event),
            Action::CloseAgent(to) if Some(*to) == self.connection => self.received.clear(),
            _ => {}
        }
    }

    fn on(&mut self, event: &Event) {
        match event {
            Event::Registered(welcome) | Event::Reregistered(welcome) => self.enter(welcome),
            Event::Error { is_final: true, .. } => {
                self.id = None;
                self.session = None;
                self.tasks.clear();
                self.executors.clear();
            }
            Event::Command { number, command } => self.received.push((*number, command.clone())),
            Event::Acknowledge { framework, task, update } => {
                let key = (framework.clone(), task.clone());
                let is_over = self.tasks.get(&key).is_some_and(|task| {
                    task.state.is_terminal()
                        && task.status.as_ref().is_some_and(|status| status.update == Some(*update))
                });
                if is_over {
                    self.tasks.remove(&key);
                }
            }
            _ => {}
        }
    }

    fn enter(&mut self, welcome: &Welcome) {
        self.id = Some(welcome.agent.clone());
        let goes_on = self.session.as_ref().is_some_and(|(id, _)| *id == welcome.session);
        if !goes_on {
            self.session = Some((welcome.session.clone(), 0));
        }
    }

    /// Records what came; answers what it says of that.
    pub fn apply_all(&mut self) -> Input {
        let Some((_, applied)) = &mut self.session else { return self.heartbeat() };
        let received = std::mem::take(&mut self.received);
        let fresh: Vec<_> = received.into_iter().filter(|(number, _)| *number > *applied).collect();
        *applied = fresh.last().map_or(*applied, |(number, _)| *number);
        let number = *applied;
        for (_, command) in fresh {
            self.apply(command);
        }
        self.say(Call::Applied { number })
    }

    fn apply(&mut self, command: Command) {
        match command {
            Command::Launch { framework, role, tasks } => {
                for task in tasks {
                    let record = TaskRecord::staging(framework.clone(), role.clone(), &task);
                    if let Some(executor) = &record.executor {
                        let key = (framework.clone(), executor.id.clone());
                        self.executors.entry(key).or_insert_with(|| executor.clone());
                    }
                    self.tasks.entry((framework.clone(), task.id)).or_insert(record);
                }
            }
            Command::RemoveFramework { framework } => {
                self.tasks.retain(|(of, _), _| *of != framework);
                self.executors.retain(|(of, _), _| *of != framework);
            }
            Command::SetPaused { framework, task, is_paused } => {
                if let Some(record) = self.tasks.get_mut(&(framework, task)) {
                    record.is_paused = is_paused;
                }
            }
            // Whether and when these show is up to `progress` and `end_executor`.
            Command::Kill { .. }
            | Command::Shutdown { .. }
            | Command::Drain { .. }
            | Command::Nothing => {}
        }
    }

    /// A heartbeat, on whatever stream there is.
    pub fn heartbeat(&mut self) -> Input {
        match self.connection {
            Some(_) => self.say(Call::Heartbeat),
            None => Input::Tick,
        }
    }

    /// Comes back on a fresh stream and records all that waits for it.
    pub fn come_back(&mut self, fresh: ConnectionId) -> Vec<Input> {
        let gone = self.connection.map(Input::AgentGone);
        self.lose_stream();
        self.connection = Some(fresh);
        let hello = Input::AgentCall(fresh, self.introduction());
        gone.into_iter().chain([hello]).collect()
    }

    /// Says something, or has its stream broken.
    pub fn speak(&mut self, random: &mut Rng, fresh: ConnectionId) -> Input {
        let Some(connection) = self.connection else {
            self.connection = Some(fresh);
            self.forget_something(random);
            if random.u32(0..30) == 0 {
                return Input::AgentCall(fresh, hostile(random));
            }
            return Input::AgentCall(fresh, self.introduction());
        };
        match random.u32(0..60) {
            0 => {
                self.lose_stream();
                Input::AgentGone(connection)
            }
            3 => self.say(hostile(random)),
            4 if random.u32(0..5) == 0 => self.leave(connection),
            5..=20 => self.apply_all(),
            21..=45 => self.progress(random),
            46..=50 => self.end_executor(random),
            51 => {
                let chunk = Ok(LogChunk { data: vec![1], is_end: true });
                self.say(Call::Log { request: RequestId(random.u64(0..50)), chunk })
            }
            _ => self.say(Call::Heartbeat),
        }
    }

    fn say(&self, call: Call) -> Input {
        self.connection.map_or(Input::Tick, |connection| Input::AgentCall(connection, call))
    }

    fn leave(&mut self, connection: ConnectionId) -> Input {
        self.id = None;
        self.session = None;
        self.tasks.clear();
        self.executors.clear();
        Input::AgentCall(connection, Call::Unregister)
    }

    /// An agent whose machine was reset has lost something of its state.
    fn forget_something(&mut self, random: &mut Rng) {
        if random.u32(0..6) == 0 {
            self.session = None;
        }
        if random.u32(0..4) == 0 {
            self.tasks.retain(|_, _| random.bool());
        }
        if random.u32(0..4) == 0 {
            self.executors.retain(|_, _| random.bool());
        }
        if random.u32(0..8) == 0 {
            let cpus_milli = random.u64(1..9) * 500;
            self.info.resources.cpus_milli = cpus_milli;
        }
    }

    fn introduction(&self) -> Call {
        let Some(agent) = self.id.clone() else {
            return Call::Register { info: self.info.clone(), epoch: Epoch::NONE };
        };
        let executors = self.executors.iter().map(|((of, _), record)| (of.clone(), record.clone()));
        Call::Reregister(Box::new(Reregister {
            epoch: Epoch::NONE,
            agent,
            info: self.info.clone(),
            session: self.session.clone(),
            tasks: self.tasks.values().cloned().collect(),
            executors: executors.collect(),
        }))
    }

    /// A task gets on, or its last Update is sent again.
    fn progress(&mut self, random: &mut Rng) -> Input {
        let at = random.usize(0..self.tasks.len().max(1));
        let Some(task) = self.tasks.values_mut().nth(at) else { return self.heartbeat() };
        if !task.state.is_terminal() {
            self.updates += 1;
            let states = match task.state {
                TaskState::Staging => {
                    use TaskState::{Dropped, Starting};
                    vec![Starting, Starting, Starting, Starting, Dropped]
                }
                TaskState::Starting => {
                    vec![TaskState::Running, TaskState::Running, TaskState::Failed]
                }
                _ => vec![TaskState::Killing, TaskState::Finished, TaskState::Killed],
            };
            task.state = random.choice(states).unwrap_or(TaskState::Failed);
            let (agent, reason) = (Some(task.agent.clone()), Reason::Progress);
            let mut status = TaskStatus::by_master(task.id.clone(), agent, task.state, reason, 0);
            status.update = Some(UpdateId(self.updates));
            task.status = Some(status);
        }
        let (framework, latest) = (task.framework.clone(), task.state);
        let Some(status) = task.status.clone() else { return self.heartbeat() };
        self.say(Call::Update { framework, status, latest })
    }

    fn end_executor(&mut self, random: &mut Rng) -> Input {
        let idle = self.executors.keys().find(|(framework, executor)| {
            self.tasks.values().all(|task| {
                task.framework != *framework
                    || task.state.is_terminal()
                    || task.executor.as_ref().is_none_or(|of| of.id != *executor)
            })
        });
        let key = idle.cloned().unwrap_or_else(|| (any_id(random, "m0-F"), any_executor(random)));
        if self.executors.remove(&key).is_none() && random.bool() {
            return self.heartbeat();
        }
        let (framework, executor) = key;
        self.say(Call::ExecutorEnded { framework, executor, message: String::new() })
    }
}

/// What no honest agent says.
fn hostile(random: &mut Rng) -> Call {
    let status = |random: &mut Rng| {
        let state = random.choice(TaskState::ALL).unwrap_or(TaskState::Unknown);
        let agent = Some(any_id(random, "m0-A"));
        let mut status = TaskStatus::by_master(any_task(random), agent, state, Reason::Progress, 0);
        status.update = random.bool().then(|| UpdateId(u128::from(random.u8(..))));
        status
    };
    match random.u32(0..5) {
        0 => {
            let latest = random.choice(TaskState::ALL).unwrap_or(TaskState::Unknown);
            Call::Update { framework: any_id(random, "m0-F"), status: status(random), latest }
        }
        1 => Call::Applied { number: random.u64(0..50) },
        2 => {
            let (framework, executor) = (any_id(random, "m0-F"), any_executor(random));
            Call::Message { framework, executor, data: Vec::new() }
        }
        3 => {
            let (framework, executor) = (any_id(random, "m0-F"), any_executor(random));
            Call::ExecutorEnded { framework, executor, message: String::new() }
        }
        _ => {
            let mut record = Reregister {
                epoch: Epoch::NONE,
                agent: any_id(random, "m0-A"),
                info: AgentInfo {
                    hostname: String::new(),
                    resources: Resources::new(1_000, 1 << 30),
                    attributes: BTreeMap::new(),
                    version: String::new(),
                },
                session: None,
                tasks: Vec::new(),
                executors: Vec::new(),
            };
            let executor = ExecutorRecord {
                id: any_executor(random),
                resources: Resources::new(random.u64(0..2_000), 0),
                role: "other".parse().expect("a legal role"),
            };
            record.executors.push((any_id(random, "m0-F"), executor));
            Call::Reregister(Box::new(record))
        }
    }
}
