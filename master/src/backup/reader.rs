//! Reads a backup part by part, and compares every sum. It never holds more than one part, and
//! never says that a backup is whole before it has seen its end.

use std::io::{self, Read};

use stoa_master_core::Record;
use stoa_model::epoch::Epoch;

use super::record_bytes::{Fields, from_bytes};
use super::{
    About, BackupError, Checked, Counts, FORMAT, HEAD_BYTES, MAGIC, PART_ABOUT, PART_END,
    PART_RECORD,
};
use crate::limits::BACKUP_PART_BYTES_MAX;

/// Reads a backup to its end.
///
/// # Errors
/// [`BackupError`] says where it cannot be used, and why.
pub fn check(from: impl Read) -> Result<Checked, BackupError> {
    let mut reader = Reader::begin(from)?;
    while reader.next()?.is_some() {}
    Ok(reader.checked())
}

/// A backup on its way in.
pub struct Reader<R> {
    from: R,
    /// Bytes that were read.
    at: u64,
    sum: crc32fast::Hasher,
    about: About,
    counts: Counts,
}

impl<R: Read> Reader<R> {
    /// Reads what the backup says of itself.
    ///
    /// # Errors
    /// [`BackupError`] if it is none, or a newer one.
    pub fn begin(from: R) -> Result<Self, BackupError> {
        let about = About {
            made_at_ms: 0,
            version: String::new(),
            cluster: String::new(),
            epoch: Epoch::NONE,
        };
        let sum = crc32fast::Hasher::new();
        let mut reader = Self { from, at: 0, sum, about, counts: Counts::default() };
        reader.read_format()?;
        let at = reader.at;
        let (kind, body) = reader.part()?;
        if kind != PART_ABOUT {
            return Err(damaged(at, "the first part does not say where it comes from"));
        }
        reader.about = about_of(&body).map_err(|what| damaged(at, what))?;
        Ok(reader)
    }

    /// The next record; none once all of the backup was read and is as it was written.
    ///
    /// # Errors
    /// [`BackupError`] says where it is cut off or damaged.
    pub fn next(&mut self) -> Result<Option<Record>, BackupError> {
        let (at, sum) = (self.at, u64::from(self.sum.clone().finalize()));
        let (kind, body) = self.part()?;
        match kind {
            PART_RECORD => {
                let record = from_bytes(&body).map_err(|what| damaged(at, what))?;
                self.counts.count(&record);
                Ok(Some(record))
            }
            PART_END => {
                self.check_end(&body, sum).map_err(|what| damaged(at, what))?;
                let mut beyond = [0];
                if self.from.read(&mut beyond)? > 0 {
                    return Err(damaged(self.at, "something follows the last part"));
                }
                Ok(None)
            }
            kind => Err(damaged(at, format!("no part is of the kind {kind}"))),
        }
    }

    /// What was read.
    pub fn checked(self) -> Checked {
        Checked { about: self.about, counts: self.counts, bytes: self.at }
    }

    fn read_format(&mut self) -> Result<(), BackupError> {
        // The number has one digit so far; a longer one is that of a newer format.
        let mut line = [0; MAGIC.len() + 2];
        let count = fill(&mut self.from, &mut line)?;
        let text = String::from_utf8_lossy(&line[..count]).into_owned();
        let Some(number) = text.strip_prefix(MAGIC) else {
            return Err(BackupError::Foreign { got: text });
        };
        if count < line.len() {
            return Err(BackupError::Cut { at: count as u64 });
        }
        if number != format!("{FORMAT}\n") {
            let got = number.trim_end().to_owned();
            return Err(BackupError::Version { got, allowed: FORMAT });
        }
        self.note(&line);
        Ok(())
    }

    fn part(&mut self) -> Result<(u8, Vec<u8>), BackupError> {
        let at = self.at;
        let mut head = [0; HEAD_BYTES];
        self.read(&mut head)?;
        let word = |at: usize| u32::from_le_bytes([0, 1, 2, 3].map(|n| head[at + n]));
        if crc32fast::hash(&head[..8]) != word(8) {
            return Err(damaged(at, "the sum of its head is wrong"));
        }
        let length = word(0) as usize;
        if length > BACKUP_PART_BYTES_MAX {
            let what = format!("{length} bytes, where {BACKUP_PART_BYTES_MAX} are allowed");
            return Err(damaged(at, what));
        }
        let mut body = vec![0; length];
        self.read(&mut body)?;
        if crc32fast::hash(&body) != word(4) {
            return Err(damaged(at, "the sum of its body is wrong"));
        }
        let kind = *body.first().ok_or_else(|| damaged(at, "it is empty"))?;
        body.remove(0);
        Ok((kind, body))
    }

    fn check_end(&self, body: &[u8], sum: u64) -> Result<(), String> {
        let mut fields = Fields { rest: body };
        let counts = Counts {
            agents: fields.number()?,
            frameworks: fields.number()?,
            records: fields.number()?,
        };
        let expected = fields.number()?;
        fields.end()?;
        if counts != self.counts {
            return Err(format!("it counts {counts:?}, and {:?} were found", self.counts));
        }
        if sum != expected {
            return Err("the sum of all that stands before it is wrong".to_owned());
        }
        Ok(())
    }

    fn read(&mut self, bytes: &mut [u8]) -> Result<(), BackupError> {
        let count = fill(&mut self.from, bytes)?;
        if count < bytes.len() {
            return Err(BackupError::Cut { at: self.at + count as u64 });
        }
        self.note(bytes);
        Ok(())
    }

    fn note(&mut self, bytes: &[u8]) {
        self.at += bytes.len() as u64;
        self.sum.update(bytes);
    }
}

fn about_of(body: &[u8]) -> Result<About, String> {
    let mut fields = Fields { rest: body };
    let about = About {
        made_at_ms: fields.number()?,
        version: fields.text()?,
        cluster: fields.text()?,
        epoch: Epoch(fields.number()?),
    };
    fields.end()?;
    Ok(about)
}

/// Reads until `bytes` are full or nothing is left; answers how many were read.
fn fill(from: &mut impl Read, bytes: &mut [u8]) -> io::Result<usize> {
    let mut count = 0;
    while count < bytes.len() {
        match from.read(&mut bytes[count..]) {
            Ok(0) => break,
            Ok(more) => count += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(count)
}

fn damaged(at: u64, what: impl Into<String>) -> BackupError {
    BackupError::Damaged { at, what: what.into() }
}
