//! Random lives of an agent, hostile ones among them: every four bytes are one thing that happens.
//! After each of them the invariants hold, the records give what the agent knows, and `Trace` has
//! seen nothing that must not be seen. In the end everybody is well-behaved and nothing is left.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, any, proptest};
use stoa_agent_core::{Action, Agent, Config, HostsFound, Input, LogPiece, Record, Recovered};
use stoa_model::agent::AgentInfo;
use stoa_model::agent_link::{Call, Event, RequestId};
use stoa_model::digest::Digest;
use stoa_model::host::{self, TaskChange};
use stoa_model::ids::{FrameworkId, TaskId, UpdateId};
use stoa_model::instant::Instant;
use stoa_model::status::Reason;
use stoa_model::task::TaskState;

use crate::scene::replayed;
use crate::script::{Words, digest, input};
use crate::trace::Trace;

/// What happened last on the way to the master.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stream {
    Down,
    Opening,
    Registering,
    Reregistering,
    Greeted,
}

/// An agent and, roughly, everyone it deals with.
struct World {
    agent: Agent,
    config: Config,
    now: Instant,
    records: Vec<Record>,
    mirror: Recovered,
    trace: Trace,
    stream: Stream,
    number: u64,
    fetches: BTreeSet<Digest>,
    publishes: BTreeSet<(FrameworkId, TaskId)>,
    reads: BTreeSet<RequestId>,
    flights: BTreeSet<(FrameworkId, TaskId, UpdateId)>,
    hosted: BTreeSet<(FrameworkId, TaskId)>,
    shutdowns: BTreeSet<String>,
    /// If set, the agent ends in its next step when it has written so many records.
    ends_after: Option<usize>,
    /// Whether the host is gone and there is no new one before the agent has written what is lost.
    is_host_gone: bool,
}

impl World {
    fn new() -> Self {
        let info = AgentInfo {
            hostname: "here".to_owned(),
            resources: "cpus=4 memory=1GiB".parse().unwrap(),
            attributes: Default::default(),
            version: "0.1.0".to_owned(),
        };
        let (config, now) = (Config::new(info, 1), Instant::from_ms(1_000_000));
        Self {
            agent: Agent::new(config.clone(), Recovered::default(), now),
            trace: Trace::new(config.info.resources.clone()),
            config,
            now,
            records: Vec::new(),
            mirror: Recovered::default(),
            stream: Stream::Down,
            number: 0,
            fetches: BTreeSet::new(),
            publishes: BTreeSet::new(),
            reads: BTreeSet::new(),
            flights: BTreeSet::new(),
            hosted: BTreeSet::new(),
            shutdowns: BTreeSet::new(),
            ends_after: None,
            is_host_gone: false,
        }
    }

    fn step(&mut self, input: Input) {
        let mut actions = Vec::new();
        self.agent.step(self.now, input, &mut actions);
        self.agent.check().unwrap();
        let ends_after = self.ends_after.take();
        if let Some(count) = ends_after {
            actions.retain(|action| matches!(action, Action::Record(_)));
            actions.truncate(count);
        }
        for action in &actions {
            self.trace.on_action(action);
            self.on_action(action);
        }
        match ends_after {
            Some(count) => self.restart(self.is_host_gone || count % 2 == 0),
            None => assert_eq!(self.mirror, *self.agent.kept()),
        }
        assert_eq!(replayed(&self.mirror.snapshot()), self.mirror);
    }

    fn on_action(&mut self, action: &Action) {
        match action {
            Action::Record(record) => {
                self.mirror.apply(record).unwrap();
                self.records.push(record.clone());
                if let Record::Registered { .. } = record {
                    self.number = 0;
                }
            }
            Action::Connect => self.stream = Stream::Opening,
            Action::Disconnect => self.stream = Stream::Down,
            Action::ToMaster(call) => self.on_call(call),
            Action::ToHost(host::Command::Launch { framework, task, .. }) => {
                self.hosted.insert((framework.clone(), task.id.clone()));
            }
            Action::ToHost(host::Command::RemoveFramework { framework }) => {
                self.hosted.retain(|(other, _)| other != framework);
            }
            Action::ToHost(host::Command::Shutdown { framework, executor, .. }) => {
                self.shutdowns.insert(format!("{framework}/{executor}"));
            }
            Action::Fetch(digest) => assert!(self.fetches.insert(*digest), "fetched twice"),
            Action::ReadLog { request, .. } => {
                self.reads.insert(*request);
            }
            Action::Publish { framework, task, .. } => {
                self.publishes.insert((framework.clone(), task.clone()));
            }
            _ => {}
        }
    }

