//! The files of one task: what was uploaded, what travels back, what it wrote to its disk, and how
//! much it all is. It exists only for tasks that asked for any of it.

use std::fs::{DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use sha2::{Digest as _, Sha256};
use stoa_model::command::Grants as Asked;
use stoa_model::digest::Digest;
use stoa_model::ids::{FrameworkId, TaskId};
use stoa_model::limits::ARTIFACT_BYTES_MAX;
use stoa_model::size::Bytes;
use stoa_model::status::{Download, Reason};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::archive::{ArchiveError, measure, pack, unpack};
use crate::end::End;
use crate::limits::DISK_CHECK_MS;
use crate::slices::{Cause, Leash};

/// One directory of the sandbox.
pub(crate) struct Folder {
    pub(crate) dir: Dir,
    pub(crate) guest_path: String,
    travels_back: bool,
}

/// The files of one task.
pub(crate) struct Sandbox {
    path: PathBuf,
    root: Dir,
    pub(crate) folders: Vec<Folder>,
    granted_bytes: u64,
    /// The containers that may add to it.
    watched: Mutex<Watched>,
    /// Held by who measures it: one at a time, however many containers a task has.
    measuring: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Watched {
    leashes: Vec<Arc<Leash>>,
    watch: Option<JoinHandle<()>>,
}

/// Whose sandbox it is, and where.
pub(crate) struct Place<'a> {
    pub(crate) sandboxes: &'a Path,
    pub(crate) artifacts: &'a Path,
    pub(crate) framework: &'a FrameworkId,
    pub(crate) task: &'a TaskId,
}

impl Sandbox {
    /// Makes the directories and unpacks the uploads. Blocks.
    pub(crate) fn make(place: &Place<'_>, asked: &Asked, granted_bytes: u64) -> Result<Self, End> {
        let path = place.sandboxes.join(place.framework.as_str()).join(place.task.as_str());
        let path = path.join("files");
        let failed = |error: io::Error| End::failed(format!("cannot make its sandbox: {error}"));
        let root = make_directory(&path).map_err(failed)?;
        let (folders, watched, measuring) = Default::default();
        let mut sandbox = Self { path, root, folders, granted_bytes, watched, measuring };
        let filled = sandbox.fill(place, asked);
        if filled.is_err() {
            sandbox.remove();
        }
        filled.map(|()| sandbox)
    }

    fn fill(&mut self, place: &Place<'_>, asked: &Asked) -> Result<(), End> {
        let failed = |error: io::Error| End::failed(format!("cannot make its sandbox: {error}"));
        for upload in &asked.uploads {
            let granted_bytes = self.granted_bytes;
            let folder = self.add_folder(&upload.guest_path).map_err(failed)?;
            let archive = place.artifacts.join(upload.archive.hex());
            let archive = File::open(archive).map_err(ArchiveError::from);
            archive
                .and_then(|archive| unpack(archive, &folder.dir, granted_bytes))
                .and_then(|()| measure(&self.root, granted_bytes))
                .map_err(|error| not_unpacked(&upload.guest_path, &error))?;
        }
        for guest_path in &asked.downloads {
            let known = self.folders.iter_mut().find(|it| it.guest_path == *guest_path);
            match known {
                Some(folder) => folder.travels_back = true,
                None => self.add_folder(guest_path).map_err(failed)?.travels_back = true,
            }
        }
        if has_root(asked, self.granted_bytes) {
            self.add_folder("/").map_err(failed)?;
        }
        Ok(())
    }

    fn add_folder(&mut self, guest_path: &str) -> io::Result<&mut Folder> {
        let name = self.folders.len().to_string();
        self.root.create_dir(&name)?;
        let dir = self.root.open_dir(&name)?;
        self.folders.push(Folder { dir, guest_path: guest_path.to_owned(), travels_back: false });
        Ok(self.folders.last_mut().expect("it was pushed just now"))
    }

    /// Why the task must end, if its files are more than granted.
    pub(crate) async fn check(self: &Arc<Self>, work: &Handle) -> Option<End> {
        let _turn = self.measuring.lock().await;
        let sandbox = Arc::clone(self);
        let measured = work.spawn_blocking(move || sandbox.excess()).await;
        measured.unwrap_or_else(|error| {
            Some(End::failed(format!("the host failed when it measured the sandbox: {error}")))
        })
    }

    /// Blocks.
    fn excess(&self) -> Option<End> {
        match measure(&self.root, self.granted_bytes) {
            Ok(_) => None,
            Err(ArchiveError::TooLarge { bytes_max }) => {
                let message = format!("its files are more than the {} granted", Bytes(bytes_max));
                Some(End::new(Reason::DiskExceeded, message))
            }
            Err(ArchiveError::TooMany) => {
                Some(End::new(Reason::DiskExceeded, ArchiveError::TooMany.to_string()))
            }
            // What changes while it is measured is measured again.
            Err(error) => {
                tracing::debug!(path = %self.path.display(), %error, "cannot measure a sandbox");
                None
            }
        }
    }

    /// Packs what travels back into the artifacts. Blocks.
    pub(crate) fn pack(&self, artifacts: &Path) -> Result<Vec<Download>, End> {
        let travelling = self.folders.iter().filter(|folder| folder.travels_back);
        travelling
            .map(|folder| {
                let archive = pack_into(&folder.dir, artifacts, self.granted_bytes);
                let archive = archive.map_err(|error| not_packed(&folder.guest_path, &error))?;
                Ok(Download { guest_path: folder.guest_path.clone(), archive })
            })
            .collect()
    }

    fn watched(&self) -> MutexGuard<'_, Watched> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes the files. Blocks.
    pub(crate) fn remove(&self) {
        if let Err(error) = std::fs::remove_dir_all(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "cannot remove a sandbox's files");
        }
    }
}

