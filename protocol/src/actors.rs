//! What masters, agents and frameworks say of themselves, on the wire.

use std::collections::{BTreeMap, BTreeSet};

use stoa_model::agent::{AgentDuty, AgentInfo};
use stoa_model::epoch::Epoch;
use stoa_model::framework::{FAILOVER_TIMEOUT_MS_DEFAULT, FrameworkInfo, ROLE_DEFAULT};
use stoa_model::ids::Role;
use stoa_model::limits::ENTRIES_MAX;
use stoa_model::scheduler::MasterInfo;

use crate::door::{duration_ms, entries, grace_max_ms, list, required, size, text};
use crate::limits::{LABEL_BYTES_MAX, LABELS_BYTES_MAX, NAME_BYTES_MAX};
use crate::malformed::Malformed;
use crate::pb;
use crate::task::key;
use crate::wire::{Wire, list_to_proto};

impl Wire for MasterInfo {
    type Proto = pb::MasterInfo;

    fn to_proto(&self) -> pb::MasterInfo {
        pb::MasterInfo { id: self.id.clone(), version: self.version.clone(), epoch: self.epoch.0 }
    }

    fn from_proto(proto: pb::MasterInfo) -> Result<Self, Malformed> {
        Ok(Self {
            id: text("id", proto.id, NAME_BYTES_MAX)?,
            version: text("version", proto.version, NAME_BYTES_MAX)?,
            epoch: Epoch(proto.epoch),
        })
    }
}

impl Wire for AgentInfo {
    type Proto = pb::AgentInfo;

    fn to_proto(&self) -> pb::AgentInfo {
        pb::AgentInfo {
            hostname: self.hostname.clone(),
            resources: Some(self.resources.to_proto()),
            attributes: attributes_to_proto(&self.attributes),
            version: self.version.clone(),
        }
    }

    fn from_proto(proto: pb::AgentInfo) -> Result<Self, Malformed> {
        Ok(Self {
            hostname: text("hostname", proto.hostname, NAME_BYTES_MAX)?,
            resources: required("resources", proto.resources)?,
            attributes: attributes_from_proto(proto.attributes)?,
            version: text("version", proto.version, NAME_BYTES_MAX)?,
        })
    }
}

impl Wire for AgentDuty {
    type Proto = pb::AgentDuty;

    fn to_proto(&self) -> pb::AgentDuty {
        let (duty, grace_max_ms) = match self {
            Self::Active => (pb::Duty::Active, None),
            Self::Deactivated => (pb::Duty::Deactivated, None),
            Self::Draining { grace_max_ms } => (pb::Duty::Draining, *grace_max_ms),
            Self::Drained => (pb::Duty::Drained, None),
        };
        pb::AgentDuty { duty: duty.into(), grace_max_ms }
    }

    fn from_proto(proto: pb::AgentDuty) -> Result<Self, Malformed> {
        match pb::Duty::try_from(proto.duty) {
            Ok(pb::Duty::Active) => Ok(Self::Active),
            Ok(pb::Duty::Deactivated) => Ok(Self::Deactivated),
            Ok(pb::Duty::Draining) => {
                Ok(Self::Draining { grace_max_ms: grace_max_ms(proto.grace_max_ms)? })
            }
            Ok(pb::Duty::Drained) => Ok(Self::Drained),
            Ok(pb::Duty::Unspecified) => {
                Err(Malformed::here("unspecified", "1 to 4").inside("duty"))
            }
            Err(_) => Err(Malformed::here(proto.duty, "1 to 4").inside("duty")),
        }
    }
}

/// The field `attributes` of the messages that have it.
pub(crate) fn attributes_to_proto(attributes: &BTreeMap<String, String>) -> Vec<pb::Attribute> {
    let attribute =
        |(key, value): (&String, &String)| pb::Attribute { key: key.clone(), value: value.clone() };
    attributes.iter().map(attribute).collect()
}

/// The field `attributes` of the messages that have it; no key twice.
pub(crate) fn attributes_from_proto(
    protos: Vec<pb::Attribute>,
) -> Result<BTreeMap<String, String>, Malformed> {
    entries("attributes", protos.len(), ENTRIES_MAX)?;
    let bytes = protos.iter().map(|proto| proto.key.len() + proto.value.len()).sum();
    size("attributes", bytes, LABELS_BYTES_MAX)?;
    let mut attributes = BTreeMap::new();
    for (index, proto) in protos.into_iter().enumerate() {
        let outside = |malformed: Malformed| malformed.at(index).inside("attributes");
        let key = key(proto.key).map_err(outside)?;
        let value = text("value", proto.value, LABEL_BYTES_MAX).map_err(outside)?;
        if attributes.contains_key(&key) {
            return Err(outside(Malformed::text(&key, "each key once").inside("key")));
        }
        attributes.insert(key, value);
    }
    Ok(attributes)
}

impl Wire for FrameworkInfo {
    type Proto = pb::FrameworkInfo;

    fn to_proto(&self) -> pb::FrameworkInfo {
        pb::FrameworkInfo {
            name: self.name.clone(),
            user: self.user.clone(),
            roles: list_to_proto(&self.roles),
            failover_timeout_ms: Some(self.failover_timeout_ms),
            labels: list_to_proto(&self.labels),
            ends_alone: self.ends_alone,
        }
    }

    fn from_proto(proto: pb::FrameworkInfo) -> Result<Self, Malformed> {
        let failover_timeout_ms = proto.failover_timeout_ms.unwrap_or(FAILOVER_TIMEOUT_MS_DEFAULT);
        let labels_bytes = proto.labels.iter().map(|label| label.key.len() + label.value.len());
        size("labels", labels_bytes.sum(), LABELS_BYTES_MAX)?;
        Ok(Self {
            name: text("name", proto.name, NAME_BYTES_MAX)?,
            user: text("user", proto.user, NAME_BYTES_MAX)?,
            roles: roles(proto.roles)?,
            failover_timeout_ms: duration_ms("failover_timeout_ms", failover_timeout_ms)?,
            labels: list("labels", proto.labels, ENTRIES_MAX)?,
            ends_alone: proto.ends_alone,
        })
    }
}

/// The roles of a framework: one at least, each once.
fn roles(protos: Vec<String>) -> Result<Vec<Role>, Malformed> {
    if protos.is_empty() {
        return Ok(vec![Role::new(ROLE_DEFAULT).expect("the default role is a legal id")]);
    }
    let roles: Vec<Role> = list("roles", protos, ENTRIES_MAX)?;
    let mut seen = BTreeSet::new();
    for (index, role) in roles.iter().enumerate() {
        if !seen.insert(role) {
            return Err(Malformed::text(role.as_str(), "each role once").at(index).inside("roles"));
        }
    }
    Ok(roles)
}