    fn on_call(&mut self, call: &Call) {
        match call {
            Call::Register { .. } => self.stream = Stream::Registering,
            Call::Reregister(_) => self.stream = Stream::Reregistering,
            _ => assert!(self.stream == Stream::Greeted, "sent before the greeting: {call:?}"),
        }
        match call {
            Call::Applied { number } => self.number = *number,
            Call::Update { framework, status, .. } => {
                let update = status.update.unwrap();
                self.flights.insert((framework.clone(), status.task.clone(), update));
            }
            _ => {}
        }
    }

    /// One line of a transcript.
    fn say(&mut self, line: &str) {
        let mut words = Words::new(line);
        let first = words.next().unwrap();
        self.step(input(first, &mut words).unwrap());
    }

    fn happen(&mut self, [kind, a, b, c]: [u8; 4]) {
        let (framework, task) = (format!("f{}", a % 2 + 1), format!("t{}", b % 24));
        match kind % 32 {
            0..=2 => self.come_closer(a),
            3 if a < 64 => self.disconnect(),
            3 if a < 96 => self.say("error no"),
            3 if a < 128 => self.say("reregistered a2 s1"),
            8 if c >= 224 => self.command(c, &format!("pause {framework}/{task}")),
            4..=8 => self.launch(a, b, c),
            9 if c >= 192 => self.command(c, &format!("resume {framework}/{task}")),
            9 => self.command(c, &format!("kill {framework}/{task} grace={}s", a % 3)),
            10 if a < 8 => self.command(c, &format!("remove {framework}")),
            10 if a < 24 => self.command(c, &format!("drain grace={}s", b % 3)),
            10 if a < 32 => self.command(c, "nothing"),
            10 => self.command(c, &format!("shutdown {framework}/e{}", b % 2)),
            11..=13 => self.acknowledge(a),
            14 => self.say(&format!("acknowledge {framework}/{task} {}.{c}", a % 3)),
            15..=20 => self.change(a, b, c),
            21 => self.say(&format!("host-ended {framework}/e{} it trapped", b % 2)),
            22 => self.say(&format!("host-output {framework}/{task} {c} {a}")),
            23..=25 => self.fetched(a, b),
            26 => self.ask(a, b, c),
            27 => self.published(a, b),
            28 => self.pass(u64::from(a) * u64::from(b)),
            29 if c < 64 => self.restart(a.is_multiple_of(2)),
            31 if c < 64 => self.ends_after = Some(usize::from(a % 5)),
            29 => self.say(&format!("message {framework}/e{} hello", b % 2)),
            30 if c < 128 => self.kill_hosted(a),
            _ => self.pass(10),
        }
    }

    /// The next thing on the way to an open stream.
    fn come_closer(&mut self, session: u8) {
        let session = format!("s{}", session % 3);
        match self.stream {
            Stream::Down => self.pass(20_000),
            Stream::Opening => self.say("connected"),
            Stream::Registering => self.greet(&format!("registered a1 {session}")),
            Stream::Reregistering => self.greet(&format!("reregistered a1 {session}")),
            Stream::Greeted => self.say("heartbeat"),
        }
    }

    fn disconnect(&mut self) {
        self.stream = Stream::Down;
        self.say("disconnected");
    }

    /// A greeting after which the agent may speak.
    fn greet(&mut self, line: &str) {
        self.stream = Stream::Greeted;
        self.say(line);
    }

    fn pass(&mut self, ms: u64) {
        self.now = self.agent.next_deadline().unwrap().max(self.now).min(self.now.plus_ms(ms));
        self.step(Input::Tick);
    }

    /// Mostly the next number, sometimes one that was or will be.
    fn command(&mut self, code: u8, text: &str) {
        let number = if code.is_multiple_of(16) { u64::from(code / 16) } else { self.number + 1 };
        if self.stream == Stream::Greeted || code.is_multiple_of(8) {
            self.say(&format!("command {number} {text}"));
        }
    }

    fn kill_hosted(&mut self, code: u8) {
        let count = self.hosted.len().max(1);
        let Some((framework, task)) = self.hosted.iter().nth(usize::from(code) % count) else {
            return;
        };
        let text = format!("kill {framework}/{task}");
        self.command(1, &text);
    }

    fn launch(&mut self, a: u8, b: u8, c: u8) {
        let executor = if a & 2 == 0 {
            ""
        } else {
            ["executor=e0", "executor=e1:cpus=0.5"][usize::from(b & 1)]
        };
        let one = format!("t{} cpus=0.{} program=p{} {executor}", b % 24, c % 10, c % 3);
        let other = format!("t{} cpus=1 program=p1 input=p{}", (b % 24 + 1) % 24, c % 4);
        self.command(c, &format!("launch f{} {one} + {other}", a % 2 + 1));
    }

    fn acknowledge(&mut self, code: u8) {
        let count = self.flights.len().max(1);
        let flight = self.flights.iter().nth(usize::from(code) % count).cloned();
        if let Some((framework, task, update)) = flight {
            if self.stream == Stream::Greeted {
                self.flights.remove(&(framework.clone(), task.clone(), update));
            }
            self.step(Input::Master(Event::Acknowledge { framework, task, update }));
        }
    }

