//! An agent's process: its core, its checkpoint, what its edge does besides, and its ends and
//! starts. It never decides what the core decides.

use std::collections::BTreeMap;

use stoa_agent_core::{
    Action, Agent, Config, HostsFound, Input, LogPiece, Record, Recovered, Warning,
};
use stoa_invariants::{Checked, Invariant, Life, Name, Violation};
use stoa_model::agent::AgentInfo;
use stoa_model::agent_link::Call as ToMaster;
use stoa_model::digest::Digest;
use stoa_model::epoch::Epoch;
use stoa_model::host;
use stoa_model::instant::Instant;
use stoa_model::resources::Resources;
use stoa_model::status::Reason;
use stoa_planted::{Bug, is_planted};

use crate::edge::{Batch, Edge};
use crate::host::{Host, Key};
use crate::network::End;
use crate::print;
use crate::queue::{Call, Happening};
use crate::seen::Seen;
use crate::world::World;

/// The longest time an Update waits until it is sent again, so that runs end soon.
const RESEND_MS_MAX: u64 = 20_000;

/// The longest time between what an agent says to its host and its end, if that is to be soon.
const SOON_MS_MAX: u64 = 4;

/// The longest time that an artifact needs.
const FETCH_MS_MAX: u64 = 2_000;

/// After what an agent ends soon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Soon {
    /// After it has told its host to run something.
    AfterLaunch,
    /// After it has told its host to end something.
    AfterKill,
}

/// How long the end of a task may take after its grace, in milliseconds.
const KILL_MS_MAX: u64 = 10_000;

/// One agent, with its host.
#[derive(Debug)]
pub struct AgentProcess {
    /// None while it does not run.
    pub(crate) core: Option<Agent>,
    pub(crate) life: Life,
    pub(crate) host: Host,
    pub(crate) disk: Recovered,
    pub(crate) info: AgentInfo,
    edge: Edge<Action>,
    end: End,
    /// Under which epoch the master of its stream has greeted it.
    pub(crate) greeted_as: Option<Epoch>,
    /// When what the agent said last reaches its host.
    told_host_at: Instant,
    /// It ends in the middle of its next batch.
    pub(crate) will_crash: bool,
    /// It ends a moment after what it says to its host next.
    pub(crate) will_crash_soon: Option<Soon>,
    /// Kills that it has recorded: when, and with which grace.
    pub(crate) kills: BTreeMap<Key, (Instant, u64)>,
    /// Since when it runs and does not stand still.
    pub(crate) calm_since: Instant,
    /// How often its machine was started.
    pub(crate) boots: u32,
    /// The first records of this process are durable: from then on its host lives by itself.
    is_settled: bool,
    /// The host lives though no process of the agent does.
    is_outlived: bool,
}

impl AgentProcess {
    pub(crate) fn end(&mut self) -> Option<&mut End> {
        Some(&mut self.end)
    }

    /// Whether it has nothing left to do.
    pub(crate) fn is_idle(&self) -> bool {
        self.edge.is_idle()
    }
}

fn is_record(action: &Action) -> bool {
    matches!(action, Action::Record(_))
}

impl World {
    /// Adds an agent and starts it.
    pub(crate) fn add_agent(&mut self, resources: Resources) {
        let at = self.agents.len();
        self.agents.push(AgentProcess {
            core: None,
            life: Life(0),
            host: Host::default(),
            disk: Recovered::default(),
            info: AgentInfo {
                hostname: format!("host{}", at + 1),
                resources,
                attributes: Default::default(),
                version: "0.1.0".to_owned(),
            },
            edge: Edge::default(),
            end: End::default(),
            greeted_as: None,
            told_host_at: self.now,
            will_crash: false,
            will_crash_soon: None,
            kills: BTreeMap::new(),
            calm_since: self.now,
            boots: 1,
            is_settled: false,
            is_outlived: false,
        });
        self.start_agent(at);
    }

