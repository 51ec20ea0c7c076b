//! The master's process: its core, its disk, and its ends and starts. It never decides what the
//! core decides.

use stoa_master_core::{Action, Config, Input, Master, Record, Recovered};
use stoa_model::scheduler::MasterInfo;

use crate::edge::{Batch, Edge};
use crate::names::{Life, Name};
use crate::outcome::{Checked, Violation};
use crate::queue::{Event, Happening};
use crate::world::World;

/// The one master.
#[derive(Debug, Default)]
pub struct MasterProcess {
    /// None while it does not run.
    pub(crate) core: Option<Master>,
    pub(crate) life: Life,
    edge: Edge<Action>,
    disk: Recovered,
    /// It ends in the middle of its next batch.
    pub(crate) will_crash: bool,
}

fn is_record(action: &Action) -> bool {
    matches!(action, Action::Record(_))
}

impl World {
    pub(crate) fn start_master(&mut self) {
        let process = &mut self.master;
        process.life.0 += 1;
        let id = format!("m{}", process.life.0);
        let timing = &self.plan.timing;
        let config = Config {
            heartbeat_ms: timing.heartbeat_ms,
            agent_unreachable_ms: timing.unreachable_ms,
            agent_reregister_ms: timing.reregister_ms,
            offer_lease_ms: timing.offer_lease_ms,
            agent_loss_interval_ms: timing.loss_ms.0,
            agents_lost_window_ms: timing.loss_ms.1,
            ..Config::new(MasterInfo { id, version: "0.1.0".to_owned() })
        };
        process.core = Some(Master::new(config, process.disk.clone(), self.now));
        self.note(format!("{:>6} !! starts", Name::Master));
    }

    pub(crate) fn step_master(&mut self, input: Input) -> Checked {
        let Some(core) = &mut self.master.core else { return Ok(()) };
        let mut actions = Vec::new();
        core.step(self.now, input, &mut actions);
        // A debug build has checked already, in the step.
        if !cfg!(debug_assertions) {
            core.check().map_err(|why| Violation::new("the master's own check holds", why))?;
        }
        let state = core.state();
        self.book.on_state(&state)?;
        self.check_drained(&state)?;
        self.master.edge.extend(actions);
        self.flush_master();
        Ok(())
    }

    fn flush_master(&mut self) {
        loop {
            match self.master.edge.begin(is_record) {
                Batch::None => return,
                Batch::Do(batch) => self.do_master(batch),
                Batch::Write => {
                    let at = self.now.plus_ms(self.disk_ms());
                    self.queue.push(at, Happening::Written(Name::Master, self.master.life));
                    return;
                }
            }
        }
    }

    pub(crate) fn on_master_written(&mut self) -> Checked {
        let batch = self.master.edge.written();
        self.do_master(batch);
        self.flush_master();
        Ok(())
    }

    /// Makes the records of a batch durable, then does the rest of it in order; if the master is
    /// to end, it ends anywhere in between.
    fn do_master(&mut self, batch: Vec<Action>) {
        let (records, rest): (Vec<_>, Vec<_>) = batch.into_iter().partition(is_record);
        if !self.master.will_crash {
            records.into_iter().for_each(|record| self.keep_at_master(record));
            rest.into_iter().for_each(|action| self.do_at_master(action));
            return;
        }
        self.counts.crashes_at_a_boundary += 1;
        let boundary = self.chance.index(records.len() + rest.len() + 1);
        let is_written = boundary >= records.len();
        let done = boundary.saturating_sub(records.len());
        records.into_iter().take(boundary).for_each(|record| self.keep_at_master(record));
        if is_written {
            rest.into_iter().take(done).for_each(|action| self.do_at_master(action));
        }
        self.crash_master();
    }

    fn keep_at_master(&mut self, action: Action) {
        if let Action::Record(record) = action {
            self.book.on_master_record(&record);
            if let Record::FrameworkRemoved { .. } = record {
                self.counts.frameworks_ended += 1;
            }
            self.master.disk.apply(record);
        }
    }

    fn do_at_master(&mut self, action: Action) {
        match action {
            Action::ToScheduler(id, event) => self.send_down(id, Event::Scheduler(event)),
            Action::ToAgent(id, event) => self.send_down(id, Event::Agent(event)),
            Action::CloseScheduler(id) | Action::CloseAgent(id) => self.close(id),
            Action::Answer(request, answer) => self.on_answer(request, &answer),
            Action::Record(_) | Action::Publish(_) => {}
        }
    }

    /// The master ends. Of what was on its way to the disk some may have got there.
    pub(crate) fn crash_master(&mut self) {
        let under_way = self.master.edge.end();
        let records: Vec<_> = under_way.into_iter().filter(is_record).collect();
        let kept = self.chance.index(records.len() + 1);
        records.into_iter().take(kept).for_each(|record| self.keep_at_master(record));
        self.lose_streams_of(Name::Master);
        self.master.core = None;
        self.master.will_crash = false;
        self.note(format!("{:>6} !! ends", Name::Master));
    }

    /// Whether the master has nothing left to do.
    pub(crate) fn is_master_idle(&self) -> bool {
        self.master.edge.is_idle()
    }
}
