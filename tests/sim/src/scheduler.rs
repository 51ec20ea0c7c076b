//! A scheduler's process: the SDK's session, its stream, and its ends and starts. It never chooses
//! among offers: its author does.

use stoa_model::scheduler;
use stoa_scheduler::{Action, Config, Input, Session};

use crate::author::{Author, Thought};
use crate::network::End;
use crate::queue::{Call, Happening};
use crate::seen::Seen;
use crate::world::World;
use stoa_invariants::{Checked, Life, Name};

/// One scheduler, with its author.
#[derive(Debug)]
pub struct SchedulerProcess {
    /// None while it does not run, and once its framework has ended.
    pub(crate) session: Option<Session>,
    pub(crate) life: Life,
    pub(crate) author: Author,
    end: End,
    /// It ends in the middle of its next actions.
    pub(crate) will_crash: bool,
}

impl SchedulerProcess {
    pub(crate) fn end(&mut self) -> Option<&mut End> {
        Some(&mut self.end)
    }
}

impl World {
    /// Adds a scheduler and starts it.
    pub(crate) fn add_scheduler(&mut self, author: Author) {
        self.schedulers.push(SchedulerProcess {
            session: None,
            life: Life(0),
            author,
            end: End::default(),
            will_crash: false,
        });
        self.start_scheduler(self.schedulers.len() - 1);
    }

    pub(crate) fn start_scheduler(&mut self, at: usize) {
        let process = &mut self.schedulers[at];
        if process.author.is_over {
            return;
        }
        process.life.0 += 1;
        process.end.stream = None;
        self.set_clock(Name::Scheduler(at));
        let now = self.local(Name::Scheduler(at));
        let process = &mut self.schedulers[at];
        let (info, framework) = (process.author.info.clone(), process.author.framework.clone());
        let config = Config { info, framework, epoch: process.author.epoch };
        process.session = Some(Session::new(config, now));
        process.author.begin_anew();
        if process.life.0 > 1 && self.chance.one_in(self.plan.faults.hostile_one_in) {
            self.tally.note(Seen::SchedulerForgot);
            self.schedulers[at].author.forget();
        }
        self.note(format!("{:>6} !! starts", Name::Scheduler(at)));
        self.begin_whims(at);
    }

    pub(crate) fn step_session(&mut self, at: usize, input: Input) -> Checked {
        let now = self.local(Name::Scheduler(at));
        let process = &mut self.schedulers[at];
        let Some(session) = &mut process.session else { return Ok(()) };
        if let Input::Call(call) = &input {
            let framework = process.author.framework.as_ref();
            self.checker.on_said(Name::Scheduler(at), framework, call);
        }
        let mut actions = Vec::new();
        session.step(now, input, &mut actions);
        if actions.is_empty() {
            return Ok(());
        }
        let will_crash = self.schedulers[at].will_crash;
        let count = actions.len();
        let done = if will_crash { self.chance.index(count + 1) } else { count };
        for action in actions.into_iter().take(done) {
            self.do_at_scheduler(at, action)?;
        }
        if will_crash {
            self.tally.note(Seen::CrashedAtBoundary);
            self.crash_scheduler(at);
        }
        Ok(())
    }

    fn do_at_scheduler(&mut self, at: usize, action: Action) -> Checked {
        let name = Name::Scheduler(at);
        match action {
            Action::Connect => self.connect(name),
            Action::Disconnect => self.disconnect(name),
            Action::Send(call) => {
                if let scheduler::Call::Acknowledge { .. } = &call {
                    self.checker.on_said(name, None, &call);
                }
                self.send_up(name, Call::Scheduler(call));
            }
            Action::Deliver(event) => self.on_delivered(at, event)?,
            Action::Warn(warning) => {
                self.tally.note(Seen::EpochLowerAtScheduler);
                self.note(format!("{name:>6}    warns: {warning}"));
            }
            Action::End => self.end_scheduler(at),
        }
        Ok(())
    }

    /// The framework is over. What was said last arrives, if the stream holds.
    fn end_scheduler(&mut self, at: usize) {
        let name = Name::Scheduler(at);
        self.note(format!("{name:>6} !! has ended its framework"));
        if let Some(id) = self.schedulers[at].end.stream {
            self.finish(id);
        }
        let process = &mut self.schedulers[at];
        process.author.is_over = true;
        process.session = None;
        self.checker.on_scheduler_end(name);
    }

    /// The process ends; the framework waits for the next one.
    pub(crate) fn crash_scheduler(&mut self, at: usize) {
        let name = Name::Scheduler(at);
        self.lose_streams_of(name);
        self.checker.on_scheduler_end(name);
        let process = &mut self.schedulers[at];
        process.session = None;
        process.will_crash = false;
        self.tally.note(Seen::SchedulerCrashed);
        self.note(format!("{name:>6} !! ends"));
    }

    /// Lets an author have a thought, in this life of its process.
    pub(crate) fn think(&mut self, at: usize, delay_ms: u64, thought: Thought) {
        let life = self.schedulers[at].life;
        let due = self.now.plus_ms(delay_ms);
        self.queue.push(due, Happening::Thought(at, life, thought));
    }
}
