//! What a record changes in etcd, what is there as records, and how many changes go at once. Pure;
//! it never sends one.

use std::collections::BTreeMap;
use std::error::Error;

use stoa_etcd::limits::OPERATIONS_PER_TXN_MAX;
use stoa_master_core::Record;
use stoa_master_core::limits::FRAMEWORKS_REMOVED_MAX;
use stoa_model::agent::AgentDuty;
use stoa_model::ids::{AgentId, FrameworkId};
use stoa_model::instant::Instant;
use stoa_protocol::wire::{decode, encode};

use crate::etcd_store::keys::{Keys, Table};
use crate::limits::COMMIT_BYTES_MAX;

/// Keys to what is to stand there; nothing if the key is to go. The last word on a key counts, as
/// all are changed at once.
pub type Changes = BTreeMap<String, Option<Vec<u8>>>;

/// Changes of one transaction: one less than etcd takes, which is the number of the commit.
const CHANGES_MAX: usize = OPERATIONS_PER_TXN_MAX - 1;

/// Puts records into changes, each whole and in order, as many at once as etcd takes.
///
/// `ends` is how many frameworks have ended by now: the number of the next.
pub fn batches(keys: &Keys, records: &[Record], ends: &mut u64) -> Vec<Changes> {
    let mut batches = Vec::new();
    let (mut batch, mut bytes) = (Changes::new(), 0);
    for record in records {
        let changes = changes(keys, record, ends);
        let size: usize = changes.iter().map(size).sum();
        if batch.len() + changes.len() > CHANGES_MAX || bytes + size > COMMIT_BYTES_MAX {
            batches.push(std::mem::take(&mut batch));
            bytes = 0;
        }
        batch.extend(changes);
        bytes += size;
    }
    batches.push(batch);
    batches.retain(|batch| !batch.is_empty());
    batches
}

/// Bytes on the wire, or a few more.
fn size((key, value): &(String, Option<Vec<u8>>)) -> usize {
    key.len() + value.as_ref().map_or(0, Vec::len) + 32
}

fn changes(keys: &Keys, record: &Record, ends: &mut u64) -> Vec<(String, Option<Vec<u8>>)> {
    let put = |table, id: &str, value: Vec<u8>| (keys.entry(table, id), Some(value));
    let remove = |table, id: &str| (keys.entry(table, id), None);
    let number = |number: u64| number.to_string().into_bytes();
    let forget = |id: &AgentId| {
        let tables = [Table::Agents, Table::AgentsUnreachable, Table::AgentsDuty];
        tables.map(|table| remove(table, id.as_str())).to_vec()
    };
    match record {
        Record::Agent { id, info } => vec![put(Table::Agents, id.as_str(), encode(info))],
        Record::AgentUnreachable { id, since } => {
            vec![put(Table::AgentsUnreachable, id.as_str(), number(since.ms))]
        }
        Record::AgentReachable { id } => vec![remove(Table::AgentsUnreachable, id.as_str())],
        Record::AgentRemoved { id } => forget(id),
        Record::AgentDuty { id, duty: AgentDuty::Active } => {
            vec![remove(Table::AgentsDuty, id.as_str())]
        }
        Record::AgentDuty { id, duty } => {
            vec![put(Table::AgentsDuty, id.as_str(), encode(duty))]
        }
        Record::AgentGone { id } => {
            let mut changes = forget(id);
            changes.push(put(Table::AgentsGone, id.as_str(), Vec::new()));
            changes
        }
        Record::Framework { id, info } => {
            vec![put(Table::Frameworks, id.as_str(), encode(info))]
        }
        Record::FrameworkDisconnected { id, deadline } => {
            vec![put(Table::FrameworksDisconnected, id.as_str(), number(deadline.ms))]
        }
        Record::FrameworkConnected { id } => {
            vec![remove(Table::FrameworksDisconnected, id.as_str())]
        }
        Record::FrameworkRemoved { id } => {
            let end = *ends;
            *ends += 1;
            let mut changes = vec![
                remove(Table::Frameworks, id.as_str()),
                remove(Table::FrameworksDisconnected, id.as_str()),
                put(Table::FrameworksRemoved, &end_name(end), id.as_str().into()),
            ];
            // As in the embedded store: an agent that comes back later than so many ends keeps the
            // tasks of older ones.
            let too_old = end.checked_sub(FRAMEWORKS_REMOVED_MAX as u64);
            let too_old = too_old.map(|end| remove(Table::FrameworksRemoved, &end_name(end)));
            changes.extend(too_old);
            changes
        }
    }
}

