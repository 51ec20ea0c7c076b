//! Compiled code on disk, which several hosts of one user may share. Only what a host with the same
//! key wrote and authenticated is ever handed back; anything else is refused and removed. It never
//! compiles.

use std::fs::{DirBuilder, File, Permissions};
use std::hash::{Hash, Hasher};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest as _, Sha256};
use stoa_machine::room::{make_room, note_use};
use stoa_model::digest::Digest;
use wasmtime::Engine;

use crate::limits::{CACHE_BYTES_MAX, CACHE_SPARED};

const KEY_FILE: &str = "key";
const KEY_BYTES: usize = 32;
const MAC_BYTES: usize = 32;
const MAGIC: &[u8; 8] = b"stoacwm1";

/// What kind of code an entry holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CodeKind {
    Module,
    Component,
}

/// One compiled program.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) kind: CodeKind,
    pub(crate) code: Vec<u8>,
}

/// Compiled code on disk, for one engine.
pub(crate) struct Cache {
    /// Of this engine alone: named by its profile and its settings.
    directory: PathBuf,
    engine: [u8; 32],
    key: [u8; KEY_BYTES],
}

impl Cache {
    /// Opens the cache below `root`, and makes it and its key where there is none.
    pub(crate) fn open(root: &Path, profile: &str, engine: &Engine) -> io::Result<Self> {
        make_private(root)?;
        let key = read_or_make_key(root)?;
        let engine = engine_digest(profile, engine);
        let directory = root.join(Digest(engine).hex());
        make_private(&directory)?;
        Ok(Self { directory, engine, key })
    }

    /// What was compiled of `program` before, if it is still what was written.
    pub(crate) fn read(&self, program: Digest) -> Option<Entry> {
        let path = self.path(program);
        let bytes = match read_noted(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "cannot read compiled code");
                return None;
            }
        };
        let entry = self.open_sealed(program, bytes);
        if entry.is_none() {
            self.refuse(program, "it is damaged or not of this host");
        }
        entry
    }

    /// Keeps what was compiled of `program`. A reader sees all of it or nothing.
    pub(crate) fn write(&self, program: Digest, kind: CodeKind, code: &[u8]) -> io::Result<()> {
        let header = self.header(program, kind);
        let mac = self.mac(&header, code).finalize().into_bytes();
        if !make_room(&self.directory, code.len() as u64, CACHE_BYTES_MAX, CACHE_SPARED)? {
            return Err(io::Error::other("the cache is full of code that was used lately"));
        }
        let mut file = tempfile::Builder::new()
            .permissions(Permissions::from_mode(0o400))
            .tempfile_in(&self.directory)?;
        for part in [&header[..], &mac[..], code] {
            file.write_all(part)?;
        }
        file.as_file().sync_all()?;
        file.persist(self.path(program)).map_err(|error| error.error)?;
        File::open(&self.directory)?.sync_all()
    }

    /// Removes an entry that must not be used.
    pub(crate) fn refuse(&self, program: Digest, why: &str) {
        let path = self.path(program);
        tracing::warn!(path = %path.display(), "compiled code is refused: {why}");
        if let Err(error) = std::fs::remove_file(&path) {
            tracing::warn!(path = %path.display(), %error, "cannot remove refused code");
        }
    }

    fn path(&self, program: Digest) -> PathBuf {
        self.directory.join(format!("{}.cwasm", program.hex()))
    }

    /// Everything but the code that an entry stands for.
    fn header(&self, program: Digest, kind: CodeKind) -> Vec<u8> {
        let kind = match kind {
            CodeKind::Module => b'm',
            CodeKind::Component => b'c',
        };
        [MAGIC, &[kind][..], &self.engine, &program.0].concat()
    }

    fn mac(&self, header: &[u8], code: &[u8]) -> Hmac<Sha256> {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes a key of any length");
        mac.update(header);
        mac.update(code);
        mac
    }

    fn open_sealed(&self, program: Digest, mut bytes: Vec<u8>) -> Option<Entry> {
        [CodeKind::Module, CodeKind::Component].into_iter().find_map(|kind| {
            let header = self.header(program, kind);
            let rest = bytes.strip_prefix(&header[..])?;
            let (mac, code) = rest.split_at_checked(MAC_BYTES)?;
            self.mac(&header, code).verify_slice(mac).ok()?;
            let code = bytes.split_off(header.len() + MAC_BYTES);
            Some(Entry { kind, code })
        })
    }
}

