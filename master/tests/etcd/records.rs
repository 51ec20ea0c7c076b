//! Records that tests commit.

use stoa_master_core::{Record, Recovered};
use stoa_model::agent::{AgentDuty, AgentInfo};
use stoa_model::framework::{FrameworkInfo, ROLE_DEFAULT};
use stoa_model::ids::{AgentId, FrameworkId, Role};
use stoa_model::instant::Instant;
use stoa_model::resources::Resources;

/// The id of an agent.
pub fn agent(n: usize) -> AgentId {
    AgentId::new(&format!("A{n}")).expect("it is plain and short")
}

/// The id of a framework.
pub fn framework(n: usize) -> FrameworkId {
    FrameworkId::new(&format!("F{n}")).expect("it is plain and short")
}

/// An agent with so many attributes of 4 KiB each.
pub fn admitted_with(n: usize, attributes: usize) -> Record {
    let attribute = |n| (format!("attribute{n:03}"), "v".repeat(4_096));
    let info = AgentInfo {
        hostname: format!("machine{n}"),
        resources: Resources::new(1_000, 1 << 30),
        attributes: (0..attributes).map(attribute).collect(),
        version: "1".to_owned(),
    };
    Record::Agent { id: agent(n), info }
}

/// An ordinary agent.
pub fn admitted(n: usize) -> Record {
    admitted_with(n, 0)
}

/// A framework that has registered.
pub fn registered(n: usize) -> Record {
    let info = FrameworkInfo {
        name: format!("web{n}"),
        user: "ada".to_owned(),
        roles: vec![Role::new(ROLE_DEFAULT).expect("the default is legal")],
        failover_timeout_ms: 1_000,
        labels: Vec::new(),
        ends_alone: false,
    };
    Record::Framework { id: framework(n), info }
}

/// Something of every kind, in batches as a loop commits them.
pub fn of_every_kind() -> Vec<Vec<Record>> {
    let (since, deadline) = (Instant::from_ms(7), Instant::from_ms(9));
    vec![
        (0..8).map(admitted).collect(),
        vec![
            Record::AgentUnreachable { id: agent(1), since },
            Record::AgentUnreachable { id: agent(2), since },
            Record::AgentDuty { id: agent(3), duty: AgentDuty::Draining { grace_max_ms: Some(5) } },
            Record::AgentDuty { id: agent(4), duty: AgentDuty::Drained },
            registered(1),
            registered(2),
            registered(3),
        ],
        vec![
            Record::AgentReachable { id: agent(2) },
            Record::AgentDuty { id: agent(4), duty: AgentDuty::Active },
            Record::AgentRemoved { id: agent(5) },
            Record::AgentGone { id: agent(6) },
            Record::FrameworkDisconnected { id: framework(1), deadline },
            Record::FrameworkDisconnected { id: framework(2), deadline },
            Record::FrameworkConnected { id: framework(2) },
            Record::FrameworkRemoved { id: framework(3) },
        ],
    ]
}

/// The sum of records.
pub fn sum<'r>(records: impl IntoIterator<Item = &'r Record>) -> Recovered {
    let mut recovered = Recovered::default();
    records.into_iter().for_each(|record| recovered.apply(record.clone()));
    recovered
}
