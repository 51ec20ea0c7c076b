//! The cluster as operators see it: one struct for each kind of thing, the same fields in JSON and
//! in tables. JSON field names carry their units.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use stoa_model::agent::AgentDuty;
use stoa_model::offer::Offer;
use stoa_model::operator::{AgentState, FrameworkState};
use stoa_model::resources::Resources;
use stoa_model::status::{TaskStatus, Usage};
use stoa_model::task::TaskRecord;

use crate::table::Row;

/// Resources in JSON.
#[derive(Debug, Serialize)]
pub struct ResourcesView {
    cpus_milli: u64,
    memory_bytes: u64,
    disk_bytes: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ports: Vec<(u16, u16)>,
    #[serde(flatten)]
    scalars: BTreeMap<String, u64>,
    #[serde(skip)]
    text: String,
}

impl From<&Resources> for ResourcesView {
    fn from(resources: &Resources) -> Self {
        Self {
            cpus_milli: resources.cpus_milli,
            memory_bytes: resources.memory_bytes,
            disk_bytes: resources.disk_bytes,
            ports: resources.ports.ranges().to_vec(),
            scalars: resources.scalars().map(|(name, n)| (name.to_owned(), n)).collect(),
            text: resources.to_string(),
        }
    }
}

/// A task.
#[derive(Debug, Serialize)]
pub struct TaskView {
    task: String,
    name: String,
    framework: String,
    agent: String,
    role: String,
    state: &'static str,
    is_paused: bool,
    reason: Option<&'static str>,
    message: String,
    exit_code: Option<i32>,
    resources: ResourcesView,
    usage: Option<UsageView>,
    labels: BTreeMap<String, String>,
    changed_at_ms: Option<u64>,
}

/// What a container has used.
#[derive(Debug, Serialize)]
pub struct UsageView {
    fuel: u64,
    wall_us: u64,
    memory_peak_bytes: u64,
    output_bytes: u64,
}

impl From<Usage> for UsageView {
    fn from(usage: Usage) -> Self {
        Self {
            fuel: usage.fuel,
            wall_us: usage.wall_us,
            memory_peak_bytes: usage.memory_peak_bytes,
            output_bytes: usage.output_bytes,
        }
    }
}

impl From<&TaskRecord> for TaskView {
    fn from(record: &TaskRecord) -> Self {
        let status = record.status.as_ref();
        Self {
            task: record.id.to_string(),
            name: record.name.clone(),
            framework: record.framework.to_string(),
            agent: record.agent.to_string(),
            role: record.role.to_string(),
            state: record.state.as_str(),
            is_paused: record.is_paused && !record.state.is_terminal(),
            reason: status.map(|status| status.reason.as_str()),
            message: status.map(|status| status.message.clone()).unwrap_or_default(),
            exit_code: status.and_then(|status| status.exit_code),
            resources: (&record.resources).into(),
            usage: status.and_then(|status| status.usage).map(UsageView::from),
            labels: record.labels.iter().map(|l| (l.key.clone(), l.value.clone())).collect(),
            changed_at_ms: status.map(|status| status.at_ms),
        }
    }
}

impl Row for TaskView {
    const HEADINGS: &'static [&'static str] =
        &["TASK", "STATE", "REASON", "EXIT", "AGENT", "RESOURCES", "FRAMEWORK"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.task.clone(),
            if self.is_paused { format!("{} (paused)", self.state) } else { self.state.to_owned() },
            self.reason.unwrap_or("-").to_owned(),
            self.exit_code.map_or_else(|| "-".to_owned(), |code| code.to_string()),
            self.agent.clone(),
            self.resources.text.clone(),
            self.framework.clone(),
        ]
    }
}

/// An agent.
#[derive(Debug, Serialize)]
pub struct AgentView {
    agent: String,
    hostname: String,
    state: &'static str,
    duty: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    grace_max_ms: Option<u64>,
    total: ResourcesView,
    used: ResourcesView,
    offered: ResourcesView,
    free: ResourcesView,
    attributes: BTreeMap<String, String>,
    version: String,
}

impl From<&AgentState> for AgentView {
    fn from(agent: &AgentState) -> Self {
        Self {
            agent: agent.id.to_string(),
            hostname: agent.info.hostname.clone(),
            state: agent.standing.as_str(),
            duty: agent.duty.as_str(),
            grace_max_ms: match agent.duty {
                AgentDuty::Draining { grace_max_ms } => grace_max_ms,
                _ => None,
            },
            total: (&agent.info.resources).into(),
            used: (&agent.used).into(),
            offered: (&agent.offered).into(),
            free: (&agent.free).into(),
            attributes: agent.info.attributes.clone(),
            version: agent.info.version.clone(),
        }
    }
}

