//! A store's file that is cut or changed anywhere: it opens with what was committed, or names what
//! is wrong. It tests, and is in no other build.

use std::collections::BTreeMap;
use std::path::Path;

use stoa_master_core::{Record, Recovered};
use stoa_model::agent::{AgentDuty, AgentInfo};
use stoa_model::framework::{FrameworkInfo, ROLE_DEFAULT};
use stoa_model::ids::{AgentId, FrameworkId, Role};
use stoa_model::instant::Instant;
use stoa_model::resources::Resources;

use super::{ABOUT, FILE, FORMAT, Store, StoreError};

/// Agents of the store that is damaged: so many that its trees have branches.
const AGENTS: u64 = 60;

/// Bytes between two places that are damaged: a prime, so that all parts of a page are met.
const STRIDE: usize = 2_053;

/// The head of the file, of which every third byte is changed, and the byte in it whose lowest bit
/// says which of two commits counts.
const HEAD_BYTES: usize = 320;
const CHOICE: usize = 9;

fn agent(n: u64) -> AgentId {
    AgentId::new(&format!("A{n}")).unwrap()
}

fn framework(name: &str) -> FrameworkId {
    FrameworkId::new(name).unwrap()
}

/// Records of every kind, in batches.
fn records() -> Vec<Vec<Record>> {
    let agents = (0..AGENTS).map(|n| {
        let info = AgentInfo {
            hostname: format!("machine-{n}"),
            resources: Resources::new(n, n << 20),
            attributes: BTreeMap::from([("zone".to_owned(), "a".to_owned())]),
            version: "1".to_owned(),
        };
        Record::Agent { id: agent(n), info }
    });
    let info = FrameworkInfo {
        name: "web".to_owned(),
        user: "ada".to_owned(),
        roles: vec![Role::new(ROLE_DEFAULT).unwrap()],
        failover_timeout_ms: 1_000,
        labels: Vec::new(),
        ends_alone: false,
    };
    let (since, deadline) = (Instant::from_ms(7), Instant::from_ms(9));
    let others = vec![
        Record::AgentUnreachable { id: agent(1), since },
        Record::AgentDuty { id: agent(2), duty: AgentDuty::Drained },
        Record::AgentGone { id: agent(3) },
        Record::Framework { id: framework("F1"), info: info.clone() },
        Record::FrameworkDisconnected { id: framework("F1"), deadline },
        Record::Framework { id: framework("F2"), info },
        Record::FrameworkRemoved { id: framework("F0") },
    ];
    vec![agents.collect(), others, vec![Record::FrameworkRemoved { id: framework("F2") }]]
}

/// The file of a store, with what it holds.
struct Image {
    bytes: Vec<u8>,
    committed: Recovered,
    /// What it held before the last commit.
    before: Recovered,
}

/// The file as it is after the process was killed, or after it has ended as it should.
async fn image(is_closed: bool) -> Image {
    let dir = tempfile::tempdir().unwrap();
    let (store, mut committed) = Store::open(dir.path()).unwrap();
    let mut before = Recovered::default();
    for batch in records() {
        before = committed.clone();
        batch.iter().for_each(|record| committed.apply(record.clone()));
        store.commit(batch).await.unwrap();
    }
    let read = || std::fs::read(dir.path().join(FILE)).unwrap();
    let bytes = if is_closed {
        drop(store);
        read()
    } else {
        read()
    };
    Image { bytes, committed, before }
}

fn opened(dir: &Path, bytes: &[u8]) -> Result<Recovered, StoreError> {
    std::fs::write(dir.join(FILE), bytes).unwrap();
    Store::open(dir).map(|(_, recovered)| recovered)
}

/// Opens the damaged file; answers whether the damage was refused.
fn is_refused(dir: &Path, image: &Image, bytes: &[u8], what: &str) -> bool {
    match opened(dir, bytes) {
        Ok(recovered) => {
            assert!(recovered == image.committed, "{what}: other content than was committed");
            false
        }
        Err(error @ (StoreError::Damaged { .. } | StoreError::Version { .. })) => {
            let text = error.to_string();
            assert!(text.contains(FILE), "{what}: {text}");
            true
        }
        Err(error) => panic!("{what}: {error:?}"),
    }
}

