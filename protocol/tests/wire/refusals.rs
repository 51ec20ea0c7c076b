//! What is refused as a whole, each with the path of its field: calls, events, statuses, requests.

use stoa_model::limits::{
    ARTIFACT_BYTES_MAX, BATCH_ENTRIES_MAX, CHUNK_BYTES_MAX, DATA_BYTES_MAX, DURATION_MS_MAX,
    ENTRIES_MAX, MESSAGE_BYTES_MAX,
};
use stoa_model::operator::{ClusterEvent, ClusterState};
use stoa_model::status::{Reason, TaskStatus};
use stoa_model::task::TaskState;
use stoa_protocol::artifacts::{self, Chunk, Fetch};
use stoa_protocol::limits::{
    EVENT_OFFERS_MAX, LABELS_BYTES_MAX, NAME_BYTES_MAX, REREGISTER_ENTRIES_MAX,
};
use stoa_protocol::scheduler::calls::{Refused, call_from_proto};
use stoa_protocol::wire::{Undecodable, decode, encode};
use stoa_protocol::{Malformed, Wire, agent_link, operator, pb, scheduler};

use crate::fixtures;

fn field_of<T: std::fmt::Debug>(result: Result<T, Malformed>) -> String {
    result.expect_err("it is not legal").field
}

fn bad() -> String {
    "no id".into()
}

fn framework_info() -> pb::FrameworkInfo {
    fixtures::framework_info().to_proto()
}

fn agent_info() -> pb::AgentInfo {
    fixtures::agent_info().to_proto()
}

#[test]
fn illegal_scheduler_call_is_answered_with_its_field() {
    use pb::scheduler::call::Call as Kind;
    use pb::scheduler::{
        Acknowledge, Decline, Kill, Message, Reconcile, ReconcileTask, Register, Request,
        Reregister, ResourceRequest, Revive, SetPaused, Shutdown, Suppress,
    };
    let info = framework_info;
    let register = |info| Kind::Register(Register { info: Some(info) });
    let (a, e) = ("agent-1".to_owned(), "executor-1".to_owned());
    let too_many = vec!["offer".to_owned(); BATCH_ENTRIES_MAX + 1];
    let long = "x".repeat(NAME_BYTES_MAX + 1);
    let request = ResourceRequest { agent: Some(bad()), resources: None };
    let label = pb::Label { key: "k".into(), value: "v".repeat(4_000) };
    let labels = vec![label; LABELS_BYTES_MAX / 4_000 + 1];
    let cases = [
        ("register.info", Kind::Register(Register { info: None })),
        ("register.info.name", register(pb::FrameworkInfo { name: long, ..info() })),
        ("register.info.roles[0]", register(pb::FrameworkInfo { roles: vec![bad()], ..info() })),
        (
            "register.info.roles[1]",
            register(pb::FrameworkInfo { roles: vec!["a".into(), "a".into()], ..info() }),
        ),
        ("register.info.labels", register(pb::FrameworkInfo { labels, ..info() })),
        (
            "register.info.failover_timeout_ms",
            register(pb::FrameworkInfo {
                failover_timeout_ms: Some(DURATION_MS_MAX + 1),
                ..info()
            }),
        ),
        ("reregister.framework", Kind::Reregister(Reregister::default())),
        ("request.requests[0].agent", Kind::Request(Request { requests: vec![request] })),
        (
            "request.requests[0].resources",
            Kind::Request(Request { requests: vec![ResourceRequest::default()] }),
        ),
        ("decline.offers", Kind::Decline(Decline { offers: too_many, filters: None })),
        ("revive.roles[0]", Kind::Revive(Revive { roles: vec![bad()] })),
        ("suppress.roles[0]", Kind::Suppress(Suppress { roles: vec![String::new()] })),
        ("kill.task", Kind::Kill(Kill::default())),
        ("kill.agent", Kind::Kill(Kill { task: a.clone(), agent: Some(bad()), policy: None })),
        ("set_paused.task", Kind::SetPaused(SetPaused { task: bad(), is_paused: true })),
        (
            "acknowledge.update",
            Kind::Acknowledge(Acknowledge { agent: a.clone(), task: task_id(), update: vec![1] }),
        ),
        (
            "reconcile.tasks[0].task",
            Kind::Reconcile(Reconcile { tasks: vec![ReconcileTask::default()] }),
        ),
        (
            "message.data",
            Kind::Message(Message {
                agent: a.clone(),
                executor: e,
                data: vec![0; DATA_BYTES_MAX + 1],
            }),
        ),
        ("shutdown.executor", Kind::Shutdown(Shutdown { agent: a, executor: bad() })),
    ];
    for (field, kind) in cases {
        let decoded = call_from_proto(pb::scheduler::Call { call: Some(kind) });
        assert_eq!(decoded.call, None, "{field}");
        assert!(
            matches!(&decoded.refused[..], [Refused::Call(why)] if why.field == field),
            "{field}: {decoded:?}"
        );
    }
    let empty = call_from_proto(pb::scheduler::Call::default());
    assert!(matches!(&empty.refused[..], [Refused::Call(why)] if why.field == "call"));
}

