//! What the agent gives to the cluster. An operator may start it again to give less than its tasks
//! hold: that ends no task, and the master never hears of less than is held.

use stoa_model::instant::Instant;
use stoa_model::ports::Ports;
use stoa_model::resources::Resources;

use crate::Agent;
use crate::action::{Action, Warning};

impl Agent {
    /// What the agent gives to the cluster: what it was told to, and more as long as its tasks hold
    /// more, since an operator may have it give less than before.
    pub(crate) fn given(&self) -> Resources {
        cover(&self.config.info.resources, self.kept.charges.used())
    }

    /// Tells the master, by coming back, that less is given than it was told, as tasks have ended
    /// that held more than the agent is to give.
    pub(crate) fn correct_report(&mut self, now: Instant, actions: &mut Vec<Action>) {
        let Some(reported) = self.reported.as_ref().filter(|_| self.link.is_open()) else {
            return;
        };
        let given = self.given();
        if *reported != given {
            self.give_up(now, Warning::GivesLess { given: Box::new(given) }, actions);
        }
    }
}

/// The least that contains both.
fn cover(one: &Resources, other: &Resources) -> Resources {
    let ports = one.ports.ranges().iter().chain(other.ports.ranges());
    let mut cover = one.clone();
    cover.cpus_milli = one.cpus_milli.max(other.cpus_milli);
    cover.memory_bytes = one.memory_bytes.max(other.memory_bytes);
    cover.disk_bytes = one.disk_bytes.max(other.disk_bytes);
    cover.ports = Ports::from_ranges(ports.copied());
    other.scalars().fold(cover, |cover, (name, amount)| {
        let most = cover.scalar(name).max(amount);
        cover.with_scalar(name, most)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cover_contains_both_and_no_more() {
        let resources = |text: &str| text.parse::<Resources>().unwrap();
        let one = resources("cpus=2 memory=1GiB ports=1-3");
        let other = resources("cpus=1 memory=5GiB ports=3-9 gpus=2");
        let both = resources("cpus=2 memory=5GiB ports=1-9 gpus=2");
        assert_eq!(cover(&one, &other), both);
    }
}
