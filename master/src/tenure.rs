//! How long a main loop may act. It never prolongs it: whoever keeps the lease does.

use stoa_model::instant::Instant;
use tokio::sync::watch;

/// The time until which a loop may act, by the clock of its process.
#[derive(Clone, Debug)]
pub struct Tenure(Option<watch::Receiver<Instant>>);

impl Tenure {
    /// That of a single master, which nobody else can follow.
    pub fn endless() -> Self {
        Self(None)
    }

    /// That of one of several masters: as long as the value says, which the lease moves.
    pub fn of_lease(until: watch::Receiver<Instant>) -> Self {
        Self(Some(until))
    }

    /// Whether nothing may be done any more.
    pub fn is_over(&self, now: Instant) -> bool {
        self.0.as_ref().is_some_and(|until| *until.borrow() <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenure_is_over_when_its_lease_may_be() {
        let now = Instant::from_ms(1_000);
        assert!(!Tenure::endless().is_over(Instant::from_ms(u64::MAX)));
        let (lease, until) = watch::channel(now);
        let tenure = Tenure::of_lease(until);
        assert!(tenure.is_over(now));
        lease.send_replace(now.plus_ms(1));
        assert!(!tenure.is_over(now));
        drop(lease);
        assert!(tenure.is_over(now.plus_ms(1)), "nobody prolongs it any more");
    }
}
