//! A scheduler that does anything at any time: what is legal, what is stale, and what is neither.

use fastrand::Rng;
use stoa_master_core::{Action, ConnectionId, Input};
use stoa_model::command::CommandInfo;
use stoa_model::digest::Digest;
use stoa_model::framework::FrameworkInfo;
use stoa_model::ids::{AgentId, ExecutorId, FrameworkId, Role, TaskId, UpdateId};
use stoa_model::offer::{Filters, Offer};
use stoa_model::resources::Resources;
use stoa_model::scheduler::{Call, Event, ResourceRequest};
use stoa_model::task::{ExecutorInfo, ExecutorTask, KillPolicy, Limits, TaskBody, TaskInfo};

pub struct Scheduler {
    name: String,
    connection: Option<ConnectionId>,
    framework: Option<FrameworkId>,
    offers: Vec<Offer>,
    updates: Vec<(AgentId, TaskId, UpdateId)>,
}

impl Scheduler {
    pub fn new(at: usize) -> Self {
        Self {
            name: format!("scheduler {at}"),
            connection: None,
            framework: None,
            offers: Vec::new(),
            updates: Vec::new(),
        }
    }

    pub fn lose_stream(&mut self) {
        self.connection = None;
        self.offers.clear();
    }

    pub fn hear(&mut self, action: &Action) {
        match action {
            Action::ToScheduler(to, event) if Some(*to) == self.connection => self.on(event),
            Action::CloseScheduler(to) if Some(*to) == self.connection => {
                self.framework = None;
                self.offers.clear();
            }
            _ => {}
        }
    }

    fn on(&mut self, event: &Event) {
        match event {
            Event::Registered { framework, .. } => self.framework = Some(framework.clone()),
            Event::Offer(offers) => self.offers.extend(offers.iter().cloned()),
            Event::Rescind(ids) => self.offers.retain(|offer| !ids.contains(&offer.id)),
            Event::Update(status) => {
                if let (Some(agent), Some(update)) = (&status.agent, status.update) {
                    self.updates.push((agent.clone(), status.task.clone(), update));
                }
            }
            _ => {}
        }
    }

    /// Says something, or has its stream broken.
    pub fn speak(&mut self, random: &mut Rng, fresh: ConnectionId) -> Input {
        let Some(connection) = self.connection else {
            self.connection = Some(fresh);
            return Input::SchedulerCall(fresh, self.introduction(random));
        };
        if random.u32(0..150) == 0 {
            self.lose_stream();
            return Input::SchedulerGone(connection);
        }
        Input::SchedulerCall(connection, self.call(random))
    }

    fn introduction(&mut self, random: &mut Rng) -> Call {
        let info = info(&self.name, random);
        match self.framework.clone() {
            Some(framework) if random.u32(0..10) > 0 => Call::Reregister { framework, info },
            _ if random.u32(0..10) == 0 => {
                let framework = any_id(random, "m0-F");
                Call::Reregister { framework, info }
            }
            _ => Call::Register(info),
        }
    }

    fn call(&mut self, random: &mut Rng) -> Call {
        match random.u32(0..40) {
            0 if random.u32(0..4) == 0 => Call::Unregister,
            0 | 1 => Call::Register(info(&self.name, random)),
            2..=4 => Call::Request((0..random.usize(0..3)).map(|_| request(random)).collect()),
            5..=10 => Call::Decline { offers: self.take_offers(random), filters: filters(random) },
            11 => Call::Revive(roles(random)),
            12 => Call::Suppress(roles(random)),
            13..=25 => self.launch(random),
            26..=28 => {
                let policy = random.bool().then(|| KillPolicy { grace_ms: random.u64(..) >> 30 });
                Call::Kill { task: any_task(random), agent: any_agent(random), policy }
            }
            29..=36 => self.acknowledge(random),
            37 => {
                let tasks = (0..random.usize(0..4)).map(|_| (any_task(random), any_agent(random)));
                Call::Reconcile(tasks.collect())
            }
            38 => {
                let agent = any_id(random, "m0-A");
                Call::Message { agent, executor: any_executor(random), data: vec![1] }
            }
            _ => Call::Shutdown { agent: any_id(random, "m0-A"), executor: any_executor(random) },
        }
    }

    fn acknowledge(&mut self, random: &mut Rng) -> Call {
        let last = self.updates.pop();
        let (agent, task, update) = last.unwrap_or_else(|| {
            (any_id(random, "m0-A"), any_task(random), UpdateId(u128::from(random.u8(..))))
        });
        Call::Acknowledge { agent, task, update }
    }

