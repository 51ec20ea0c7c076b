//! Artifacts by their content: a directory of files named by SHA-256, each whole and verified or
//! not there at all. It never fetches any.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use stoa_model::digest::Digest;
use stoa_model::limits::ARTIFACT_BYTES_MAX;
use stoa_model::size::Bytes;
use tempfile::NamedTempFile;

use crate::room::{make_room, note_use};

/// Bytes that all artifacts of one directory may take. Beyond it those that were not used for the
/// longest time go; if all were used lately, new ones are refused.
pub const STORE_BYTES_MAX: u64 = 16 << 30;

/// An artifact used within this time is never removed to make room.
const IN_USE: Duration = Duration::from_secs(3_600);

/// A directory of artifacts.
#[derive(Clone, Debug)]
pub struct Artifacts {
    dir: PathBuf,
    bytes_max: u64,
}

/// Why an artifact cannot be stored or read.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// Larger than any artifact may be.
    #[error("artifact of {} is too large: {} are allowed", Bytes(*got), Bytes(ARTIFACT_BYTES_MAX))]
    TooLarge {
        /// Bytes got so far, or announced.
        got: u64,
    },
    /// The bytes are not those that the digest names.
    #[error("artifact was announced as {announced} but its bytes are {got}")]
    WrongDigest {
        /// What it should have been.
        announced: Digest,
        /// What it is.
        got: Digest,
    },
    /// No room is left, and nothing may go.
    #[error("artifact store {dir} is full: {} are allowed", Bytes(*bytes_max))]
    Full {
        /// The directory.
        dir: PathBuf,
        /// Its bound.
        bytes_max: u64,
    },
    /// The world's fault.
    #[error("{doing} {path}")]
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

impl Artifacts {
    /// Opens the directory, making it if need be.
    ///
    /// # Errors
    /// [`ArtifactError::Io`] if it cannot be made.
    pub fn open(dir: &Path) -> Result<Self, ArtifactError> {
        std::fs::create_dir_all(dir).map_err(|source| ArtifactError::Io {
            doing: "cannot make the artifact store",
            path: dir.to_owned(),
            source,
        })?;
        Ok(Self { dir: dir.to_owned(), bytes_max: STORE_BYTES_MAX })
    }

    /// Where the directory is.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where the artifact is if it is there.
    pub fn path(&self, digest: &Digest) -> PathBuf {
        self.dir.join(digest.hex())
    }

    /// The size in bytes of the artifact if it is there; marks it as used now.
    pub fn use_now(&self, digest: &Digest) -> Option<u64> {
        let file = File::open(self.path(digest)).ok()?;
        note_use(&file);
        file.metadata().ok().map(|metadata| metadata.len())
    }

    /// Starts to store the artifact that is announced as `digest`.
    ///
    /// # Errors
    /// [`ArtifactError`] if it is too large, if there is no room or if the disk refuses.
    pub fn begin(&self, digest: Digest, size_bytes: u64) -> Result<ArtifactWriter, ArtifactError> {
        if size_bytes > ARTIFACT_BYTES_MAX {
            return Err(ArtifactError::TooLarge { got: size_bytes });
        }
        self.make_room(size_bytes)?;
        let file = NamedTempFile::with_prefix_in(".incoming-", &self.dir)
            .map_err(|source| self.failed("cannot make a file in", source))?;
        Ok(ArtifactWriter { store: self.clone(), file, hash: Sha256::new(), written: 0, digest })
    }

    /// Stores bytes that are at hand, under the digest they have.
    ///
    /// # Errors
    /// As [`Self::begin`].
    pub fn put(&self, bytes: &[u8]) -> Result<Digest, ArtifactError> {
        let digest = digest_of(bytes);
        if self.use_now(&digest).is_none() {
            let mut writer = self.begin(digest, bytes.len() as u64)?;
            writer.write(bytes)?;
            writer.finish()?;
        }
        Ok(digest)
    }

    fn failed(&self, doing: &'static str, source: io::Error) -> ArtifactError {
        ArtifactError::Io { doing, path: self.dir.clone(), source }
    }

    fn make_room(&self, wanted: u64) -> Result<(), ArtifactError> {
        let has_room = make_room(&self.dir, wanted, self.bytes_max, IN_USE)
            .map_err(|source| self.failed("cannot list", source))?;
        if has_room {
            return Ok(());
        }
        Err(ArtifactError::Full { dir: self.dir.clone(), bytes_max: self.bytes_max })
    }
}

