//! A file of entries that is only ever appended to, a batch at a time: a batch is durable, whole,
//! when `append` returns. It never knows what an entry means.
//!
//! The file is a magic line and then batches. A batch is a head of twelve bytes (length of its
//! body, CRC-32 of the body, CRC-32 of these eight bytes; little-endian) and a body: each entry
//! with its length before it, four bytes. No batch is written before the one before it is durable.
//! So a crash can only tear the last one, which nobody has relied on: it is cut off when the file
//! is opened. (A last batch that was damaged later looks the same.) Anything else that does not
//! read is damage, and is named.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::state_dir::make_file;

#[cfg(test)]
mod damage;

const MAGIC: &[u8] = b"stoa-journal 1\n";
const HEAD_BYTES: usize = 12;

/// A journal that is open for appending. One process has it at a time; a `StateDir` sees to that.
#[derive(Debug)]
pub struct Journal {
    file: File,
    dir: PathBuf,
    name: String,
}

/// What stood in a journal when it was opened.
#[derive(Debug, PartialEq, Eq)]
pub struct Found {
    /// All entries, in order.
    pub entries: Vec<Vec<u8>>,
    /// Bytes of a torn last batch that were cut off.
    pub torn_bytes: u64,
}

/// Why a journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file is no journal of this version.
    #[error("{path} is no journal of this version: it starts with {got:?}")]
    Version {
        /// Which file.
        path: PathBuf,
        /// What it starts with.
        got: String,
    },
    /// Bytes that were durable are not what they were.
    #[error("{path} is damaged in the batch at byte {at}: {what}")]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// Where the batch begins.
        at: u64,
        /// What does not read.
        what: &'static str,
    },
    /// The disk's fault.
    #[error("cannot {doing} {path}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
}

impl Journal {
    /// Opens the journal `name` in the directory `dir`, makes it if it is not there, and reads all
    /// of it.
    ///
    /// # Errors
    /// [`JournalError`] if it is damaged or the disk refuses.
    pub fn open(dir: &Path, name: &str) -> Result<(Self, Found), JournalError> {
        let path = dir.join(name);
        let failed = |source| JournalError::Io { doing: "open", path: path.clone(), source };
        make_file(dir, name, |path| std::fs::write(path, MAGIC)).map_err(failed)?;
        let mut file = OpenOptions::new().read(true).write(true).open(&path).map_err(failed)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(failed)?;
        let (found, end) = read(&bytes, &path)?;
        if found.torn_bytes > 0 {
            file.set_len(end).and_then(|()| file.sync_all()).map_err(failed)?;
        }
        file.seek(SeekFrom::Start(end)).map_err(failed)?;
        Ok((Self { file, dir: dir.to_owned(), name: name.to_owned() }, found))
    }

    /// Where it is.
    pub fn path(&self) -> PathBuf {
        self.dir.join(&self.name)
    }

    /// Makes entries durable, all of them or none. Blocks until the disk has them.
    ///
    /// # Errors
    /// [`JournalError`] if the disk refuses. The journal must then be opened anew: what the file
    /// holds behind the last batch is not known.
    pub fn append(&mut self, entries: &[Vec<u8>]) -> Result<(), JournalError> {
        if entries.is_empty() {
            return Ok(());
        }
        let batch = batch_of(entries).map_err(|source| self.failed("append to", source))?;
        let written = self.file.write_all(&batch).and_then(|()| self.file.sync_data());
        written.map_err(|source| self.failed("append to", source))
    }

    /// Puts a journal of these entries in the place of this one, whole or not at all. Blocks.
    ///
    /// # Errors
    /// [`JournalError`] if the disk refuses; then the old one stays.
    pub fn replace(&mut self, entries: &[Vec<u8>]) -> Result<(), JournalError> {
        let file = self.write_new(entries).map_err(|source| self.failed("rewrite", source))?;
        self.file = file;
        Ok(())
    }

    fn write_new(&self, entries: &[Vec<u8>]) -> io::Result<File> {
        let new = self.dir.join(format!("{}.new", self.name));
        let mut file = File::create(&new)?;
        file.write_all(MAGIC)?;
        if !entries.is_empty() {
            file.write_all(&batch_of(entries)?)?;
        }
        file.sync_all()?;
        std::fs::rename(&new, self.path())?;
        File::open(&self.dir)?.sync_all()?;
        Ok(file)
    }