    pub(crate) fn start_agent(&mut self, at: usize) {
        let name = Name::Agent(at);
        self.set_clock(name);
        let now = self.local(name);
        let hostile_one_in = self.plan.faults.hostile_one_in;
        if self.chance.one_in(hostile_one_in) {
            self.change_agent(at);
        }
        let is_exact = self.plan.timing.is_exact;
        let process = &mut self.agents[at];
        process.life.0 += 1;
        let incarnation = (at as u64 + 1) * 1_000 + u64::from(process.life.0);
        let is_host_fresh = !std::mem::take(&mut process.is_outlived);
        let config = Config {
            resend_ms_max: RESEND_MS_MAX,
            hosts: if is_host_fresh { HostsFound::None } else { HostsFound::All },
            boot: Some(format!("boot{}", process.boots)).filter(|_| !is_exact),
            ..Config::new(process.info.clone(), incarnation)
        };
        if is_host_fresh {
            process.host = Host::new(process.host.life);
        }
        process.is_settled = false;
        process.calm_since = self.now;
        process.end.stream = None;
        process.core = Some(Agent::new(config, process.disk.clone(), now));
        self.checker.on_agent_start(name, &process.info.resources);
        let host = if is_host_fresh { "" } else { ", and finds its host" };
        self.note(format!("{name:>6} !! starts{host}"));
    }

    pub(crate) fn step_agent(&mut self, at: usize, input: Input) -> Checked {
        let now = self.local(Name::Agent(at));
        let process = &mut self.agents[at];
        let Some(core) = &mut process.core else { return Ok(()) };
        let mut actions = Vec::new();
        core.step(now, input, &mut actions);
        // A debug build has checked already, in the step.
        if !cfg!(debug_assertions) {
            core.check().map_err(|why| Violation::new(Invariant::O1, why))?;
        }
        self.checker.on_agent_step(Name::Agent(at), &actions)?;
        process.edge.extend(actions);
        self.flush_agent(at)
    }

    fn flush_agent(&mut self, at: usize) -> Checked {
        loop {
            match self.agents[at].edge.begin(is_record) {
                Batch::None => return Ok(()),
                Batch::Do(batch) => self.do_agent(at, batch)?,
                Batch::Write => {
                    if is_planted(Bug::EdgeSendsBeforeDurableAtAgent) {
                        for action in self.agents[at].edge.take_rest(is_record) {
                            self.do_at_agent(at, action)?;
                        }
                    }
                    if self.agents[at].will_crash && self.chance.one_in(2) {
                        return self.crash_agent(at);
                    }
                    let due = self.now.plus_ms(self.disk_ms(Name::Agent(at)));
                    let life = self.agents[at].life;
                    self.queue.push(due, Happening::Written(Name::Agent(at), life));
                    return Ok(());
                }
            }
        }
    }

    pub(crate) fn on_agent_written(&mut self, at: usize) -> Checked {
        let batch = self.agents[at].edge.written();
        self.do_agent(at, batch)?;
        self.flush_agent(at)
    }

    /// Makes the records of a batch durable, then does the rest of it in order; if the agent is
    /// to end, it ends anywhere in between.
    fn do_agent(&mut self, at: usize, batch: Vec<Action>) -> Checked {
        let (mut records, rest): (Vec<_>, Vec<_>) = batch.into_iter().partition(is_record);
        if is_planted(Bug::EdgeLosesRecord) && self.chance.one_in(8) {
            records.pop();
        }
        let count = records.len() + rest.len();
        let will_crash = self.agents[at].will_crash;
        let boundary = if will_crash { self.boundary(records.len(), count) } else { count };
        let done = boundary.saturating_sub(records.len());
        for record in records.into_iter().take(boundary) {
            self.keep_at_agent(at, &record)?;
        }
        for action in rest.into_iter().take(done) {
            self.do_at_agent(at, action)?;
        }
        self.agents[at].is_settled |= !will_crash;
        if will_crash {
            self.tally.note(Seen::CrashedAtBoundary);
            self.crash_agent(at)?;
        }
        Ok(())
    }

    /// Where a process ends in the middle of a batch: most often when all is durable and nothing
    /// said.
    pub(crate) fn boundary(&mut self, records: usize, count: usize) -> usize {
        if self.chance.one_in(2) { records } else { self.chance.index(count + 1) }
    }

