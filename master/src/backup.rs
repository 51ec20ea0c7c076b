//! A backup: what is durable at the master as one file that says what it is. It never holds tasks,
//! which agents report, nor artifacts, which are uploaded again.
//!
//! The file is a line that names the format, and then parts. A part is a head of twelve bytes
//! (length of its body, CRC-32 of the body, CRC-32 of these eight bytes; little-endian) and a body:
//! a byte that says what it is, and fields, each with its length before it, four bytes. The first
//! part says where the backup comes from, the last one how many records are between them and the
//! CRC-32 of all that stands before it. So what is cut, changed, or put together from two files is
//! known, and where.

mod error;
mod reader;
mod record_bytes;
mod restore;
mod writer;

use std::time::{SystemTime, UNIX_EPOCH};

use stoa_model::epoch::Epoch;

pub use error::{BackupError, RestoreError};
pub use restore::{restore, save_stopped};
pub use writer::Writer;

pub use reader::check;

/// What every format's first line begins with; a number and a line feed follow.
const MAGIC: &str = "stoa-backup ";
/// The format that is written, and the newest that is read.
const FORMAT: u32 = 1;
/// Bytes before the body of a part.
const HEAD_BYTES: usize = 12;

const PART_ABOUT: u8 = b'A';
const PART_RECORD: u8 = b'R';
const PART_END: u8 = b'E';

/// Where a backup comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// When it was made, in milliseconds since 1970.
    pub made_at_ms: u64,
    /// The version of the program that made it.
    pub version: String,
    /// The cluster's id; empty if it has none.
    pub cluster: String,
    /// The epoch that the store had come to. A master that starts from the backup leads above it.
    pub epoch: Epoch,
}

impl About {
    /// A backup that this program makes now.
    pub(crate) fn this(epoch: Epoch) -> Self {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            made_at_ms: u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            cluster: String::new(),
            epoch,
        }
    }
}

/// How much a backup holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Agents of the cluster.
    pub agents: u64,
    /// Frameworks that are not over.
    pub frameworks: u64,
    /// Records of all kinds.
    pub records: u64,
}

impl Counts {
    fn count(&mut self, record: &stoa_master_core::Record) {
        use stoa_master_core::Record;
        self.records += 1;
        match record {
            Record::Agent { .. } => self.agents += 1,
            Record::Framework { .. } => self.frameworks += 1,
            _ => {}
        }
    }
}

/// A backup that was read to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// Where it comes from.
    pub about: About,
    /// What it holds.
    pub counts: Counts,
    /// How long the file is.
    pub bytes: u64,
}

#[cfg(test)]
mod tests;