fn task_id() -> String {
    "task-1".into()
}

#[test]
fn too_many_calls_are_refused_together() {
    let calls = vec![pb::scheduler::Call::default(); BATCH_ENTRIES_MAX + 1];
    assert_eq!(
        field_of(scheduler::calls_from_proto(pb::scheduler::SchedulerCalls { calls })),
        "calls"
    );
}

#[test]
fn illegal_scheduler_event_is_named() {
    use pb::scheduler::event::Event as Kind;
    use pb::scheduler::{
        Error, Event, Failure, Offers, Registered, Rescind, SchedulerEvents, Update,
    };
    let offer = fixtures::offer(1).to_proto();
    let offers = |offer| Kind::Offer(Offers { offers: vec![offer] });
    let registered = Registered {
        framework: "f".into(),
        master: Some(fixtures::master_info().to_proto()),
        heartbeat_ms: 0,
    };
    let twice = vec![offer.attributes[0].clone(); 2];
    let long = "x".repeat(MESSAGE_BYTES_MAX + 1);
    let cases = [
        ("events[0].event", None),
        ("events[0].registered.heartbeat_ms", Some(Kind::Registered(registered))),
        (
            "events[0].offer.offers[0].resources",
            Some(offers(pb::Offer { resources: Some(pb::Resources::default()), ..offer.clone() })),
        ),
        (
            "events[0].offer.offers[0].attributes[1].key",
            Some(offers(pb::Offer { attributes: twice, ..offer })),
        ),
        (
            "events[0].rescind.offers",
            Some(Kind::Rescind(Rescind { offers: vec!["o".into(); EVENT_OFFERS_MAX + 1] })),
        ),
        ("events[0].update.status", Some(Kind::Update(Update { status: None }))),
        ("events[0].failure.agent", Some(Kind::Failure(Failure::default()))),
        (
            "events[0].error.message",
            Some(Kind::Error(Error { message: long, is_final: false, epoch: 0 })),
        ),
    ];
    for (field, event) in cases {
        let batch = SchedulerEvents { events: vec![Event { event }] };
        assert_eq!(field_of(scheduler::events_from_proto(batch)), field);
    }
}