/// Whether there must be one: it holds uploads and downloads, and what the disk is for.
pub(crate) fn is_needed(asked: &Asked, granted_bytes: u64) -> bool {
    !asked.uploads.is_empty() || !asked.downloads.is_empty() || has_root(asked, granted_bytes)
}

/// Whether a folder of the sandbox is the guest's `/`: there is disk, and nothing else is.
fn has_root(asked: &Asked, granted_bytes: u64) -> bool {
    let is_root = |path: &str| Path::new(path).components().eq([Component::RootDir]);
    granted_bytes > 0
        && !asked.directories.iter().any(|grant| is_root(&grant.guest_path))
        && !asked.uploads.iter().any(|upload| is_root(&upload.guest_path))
        && !asked.downloads.iter().any(|path| is_root(path))
}

fn make_directory(path: &Path) -> io::Result<Dir> {
    // A task of this name that an earlier host left behind is over.
    match std::fs::remove_dir_all(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    Dir::open_ambient_dir(path, ambient_authority())
}

fn not_unpacked(guest_path: &str, error: &ArchiveError) -> End {
    let reason = match error {
        ArchiveError::TooLarge { .. } | ArchiveError::TooMany => Reason::DiskExceeded,
        _ => Reason::GrantDenied,
    };
    End::new(reason, format!("cannot unpack the upload for {guest_path}: {error}"))
}

fn not_packed(guest_path: &str, error: &ArchiveError) -> End {
    let message = format!("cannot pack {guest_path} within the disk granted: {error}");
    match error {
        ArchiveError::TooLarge { .. } | ArchiveError::TooMany => {
            End::new(Reason::DiskExceeded, message)
        }
        _ => End::failed(format!("cannot pack {guest_path}: {error}")),
    }
}

fn pack_into(dir: &Dir, artifacts: &Path, bytes_max: u64) -> Result<Digest, ArchiveError> {
    let mut file = tempfile::NamedTempFile::new_in(artifacts)?;
    let mut hashing = Hashing { file: file.as_file_mut(), hash: Sha256::new(), bytes: 0 };
    pack(dir, &mut hashing, bytes_max.min(ARTIFACT_BYTES_MAX))?;
    let digest = Digest(hashing.hash.finalize().into());
    file.as_file().sync_all()?;
    file.persist(artifacts.join(digest.hex())).map_err(|error| error.error)?;
    Ok(digest)
}

/// Names what is written by its content, and ends where an artifact does.
struct Hashing<'a> {
    file: &'a mut File,
    hash: Sha256,
    bytes: u64,
}

impl Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.bytes += written as u64;
        if self.bytes > ARTIFACT_BYTES_MAX {
            return Err(io::Error::other("it is larger than an artifact may be"));
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// As long as it lives, somebody looks at the sandbox now and then, and stops the container when it
/// holds too much.
pub(crate) struct DiskWatch {
    sandbox: Arc<Sandbox>,
    leash: Arc<Leash>,
}

impl DiskWatch {
    pub(crate) fn start(work: &Handle, sandbox: &Arc<Sandbox>, leash: &Arc<Leash>) -> Self {
        let mut watched = sandbox.watched();
        watched.leashes.push(Arc::clone(leash));
        if watched.watch.is_none() {
            watched.watch = Some(work.spawn(watch(work.clone(), Arc::clone(sandbox))));
        }
        drop(watched);
        Self { sandbox: Arc::clone(sandbox), leash: Arc::clone(leash) }
    }
}

impl Drop for DiskWatch {
    fn drop(&mut self) {
        let mut watched = self.sandbox.watched();
        watched.leashes.retain(|leash| !Arc::ptr_eq(leash, &self.leash));
        if watched.leashes.is_empty()
            && let Some(watch) = watched.watch.take()
        {
            watch.abort();
        }
    }
}

/// Watches for all containers of the task together, until the last of them is over.
async fn watch(work: Handle, sandbox: Arc<Sandbox>) {
    loop {
        tokio::time::sleep(Duration::from_millis(DISK_CHECK_MS)).await;
        if sandbox.check(&work).await.is_some() {
            let leashes = sandbox.watched().leashes.clone();
            leashes.iter().for_each(|leash| leash.stop(Cause::DiskExceeded));
        }
    }
}
