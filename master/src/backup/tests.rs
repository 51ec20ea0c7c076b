//! Backups that are whole, cut, changed and newer, and what is restored of them.

use std::collections::BTreeMap;
use std::path::Path;

use stoa_machine::{Owner, StateDir, StateDirError};
use stoa_master_core::{Record, Recovered};
use stoa_model::agent::{AgentDuty, AgentInfo};
use stoa_model::epoch::Epoch;
use stoa_model::framework::{FrameworkInfo, ROLE_DEFAULT};
use stoa_model::ids::{AgentId, FrameworkId, Role};
use stoa_model::instant::Instant;
use stoa_model::resources::Resources;

use super::{
    About, BackupError, Counts, RestoreError, Writer, check, record_bytes, restore, save_stopped,
};
use crate::store::Store;

fn agent(name: &str) -> AgentId {
    AgentId::new(name).unwrap()
}

fn framework(name: &str) -> FrameworkId {
    FrameworkId::new(name).unwrap()
}

/// One record of each kind that a store tells.
fn records() -> Vec<Record> {
    let info = AgentInfo {
        hostname: "box".to_owned(),
        resources: Resources::new(1, 2),
        attributes: BTreeMap::from([("zone".to_owned(), "a".to_owned())]),
        version: "1".to_owned(),
    };
    let web = FrameworkInfo {
        name: "web".to_owned(),
        user: "ada".to_owned(),
        roles: vec![Role::new(ROLE_DEFAULT).unwrap()],
        failover_timeout_ms: 1_000,
        labels: Vec::new(),
        ends_alone: true,
    };
    vec![
        Record::Agent { id: agent("A1"), info },
        Record::AgentUnreachable { id: agent("A1"), since: Instant::from_ms(7) },
        Record::AgentDuty { id: agent("A1"), duty: AgentDuty::Drained },
        Record::AgentGone { id: agent("A2") },
        Record::Framework { id: framework("F1"), info: web },
        Record::FrameworkDisconnected { id: framework("F1"), deadline: Instant::from_ms(9) },
        Record::FrameworkRemoved { id: framework("F0") },
        Record::FrameworkRemoved { id: framework("E9") },
    ]
}

fn recovered() -> Recovered {
    let mut recovered = Recovered::default();
    records().into_iter().for_each(|record| recovered.apply(record));
    recovered
}

fn backup() -> Vec<u8> {
    let about =
        About { made_at_ms: 5, version: "1.2".to_owned(), cluster: String::new(), epoch: Epoch(7) };
    let mut writer = Writer::begin(Vec::new(), &about).unwrap();
    records().iter().for_each(|record| writer.record(record).unwrap());
    writer.finish().unwrap()
}

#[test]
fn record_is_read_as_it_was_written() {
    let others = [
        Record::AgentReachable { id: agent("A1") },
        Record::AgentRemoved { id: agent("A1") },
        Record::FrameworkConnected { id: framework("F1") },
    ];
    for record in records().into_iter().chain(others) {
        assert_eq!(record_bytes::from_bytes(&record_bytes::to_bytes(&record)), Ok(record));
    }
}

#[test]
fn backup_says_what_it_is() {
    let bytes = backup();
    let checked = check(&bytes[..]).unwrap();
    assert_eq!((checked.about.made_at_ms, checked.about.version.as_str()), (5, "1.2"));
    assert_eq!(checked.counts, Counts { agents: 1, frameworks: 1, records: 8 });
    assert_eq!(checked.bytes, bytes.len() as u64);
}

#[test]
fn backup_with_any_changed_byte_is_refused_with_the_place() {
    let bytes = backup();
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        match check(&changed[..]).unwrap_err() {
            BackupError::Damaged { at: place, .. } => assert!(place <= at as u64, "{at}"),
            BackupError::Foreign { .. } | BackupError::Version { .. } => assert!(at < 14, "{at}"),
            error => panic!("byte {at}: {error:?}"),
        }
    }
}

