//! What happens at the bounds of `limits.rs` that can be reached through the door in a test's
//! time. The others are tested where they are enforced.

use std::collections::BTreeMap;

use stoa_master_core::limits::{
    COMMANDS_WAITING_MAX, LOG_REQUESTS_WAITING_MAX, QUESTIONS_HELD_MAX, REQUESTS_PER_FRAMEWORK_MAX,
};
use stoa_master_core::{Action, Config, ConnectionId, Input, Master, Record, Recovered};
use stoa_model::agent::AgentInfo;
use stoa_model::agent_link::{self, RequestId};
use stoa_model::command::CommandInfo;
use stoa_model::digest::Digest;
use stoa_model::epoch::Epoch;
use stoa_model::framework::FrameworkInfo;
use stoa_model::ids::{AgentId, TaskId};
use stoa_model::instant::Instant;
use stoa_model::offer::Filters;
use stoa_model::operator::{Answer, LogRequest, LogStream, Query, Refusal, TaskName};
use stoa_model::resources::Resources;
use stoa_model::scheduler::{Call, Event, MasterInfo, ResourceRequest};
use stoa_model::status::Reason;
use stoa_model::task::{KillPolicy, Limits, TaskBody, TaskInfo, TaskState};

const SCHEDULER: ConnectionId = ConnectionId(1);
const AGENT: ConnectionId = ConnectionId(2);

/// A master with a scheduler, an agent, and one task on it.
struct Cluster {
    master: Master,
    offers: u64,
}

impl Cluster {
    fn new(recovered: Recovered) -> Self {
        let config =
            Config::new(MasterInfo { id: "m".to_owned(), version: String::new(), epoch: Epoch(1) });
        let mut cluster =
            Self { master: Master::new(config, recovered, Instant::from_ms(0)), offers: 0 };
        let info = FrameworkInfo {
            name: "test".to_owned(),
            user: String::new(),
            roles: vec!["web".parse().expect("a legal role")],
            failover_timeout_ms: 0,
            labels: Vec::new(),
            ends_alone: false,
        };
        cluster.step(Input::SchedulerCall(SCHEDULER, Call::Register(info)));
        cluster.step(Input::AgentCall(
            AGENT,
            agent_link::Call::Register { info: agent(), epoch: Epoch::NONE },
        ));
        cluster.launch("t1");
        cluster
    }

    fn step(&mut self, input: Input) -> Vec<Action> {
        let mut actions = Vec::new();
        self.master.step(Instant::from_ms(1), input, &mut actions);
        let offers = actions
            .iter()
            .filter(|action| matches!(action, Action::ToScheduler(_, Event::Offer(_))));
        self.offers += offers.count() as u64;
        actions
    }

    fn call(&mut self, call: Call) -> Vec<Action> {
        self.step(Input::SchedulerCall(SCHEDULER, call))
    }

    /// Launches on the newest offer; its rest is offered again.
    fn launch(&mut self, task: &str) -> Vec<Action> {
        let offers = vec![format!("m-O{}", self.offers).parse().expect("a legal id")];
        let tasks = vec![task_info(task)];
        self.call(Call::Launch { offers, tasks, filters: Filters { refuse_ms: 0 } })
    }

    fn kill(&mut self) -> Vec<Action> {
        self.call(Call::Kill { task: id("t1"), agent: None, policy: None })
    }

    fn read_log(&mut self, request: u64) -> Vec<Action> {
        let log = LogRequest {
            task: id("t1"),
            stream: LogStream::Stdout,
            offset: 0,
            bytes_max: 1,
            wait: true,
        };
        let task = TaskName { framework: None, task: id("t1") };
        self.step(Input::Query(RequestId(request), Query::ReadLog { task, log }))
    }
}

fn id(text: &str) -> TaskId {
    text.parse().expect("a legal id")
}

fn agent() -> AgentInfo {
    AgentInfo {
        hostname: "host".to_owned(),
        resources: Resources::new(4_000, 4 << 30),
        attributes: BTreeMap::new(),
        version: String::new(),
    }
}

fn task_info(task: &str) -> TaskInfo {
    TaskInfo {
        id: id(task),
        name: String::new(),
        agent: "m-A1".parse().expect("a legal id"),
        resources: Resources::new(100, 1 << 20),
        body: TaskBody::Command(CommandInfo::new(Digest([0; 32]), "")),
        limits: Limits::default(),
        labels: Vec::new(),
        kill_policy: KillPolicy::default(),
        max_completion_ms: None,
    }
}

