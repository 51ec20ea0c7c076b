//! A journal's file that is cut or changed anywhere: it opens with what was appended, without the
//! last batch at most, or names what is wrong. It tests, and is in no other build.

use std::path::Path;

use super::{Found, HEAD_BYTES, Journal, JournalError, MAGIC};

/// Batches of the journal that is damaged, of many lengths.
const BATCHES: usize = 12;

/// The file, its entries by batch, and where each batch begins.
struct Image {
    bytes: Vec<u8>,
    batches: Vec<Vec<Vec<u8>>>,
    begins: Vec<usize>,
}

impl Image {
    fn made(dir: &Path) -> Self {
        let (mut journal, _) = Journal::open(dir, "j").unwrap();
        let mut image = Self { bytes: Vec::new(), batches: Vec::new(), begins: Vec::new() };
        for n in 0..BATCHES {
            let entries: Vec<_> = (0..n % 4 + 1).map(|i| vec![(n * 31 + i) as u8; n * 7]).collect();
            image.begins.push(std::fs::read(journal.path()).unwrap().len());
            journal.append(&entries).unwrap();
            image.batches.push(entries);
        }
        image.bytes = std::fs::read(journal.path()).unwrap();
        image
    }

    /// The batch that the byte at `at` is in.
    fn batch_at(&self, at: usize) -> usize {
        self.begins.iter().rposition(|begin| *begin <= at).unwrap()
    }

    /// All entries of the first batches.
    fn entries(&self, batches: usize) -> Vec<Vec<u8>> {
        self.batches[..batches].concat()
    }
}

fn opened(dir: &Path, bytes: &[u8]) -> Result<Found, JournalError> {
    std::fs::write(dir.join("j"), bytes).unwrap();
    Journal::open(dir, "j").map(|(_, found)| found)
}

#[test]
fn journal_with_any_changed_byte_is_refused_where_it_is_changed_or_loses_its_last_batch() {
    let dir = tempfile::tempdir().unwrap();
    let image = Image::made(dir.path());
    for at in 0..image.bytes.len() {
        for change in [1, 0x80, 0xff] {
            let mut bytes = image.bytes.clone();
            bytes[at] ^= change;
            match opened(dir.path(), &bytes) {
                Ok(found) => {
                    assert_eq!(image.batch_at(at), BATCHES - 1, "byte {at} passed unseen");
                    assert_eq!(found.entries, image.entries(BATCHES - 1));
                    assert!(found.torn_bytes > 0);
                }
                Err(JournalError::Damaged { at: place, .. }) => {
                    assert_eq!(place, image.begins[image.batch_at(at)] as u64);
                }
                Err(JournalError::Version { .. }) => assert!(at < MAGIC.len()),
                Err(error) => panic!("{error:?}"),
            }
        }
    }
}

#[test]
fn journal_that_was_cut_anywhere_holds_the_whole_batches_before() {
    let dir = tempfile::tempdir().unwrap();
    let image = Image::made(dir.path());
    for end in 0..image.bytes.len() {
        match opened(dir.path(), &image.bytes[..end]) {
            Ok(found) => {
                let whole = image.begins.iter().skip(1).filter(|begin| **begin <= end).count();
                assert_eq!(found.entries, image.entries(whole), "cut at {end}");
                let tail = end - image.begins[whole];
                assert_eq!(found.torn_bytes, tail as u64, "cut at {end}");
            }
            Err(JournalError::Version { .. }) => assert!(end < MAGIC.len()),
            Err(error) => panic!("{error:?}"),
        }
    }
}

/// A disk that lost a sector gives zeros.
#[test]
fn journal_with_zeros_in_the_middle_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let image = Image::made(dir.path());
    let last = image.begins[BATCHES - 1];
    for length in [HEAD_BYTES, 64, 300] {
        for from in (MAGIC.len()..last - length).step_by(5) {
            let mut bytes = image.bytes.clone();
            let is_changed = bytes[from..from + length].iter().any(|byte| *byte != 0);
            bytes[from..from + length].fill(0);
            let found = opened(dir.path(), &bytes);
            let is_refused = matches!(found, Err(JournalError::Damaged { .. }));
            assert_eq!(is_refused, is_changed, "{length} zeros from {from}: {found:?}");
        }
    }
}
