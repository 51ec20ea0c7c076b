//! Measures a master that starts again: what it recovers, and how all agents and schedulers come
//! back to it with their tasks. Prints one JSON object. It measures the core alone: neither gRPC
//! nor the disk. `reregistration [AGENTS] [TASKS_PER_AGENT] [FRAMEWORKS]`

use std::collections::BTreeMap;
use std::time::Instant as Wall;

use stoa_master_core::{Action, Config, ConnectionId, Input, Master, Record, Recovered};
use stoa_model::agent::AgentInfo;
use stoa_model::agent_link::{self, Reregister};
use stoa_model::epoch::Epoch;
use stoa_model::framework::{FAILOVER_TIMEOUT_MS_DEFAULT, FrameworkInfo, ROLE_DEFAULT};
use stoa_model::ids::{AgentId, FrameworkId, Role, TaskId, UpdateId};
use stoa_model::instant::Instant;
use stoa_model::resources::Resources;
use stoa_model::scheduler::{Call, MasterInfo};
use stoa_model::status::{Reason, TaskStatus};
use stoa_model::task::{TaskRecord, TaskState};

type Failure = Box<dyn std::error::Error>;

/// What one agent gives, and what each of its tasks holds.
const AGENT_CPUS_MILLI: u64 = 32_000;
const AGENT_MEMORY_BYTES: u64 = 64 << 30;
const TASK_CPUS_MILLI: u64 = 1_000;
const TASK_MEMORY_BYTES: u64 = 1 << 30;

struct Cluster {
    agents: u64,
    tasks_per_agent: u64,
    frameworks: u64,
    role: Role,
}

impl Cluster {
    fn agent_id(n: u64) -> Result<AgentId, Failure> {
        Ok(AgentId::new(&format!("m1-A{n}"))?)
    }

    fn framework_id(n: u64) -> Result<FrameworkId, Failure> {
        Ok(FrameworkId::new(&format!("m1-F{n}"))?)
    }

    fn agent(n: u64) -> AgentInfo {
        AgentInfo {
            hostname: format!("machine-{n}"),
            resources: Resources::new(AGENT_CPUS_MILLI, AGENT_MEMORY_BYTES),
            attributes: BTreeMap::from([("zone".to_owned(), format!("z{}", n % 3))]),
            version: "1".to_owned(),
        }
    }

    fn framework(&self, n: u64) -> FrameworkInfo {
        FrameworkInfo {
            name: format!("framework-{n}"),
            user: "bench".to_owned(),
            roles: vec![self.role.clone()],
            failover_timeout_ms: FAILOVER_TIMEOUT_MS_DEFAULT,
            labels: Vec::new(),
            ends_alone: false,
        }
    }

    /// What the store holds.
    fn records(&self) -> Result<Vec<Record>, Failure> {
        let mut records = Vec::new();
        for n in 0..self.agents {
            records.push(Record::Agent { id: Self::agent_id(n)?, info: Self::agent(n) });
        }
        for n in 0..self.frameworks {
            let (id, info) = (Self::framework_id(n)?, self.framework(n));
            records.push(Record::Framework { id, info });
        }
        Ok(records)
    }

    /// What an agent says when it comes back.
    fn report(&self, n: u64) -> Result<Reregister, Failure> {
        let agent = Self::agent_id(n)?;
        let mut tasks = Vec::new();
        for k in 0..self.tasks_per_agent {
            let number = n * self.tasks_per_agent + k;
            let (id, update) = (TaskId::new(&format!("t{number}"))?, UpdateId(number.into()));
            let framework = Self::framework_id(number % self.frameworks)?;
            let (state, at, of) = (TaskState::Running, Some(agent.clone()), id.clone());
            let status = TaskStatus::by_master(of, at, state, Reason::Progress, 0);
            let status = TaskStatus { update: Some(update), ..status };
            tasks.push(TaskRecord {
                is_paused: false,
                framework,
                id,
                name: "service".to_owned(),
                agent: agent.clone(),
                resources: Resources::new(TASK_CPUS_MILLI, TASK_MEMORY_BYTES),
                role: self.role.clone(),
                executor: None,
                labels: Vec::new(),
                state: TaskState::Running,
                status: Some(status),
            });
        }
        let (info, executors) = (Self::agent(n), Vec::new());
        let epoch = Epoch::NONE;
        Ok(Reregister { agent, info, session: None, epoch, tasks, executors })
    }
}