/// An artifact on its way in. Dropped before [`Self::finish`] it leaves nothing behind.
#[derive(Debug)]
pub struct ArtifactWriter {
    store: Artifacts,
    file: NamedTempFile,
    hash: Sha256,
    written: u64,
    digest: Digest,
}

impl ArtifactWriter {
    /// Takes the next bytes.
    ///
    /// # Errors
    /// [`ArtifactError`] if it becomes too large or the disk refuses.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), ArtifactError> {
        self.written += bytes.len() as u64;
        if self.written > ARTIFACT_BYTES_MAX {
            return Err(ArtifactError::TooLarge { got: self.written });
        }
        self.hash.update(bytes);
        self.file
            .write_all(bytes)
            .map_err(|source| self.store.failed("cannot write an artifact to", source))
    }

    /// Verifies the bytes and puts them in their place, durably; answers their number.
    ///
    /// # Errors
    /// [`ArtifactError::WrongDigest`] if the bytes are not those announced.
    pub fn finish(self) -> Result<u64, ArtifactError> {
        let got = Digest(self.hash.finalize().into());
        if got != self.digest {
            return Err(ArtifactError::WrongDigest { announced: self.digest, got });
        }
        self.file
            .as_file()
            .sync_all()
            .map_err(|source| self.store.failed("cannot sync an artifact in", source))?;
        self.file
            .persist(self.store.path(&got))
            .map_err(|refused| self.store.failed("cannot name an artifact in", refused.error))?;
        Ok(self.written)
    }
}

/// The digest of bytes at hand.
pub fn digest_of(bytes: &[u8]) -> Digest {
    Digest(Sha256::digest(bytes).into())
}

/// The digest and the number of bytes of a stream, read to its end.
///
/// # Errors
/// What the stream fails with.
pub fn digest_of_stream(mut stream: impl Read) -> io::Result<(Digest, u64)> {
    let mut hash = Sha256::new();
    let mut chunk = vec![0; 64 << 10];
    let mut bytes = 0;
    loop {
        let count = stream.read(&mut chunk)?;
        if count == 0 {
            return Ok((Digest(hash.finalize().into()), bytes));
        }
        hash.update(&chunk[..count]);
        bytes += count as u64;
    }
}

#[cfg(test)]
mod tests {
    use std::fs::FileTimes;
    use std::time::SystemTime;

    use super::*;

    fn store(bytes_max: u64) -> (tempfile::TempDir, Artifacts) {
        let dir = tempfile::tempdir().unwrap();
        let store = Artifacts { bytes_max, ..Artifacts::open(dir.path()).unwrap() };
        (dir, store)
    }

    #[test]
    fn artifact_is_there_whole_or_not_at_all() {
        let (_dir, store) = store(STORE_BYTES_MAX);
        let digest = digest_of(b"wasm");
        let mut writer = store.begin(digest, 4).unwrap();
        writer.write(b"wa").unwrap();
        assert_eq!(store.use_now(&digest), None);
        writer.write(b"sm").unwrap();
        assert_eq!(writer.finish().unwrap(), 4);
        assert_eq!(store.use_now(&digest), Some(4));
    }

    #[test]
    fn bytes_that_are_not_those_announced_are_refused_and_leave_nothing() {
        let (dir, store) = store(STORE_BYTES_MAX);
        let mut writer = store.begin(digest_of(b"wasm"), 4).unwrap();
        writer.write(b"evil").unwrap();
        assert!(matches!(writer.finish(), Err(ArtifactError::WrongDigest { .. })));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn full_store_keeps_what_was_used_lately_and_removes_what_was_not() {
        let (_dir, store) = store(10);
        let old = store.put(b"12345678").unwrap();
        assert!(matches!(store.put(b"abcd"), Err(ArtifactError::Full { .. })));
        let long_ago = SystemTime::now() - 2 * IN_USE;
        let file = File::open(store.path(&old)).unwrap();
        file.set_times(FileTimes::new().set_modified(long_ago).set_accessed(long_ago)).unwrap();
        let new = store.put(b"abcd").unwrap();
        assert_eq!((store.use_now(&old), store.use_now(&new)), (None, Some(4)));
    }

    #[test]
    fn digest_of_a_stream_is_that_of_its_bytes() {
        let (digest, bytes) = digest_of_stream(&b"wasm"[..]).unwrap();
        assert_eq!((digest, bytes), (digest_of(b"wasm"), 4));
    }
}
