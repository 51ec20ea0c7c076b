//! The names of a cluster's keys in etcd, all below its prefix. It never reads or writes one.

/// The keys below one prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    prefix: String,
}

/// What is kept of one kind, as the tables of the embedded store. In the order of their keys, by
/// which an agent comes before what is said of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    /// Agent id to what the agent says of itself.
    Agents,
    /// Agent id to what operators want of it; an agent that is not there is ACTIVE.
    AgentsDuty,
    /// Ids of agents that are gone for ever. The core bounds them.
    AgentsGone,
    /// Agent id to the millisecond since which it is unreachable.
    AgentsUnreachable,
    /// Framework id to what the framework says of itself.
    Frameworks,
    /// Framework id to the millisecond at which it ends without a scheduler.
    FrameworksDisconnected,
    /// Numbers, in the order in which frameworks have ended, to their ids.
    FrameworksRemoved,
}

impl Table {
    const ALL: [Self; 7] = [
        Self::Agents,
        Self::AgentsDuty,
        Self::AgentsGone,
        Self::AgentsUnreachable,
        Self::Frameworks,
        Self::FrameworksDisconnected,
        Self::FrameworksRemoved,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Agents => "agents",
            Self::AgentsDuty => "agents_duty",
            Self::AgentsGone => "agents_gone",
            Self::AgentsUnreachable => "agents_unreachable",
            Self::Frameworks => "frameworks",
            Self::FrameworksDisconnected => "frameworks_disconnected",
            Self::FrameworksRemoved => "frameworks_removed",
        }
    }
}

impl Keys {
    /// The keys below `prefix`, which ends with no `/`.
    pub fn below(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned() }
    }

    /// The leader's key: who made it leads, as long as it is there. Its value is the leader's
    /// address, the revision at which it was made the leader's epoch.
    pub fn leader(&self) -> String {
        format!("{}/leader", self.prefix)
    }

    /// The number of the last commit, and the epoch that it was made under.
    pub fn commit(&self) -> String {
        format!("{}/commit", self.prefix)
    }

    /// The layout of all the keys.
    pub fn format(&self) -> String {
        format!("{}/format", self.prefix)
    }

    /// What all keys of what is kept begin with.
    pub fn state(&self) -> String {
        format!("{}/state/", self.prefix)
    }

    /// Where a table keeps what it has of `id`.
    pub fn entry(&self, table: Table, id: &str) -> String {
        format!("{}/state/{}/{id}", self.prefix, table.name())
    }

    /// The table and the id of a key, if it is one of a table.
    pub fn parse<'k>(&self, key: &'k str) -> Option<(Table, &'k str)> {
        let rest = key.strip_prefix(&self.prefix)?.strip_prefix("/state/")?;
        let (name, id) = rest.split_once('/')?;
        let table = Table::ALL.into_iter().find(|table| table.name() == name)?;
        Some((table, id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_of_a_table_is_read_as_it_is_written() {
        let keys = Keys::below("east/stoa");
        for table in Table::ALL {
            let key = keys.entry(table, "A1");
            assert!(key.starts_with(&keys.state()), "{key}");
            assert_eq!(keys.parse(&key), Some((table, "A1")));
        }
        let outside = [keys.leader(), keys.commit(), keys.format(), keys.state()];
        for key in outside.iter().map(String::as_str).chain(["east/stoa/state/attic/A1", ""]) {
            assert_eq!(keys.parse(key), None, "{key}");
        }
    }

    #[test]
    fn keys_are_in_the_order_of_their_tables() {
        let keys = Keys::below("stoa");
        let written = Table::ALL.map(|table| keys.entry(table, "~"));
        assert!(written.is_sorted() && Table::ALL.is_sorted(), "{written:?}");
    }
}