/// What the steps of one phase took and led to.
#[derive(Default)]
struct Phase {
    step_ns: Vec<u128>,
    actions: usize,
    offers: usize,
}

impl Phase {
    fn step(&mut self, master: &mut Master, now: Instant, input: Input) {
        let mut actions = Vec::new();
        let begin = Wall::now();
        master.step(now, input, &mut actions);
        self.step_ns.push(begin.elapsed().as_nanos());
        self.actions += actions.len();
        let is_offer = |action: &&Action| {
            matches!(action, Action::ToScheduler(_, stoa_model::scheduler::Event::Offer(_)))
        };
        self.offers += actions.iter().filter(is_offer).count();
    }

    fn json(&mut self) -> String {
        self.step_ns.sort_unstable();
        let total: u128 = self.step_ns.iter().sum();
        let at = |percent: usize| self.step_ns[(self.step_ns.len() - 1) * percent / 100] / 1_000;
        format!(
            "{{\"ms\":{:.1},\"steps\":{},\"step_us_p50\":{},\"step_us_p99\":{},\"step_us_max\":{},\
             \"actions\":{},\"offer_events\":{}}}",
            total as f64 / 1e6,
            self.step_ns.len(),
            at(50),
            at(99),
            at(100),
            self.actions,
            self.offers
        )
    }
}

/// Bytes of memory that this process holds.
fn resident_bytes() -> Result<u64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()).ok_or("no VmRSS")?;
    Ok(kib.parse::<u64>()? << 10)
}

fn main() -> Result<(), Failure> {
    let mut numbers = std::env::args().skip(1).map(|text| text.parse::<u64>());
    let mut next = |default: u64| numbers.next().unwrap_or(Ok(default));
    let cluster = Cluster {
        agents: next(1_000)?,
        tasks_per_agent: next(10)?,
        frameworks: next(5)?,
        role: Role::new(ROLE_DEFAULT)?,
    };
    let records = cluster.records()?;
    let now = Instant::from_ms(1_000_000);
    let before = resident_bytes()?;
    let begin = Wall::now();
    let mut recovered = Recovered::default();
    records.into_iter().for_each(|record| recovered.apply(record));
    let config =
        Config::new(MasterInfo { id: "m2".to_owned(), version: "0".to_owned(), epoch: Epoch(1) });
    let mut master = Master::new(config, recovered, now);
    let recover_ms = begin.elapsed().as_secs_f64() * 1e3;
    let recovered_bytes = resident_bytes()?.saturating_sub(before);

    let mut schedulers = Phase::default();
    for n in 0..cluster.frameworks {
        let (id, info) = (Cluster::framework_id(n)?, cluster.framework(n));
        let call = Call::Reregister { framework: id, info };
        schedulers.step(&mut master, now, Input::SchedulerCall(ConnectionId(n), call));
    }
    let mut agents = Phase::default();
    for n in 0..cluster.agents {
        let call = agent_link::Call::Reregister(Box::new(cluster.report(n)?));
        let connection = ConnectionId(cluster.frameworks + n);
        agents.step(&mut master, now, Input::AgentCall(connection, call));
    }
    let held_bytes = resident_bytes()?.saturating_sub(before);
    let tasks: usize = master.state().tasks.iter().filter(|task| !task.state.is_terminal()).count();
    assert_eq!(tasks as u64, cluster.agents * cluster.tasks_per_agent, "tasks were lost");
    println!(
        "{{\"agents\":{},\"tasks\":{tasks},\"frameworks\":{},\"recover_ms\":{recover_ms:.1},\
         \"recovered_bytes\":{recovered_bytes},\"schedulers\":{},\"agents_back\":{},\
         \"held_bytes\":{held_bytes}}}",
        cluster.agents,
        cluster.frameworks,
        schedulers.json(),
        agents.json()
    );
    Ok(())
}