/// The states, reasons and messages of the Updates among the actions.
fn updates(actions: &[Action]) -> Vec<(TaskState, Reason, &str)> {
    let update = |action| match action {
        &Action::ToScheduler(_, Event::Update(ref status)) => {
            Some((status.state, status.reason, status.message.as_str()))
        }
        _ => None,
    };
    actions.iter().filter_map(update).collect()
}

/// The messages of the Errors among the actions.
fn errors(actions: &[Action]) -> Vec<&str> {
    let error = |action| match action {
        &Action::ToScheduler(_, Event::Error { ref message, .. }) => Some(message.as_str()),
        _ => None,
    };
    actions.iter().filter_map(error).collect()
}

#[test]
fn agent_that_records_nothing_gets_no_more_commands() {
    let mut cluster = Cluster::new(Recovered::default());
    for _ in 1..COMMANDS_WAITING_MAX {
        assert_eq!(cluster.kill().len(), 1, "one command for the agent");
    }
    let refused = cluster.kill();
    let [(TaskState::Staging, Reason::Reconciliation, message)] = updates(&refused)[..] else {
        panic!("{refused:?}")
    };
    assert!(message.contains("65536 commands wait for agent m-A1"), "{message}");

    let refused = cluster.launch("t2");
    let [(TaskState::Dropped, Reason::AgentRefused, message)] = updates(&refused)[..] else {
        panic!("{refused:?}")
    };
    assert!(message.contains("launch again later"), "{message}");

    cluster.step(Input::AgentCall(AGENT, agent_link::Call::Applied { number: 1 }));
    assert!(updates(&cluster.kill()).is_empty(), "there is room again");

    let removed = cluster.call(Call::Unregister);
    let is_command = |action: &&Action| matches!(action, Action::ToAgent(..));
    assert_eq!(removed.iter().filter(is_command).count(), 1, "a removal always finds room");
}

#[test]
fn too_many_questions_for_logs_are_refused_until_some_are_answered() {
    let mut cluster = Cluster::new(Recovered::default());
    for request in 0..LOG_REQUESTS_WAITING_MAX as u64 {
        assert!(matches!(cluster.read_log(request)[..], [Action::ToAgent(..)]));
    }
    let refused = Action::Answer(RequestId(9_999), Answer::Refused(Refusal::TooManyWaiting));
    assert_eq!(cluster.read_log(9_999), [refused]);
    cluster.step(Input::QueryGone(RequestId(5)));
    assert!(matches!(cluster.read_log(9_999)[..], [Action::ToAgent(..)]));
}

#[test]
fn too_many_requests_leave_the_demand_as_it_was() {
    let mut cluster = Cluster::new(Recovered::default());
    let request = ResourceRequest { agent: None, resources: Resources::new(1, 0) };
    let refused = cluster.call(Call::Request(vec![request; REQUESTS_PER_FRAMEWORK_MAX + 1]));
    assert_eq!(errors(&refused), ["1025 requests were stated at once; 1024 are allowed"]);
}

#[test]
fn too_many_questions_about_tasks_are_refused() {
    let mut recovered = Recovered::default();
    let away: AgentId = "n-A1".parse().expect("a legal id");
    recovered.apply(Record::Agent { id: away.clone(), info: agent() });
    let mut cluster = Cluster::new(recovered);
    let ask = |first: usize, count: usize| {
        let tasks = (first..first + count).map(|at| (id(&format!("q{at}")), Some(away.clone())));
        Call::Reconcile(tasks.collect())
    };
    assert_eq!(cluster.call(ask(0, QUESTIONS_HELD_MAX)), []);
    let refused = cluster.call(ask(QUESTIONS_HELD_MAX, 2));
    let [message] = errors(&refused)[..] else { panic!("{refused:?}") };
    assert!(message.contains("ask for task q100000 again later"), "{message}");

    let report = agent_link::Reregister {
        epoch: Epoch::NONE,
        agent: away,
        info: agent(),
        session: None,
        tasks: Vec::new(),
        executors: Vec::new(),
    };
    let call = agent_link::Call::Reregister(Box::new(report));
    let answered = cluster.step(Input::AgentCall(ConnectionId(3), call));
    let answers = updates(&answered);
    assert_eq!(answers.len(), QUESTIONS_HELD_MAX);
    assert!(answers.iter().all(|(state, ..)| *state == TaskState::Gone));
}