#[test]
fn backup_that_was_cut_anywhere_is_refused_with_the_place() {
    let bytes = backup();
    for end in 0..bytes.len() {
        match check(&bytes[..end]).unwrap_err() {
            BackupError::Cut { at } => assert_eq!(at, end as u64),
            BackupError::Foreign { .. } => assert!(end < 12, "{end}"),
            error => panic!("cut at {end}: {error:?}"),
        }
    }
    let longer = [&bytes[..], b"x"].concat();
    let error = check(&longer[..]).unwrap_err();
    assert!(matches!(error, BackupError::Damaged { at, .. } if at == bytes.len() as u64));
}

/// Each part is sound, and yet the file is not what was written.
#[test]
fn backup_that_lacks_a_part_or_is_newer_is_refused() {
    let bytes = backup();
    let mut part = 14;
    let mut parts = vec![];
    while part < bytes.len() {
        let length = u32::from_le_bytes(bytes[part..part + 4].try_into().unwrap()) as usize + 12;
        parts.push(part..part + length);
        part += length;
    }
    for range in &parts[..parts.len() - 1] {
        let shorter = [&bytes[..range.start], &bytes[range.end..]].concat();
        let error = check(&shorter[..]).unwrap_err();
        assert!(matches!(error, BackupError::Damaged { .. }), "{error:?}");
    }
    let newer = [b"stoa-backup 2\n", &bytes[14..]].concat();
    let error = check(&newer[..]).unwrap_err().to_string();
    assert!(error.contains("format 2") && error.contains("up to 1"), "{error}");
}

fn restored(bytes: &[u8], dir: &Path) -> Result<Recovered, RestoreError> {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("b");
    std::fs::write(&file, bytes).unwrap();
    restore(&file, dir)?;
    let state = StateDir::open(dir, Owner::Master)?;
    Ok(Store::open(state.path())?.1)
}

#[test]
fn what_is_restored_is_what_was_saved() {
    let place = tempfile::tempdir().unwrap();
    let (first, second) = (place.path().join("first"), place.path().join("second"));
    assert_eq!(restored(&backup(), &first).unwrap(), recovered());
    let again = save_stopped(&first, Vec::new()).unwrap();
    assert_eq!(restored(&again, &second).unwrap(), recovered());
}

#[test]
fn directory_that_holds_anything_is_left_alone() {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("state");
    restored(&backup(), &dir).unwrap();
    let error = restored(&backup(), &dir).unwrap_err();
    assert!(matches!(error, RestoreError::NotEmpty { .. }), "{error:?}");
    let state = StateDir::open(&dir, Owner::Master).unwrap();
    let error = restored(&backup(), &dir).unwrap_err();
    assert!(matches!(error, RestoreError::StateDir(StateDirError::InUse(_))), "{error:?}");
    assert!(save_stopped(&dir, Vec::new()).is_err(), "its master runs");
    drop(state);
    let foreign = place.path().join("foreign");
    std::fs::create_dir(&foreign).unwrap();
    std::fs::write(foreign.join("diary"), "").unwrap();
    let error = restored(&backup(), &foreign).unwrap_err().to_string();
    assert!(error.contains("diary"), "{error}");
    assert_eq!(std::fs::read_dir(&foreign).unwrap().count(), 1, "something was made in it");
    assert!(matches!(save_stopped(&foreign, Vec::new()), Err(RestoreError::NoState { .. })));
}

#[test]
fn damaged_backup_makes_nothing_and_one_that_was_cut_short_is_made_anew() {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("state");
    let bytes = backup();
    assert!(restored(&bytes[..bytes.len() - 1], &dir).is_err());
    assert!(!dir.exists());
    drop(StateDir::open(&dir, Owner::Master).unwrap());
    std::fs::write(dir.join("master.redb.new"), "half of it").unwrap();
    assert_eq!(restored(&bytes, &dir).unwrap(), recovered());
}
