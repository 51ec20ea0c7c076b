//! Dominant resource fairness against a reference: progressive filling, which launches one task at
//! a time for whoever has the smallest dominant share, as long as any task fits. It never looks
//! into the master: it is a scheduler like any other.

use std::cmp::Ordering;
use std::collections::{BTreeMap, VecDeque};

use stoa_master_core::{Action, Config, ConnectionId, Input, Master, Recovered};
use stoa_model::agent::AgentInfo;
use stoa_model::agent_link;
use stoa_model::digest::Digest;
use stoa_model::epoch::Epoch;
use stoa_model::framework::FrameworkInfo;
use stoa_model::ids::{Role, TaskId};
use stoa_model::instant::Instant;
use stoa_model::offer::{Filters, Offer};
use stoa_model::resources::Resources;
use stoa_model::scheduler::{Call, Event, MasterInfo};
use stoa_model::task::{ExecutorInfo, ExecutorTask, KillPolicy, Limits, TaskBody, TaskInfo};

const MIB: u64 = 1 << 20;

/// Whose tasks all need the same.
#[derive(Clone, Debug)]
struct User {
    task: Resources,
    weight: u32,
}

/// One share in thousandths of a cpu and bytes, with the total that it is a share of.
fn dominant(held: &Resources, total: &Resources, weight: u32) -> (u128, u128) {
    let cpus = (u128::from(held.cpus_milli), u128::from(total.cpus_milli) * u128::from(weight));
    let memory =
        (u128::from(held.memory_bytes), u128::from(total.memory_bytes) * u128::from(weight));
    if compare(cpus, memory) == Ordering::Less { memory } else { cpus }
}

fn compare(a: (u128, u128), b: (u128, u128)) -> Ordering {
    (a.0 * b.1).cmp(&(b.0 * a.1))
}

/// Who launches when, by progressive filling.
fn reference(total: &Resources, users: &[User]) -> Vec<usize> {
    let mut held = vec![Resources::default(); users.len()];
    let mut free = total.clone();
    let mut launches = Vec::new();
    loop {
        let fitting = (0..users.len()).filter(|user| free.contains(&users[*user].task));
        let share = |user: &usize| dominant(&held[*user], total, users[*user].weight);
        let next = fitting.min_by(|a, b| compare(share(a), share(b)).then(a.cmp(b)));
        let Some(user) = next else { return launches };
        free = free.checked_sub(&users[user].task).expect("it fits");
        held[user] = held[user].checked_add(&users[user].task).expect("it fits");
        launches.push(user);
    }
}

/// Who launches when, if every user launches one task on each offer that it fits and declines the
/// others, always without a filter. Each has a role of its own if `own_roles`.
fn by_master(total: &Resources, users: &[User], own_roles: bool) -> Vec<usize> {
    let mut cluster = Cluster::new(total, users, own_roles);
    let mut launches = Vec::new();
    loop {
        let before = launches.len();
        while let Some((user, offer)) = cluster.offers.pop_front() {
            if offer.resources.contains(&users[user].task) {
                launches.push(user);
                cluster.launch(user, &offer, &users[user].task);
            } else {
                cluster.decline(user, &offer);
            }
        }
        cluster.beat();
        if launches.len() == before && before > 0 {
            return launches;
        }
        assert!(
            launches.len() > before || !cluster.offers.is_empty(),
            "nobody is offered anything"
        );
    }
}

/// A master with one agent.
struct Cluster {
    master: Master,
    now: Instant,
    tasks: u64,
    offers: VecDeque<(usize, Offer)>,
}

impl Cluster {
    fn new(total: &Resources, users: &[User], own_roles: bool) -> Self {
        let mut config =
            Config::new(MasterInfo { id: "m".to_owned(), version: String::new(), epoch: Epoch(1) });
        let role = |user: usize| {
            let name = if own_roles { format!("role-{user}") } else { "all".to_owned() };
            Role::new(&name).expect("a legal role")
        };
        if own_roles {
            let weights = users.iter().enumerate().map(|(user, of)| (role(user), of.weight));
            config.weights = weights.collect::<BTreeMap<_, _>>();
        }
        let now = Instant::from_ms(0);
        let master = Master::new(config, Recovered::default(), now);
        let mut cluster = Self { master, now, tasks: 0, offers: VecDeque::new() };
        for user in 0..users.len() {
            let info = FrameworkInfo {
                name: format!("user {user}"),
                user: String::new(),
                roles: vec![role(user)],
                failover_timeout_ms: 0,
                labels: Vec::new(),
                ends_alone: false,
            };
            cluster.call(user, Call::Register(info));
        }
        let info = AgentInfo {
            hostname: "host".to_owned(),
            resources: total.clone(),
            attributes: BTreeMap::new(),
            version: String::new(),
        };
        cluster.step(Input::AgentCall(
            ConnectionId(1_000),
            agent_link::Call::Register { info, epoch: Epoch::NONE },
        ));
        cluster
    }

