//! What goes wrong, when and to whom. It never does more than the real world can: processes end
//! anywhere, streams break, but what is durable stays.

use crate::names::Name;
use crate::outcome::Checked;
use crate::plan::Faults;
use crate::queue::Happening;
use crate::world::World;

/// The longest time a process is away.
const AWAY_MS_MAX: u64 = 8_000;

impl World {
    /// Sets the first fault, if there are to be any.
    pub(crate) fn begin_faults(&mut self) {
        let every_ms = self.plan.faults.every_ms;
        if every_ms > 0 {
            let delay_ms = self.chance.between(0, 2 * every_ms);
            self.queue.push(self.now.plus_ms(delay_ms), Happening::Fault);
        }
    }

    pub(crate) fn on_fault(&mut self) -> Checked {
        let Faults { cut, partition, master_crash, agent_crash, scheduler_crash, order, .. } =
            self.plan.faults;
        let weights = [cut, partition, master_crash, agent_crash, scheduler_crash, order];
        match self.chance.weighted(&weights) {
            Some(0) => self.cut_one(),
            Some(1) => self.cut_off_one(),
            Some(2) => self.crash(Name::Master)?,
            Some(3) => {
                let at = self.chance.index(self.agents.len());
                self.crash(Name::Agent(at))?;
            }
            Some(4) => {
                let at = self.chance.index(self.schedulers.len());
                self.crash(Name::Scheduler(at))?;
            }
            Some(5) => self.order_something()?,
            _ => {}
        }
        self.begin_faults();
        Ok(())
    }

    fn cut_one(&mut self) {
        let whole: Vec<_> = self.network.whole().collect();
        if let Some((id, peer)) =
            self.chance.pick(whole).and_then(|id| Some((id, self.network.peer(id)?)))
        {
            self.counts.faults += 1;
            self.note(format!("{peer:>6} !! its stream breaks"));
            self.cut(id);
        }
    }

    fn cut_off_one(&mut self) {
        let at = self.chance.index(self.agents.len() + self.schedulers.len());
        let name = match at.checked_sub(self.agents.len()) {
            None => Name::Agent(at),
            Some(at) => Name::Scheduler(at),
        };
        if !self.network.cut_off.insert(name) {
            return;
        }
        self.counts.faults += 1;
        self.note(format!("{name:>6} !! cannot be reached"));
        for id in self.network.whole_of(name) {
            self.cut(id);
        }
        let delay_ms = self.chance.between(0, 3 * self.plan.timing.unreachable_ms);
        self.queue.push(self.now.plus_ms(delay_ms), Happening::Heal(name));
    }

    /// Ends a process that runs: at once, or in the middle of what it does next. It starts again
    /// after a while.
    fn crash(&mut self, name: Name) -> Checked {
        self.counts.faults += 1;
        let is_later = self.chance.one_in(2);
        match name {
            Name::Master if is_later => self.master.will_crash = self.master.core.is_some(),
            Name::Master if self.master.core.is_some() => self.crash_master(),
            Name::Agent(at) if is_later => {
                self.agents[at].will_crash = self.agents[at].core.is_some();
            }
            Name::Agent(at) if self.agents[at].core.is_some() => self.crash_agent(at)?,
            Name::Scheduler(at) if is_later => {
                self.schedulers[at].will_crash = self.schedulers[at].session.is_some();
            }
            Name::Scheduler(at) if self.schedulers[at].session.is_some() => {
                self.crash_scheduler(at);
            }
            _ => {}
        }
        // One that ends later starts later: several starts are set, of which most find it running.
        for _ in 0..if is_later { 4 } else { 1 } {
            let delay_ms = self.chance.between(1, AWAY_MS_MAX);
            self.queue.push(self.now.plus_ms(delay_ms), Happening::Start(name));
        }
        Ok(())
    }
}
