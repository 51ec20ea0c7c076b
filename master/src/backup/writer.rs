//! Writes a backup as its records come. It never holds more than one of them.

use std::io::{self, Write};

use stoa_master_core::Record;

use super::record_bytes::{fields, to_bytes};
use super::{About, Counts, FORMAT, HEAD_BYTES, MAGIC, PART_ABOUT, PART_END, PART_RECORD};

/// A backup on its way out. Without [`Self::finish`] it is one that was cut off.
pub struct Writer<W> {
    out: W,
    sum: crc32fast::Hasher,
    counts: Counts,
}

impl<W: Write> Writer<W> {
    /// Begins a backup.
    ///
    /// # Errors
    /// What `out` fails with.
    pub fn begin(out: W, about: &About) -> io::Result<Self> {
        let mut writer = Self { out, sum: crc32fast::Hasher::new(), counts: Counts::default() };
        writer.put(format!("{MAGIC}{FORMAT}\n").as_bytes())?;
        let made_at = about.made_at_ms.to_le_bytes();
        let texts = [about.version.as_bytes(), about.cluster.as_bytes()];
        let epoch = about.epoch.0.to_le_bytes();
        writer.part(&fields(PART_ABOUT, &[&made_at, texts[0], texts[1], &epoch]))?;
        Ok(writer)
    }

    /// Adds a record.
    ///
    /// # Errors
    /// What `out` fails with.
    pub fn record(&mut self, record: &Record) -> io::Result<()> {
        self.counts.count(record);
        let mut body = vec![PART_RECORD];
        body.extend(to_bytes(record));
        self.part(&body)
    }

    /// Ends the backup, and answers what it was written to.
    ///
    /// # Errors
    /// What `out` fails with.
    pub fn finish(mut self) -> io::Result<W> {
        let Counts { agents, frameworks, records } = self.counts;
        let sum = u64::from(self.sum.clone().finalize());
        let numbers = [agents, frameworks, records, sum].map(u64::to_le_bytes);
        let numbers: Vec<&[u8]> = numbers.iter().map(|bytes| &bytes[..]).collect();
        self.part(&fields(PART_END, &numbers))?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn part(&mut self, body: &[u8]) -> io::Result<()> {
        let length = u32::try_from(body.len()).map_err(io::Error::other)?;
        let mut head = [0; HEAD_BYTES];
        head[..4].copy_from_slice(&length.to_le_bytes());
        head[4..8].copy_from_slice(&crc32fast::hash(body).to_le_bytes());
        let head_sum = crc32fast::hash(&head[..8]);
        head[8..].copy_from_slice(&head_sum.to_le_bytes());
        self.put(&head)?;
        self.put(body)
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.sum.update(bytes);
        self.out.write_all(bytes)
    }
}