#[tokio::test]
async fn store_that_is_as_it_was_left_opens_with_what_was_committed() {
    let dir = tempfile::tempdir().unwrap();
    for is_closed in [true, false] {
        let image = image(is_closed).await;
        assert!(!is_refused(dir.path(), &image, &image.bytes, "undamaged"));
    }
}

#[tokio::test]
async fn store_with_a_changed_byte_anywhere_holds_what_was_committed_or_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    for is_closed in [true, false] {
        let image = image(is_closed).await;
        let mut refused = 0;
        let head = (0..HEAD_BYTES).step_by(3).filter(|at| *at != CHOICE);
        for at in head.chain((HEAD_BYTES..image.bytes.len()).step_by(STRIDE)) {
            let mut bytes = image.bytes.clone();
            bytes[at] ^= 1 << (at % 8);
            let what = format!("closed {is_closed}, byte {at}");
            refused += usize::from(is_refused(dir.path(), &image, &bytes, &what));
        }
        assert!(refused > 20, "only {refused} changes were met by anything");
    }
}

/// This byte has no sum over it. After a crash its lowest bit is believed, and both commits are
/// whole: the older one may be taken for the newest.
#[tokio::test]
async fn store_of_which_the_wrong_commit_is_chosen_holds_the_one_before() {
    let dir = tempfile::tempdir().unwrap();
    for (is_closed, bit) in [(true, 0), (true, 1), (true, 2), (false, 0), (false, 1), (false, 2)] {
        let image = image(is_closed).await;
        let mut bytes = image.bytes.clone();
        bytes[CHOICE] ^= 1 << bit;
        let recovered = opened(dir.path(), &bytes).unwrap();
        let expected = if (is_closed, bit) == (false, 0) { image.before } else { image.committed };
        assert!(recovered == expected, "closed {is_closed}, bit {bit}");
    }
}

#[tokio::test]
async fn store_that_was_cut_anywhere_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    for is_closed in [true, false] {
        let image = image(is_closed).await;
        for end in (0..image.bytes.len()).step_by(8 * STRIDE) {
            let what = format!("closed {is_closed}, cut at {end}");
            assert!(is_refused(dir.path(), &image, &image.bytes[..end], &what), "{what}");
        }
    }
}

#[tokio::test]
async fn store_with_a_page_of_zeros_holds_what_was_committed_or_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let image = image(false).await;
    for from in (0..image.bytes.len()).step_by(4_096) {
        let mut bytes = image.bytes.clone();
        let to = bytes.len().min(from + 4_096);
        bytes[from..to].fill(0);
        is_refused(dir.path(), &image, &bytes, &format!("zeros from {from}"));
    }
}

#[tokio::test]
async fn store_of_another_version_or_process_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = Store::open(dir.path()).unwrap();
    let error = Store::open(dir.path()).err().unwrap();
    assert!(matches!(error, StoreError::InUse { .. }), "{error:?}");
    let about = |format: Option<u64>| {
        let transaction = store.database.begin_write().unwrap();
        let mut table = transaction.open_table(ABOUT).unwrap();
        match format {
            Some(format) => drop(table.insert("format", format).unwrap()),
            None => drop(table.remove("format").unwrap()),
        }
        drop(table);
        transaction.commit().unwrap();
    };
    // One from before formats were numbered is read.
    about(None);
    let old = std::fs::read(dir.path().join(FILE)).unwrap();
    about(Some(FORMAT + 1));
    drop(store);
    let newer = std::fs::read(dir.path().join(FILE)).unwrap();
    let error = opened(dir.path(), &newer).unwrap_err().to_string();
    assert!(error.contains(&format!("format {}", FORMAT + 1)), "{error}");
    assert_eq!(opened(dir.path(), &old).unwrap(), Recovered::default());
}

#[tokio::test]
async fn file_of_another_kind_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    for bytes in [&b""[..], b"stoa-journal 1\n", &[0; 80_000]] {
        let error = opened(dir.path(), bytes).unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
        assert_eq!(std::fs::read(dir.path().join(FILE)).unwrap(), bytes);
    }
}
