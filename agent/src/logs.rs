//! Pieces of task logs, read from the sandboxes. It never waits for more: the core does.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

use stoa_agent_core::LogPiece;
use stoa_model::limits::CHUNK_BYTES_MAX;

/// Reads what stands in the log at `path` from `offset` on, `bytes_max` bytes at most. A log that
/// was never written to is empty.
///
/// # Errors
/// For people: why the file cannot be read.
pub fn read(path: &Path, offset: u64, bytes_max: u32) -> Result<LogPiece, String> {
    match read_piece(path, offset, bytes_max) {
        Ok(piece) => Ok(piece),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Ok(LogPiece { data: Vec::new(), size_bytes: 0 })
        }
        Err(error) => Err(error.to_string()),
    }
}

fn read_piece(path: &Path, offset: u64, bytes_max: u32) -> io::Result<LogPiece> {
    let mut file = File::open(path)?;
    let size_bytes = file.metadata()?.len();
    let limit = u64::from(bytes_max).min(CHUNK_BYTES_MAX as u64);
    let mut data = Vec::new();
    file.seek(SeekFrom::Start(offset))?;
    file.take(limit.min(size_bytes.saturating_sub(offset))).read_to_end(&mut data)?;
    Ok(LogPiece { data, size_bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn piece_has_the_bytes_from_the_offset_and_the_size_of_all() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("stdout");
        std::fs::write(&path, "one two three").unwrap();
        let piece = read(&path, 4, 3).unwrap();
        assert_eq!((piece.data.as_slice(), piece.size_bytes), (&b"two"[..], 13));
        assert_eq!(read(&path, 99, 3).unwrap().data, b"");
        assert_eq!(read(&dir.path().join("stderr"), 0, 3).unwrap().size_bytes, 0);
    }
}