fn read_noted(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    note_use(&file);
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn make_private(directory: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    std::fs::set_permissions(directory, Permissions::from_mode(0o700))
}

fn read_or_make_key(root: &Path) -> io::Result<[u8; KEY_BYTES]> {
    let path = root.join(KEY_FILE);
    match File::open(&path) {
        Ok(mut file) => {
            let mut key = [0; KEY_BYTES];
            if file.metadata()?.permissions().mode() & 0o077 == 0
                && file.read_exact(&mut key).is_ok()
            {
                return Ok(key);
            }
            tracing::warn!(path = %path.display(), "the key is damaged or open to others: renewed");
            std::fs::remove_file(&path)?;
            make_key(root, &path)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => make_key(root, &path),
        Err(error) => Err(error),
    }
}

/// Makes the key, or takes that of another host which was faster.
fn make_key(root: &Path, path: &Path) -> io::Result<[u8; KEY_BYTES]> {
    let mut key = [0; KEY_BYTES];
    File::open("/dev/urandom")?.read_exact(&mut key)?;
    let permissions = Permissions::from_mode(0o600);
    let mut file = tempfile::Builder::new().permissions(permissions).tempfile_in(root)?;
    file.write_all(&key)?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Ok(_) => {}
        Err(refused) if refused.error.kind() == io::ErrorKind::AlreadyExists => {
            File::open(path)?.read_exact(&mut key)?;
        }
        Err(refused) => return Err(refused.error),
    }
    Ok(key)
}

/// Names an engine by all that its code depends on.
fn engine_digest(profile: &str, engine: &Engine) -> [u8; 32] {
    /// Hashes into SHA-256, which gives the same in each process.
    struct Stable(Sha256);
    impl Hasher for Stable {
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }
        fn finish(&self) -> u64 {
            0
        }
    }
    let mut hasher = Stable(Sha256::new());
    profile.hash(&mut hasher);
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.0.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROGRAM: Digest = Digest([7; 32]);

    fn cache(root: &Path) -> Cache {
        Cache::open(root, "test", &Engine::default()).unwrap()
    }

    #[test]
    fn code_outlives_the_host_that_wrote_it() {
        let root = tempfile::tempdir().unwrap();
        cache(root.path()).write(PROGRAM, CodeKind::Component, b"code").unwrap();
        let read = cache(root.path()).read(PROGRAM);
        assert_eq!(read, Some(Entry { kind: CodeKind::Component, code: b"code".to_vec() }));
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(root.path()), 0o700);
        assert_eq!(mode(&root.path().join(KEY_FILE)), 0o600);
        assert_eq!(mode(&cache(root.path()).path(PROGRAM)), 0o400);
    }

    #[test]
    fn any_changed_byte_is_refused_and_removed() {
        let root = tempfile::tempdir().unwrap();
        let cache = cache(root.path());
        cache.write(PROGRAM, CodeKind::Module, b"code").unwrap();
        let path = cache.path(PROGRAM);
        let whole = std::fs::read(&path).unwrap();
        for position in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[position] ^= 1;
            let _ = std::fs::remove_file(&path);
            std::fs::write(&path, damaged).unwrap();
            assert_eq!(cache.read(PROGRAM), None, "byte {position}");
            assert!(!path.exists(), "byte {position}");
        }
        std::fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        assert_eq!(cache.read(PROGRAM), None);
    }

    #[test]
    fn code_of_another_program_or_key_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let cache = cache(root.path());
        cache.write(PROGRAM, CodeKind::Module, b"code").unwrap();
        let other = Digest([8; 32]);
        std::fs::copy(cache.path(PROGRAM), cache.path(other)).unwrap();
        assert_eq!(cache.read(other), None);
        std::fs::remove_file(root.path().join(KEY_FILE)).unwrap();
        assert_eq!(super::tests::cache(root.path()).read(PROGRAM), None);
    }
}