    fn failed(&self, doing: &'static str, source: io::Error) -> JournalError {
        JournalError::Io { doing, path: self.path(), source }
    }
}

fn batch_of(entries: &[Vec<u8>]) -> io::Result<Vec<u8>> {
    let too_large = |_| io::Error::other("a batch of 4 GiB or more cannot be written");
    let body_bytes: usize = entries.iter().map(|entry| 4 + entry.len()).sum();
    let length = u32::try_from(body_bytes).map_err(too_large)?;
    let mut batch = vec![0; HEAD_BYTES];
    batch.reserve_exact(body_bytes);
    for entry in entries {
        // Shorter than the body, whose length was checked above.
        batch.extend_from_slice(&(entry.len() as u32).to_le_bytes());
        batch.extend_from_slice(entry);
    }
    let body_sum = crc32fast::hash(&batch[HEAD_BYTES..]);
    batch[..4].copy_from_slice(&length.to_le_bytes());
    batch[4..8].copy_from_slice(&body_sum.to_le_bytes());
    let head_sum = crc32fast::hash(&batch[..8]);
    batch[8..HEAD_BYTES].copy_from_slice(&head_sum.to_le_bytes());
    Ok(batch)
}

/// What stands in the file, and where its last whole batch ends.
fn read(bytes: &[u8], path: &Path) -> Result<(Found, u64), JournalError> {
    let Some(mut rest) = bytes.strip_prefix(MAGIC) else {
        let start = &bytes[..bytes.len().min(MAGIC.len())];
        let got = String::from_utf8_lossy(start).into_owned();
        return Err(JournalError::Version { path: path.to_owned(), got });
    };
    let mut entries = Vec::new();
    while !rest.is_empty() {
        let at = (bytes.len() - rest.len()) as u64;
        match next_batch(rest) {
            Next::Batch(body, after) => {
                split(body, &mut entries).map_err(|what| damaged(path, at, what))?;
                rest = after;
            }
            Next::Torn => return Ok((Found { entries, torn_bytes: rest.len() as u64 }, at)),
            Next::Damaged(what) => return Err(damaged(path, at, what)),
        }
    }
    Ok((Found { entries, torn_bytes: 0 }, bytes.len() as u64))
}

fn damaged(path: &Path, at: u64, what: &'static str) -> JournalError {
    JournalError::Damaged { path: path.to_owned(), at, what }
}

enum Next<'a> {
    /// The body, and what follows the batch.
    Batch(&'a [u8], &'a [u8]),
    /// The end of the file, not written to its end.
    Torn,
    Damaged(&'static str),
}

fn next_batch(bytes: &[u8]) -> Next<'_> {
    let Some((head, rest)) = bytes.split_at_checked(HEAD_BYTES) else { return Next::Torn };
    // A file system may have grown the file before it wrote what was to be there.
    if bytes.iter().all(|byte| *byte == 0) {
        return Next::Torn;
    }
    let word = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    if crc32fast::hash(&head[..8]) != word(8) {
        // Of a torn batch the head may be missing though what follows was written. Where a whole
        // batch follows, this one was durable before.
        let is_missing = head.iter().all(|byte| *byte == 0);
        return match is_missing && !has_batch(rest) {
            true => Next::Torn,
            false => Next::Damaged("the sum of its head is wrong"),
        };
    }
    let Some((body, after)) = rest.split_at_checked(word(0) as usize) else { return Next::Torn };
    match (crc32fast::hash(body) == word(4), after.is_empty()) {
        (true, _) => Next::Batch(body, after),
        (false, true) => Next::Torn,
        (false, false) => Next::Damaged("the sum of its body is wrong"),
    }
}

/// Whether a whole batch stands anywhere in `bytes`.
fn has_batch(bytes: &[u8]) -> bool {
    let begins = |at: &usize| {
        let is_empty = bytes[*at..].iter().take(HEAD_BYTES).all(|byte| *byte == 0);
        !is_empty && matches!(next_batch(&bytes[*at..]), Next::Batch(..))
    };
    (0..bytes.len().saturating_sub(HEAD_BYTES)).any(|at| begins(&at))
}