impl Row for AgentView {
    const HEADINGS: &'static [&'static str] =
        &["AGENT", "STATE", "DUTY", "HOST", "TOTAL", "USED", "OFFERED"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.agent.clone(),
            self.state.to_owned(),
            self.duty.to_owned(),
            self.hostname.clone(),
            self.total.text.clone(),
            self.used.text.clone(),
            self.offered.text.clone(),
        ]
    }
}

/// A framework.
#[derive(Debug, Serialize)]
pub struct FrameworkView {
    framework: String,
    name: String,
    user: String,
    roles: Vec<String>,
    is_connected: bool,
    tasks_live: u64,
    allocated: ResourcesView,
    failover_timeout_ms: u64,
}

impl From<&FrameworkState> for FrameworkView {
    fn from(framework: &FrameworkState) -> Self {
        Self {
            framework: framework.id.to_string(),
            name: framework.info.name.clone(),
            user: framework.info.user.clone(),
            roles: framework.info.roles.iter().map(ToString::to_string).collect(),
            is_connected: framework.is_connected,
            tasks_live: framework.tasks_live,
            allocated: (&framework.allocated).into(),
            failover_timeout_ms: framework.info.failover_timeout_ms,
        }
    }
}

impl Row for FrameworkView {
    const HEADINGS: &'static [&'static str] =
        &["FRAMEWORK", "NAME", "CONNECTED", "ROLES", "TASKS", "ALLOCATED"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.framework.clone(),
            self.name.clone(),
            if self.is_connected { "yes" } else { "no" }.to_owned(),
            self.roles.join(","),
            self.tasks_live.to_string(),
            self.allocated.text.clone(),
        ]
    }
}

/// An outstanding offer.
#[derive(Debug, Serialize)]
pub struct OfferView {
    offer: String,
    framework: String,
    agent: String,
    hostname: String,
    role: String,
    resources: ResourcesView,
}

impl From<&Offer> for OfferView {
    fn from(offer: &Offer) -> Self {
        Self {
            offer: offer.id.to_string(),
            framework: offer.framework.to_string(),
            agent: offer.agent.to_string(),
            hostname: offer.hostname.clone(),
            role: offer.role.to_string(),
            resources: (&offer.resources).into(),
        }
    }
}

impl Row for OfferView {
    const HEADINGS: &'static [&'static str] = &["OFFER", "FRAMEWORK", "AGENT", "ROLE", "RESOURCES"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.offer.clone(),
            self.framework.clone(),
            self.agent.clone(),
            self.role.clone(),
            self.resources.text.clone(),
        ]
    }
}

/// Opaque bytes: as text if they are text, otherwise in base64; nothing if there are none.
#[derive(Debug, Serialize)]
pub struct DataView {
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data_base64: Option<String>,
}

impl DataView {
    /// Of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok("") => Self { data: None, data_base64: None },
            Ok(text) => Self { data: Some(text.to_owned()), data_base64: None },
            Err(_) => Self { data: None, data_base64: Some(STANDARD.encode(bytes)) },
        }
    }

    /// Puts its field, if there is one, into a JSON object.
    pub fn put_into(self, object: &mut serde_json::Value) {
        let fields = [("data", self.data), ("data_base64", self.data_base64)];
        for (name, value) in fields {
            if let Some(value) = value {
                object[name] = value.into();
            }
        }
    }
}

/// A change in a task's life.
#[derive(Debug, Serialize)]
pub struct StatusView {
    task: String,
    agent: Option<String>,
    state: &'static str,
    reason: &'static str,
    message: String,
    exit_code: Option<i32>,
    usage: Option<UsageView>,
    #[serde(flatten)]
    data: DataView,
    at_ms: u64,
}

impl From<&TaskStatus> for StatusView {
    fn from(status: &TaskStatus) -> Self {
        Self {
            task: status.task.to_string(),
            agent: status.agent.as_ref().map(ToString::to_string),
            state: status.state.as_str(),
            reason: status.reason.as_str(),
            message: status.message.clone(),
            exit_code: status.exit_code,
            usage: status.usage.map(UsageView::from),
            data: DataView::of(&status.data),
            at_ms: status.at_ms,
        }
    }
}
