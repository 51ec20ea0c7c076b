//! Offers and filters on the wire.

use stoa_model::offer::{Filters, Offer, REFUSE_MS_DEFAULT};
use stoa_model::resources::Resources;

use crate::actors::{attributes_from_proto, attributes_to_proto};
use crate::door::{duration_ms, required, text, value};
use crate::limits::NAME_BYTES_MAX;
use crate::malformed::Malformed;
use crate::pb;
use crate::wire::Wire;

impl Wire for Offer {
    type Proto = pb::Offer;

    fn to_proto(&self) -> pb::Offer {
        pb::Offer {
            id: self.id.to_proto(),
            framework: self.framework.to_proto(),
            agent: self.agent.to_proto(),
            hostname: self.hostname.clone(),
            role: self.role.to_proto(),
            resources: Some(self.resources.to_proto()),
            attributes: attributes_to_proto(&self.attributes),
        }
    }

    fn from_proto(proto: pb::Offer) -> Result<Self, Malformed> {
        let resources: Resources = required("resources", proto.resources)?;
        if resources.is_empty() {
            return Err(Malformed::here("empty", "something to offer").inside("resources"));
        }
        Ok(Self {
            id: value("id", proto.id)?,
            framework: value("framework", proto.framework)?,
            agent: value("agent", proto.agent)?,
            hostname: text("hostname", proto.hostname, NAME_BYTES_MAX)?,
            role: value("role", proto.role)?,
            resources,
            attributes: attributes_from_proto(proto.attributes)?,
        })
    }
}

impl Wire for Filters {
    type Proto = pb::Filters;

    fn to_proto(&self) -> pb::Filters {
        pb::Filters { refuse_ms: Some(self.refuse_ms) }
    }

    fn from_proto(proto: pb::Filters) -> Result<Self, Malformed> {
        let refuse_ms = proto.refuse_ms.unwrap_or(REFUSE_MS_DEFAULT);
        Ok(Self { refuse_ms: duration_ms("refuse_ms", refuse_ms)? })
    }
}