#[test]
fn illegal_agent_call_is_named() {
    use pb::agent::call::Call as Kind;
    use pb::agent::{AgentCalls, Call, Log, Register, Reregister, Update, log};
    let status = || fixtures::status(TaskState::Running, Reason::Progress).to_proto();
    let update =
        |status| Kind::Update(Update { framework: "f".into(), status: Some(status), latest: 3 });
    let reregister =
        || Reregister { agent: "a".into(), info: Some(agent_info()), ..Reregister::default() };
    let chunk = pb::LogChunk { data: vec![0; CHUNK_BYTES_MAX + 1], is_end: false };
    let twice = vec![pb::Attribute { key: "zone".into(), value: String::new() }; 2];
    let info = pb::AgentInfo { attributes: twice, ..agent_info() };
    let attribute = |n| pb::Attribute { key: format!("{n:04}"), value: "v".repeat(1_000) };
    let attributes = (0..LABELS_BYTES_MAX / 1_000).map(attribute).collect();
    let heavy = pb::AgentInfo { attributes, ..agent_info() };
    let tasks = vec![pb::TaskRecord::default(); REREGISTER_ENTRIES_MAX + 1];
    let cases = [
        ("call", None),
        (
            "register.info.attributes[1].key",
            Some(Kind::Register(Register { info: Some(info), epoch: 0 })),
        ),
        (
            "register.info.attributes",
            Some(Kind::Register(Register { info: Some(heavy), epoch: 0 })),
        ),
        (
            "reregister.session.session",
            Some(Kind::Reregister(Reregister {
                session: Some(pb::agent::LastSession::default()),
                ..reregister()
            })),
        ),
        ("reregister.tasks", Some(Kind::Reregister(Reregister { tasks, ..reregister() }))),
        (
            "reregister.executors[0].framework",
            Some(Kind::Reregister(Reregister {
                executors: vec![pb::agent::LiveExecutor::default()],
                ..reregister()
            })),
        ),
        ("update.status.update", Some(update(pb::TaskStatus { update: None, ..status() }))),
        ("update.status.agent", Some(update(pb::TaskStatus { agent: None, ..status() }))),
        (
            "update.latest",
            Some(Kind::Update(Update { framework: "f".into(), status: Some(status()), latest: 0 })),
        ),
        ("log.result", Some(Kind::Log(Log { request: 1, result: None }))),
        (
            "log.chunk.data",
            Some(Kind::Log(Log { request: 1, result: Some(log::Result::Chunk(chunk)) })),
        ),
    ];
    for (field, call) in cases {
        let batch = AgentCalls { calls: vec![Call { call }] };
        assert_eq!(field_of(agent_link::calls_from_proto(batch)), format!("calls[0].{field}"));
    }
}

#[test]
fn illegal_agent_event_is_named() {
    use pb::agent::event::Event as Kind;
    use pb::agent::{Acknowledge, AgentEvents, Command, Event, Launch, ReadLog, Welcome, command};
    let launch = command::Command::Launch(Launch {
        role: fixtures::role().to_string(),
        framework: "f".into(),
        tasks: vec![pb::TaskInfo::default()],
    });
    let command = |number, command| Some(Kind::Command(Command { number, command }));
    let remove = command::Command::RemoveFramework(pb::agent::RemoveFramework::default());
    let log = pb::LogRequest { task: "t".into(), ..pb::LogRequest::default() };
    let read_log = ReadLog { request: 1, framework: "f".into(), log: Some(log) };
    let cases = [
        ("event", None),
        ("registered.agent", Some(Kind::Registered(Welcome::default()))),
        ("command.number", command(0, Some(remove.clone()))),
        ("command.command", command(1, None)),
        ("command.launch.tasks[0].id", command(1, Some(launch))),
        ("command.remove_framework.framework", command(1, Some(remove))),
        ("acknowledge.framework", Some(Kind::Acknowledge(Acknowledge::default()))),
        ("read_log.log.stream", Some(Kind::ReadLog(read_log))),
    ];
    for (field, event) in cases {
        let batch = AgentEvents { events: vec![Event { event }] };
        assert_eq!(field_of(agent_link::events_from_proto(batch)), format!("events[0].{field}"));
    }
}