    fn keep_at_agent(&mut self, at: usize, action: &Action) -> Checked {
        let Action::Record(record) = action else { return Ok(()) };
        self.checker.on_agent_record(Name::Agent(at), record)?;
        if let Record::EpochRaised { epoch } = record {
            self.checker.on_agent_epoch(Name::Agent(at), *epoch)?;
        }
        if let Record::KillRequested { framework, task, policy, .. } = record {
            let key = (framework.clone(), task.clone());
            self.agents[at].kills.insert(key, (self.now, policy.grace_ms));
        }
        let kept = self.agents[at].disk.apply(record);
        kept.map_err(|why| Violation::new(Invariant::D1, why.to_string()))
    }

    fn do_at_agent(&mut self, at: usize, action: Action) -> Checked {
        let name = Name::Agent(at);
        match action {
            Action::Connect => self.connect(name),
            Action::Disconnect => self.disconnect(name),
            Action::ToMaster(call) => {
                self.checker.on_agent_call(name, &call)?;
                let is_greeting =
                    matches!(call, ToMaster::Register { .. } | ToMaster::Reregister(_));
                if let Some(epoch) = self.agents[at].greeted_as.filter(|_| !is_greeting) {
                    self.checker.on_agent_obeys(name, epoch)?;
                }
                self.send_up(name, Call::Agent(call));
            }
            Action::HostTaken { .. } | Action::HostForgotten { .. } => {}
            Action::ToHost(command) => {
                let is_kill = matches!(command, host::Command::Kill { .. });
                let after = if is_kill { Soon::AfterKill } else { Soon::AfterLaunch };
                let is_last = self.agents[at].will_crash_soon == Some(after);
                let due =
                    self.now.plus_ms(self.host_takes_ms(if is_last { SOON_MS_MAX } else { 1 }));
                let due = due.max(self.agents[at].told_host_at);
                self.agents[at].told_host_at = due;
                let life = self.agents[at].life;
                if is_last {
                    self.agents[at].will_crash_soon = None;
                    let soon = self.now.plus_ms(self.chance.between(0, SOON_MS_MAX));
                    self.queue.push(soon, Happening::Crash(at, life));
                }
                let lives = (life, self.agents[at].host.life);
                self.queue.push(due, Happening::HostHears(at, lives, Box::new(command)));
            }
            Action::Fetch(digest) => {
                let answer = self.fetched(digest);
                let is_slow = !self.plan.timing.is_exact && self.chance.one_in(3);
                let delay_ms = if is_slow { self.chance.between(0, FETCH_MS_MAX) } else { 0 };
                self.answer_agent(at, delay_ms, answer);
            }
            Action::ReadLog { request, .. } => {
                let piece = Ok(LogPiece { data: Vec::new(), size_bytes: 0 });
                self.answer_agent(at, 0, Input::LogRead { request, piece });
            }
            Action::Publish { framework, task, .. } => {
                let is_bad = self.chance.one_in(self.plan.faults.artifact_one_in);
                let result = if is_bad { Err("bad luck".to_owned()) } else { Ok(()) };
                self.answer_agent(at, 0, Input::Published { framework, task, result });
            }
            Action::End(why) => {
                self.note(format!("{name:>6} !! ends for good: {why}"));
                self.replace_agent(at)?;
            }
            Action::Warn(warning) => {
                if matches!(warning, Warning::MasterSilent { .. }) {
                    self.tally.note(Seen::MasterSilent);
                }
                self.note(format!("{name:>6}    warns: {warning}"));
            }
            Action::Record(_) | Action::RemoveSandbox { .. } => {}
        }
        Ok(())
    }

    fn fetched(&mut self, digest: Digest) -> Input {
        if !self.chance.one_in(self.plan.faults.artifact_one_in) {
            return Input::Fetched(digest);
        }
        let reason = Reason::ArtifactFailed;
        Input::FetchFailed { digest, reason, message: "bad luck".to_owned() }
    }

    /// The edge has done what the core asked for; what it learned reaches the core later.
    fn answer_agent(&mut self, at: usize, delay_ms: u64, input: Input) {
        let due = self.now.plus_ms(delay_ms + self.latency_ms());
        let life = self.agents[at].life;
        self.queue.push(due, Happening::AgentLearns(at, life, Box::new(input)));
    }

