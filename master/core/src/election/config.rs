//! What the edge decides before a master stands for election. It never reads flags or files.

use crate::limits::{CONFIG_MS_MAX, KEEP_ALIVE_MS, LEADER_LEASE_MARGIN_MS, LEADER_LEASE_MS};

/// How a master stands for election.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where the others send those who come to them while it leads, a `HOST:PORT`.
    pub address: String,
    /// How long the leader's lease is at the store, in milliseconds.
    pub lease_ms: u64,
    /// How long before the lease can be over the leader stops. At least a third of the lease.
    pub margin_ms: u64,
    /// Milliseconds between two keep-alives.
    pub keep_alive_ms: u64,
    /// Milliseconds between a step-down and the next campaign, so that another gets the lead.
    pub rest_ms: u64,
    /// What the jitter of this master is made of: another one at each start.
    pub seed: u64,
}

/// Why a master cannot stand for election with these settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IllegalConfig {
    /// Nobody could be sent there.
    #[error("{0:?} is no address of a master: HOST:PORT is allowed")]
    Address(String),
    /// A time is zero or too long.
    #[error("{name} is {got_ms} ms; 1 to {CONFIG_MS_MAX} is allowed")]
    Time {
        /// The setting.
        name: &'static str,
        /// Its value.
        got_ms: u64,
    },
    /// Clocks that differ a little would let two masters lead, or none could.
    #[error(
        "margin_ms is {margin_ms}; a third of lease_ms ({lease_ms}) to less than it is allowed"
    )]
    Margin {
        /// The value of `margin_ms`.
        margin_ms: u64,
        /// The value of `lease_ms`.
        lease_ms: u64,
    },
    /// One keep-alive that is lost would end the leadership.
    #[error(
        "keep_alive_ms is {keep_alive_ms}; at most half of the {leads_ms} ms that a leader leads \
         without one is allowed"
    )]
    KeepAliveTooSeldom {
        /// The value of `keep_alive_ms`.
        keep_alive_ms: u64,
        /// The lease without the margin.
        leads_ms: u64,
    },
}

impl Config {
    /// The ordinary settings.
    pub fn new(address: String, seed: u64) -> Self {
        Self {
            address,
            lease_ms: LEADER_LEASE_MS,
            margin_ms: LEADER_LEASE_MARGIN_MS,
            keep_alive_ms: KEEP_ALIVE_MS,
            rest_ms: LEADER_LEASE_MS,
            seed,
        }
    }

    /// Whether a master can stand with these settings.
    ///
    /// # Errors
    /// [`IllegalConfig`] names the first setting that cannot be, with what is allowed.
    pub fn check(&self) -> Result<(), IllegalConfig> {
        let port = self.address.rsplit_once(':').filter(|(host, _)| !host.is_empty());
        if port.is_none_or(|(_, port)| port.parse::<u16>().is_err()) {
            return Err(IllegalConfig::Address(self.address.chars().take(64).collect()));
        }
        let times = [
            ("lease_ms", self.lease_ms),
            ("keep_alive_ms", self.keep_alive_ms),
            ("rest_ms", self.rest_ms),
        ];
        for (name, got_ms) in times {
            if !(1..=CONFIG_MS_MAX).contains(&got_ms) {
                return Err(IllegalConfig::Time { name, got_ms });
            }
        }
        let (lease_ms, margin_ms) = (self.lease_ms, self.margin_ms);
        if !(lease_ms.div_ceil(3)..lease_ms).contains(&margin_ms) {
            return Err(IllegalConfig::Margin { margin_ms, lease_ms });
        }
        let (keep_alive_ms, leads_ms) = (self.keep_alive_ms, lease_ms - margin_ms);
        if 2 * keep_alive_ms > leads_ms {
            return Err(IllegalConfig::KeepAliveTooSeldom { keep_alive_ms, leads_ms });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Config {
        Config::new("m1:5050".to_owned(), 0)
    }

    #[test]
    fn ordinary_settings_are_legal() {
        assert_eq!(config().check(), Ok(()));
    }

    #[test]
    fn setting_that_cannot_be_is_named() {
        for address in ["m1", ":5050", "m1:x", ""] {
            let nowhere = Config { address: address.to_owned(), ..config() };
            assert!(matches!(nowhere.check(), Err(IllegalConfig::Address(_))), "{address:?}");
        }
        let restless = Config { rest_ms: 0, ..config() };
        assert_eq!(restless.check(), Err(IllegalConfig::Time { name: "rest_ms", got_ms: 0 }));
        for margin_ms in [3_333, 10_000] {
            let daring = Config { margin_ms, ..config() };
            assert!(matches!(daring.check(), Err(IllegalConfig::Margin { .. })), "{margin_ms}");
        }
        let rare = Config { keep_alive_ms: 3_001, ..config() };
        assert!(matches!(rare.check(), Err(IllegalConfig::KeepAliveTooSeldom { .. })));
    }
}