    /// One or more of its offers, mostly; sometimes one that is not its own, or one twice.
    fn take_offers(&mut self, random: &mut Rng) -> Vec<stoa_model::ids::OfferId> {
        let mut taken = Vec::new();
        for _ in 0..random.usize(1..=2) {
            if !self.offers.is_empty() {
                let at = random.usize(0..self.offers.len());
                taken.push(self.offers.swap_remove(at).id);
            }
        }
        if random.u32(0..12) == 0 {
            taken.push(any_id(random, "m0-O"));
        }
        if random.u32(0..20) == 0 {
            taken.extend(taken.first().cloned());
        }
        taken
    }

    fn launch(&mut self, random: &mut Rng) -> Call {
        let agent = self.offers.first().map(|offer| offer.agent.clone());
        let offers = if random.u32(0..4) > 0 && !self.offers.is_empty() {
            vec![self.offers.remove(0).id]
        } else {
            self.take_offers(random)
        };
        let agent = agent.unwrap_or_else(|| any_id(random, "m0-A"));
        let tasks = (0..random.usize(0..4)).map(|_| task(random, agent.clone())).collect();
        Call::Launch { offers, tasks, filters: filters(random) }
    }
}

fn info(name: &str, random: &mut Rng) -> FrameworkInfo {
    let mut roles = roles(random);
    if random.u32(0..20) > 0 {
        roles.sort();
        roles.dedup();
        if roles.is_empty() {
            roles.push("web".parse().expect("a legal role"));
        }
    }
    FrameworkInfo {
        name: name.to_owned(),
        user: String::new(),
        roles,
        failover_timeout_ms: random.choice([0, 1_000, 100_000, 1_000_000]).unwrap_or(0),
        labels: Vec::new(),
        ends_alone: random.u32(0..4) == 0,
    }
}

fn roles(random: &mut Rng) -> Vec<Role> {
    let names = ["web", "batch", "other"];
    let count = random.usize(0..3);
    let mut some = || random.choice(names).unwrap_or("web").parse().expect("a legal role");
    (0..count).map(|_| some()).collect()
}

fn filters(random: &mut Rng) -> Filters {
    Filters { refuse_ms: random.choice([0, 0, 1, 500, 5_000, u64::MAX]).unwrap_or(0) }
}

fn request(random: &mut Rng) -> ResourceRequest {
    ResourceRequest { agent: any_agent(random), resources: some_resources(random) }
}

/// From nothing at all to more than any agent has.
fn some_resources(random: &mut Rng) -> Resources {
    let mut resources = Resources::new(random.u64(0..4) * 250, random.u64(0..4) * (256 << 20));
    if random.u32(0..4) == 0 {
        let first = random.u16(1_000..1_010);
        resources.ports = stoa_model::ports::Ports::from_ranges([(first, first + 1)]);
    }
    if random.u32(0..6) == 0 {
        resources = resources.with_scalar("gpus", random.u64(0..3));
    }
    if random.u32(0..50) == 0 { Resources::new(u64::MAX, u64::MAX) } else { resources }
}

fn task(random: &mut Rng, agent: AgentId) -> TaskInfo {
    let program = Digest([random.u8(0..2); 32]);
    let body = if random.u32(0..3) == 0 {
        let executor = ExecutorInfo::new(
            any_executor(random),
            program,
            Resources::new(random.u64(0..2) * 100, 0),
        );
        TaskBody::Executor(Box::new(ExecutorTask::new(executor, Vec::new())))
    } else {
        TaskBody::Command(CommandInfo::new(program, ""))
    };
    TaskInfo {
        id: any_task(random),
        name: String::new(),
        agent: if random.u32(0..20) == 0 { any_id(random, "m0-A") } else { agent },
        resources: some_resources(random),
        body,
        limits: Limits::default(),
        labels: Vec::new(),
        kill_policy: KillPolicy::default(),
        max_completion_ms: random.choice([None, None, Some(0), Some(1_000)]).flatten(),
    }
}

pub fn any_task(random: &mut Rng) -> TaskId {
    let most = if random.bool() { 30 } else { 3_000 };
    any_of(random, "t", most)
}

fn any_agent(random: &mut Rng) -> Option<AgentId> {
    random.bool().then(|| any_id(random, "m0-A"))
}

pub fn any_executor(random: &mut Rng) -> ExecutorId {
    any_of(random, "e", 3)
}

/// An id of the first master, that may be known.
pub fn any_id<Id: std::str::FromStr<Err: std::fmt::Debug>>(random: &mut Rng, prefix: &str) -> Id {
    any_of(random, prefix, 8)
}

fn any_of<Id: std::str::FromStr<Err: std::fmt::Debug>>(
    random: &mut Rng,
    prefix: &str,
    most: u32,
) -> Id {
    format!("{prefix}{}", random.u32(1..=most)).parse().expect("a legal id")
}
