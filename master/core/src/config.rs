//! What the edge decides before a master starts. It never reads flags or files.

use std::collections::BTreeMap;

use stoa_model::ids::{AgentId, Role};
use stoa_model::scheduler::MasterInfo;

use crate::limits::{
    AGENT_LOSS_INTERVAL_MS, AGENT_REREGISTER_MS, AGENT_UNREACHABLE_MS, AGENTS_LOST_PERCENT_MAX,
    AGENTS_LOST_WINDOW_MS, BATCH_MS, CONFIG_MS_MAX, HEARTBEAT_MS, OFFER_LEASE_MS, WEIGHT_MAX,
};

/// How this master behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Who it is. The id is made anew at each start, and all ids that the master mints begin with
    /// a part of it. The epoch is that under which it leads: the store has given it.
    pub master: MasterInfo,
    /// Milliseconds between two heartbeats to every scheduler and agent.
    pub heartbeat_ms: u64,
    /// Milliseconds without a word, or since its stream broke, after which an agent is
    /// UNREACHABLE. Also the least time that frameworks have to come back after a master's start.
    pub agent_unreachable_ms: u64,
    /// Milliseconds that agents known from the store have to come back after a master's start.
    pub agent_reregister_ms: u64,
    /// Milliseconds between two agents that are given up.
    pub agent_loss_interval_ms: u64,
    /// The share of all agents, in hundredths, that may be away or lost at once. More than that,
    /// and none is given up until enough are back or an operator says so. 100 is no bound.
    pub agents_lost_percent_max: u64,
    /// Milliseconds for which an agent that was given up counts as lost.
    pub agents_lost_window_ms: u64,
    /// Milliseconds after which an unanswered offer is rescinded.
    pub offer_lease_ms: u64,
    /// Milliseconds between two beats, at which what was declined without a filter is offered to
    /// the same framework again.
    pub batch_ms: u64,
    /// What a role's share is divided by; 1 for roles that are not named.
    pub weights: BTreeMap<Role, u32>,
}

/// Why a configuration cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IllegalConfig {
    /// The master's id cannot begin the ids it mints.
    #[error("{0:?} is no id of a master: it must be fit to begin an agent's id")]
    MasterId(String),
    /// A time is zero or too long.
    #[error("{name} is {got_ms} ms; 1 to {CONFIG_MS_MAX} is allowed")]
    Time {
        /// The setting.
        name: &'static str,
        /// Its value.
        got_ms: u64,
    },
    /// Agents would be unreachable before they can be heard of.
    #[error(
        "agent_unreachable_ms is {unreachable_ms}; more than twice heartbeat_ms ({heartbeat_ms}) \
         is allowed"
    )]
    UnreachableTooSoon {
        /// The value of `agent_unreachable_ms`.
        unreachable_ms: u64,
        /// The value of `heartbeat_ms`.
        heartbeat_ms: u64,
    },
    /// A share is zero or more than all.
    #[error("agents_lost_percent_max is {0}; 1 to 100 is allowed")]
    Percent(u64),
    /// A weight is zero or too large.
    #[error("the weight of role {role} is {got}; 1 to {WEIGHT_MAX} is allowed")]
    Weight {
        /// Whose.
        role: Role,
        /// Its value.
        got: u32,
    },
}

impl Config {
    /// The ordinary settings.
    pub fn new(master: MasterInfo) -> Self {
        Self {
            master,
            heartbeat_ms: HEARTBEAT_MS,
            agent_unreachable_ms: AGENT_UNREACHABLE_MS,
            agent_reregister_ms: AGENT_REREGISTER_MS,
            agent_loss_interval_ms: AGENT_LOSS_INTERVAL_MS,
            agents_lost_percent_max: AGENTS_LOST_PERCENT_MAX,
            agents_lost_window_ms: AGENTS_LOST_WINDOW_MS,
            offer_lease_ms: OFFER_LEASE_MS,
            batch_ms: BATCH_MS,
            weights: BTreeMap::new(),
        }
    }

    /// Whether a master can run with these settings.
    ///
    /// # Errors
    /// [`IllegalConfig`] names the first setting that cannot be, with what is allowed.
    pub fn check(&self) -> Result<(), IllegalConfig> {
        if self.master.id.len() > 64 || AgentId::new(&self.master.id).is_err() {
            return Err(IllegalConfig::MasterId(self.master.id.chars().take(64).collect()));
        }
        let times = [
            ("heartbeat_ms", self.heartbeat_ms),
            ("agent_unreachable_ms", self.agent_unreachable_ms),
            ("agent_reregister_ms", self.agent_reregister_ms),
            ("agent_loss_interval_ms", self.agent_loss_interval_ms),
            ("agents_lost_window_ms", self.agents_lost_window_ms),
            ("offer_lease_ms", self.offer_lease_ms),
            ("batch_ms", self.batch_ms),
        ];
        for (name, got_ms) in times {
            if !(1..=CONFIG_MS_MAX).contains(&got_ms) {
                return Err(IllegalConfig::Time { name, got_ms });
            }
        }
        if self.agent_unreachable_ms <= 2 * self.heartbeat_ms {
            return Err(IllegalConfig::UnreachableTooSoon {
                unreachable_ms: self.agent_unreachable_ms,
                heartbeat_ms: self.heartbeat_ms,
            });
        }
        if !(1..=100).contains(&self.agents_lost_percent_max) {
            return Err(IllegalConfig::Percent(self.agents_lost_percent_max));
        }
        for (role, &got) in &self.weights {
            if !(1..=WEIGHT_MAX).contains(&got) {
                return Err(IllegalConfig::Weight { role: role.clone(), got });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use stoa_model::epoch::Epoch;

    use super::*;

    fn config() -> Config {
        Config::new(MasterInfo { id: "m".to_owned(), version: "0".to_owned(), epoch: Epoch(1) })
    }

    #[test]
    fn ordinary_settings_are_legal() {
        assert_eq!(config().check(), Ok(()));
    }

    #[test]
    fn setting_that_cannot_be_is_named() {
        let zero = Config { batch_ms: 0, ..config() };
        assert_eq!(zero.check(), Err(IllegalConfig::Time { name: "batch_ms", got_ms: 0 }));
        let deaf = Config { agent_unreachable_ms: 30_000, ..config() };
        assert!(matches!(deaf.check(), Err(IllegalConfig::UnreachableTooSoon { .. })));
        let all = Config { agents_lost_percent_max: 101, ..config() };
        assert_eq!(all.check(), Err(IllegalConfig::Percent(101)));
        let role = Role::new("web").unwrap();
        let light = Config { weights: BTreeMap::from([(role, 0)]), ..config() };
        assert!(matches!(light.check(), Err(IllegalConfig::Weight { got: 0, .. })));
        let master = MasterInfo { id: "a/b".to_owned(), version: String::new(), epoch: Epoch(1) };
        assert!(matches!(Config::new(master).check(), Err(IllegalConfig::MasterId(_))));
    }
}