#[test]
fn illegal_part_of_a_status_is_named() {
    type Damage = fn(&mut pb::TaskStatus);
    let cases: &[(&str, Damage)] = &[
        ("task", |s| s.task.clear()),
        ("agent", |s| s.agent = Some(String::new())),
        ("state", |s| s.state = 0),
        ("state", |s| s.state = 13),
        ("reason", |s| s.reason = 0),
        ("reason", |s| s.reason = -1),
        ("message", |s| s.message = "x".repeat(MESSAGE_BYTES_MAX + 1)),
        ("data", |s| s.data = vec![0; DATA_BYTES_MAX + 1]),
        ("executor", |s| s.executor = Some(bad())),
        ("downloads", |s| s.downloads = vec![s.downloads[0].clone(); ENTRIES_MAX + 1]),
        ("downloads[0].guest_path", |s| s.downloads[0].guest_path = "down".into()),
        ("downloads[0].archive", |s| s.downloads[0].archive.clear()),
        ("update", |s| s.update = Some(vec![0; 15])),
    ];
    for (field, damage) in cases {
        let mut status = fixtures::status(TaskState::Finished, Reason::Exited).to_proto();
        damage(&mut status);
        assert_eq!(field_of(TaskStatus::from_proto(status)), *field);
    }
}

#[test]
fn illegal_request_of_an_operator_is_named() {
    let name = || pb::TaskName { framework: None, task: "t".into() };
    let kill = |task, grace_ms| {
        let policy = Some(pb::KillPolicy { grace_ms });
        field_of(operator::kill_from_proto(pb::KillTask { task, policy }))
    };
    assert_eq!(kill(None, 0), "task");
    assert_eq!(kill(Some(pb::TaskName { framework: Some(bad()), ..name() }), 0), "task.framework");
    assert_eq!(kill(Some(name()), u64::MAX), "policy.grace_ms");
    let nothing = operator::set_paused_from_proto(pb::SetPausedTask::default());
    assert_eq!(field_of(nothing), "task");
    let read = pb::ReadLogRequest { task: Some(name()), ..pb::ReadLogRequest::default() };
    assert_eq!(field_of(operator::read_log_from_proto(read)), "stream");
    let mut state = fixtures::cluster_state().to_proto();
    state.agents[2].standing = 0;
    assert_eq!(field_of(ClusterState::from_proto(state)), "agents[2].standing");
    let removed = pb::cluster_event::Event::FrameworkRemoved(bad());
    let event = pb::ClusterEvent { event: Some(removed) };
    assert_eq!(field_of(ClusterEvent::from_proto(event)), "framework_removed");
}

#[test]
fn illegal_message_about_artifacts_is_named() {
    let chunk = |chunk| field_of(Chunk::from_proto(pb::Chunk { chunk }));
    let head =
        |digest, size_bytes| Some(pb::chunk::Chunk::Head(pb::ChunkHead { digest, size_bytes }));
    assert_eq!(chunk(None), "chunk");
    assert_eq!(chunk(head(vec![0; 31], 0)), "head.digest");
    assert_eq!(chunk(head(vec![0; 32], ARTIFACT_BYTES_MAX + 1)), "head.size_bytes");
    assert_eq!(chunk(Some(pb::chunk::Chunk::Data(vec![0; CHUNK_BYTES_MAX + 1].into()))), "data");
    let fetch = pb::FetchRequest { digest: vec![0; 32], offset: u64::MAX };
    assert_eq!(field_of(Fetch::from_proto(fetch)), "offset");
    let has = pb::HasRequest { digests: vec![vec![0; 32], Vec::new()] };
    assert_eq!(field_of(artifacts::has_from_proto(has)), "digests[1]");
}

#[test]
fn stored_bytes_that_are_something_else_are_refused() {
    let bytes = encode(&fixtures::command_task());
    let cut = decode::<stoa_model::task::TaskInfo>(&bytes[..bytes.len() - 1]);
    assert!(matches!(cut, Err(Undecodable::Bytes(_))), "{cut:?}");
    let empty = decode::<stoa_model::task::TaskInfo>(&[]);
    assert!(matches!(&empty, Err(Undecodable::Value(why)) if why.field == "id"), "{empty:?}");
}
