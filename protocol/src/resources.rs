//! Resources on the wire.

use stoa_model::limits::ENTRIES_MAX;
use stoa_model::ports::Ports;
use stoa_model::resources::{Resources, is_scalar_name};

use crate::door::{each, entries, within};
use crate::limits::PORT_RANGES_MAX;
use crate::malformed::Malformed;
use crate::pb;
use crate::wire::Wire;

impl Wire for Resources {
    type Proto = pb::Resources;

    fn to_proto(&self) -> pb::Resources {
        let range =
            |&(first, last): &(u16, u16)| pb::PortRange { first: first.into(), last: last.into() };
        let scalar = |(name, amount): (&str, u64)| pb::Scalar { name: name.to_owned(), amount };
        pb::Resources {
            cpus_milli: self.cpus_milli,
            memory_bytes: self.memory_bytes,
            disk_bytes: self.disk_bytes,
            ports: self.ports.ranges().iter().map(range).collect(),
            scalars: self.scalars().map(scalar).collect(),
        }
    }

    fn from_proto(proto: pb::Resources) -> Result<Self, Malformed> {
        let mut resources = Self::new(proto.cpus_milli, proto.memory_bytes);
        resources.disk_bytes = proto.disk_bytes;
        resources.ports = ports(proto.ports)?;
        entries("scalars", proto.scalars.len(), ENTRIES_MAX)?;
        for (index, scalar) in proto.scalars.into_iter().enumerate() {
            resources = with_scalar(resources, &scalar)
                .map_err(|malformed| malformed.at(index).inside("scalars"))?;
        }
        Ok(resources)
    }
}

/// These resources with one scalar that they do not have yet.
fn with_scalar(resources: Resources, scalar: &pb::Scalar) -> Result<Resources, Malformed> {
    if !is_scalar_name(&scalar.name) {
        let allowed = "1 to 64 of a-z, 0-9, '-' and '_', and none of cpus, memory, disk and ports";
        return Err(Malformed::text(&scalar.name, allowed).inside("name"));
    }
    if resources.scalar(&scalar.name) != 0 {
        return Err(Malformed::text(&scalar.name, "each name once").inside("name"));
    }
    within("amount", scalar.amount, 1, u64::MAX)?;
    Ok(resources.with_scalar(&scalar.name, scalar.amount))
}

/// The set of `ranges`, no two of which share a port.
fn ports(ranges: Vec<pb::PortRange>) -> Result<Ports, Malformed> {
    let ranges = each("ports", ranges, PORT_RANGES_MAX, port_range)?;
    let mut sorted: Vec<(usize, (u16, u16))> = ranges.iter().copied().enumerate().collect();
    sorted.sort_unstable_by_key(|&(index, range)| (range, index));
    for pair in sorted.windows(2) {
        let ((_, (low, high)), (index, (first, last))) = (pair[0], pair[1]);
        if first <= high {
            let allowed = format!("no port of another range, such as {low}-{high}");
            let malformed = Malformed::here(format!("{first}-{last}"), allowed);
            return Err(malformed.at(index).inside("ports"));
        }
    }
    Ok(Ports::from_ranges(ranges))
}

fn port_range(range: pb::PortRange) -> Result<(u16, u16), Malformed> {
    let port = |field, port: u32| {
        let allowed = "0 to 65535";
        u16::try_from(port).map_err(|_| Malformed::here(port, allowed).inside(field))
    };
    let (first, last) = (port("first", range.first)?, port("last", range.last)?);
    if first <= last {
        return Ok((first, last));
    }
    Err(Malformed::here(format!("{first}-{last}"), "a first port that is not above the last"))
}