    pub(crate) fn on_host_says(&mut self, at: usize, event: stoa_model::host::Event) -> Checked {
        // What it does not hear is said again once it is back.
        if self.agents[at].core.is_none() {
            return Ok(());
        }
        self.note(print::host_event(Name::Agent(at), &event));
        self.step_agent(at, Input::Host(event))
    }

    /// The operator has changed what the agent gives, between two starts of its process.
    fn change_agent(&mut self, at: usize) {
        let process = &mut self.agents[at];
        let cpus_milli = self.chance.between(2, 8) * 500;
        process.info.resources.cpus_milli = cpus_milli;
        self.tally.note(Seen::AgentChanged);
    }

    /// The agent ends: its host lives on, or ends too.
    pub(crate) fn crash_agent(&mut self, at: usize) -> Checked {
        let is_outlived = self.agents[at].is_settled && self.plan.faults.host_one_in > 0;
        let is_outlived = is_outlived && !self.chance.one_in(self.plan.faults.host_one_in);
        self.end_agent(at)?;
        if is_outlived {
            self.tally.note(Seen::AgentOutlived);
            self.agents[at].is_outlived = true;
            self.note(format!("{:>6} !! ends", Name::Agent(at)));
        } else {
            self.end_host(at);
            self.tally.note(Seen::AgentCrashed);
            self.note(format!("{:>6} !! ends, and its host with it", Name::Agent(at)));
        }
        Ok(())
    }

    /// The machine starts again. Something else may look like the host that was there.
    pub(crate) fn reboot(&mut self, at: usize) -> Checked {
        self.tally.note(Seen::Rebooted);
        if self.agents[at].core.is_some() {
            self.end_agent(at)?;
        }
        self.end_host(at);
        self.agents[at].boots += 1;
        self.agents[at].is_outlived = self.agents[at].is_settled && self.chance.one_in(2);
        self.note(format!("{:>6} !! its machine starts again", Name::Agent(at)));
        self.start_later(Name::Agent(at));
        Ok(())
    }

    pub(crate) fn end_host(&mut self, at: usize) {
        let life = self.agents[at].host.life;
        self.agents[at].host = Host::new(Life(life.0 + 1));
        self.agents[at].is_outlived = false;
    }

    /// The process ends. Of what was on its way to the disk some may have got there.
    fn end_agent(&mut self, at: usize) -> Checked {
        let under_way = self.agents[at].edge.end();
        let records: Vec<_> = under_way.into_iter().filter(is_record).collect();
        let kept = self.chance.index(records.len() + 1);
        self.note_tail(records.len(), kept);
        for record in records.iter().take(kept) {
            self.keep_at_agent(at, record)?;
        }
        self.lose_streams_of(Name::Agent(at));
        self.checker.on_agent_end(Name::Agent(at));
        let process = &mut self.agents[at];
        process.core = None;
        process.will_crash = false;
        process.will_crash_soon = None;
        Ok(())
    }

    /// What is to be ended has ended, unless its agent was away or stood still.
    pub(crate) fn check_kills(&self) -> Checked {
        for (at, agent) in self.agents.iter().enumerate() {
            let is_calm = agent.core.is_some() && self.awake_at(Name::Agent(at)) <= self.now;
            let is_late = |(asked, grace_ms): (Instant, u64)| {
                let since = asked.max(agent.calm_since);
                is_calm && self.now.ms_since(since) > grace_ms + KILL_MS_MAX
            };
            let mut late = agent
                .host
                .live()
                .filter(|key| agent.kills.get(key).is_some_and(|kill| is_late(*kill)));
            if let Some((framework, task)) = late.next() {
                let seen = format!("{framework}/{task} on {}", Name::Agent(at));
                return Err(Violation::new(Invariant::T8, seen));
            }
        }
        Ok(())
    }

    /// Counts what became of records that were on their way to a disk.
    pub(crate) fn note_tail(&mut self, under_way: usize, kept: usize) {
        if under_way > 0 {
            self.tally.note(Seen::CrashedWhileWriting);
        }
        if kept > 0 && kept < under_way {
            self.tally.note(Seen::TailCut);
        }
    }
}