fn split(mut body: &[u8], entries: &mut Vec<Vec<u8>>) -> Result<(), &'static str> {
    const WRONG: &str = "the length of an entry is wrong";
    while let Some((length, rest)) = body.split_first_chunk::<4>() {
        let length = u32::from_le_bytes(*length) as usize;
        let (entry, rest) = rest.split_at_checked(length).ok_or(WRONG)?;
        entries.push(entry.to_vec());
        body = rest;
    }
    if body.is_empty() { Ok(()) } else { Err(WRONG) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(texts: &[&str]) -> Vec<Vec<u8>> {
        texts.iter().map(|text| text.as_bytes().to_vec()).collect()
    }

    /// A journal of two batches, and where its second one begins.
    fn written(dir: &Path) -> (Vec<u8>, usize) {
        let (mut journal, found) = Journal::open(dir, "j").unwrap();
        assert_eq!(found, Found { entries: Vec::new(), torn_bytes: 0 });
        journal.append(&entries(&["first", ""])).unwrap();
        let second = std::fs::read(journal.path()).unwrap().len();
        journal.append(&entries(&["second"])).unwrap();
        (std::fs::read(journal.path()).unwrap(), second)
    }

    fn reopened(dir: &Path, bytes: &[u8]) -> Result<Found, JournalError> {
        std::fs::write(dir.join("j"), bytes).unwrap();
        Journal::open(dir, "j").map(|(_, found)| found)
    }

    #[test]
    fn what_was_appended_is_read_back_in_order_also_after_a_replacement() {
        let dir = tempfile::tempdir().unwrap();
        let (bytes, _) = written(dir.path());
        let (mut journal, found) = Journal::open(dir.path(), "j").unwrap();
        assert_eq!(found.entries, entries(&["first", "", "second"]));
        journal.replace(&entries(&["all of it"])).unwrap();
        journal.append(&entries(&["third"])).unwrap();
        let (_, found) = Journal::open(dir.path(), "j").unwrap();
        assert_eq!(found.entries, entries(&["all of it", "third"]));
        assert!(bytes.starts_with(MAGIC));
    }

    #[test]
    fn last_batch_that_was_cut_anywhere_is_dropped_and_the_journal_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        let (bytes, second) = written(dir.path());
        for end in second + 1..bytes.len() {
            let found = reopened(dir.path(), &bytes[..end]).unwrap();
            assert_eq!(found.entries, entries(&["first", ""]), "cut at {end}");
            assert_eq!(found.torn_bytes, (end - second) as u64);
            let (mut journal, _) = Journal::open(dir.path(), "j").unwrap();
            journal.append(&entries(&["again"])).unwrap();
            let (_, found) = Journal::open(dir.path(), "j").unwrap();
            assert_eq!(found.entries, entries(&["first", "", "again"]));
        }
    }

    #[test]
    fn last_batch_of_which_parts_were_never_written_is_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let (bytes, second) = written(dir.path());
        for (from, to) in [(0, HEAD_BYTES), (HEAD_BYTES, bytes.len() - second), (15, 17)] {
            let mut holed = bytes.clone();
            holed[second + from..second + to].fill(0);
            let found = reopened(dir.path(), &holed).unwrap();
            assert_eq!(found.entries, entries(&["first", ""]), "hole from {from} to {to}");
        }
    }

    #[test]
    fn flipped_bit_in_what_was_durable_is_damage() {
        let dir = tempfile::tempdir().unwrap();
        let (bytes, second) = written(dir.path());
        for at in MAGIC.len()..second {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            let error = reopened(dir.path(), &flipped).unwrap_err();
            let place = MAGIC.len() as u64;
            assert!(matches!(error, JournalError::Damaged { at, .. } if at == place), "{at}");
        }
    }

    #[test]
    fn file_of_another_kind_is_named_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let error = reopened(dir.path(), b"stoa-journal 2\nwhat comes then").unwrap_err();
        assert!(matches!(error, JournalError::Version { .. }), "{error}");
        assert!(std::fs::read(dir.path().join("j")).unwrap().ends_with(b"then"));
    }
}