/// Numbers in the order of their names.
fn end_name(end: u64) -> String {
    format!("{end:020}")
}

/// The record that leads to what stands at a key, and the number of an end if it is one.
///
/// # Errors
/// Why it cannot be read.
pub fn record(
    keys: &Keys,
    key: &str,
    value: &[u8],
) -> Result<(Record, Option<u64>), Box<dyn Error + Send + Sync>> {
    let (table, id) = keys.parse(key).ok_or("no table of this version has such a key")?;
    let instant = || -> Result<Instant, Box<dyn Error + Send + Sync>> {
        Ok(Instant::from_ms(std::str::from_utf8(value)?.parse()?))
    };
    let record = match table {
        Table::Agents => Record::Agent { id: AgentId::new(id)?, info: decode(value)? },
        Table::AgentsDuty => Record::AgentDuty { id: AgentId::new(id)?, duty: decode(value)? },
        Table::AgentsGone => Record::AgentGone { id: AgentId::new(id)? },
        Table::AgentsUnreachable => {
            Record::AgentUnreachable { id: AgentId::new(id)?, since: instant()? }
        }
        Table::Frameworks => Record::Framework { id: FrameworkId::new(id)?, info: decode(value)? },
        Table::FrameworksDisconnected => {
            Record::FrameworkDisconnected { id: FrameworkId::new(id)?, deadline: instant()? }
        }
        Table::FrameworksRemoved => {
            let framework = FrameworkId::new(std::str::from_utf8(value)?)?;
            return Ok((Record::FrameworkRemoved { id: framework }, Some(id.parse()?)));
        }
    };
    Ok((record, None))
}

#[cfg(test)]
mod tests {
    use super::*;
    use stoa_etcd::limits::PREFIX_BYTES_MAX;
    use stoa_model::agent::AgentInfo;
    use stoa_model::framework::{FrameworkInfo, ROLE_DEFAULT};
    use stoa_model::ids::Role;
    use stoa_model::limits::{DURATION_MS_MAX, ENTRIES_MAX, ID_BYTES_MAX};
    use stoa_model::ports::Ports;
    use stoa_model::resources::Resources;
    use stoa_model::task::Label;
    use stoa_protocol::limits::{LABELS_BYTES_MAX, NAME_BYTES_MAX, PORT_RANGES_MAX};

    fn agent(name: &str) -> AgentId {
        AgentId::new(name).unwrap()
    }

    fn framework(name: &str) -> FrameworkId {
        FrameworkId::new(name).unwrap()
    }

    fn info(hostname: String) -> AgentInfo {
        AgentInfo {
            hostname,
            resources: Resources::new(1, 2),
            attributes: BTreeMap::new(),
            version: "1".to_owned(),
        }
    }

    #[test]
    fn what_is_written_is_read_as_the_same_record() {
        let keys = Keys::below("stoa");
        let framework_info = FrameworkInfo {
            name: "web".to_owned(),
            user: "ada".to_owned(),
            roles: vec![Role::new(ROLE_DEFAULT).unwrap()],
            failover_timeout_ms: 1_000,
            labels: Vec::new(),
            ends_alone: false,
        };
        let (since, deadline) = (Instant::from_ms(7), Instant::from_ms(u64::MAX));
        let records = [
            Record::Agent { id: agent("A1"), info: info("machine".to_owned()) },
            Record::AgentUnreachable { id: agent("A1"), since },
            Record::AgentDuty { id: agent("A1"), duty: AgentDuty::Drained },
            Record::AgentGone { id: agent("A2") },
            Record::Framework { id: framework("F1"), info: framework_info },
            Record::FrameworkDisconnected { id: framework("F1"), deadline },
            Record::FrameworkRemoved { id: framework("F2") },
        ];
        for expected in records {
            let [batch] = &batches(&keys, std::slice::from_ref(&expected), &mut 41)[..] else {
                panic!("one record is one batch")
            };
            let put = batch.iter().find_map(|(key, value)| value.as_ref().map(|v| (key, v)));
            let (key, value) = put.expect("each of them writes something");
            let (read, end) = record(&keys, key, value).unwrap();
            let is_end = matches!(expected, Record::FrameworkRemoved { .. });
            assert_eq!((read, end), (expected, is_end.then_some(41)));
        }
    }

