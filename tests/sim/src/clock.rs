//! The clock of each process: it starts anywhere near the true time, and runs a little too fast or
//! too slow. It never jumps while its process lives, as no clock of a process does.

use stoa_invariants::Name;
use stoa_model::instant::Instant;

use crate::seen::Seen;
use crate::world::World;

/// One process's clock, since its start.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    started: Instant,
    showed: Instant,
    /// What it shows more in a true second, in milliseconds.
    rate: u64,
}

impl Clock {
    /// What it shows.
    fn local(self, now: Instant) -> Instant {
        self.showed.plus_ms(now.ms_since(self.started) * self.rate / 1_000)
    }

    /// The first true time at which it shows that.
    fn world(self, local: Instant) -> Instant {
        let ms = u128::from(local.ms_since(self.showed)) * 1_000;
        let ms = ms.div_ceil(u128::from(self.rate));
        self.started.plus_ms(u64::try_from(ms).unwrap_or(u64::MAX))
    }
}

impl World {
    /// A process starts, and its clock with it.
    pub(crate) fn set_clock(&mut self, name: Name) {
        let (started, mut showed, mut rate) = (self.now, self.now, 1_000);
        if self.plan.faults.clock && self.chance.one_in(2) {
            let (least, most) = (self.now.ms.saturating_sub(600_000), self.now.ms + 600_000);
            showed = Instant::from_ms(self.chance.between(least, most));
            rate = self.chance.between(950, 1_050);
            self.tally.note(Seen::ClockWrong);
        }
        self.clocks.insert(name, Clock { started, showed, rate });
    }

    /// What the process's clock shows now.
    pub(crate) fn local(&self, name: Name) -> Instant {
        self.clocks.get(&name).map_or(self.now, |clock| clock.local(self.now))
    }

    /// When the process's clock shows that.
    pub(crate) fn world_time(&self, name: Name, local: Instant) -> Instant {
        self.clocks.get(&name).map_or(local, |clock| clock.world(local))
    }
}