    fn step(&mut self, input: Input) {
        let mut actions = Vec::new();
        self.master.step(self.now, input, &mut actions);
        for action in actions {
            if let Action::ToScheduler(ConnectionId(user), Event::Offer(offers)) = action {
                let user = usize::try_from(user).expect("users are few");
                self.offers.extend(offers.into_iter().map(|offer| (user, offer)));
            }
        }
        assert!(self.offers.len() <= 1, "one agent, one offer");
    }

    fn call(&mut self, user: usize, call: Call) {
        self.step(Input::SchedulerCall(ConnectionId(user as u64), call));
    }

    fn decline(&mut self, user: usize, offer: &Offer) {
        let filters = Filters { refuse_ms: 0 };
        self.call(user, Call::Decline { offers: vec![offer.id.clone()], filters });
    }

    fn launch(&mut self, user: usize, offer: &Offer, resources: &Resources) {
        self.tasks += 1;
        let executor = ExecutorInfo::new(
            "executor".parse().expect("a legal id"),
            Digest([0; 32]),
            Resources::default(),
        );
        let task = TaskInfo {
            id: TaskId::new(&format!("t{}", self.tasks)).expect("a legal id"),
            name: String::new(),
            agent: offer.agent.clone(),
            resources: resources.clone(),
            body: TaskBody::Executor(Box::new(ExecutorTask::new(executor, Vec::new()))),
            limits: Limits::default(),
            labels: Vec::new(),
            kill_policy: KillPolicy::default(),
            max_completion_ms: None,
        };
        let (offers, filters) = (vec![offer.id.clone()], Filters { refuse_ms: 0 });
        self.call(user, Call::Launch { offers, tasks: vec![task], filters });
    }

    /// Lets the next beat come.
    fn beat(&mut self) {
        self.now = self.now.plus_ms(1_000);
        let agent = agent_link::Call::Heartbeat;
        self.step(Input::AgentCall(ConnectionId(1_000), agent));
        self.step(Input::Tick);
    }
}

fn user(cpus_milli: u64, memory_mib: u64, weight: u32) -> User {
    User { task: Resources::new(cpus_milli, memory_mib * MIB), weight }
}

fn count(launches: &[usize], user: usize) -> usize {
    launches.iter().filter(|launched| **launched == user).count()
}

/// Source: Ghodsi et al., NSDI 2011, section 4.1.
#[test]
fn nine_cpus_and_eighteen_gib_are_three_tasks_and_two() {
    let total = Resources::new(9_000, 18 << 30);
    let users = [user(1_000, 4 << 10, 1), user(3_000, 1 << 10, 1)];
    for own_roles in [false, true] {
        let launches = by_master(&total, &users, own_roles);
        assert_eq!((count(&launches, 0), count(&launches, 1)), (3, 2));
        assert_eq!(launches, reference(&total, &users));
    }
}

#[test]
fn weight_two_gets_twice_as_much() {
    let total = Resources::new(12_000, 12 << 30);
    let users = [user(1_000, 1, 1), user(1_000, 1, 2)];
    let launches = by_master(&total, &users, true);
    assert_eq!((count(&launches, 0), count(&launches, 1)), (4, 8));
}

#[test]
fn random_users_are_served_in_the_order_of_progressive_filling() {
    for seed in 0..150 {
        let mut random = fastrand::Rng::with_seed(seed);
        let total = Resources::new(random.u64(4..40) * 500, random.u64(4..64) * 512 * MIB);
        let own_roles = random.bool();
        let users: Vec<User> = (0..random.usize(2..=6))
            .map(|_| {
                let weight = if own_roles { random.u32(1..=4) } else { 1 };
                user(random.u64(1..8) * 250, random.u64(1..16) * 128, weight)
            })
            .collect();
        let expected = reference(&total, &users);
        if expected.is_empty() {
            continue;
        }
        let launches = by_master(&total, &users, own_roles);
        assert_eq!(launches, expected, "seed {seed}: {total} for {users:?}");
    }
}