    #[test]
    fn what_is_no_record_is_refused() {
        let keys = Keys::below("stoa");
        let cases = [
            ("stoa/state/attic/A1", b"".as_slice()),
            ("stoa/state/agents/A/1", b""),
            ("stoa/state/agents/A1", b"\xff"),
            ("stoa/state/agents_unreachable/A1", b"x"),
            ("stoa/state/frameworks_removed/x", b"F1"),
            ("stoa/state/frameworks_removed/1", b""),
        ];
        for (key, value) in cases {
            assert!(record(&keys, key, value).is_err(), "{key}");
        }
    }

    #[test]
    fn last_word_on_a_key_counts() {
        let keys = Keys::below("stoa");
        let id = agent("A1");
        let records = [
            Record::AgentUnreachable { id: id.clone(), since: Instant::from_ms(7) },
            Record::AgentReachable { id },
        ];
        let expected = Changes::from([("stoa/state/agents_unreachable/A1".to_owned(), None)]);
        assert_eq!(batches(&keys, &records, &mut 0), [expected]);
        assert!(batches(&keys, &[], &mut 0).is_empty());
    }

    #[test]
    fn many_changes_are_cut_where_a_record_ends() {
        let keys = Keys::below("stoa");
        let gone = (0..200).map(|n| Record::AgentGone { id: agent(&format!("A{n}")) });
        let gone: Vec<_> = gone.collect();
        let cut = batches(&keys, &gone, &mut 0);
        let lengths: Vec<_> = cut.iter().map(Changes::len).collect();
        let per_batch = CHANGES_MAX / 4 * 4;
        assert_eq!(lengths.iter().sum::<usize>(), 800);
        assert!(lengths[..lengths.len() - 1].iter().all(|len| *len == per_batch), "{lengths:?}");

        let large = |n| Record::Agent {
            id: agent(&format!("A{n}")),
            info: info("h".repeat(COMMIT_BYTES_MAX / 2)),
        };
        assert_eq!(batches(&keys, &[large(1), large(2), large(3)], &mut 0).len(), 3);
    }

    #[test]
    fn ends_are_numbered_and_the_oldest_is_forgotten() {
        let keys = Keys::below("stoa");
        let max = FRAMEWORKS_REMOVED_MAX as u64;
        let mut ends = max;
        let removed = Record::FrameworkRemoved { id: framework("F1") };
        let [batch] = &batches(&keys, &[removed], &mut ends)[..] else { panic!("one batch") };
        assert_eq!(ends, max + 1);
        let name = |end| format!("stoa/state/frameworks_removed/{end:020}");
        assert_eq!(batch[&name(max)], Some(b"F1".to_vec()));
        assert_eq!(batch[&name(0)], None);
        assert_eq!(batch.len(), 4);
    }

    /// Whoever registers with as much as is legal must not be able to stop the master.
    #[test]
    fn largest_legal_record_fits_into_a_transaction() {
        let name = "n".repeat(NAME_BYTES_MAX);
        let ports = (0..PORT_RANGES_MAX as u16).map(|n| (2 * n, 2 * n));
        let mut resources = Resources::new(u64::MAX, u64::MAX);
        resources.disk_bytes = u64::MAX;
        resources.ports = Ports::from_ranges(ports);
        for n in 0..ENTRIES_MAX {
            resources = resources.with_scalar(&format!("{n:064}"), u64::MAX);
        }
        let entry = LABELS_BYTES_MAX / ENTRIES_MAX;
        let texts = (0..ENTRIES_MAX).map(|n| (format!("{n:04}"), "v".repeat(entry - 4)));
        let largest = AgentInfo {
            hostname: name.clone(),
            resources,
            attributes: texts.clone().collect(),
            version: name.clone(),
        };
        let role = |n| Role::new(&format!("{n:0>200}")).unwrap();
        let framework_info = FrameworkInfo {
            name: name.clone(),
            user: name,
            roles: (0..ENTRIES_MAX).map(role).collect(),
            failover_timeout_ms: DURATION_MS_MAX,
            labels: texts.map(|(key, value)| Label { key, value }).collect(),
            ends_alone: true,
        };
        let id = "i".repeat(ID_BYTES_MAX);
        let records = [
            Record::Agent { id: agent(&id), info: largest.clone() },
            Record::Framework { id: framework(&id), info: framework_info.clone() },
        ];
        assert!(decode(&encode(&largest)) == Ok(largest), "it is legal");
        assert!(decode(&encode(&framework_info)) == Ok(framework_info), "it is legal");
        for record in records {
            let prefix = "p".repeat(PREFIX_BYTES_MAX);
            let changes = changes(&Keys::below(&prefix), &record, &mut 0);
            let bytes: usize = changes.iter().map(size).sum();
            assert!(bytes <= COMMIT_BYTES_MAX, "{bytes}");
        }
    }
}