    fn change(&mut self, a: u8, b: u8, c: u8) {
        let count = self.hosted.len().max(1);
        let known = self.hosted.iter().nth(usize::from(a) % count).cloned();
        let any = || {
            (format!("f{}", a % 2 + 1).parse().unwrap(), format!("t{}", b % 24).parse().unwrap())
        };
        let (framework, task) = known.filter(|_| c < 240).unwrap_or_else(any);
        let state = TaskState::ALL[usize::from(b) % TaskState::ALL.len()];
        let downloads = if c.is_multiple_of(3) { "download=/out:d1" } else { "" };
        self.say(&format!("host {framework}/{task} {state} PROGRESS {downloads} text"));
    }

    fn fetched(&mut self, a: u8, b: u8) {
        let wanted = self.fetches.iter().nth(usize::from(a) % self.fetches.len().max(1)).copied();
        let digest = wanted.unwrap_or(digest("p9"));
        self.fetches.remove(&digest);
        if b < 200 {
            return self.step(Input::Fetched(digest));
        }
        let (reason, message) = (Reason::ArtifactFailed, "bad luck".to_owned());
        self.step(Input::FetchFailed { digest, reason, message });
    }

    fn ask(&mut self, a: u8, b: u8, c: u8) {
        if let Some(request) = self.reads.pop_first().filter(|_| a > 100) {
            let piece = Ok(LogPiece { data: vec![b'x'; usize::from(b)], size_bytes: u64::from(c) });
            return self.step(Input::LogRead { request, piece });
        }
        let wait = if c & 1 == 0 { "wait" } else { "" };
        self.say(&format!("ask {} f{}/t{} stdout {c} {wait}", a % 8, a % 2 + 1, b % 24));
    }

    fn published(&mut self, a: u8, b: u8) {
        let count = self.publishes.len().max(1);
        let Some(key) = self.publishes.iter().nth(usize::from(a) % count).cloned() else { return };
        self.publishes.remove(&key);
        let (framework, task) = key;
        let result = if b < 128 { Ok(()) } else { Err("bad luck".to_owned()) };
        self.step(Input::Published { framework, task, result });
    }

    /// The agent ends and starts again from what was written.
    fn restart(&mut self, is_host_fresh: bool) {
        self.config.incarnation += 1;
        self.config.hosts = if is_host_fresh { HostsFound::None } else { HostsFound::All };
        if is_host_fresh {
            self.hosted.clear();
        }
        assert_eq!(self.mirror, replayed(&self.records));
        self.agent = Agent::new(self.config.clone(), self.mirror.clone(), self.now);
        self.trace.on_restart(is_host_fresh);
        self.stream = Stream::Down;
        self.fetches.clear();
        self.publishes.clear();
        self.reads.clear();
        self.is_host_gone = is_host_fresh;
        self.step(Input::Tick);
        self.is_host_gone = false;
    }

    /// Everyone does what they should until nothing is left to do.
    fn settle(&mut self) {
        let is_task =
            |record: &Record| matches!(record, Record::Launched { .. } | Record::Refused { .. });
        for _ in 0..4_000 {
            self.settle_more();
            if !self.mirror.snapshot().iter().any(is_task) {
                return;
            }
        }
        panic!("left: {:?}", self.mirror.snapshot());
    }

    fn settle_more(&mut self) {
        self.come_closer(0);
        if let Some(digest) = self.fetches.pop_first() {
            self.step(Input::Fetched(digest));
        }
        if let Some((framework, task)) = self.publishes.pop_first() {
            self.step(Input::Published { framework, task, result: Ok(()) });
        }
        if let Some((framework, task)) = self.hosted.pop_first() {
            self.step(Input::Host(host::Event::Update(Box::new(finished(framework, task)))));
        }
        if let Some((framework, task, update)) = self.flights.pop_first() {
            self.step(Input::Master(Event::Acknowledge { framework, task, update }));
        }
        if let Some(executor) = self.shutdowns.pop_first() {
            self.say(&format!("host-ended {executor} as asked"));
        }
        self.pass(100);
    }
}

fn finished(framework: FrameworkId, task: TaskId) -> TaskChange {
    TaskChange {
        framework,
        task,
        state: TaskState::Finished,
        reason: Reason::Exited,
        message: String::new(),
        exit_code: Some(0),
        usage: None,
        data: Vec::new(),
        downloads: Vec::new(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_life_ends_with_nothing_left(codes in vec(any::<[u8; 4]>(), 0..400)) {
        let mut world = World::new();
        (0..3).for_each(|_| world.come_closer(0));
        for code in codes {
            world.happen(code);
        }
        world.settle();
    }
}
