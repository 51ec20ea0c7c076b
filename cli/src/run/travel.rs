//! Directories that travel with a task and back, as tar archives. It never packs what leaves the
//! directory, and never unpacks outside of it.

use std::fs::File;
use std::io;
use std::path::Path;

use stoa_model::status::TaskStatus;
use tempfile::NamedTempFile;

use crate::cluster::Cluster;
use crate::config::DownloadPair;
use crate::failure::{Failure, code};

/// Packs a directory, sorted and without times and owners, so that the same files make the same
/// archive. Links are packed as links.
///
/// # Errors
/// [`Failure`] if there is no such directory, or something in it cannot be read.
pub fn pack(directory: &Path) -> Result<NamedTempFile, Failure> {
    let failed = |error: io::Error| {
        Failure::new(code::CANNOT_START, format!("cannot pack {}: {error}", directory.display()))
            .hint("--upload DIR::GUEST takes a directory that can be read")
    };
    let archive = NamedTempFile::with_prefix("upload-").map_err(failed)?;
    let mut builder = tar::Builder::new(archive);
    builder.mode(tar::HeaderMode::Deterministic);
    builder.follow_symlinks(false);
    pack_below(&mut builder, directory, Path::new("")).map_err(failed)?;
    builder.into_inner().map_err(failed)
}

fn pack_below(
    builder: &mut tar::Builder<NamedTempFile>,
    directory: &Path,
    below: &Path,
) -> io::Result<()> {
    let mut entries: Vec<_> =
        std::fs::read_dir(directory.join(below))?.collect::<io::Result<_>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let name = below.join(entry.file_name());
        builder.append_path_with_name(entry.path(), &name)?;
        if entry.file_type()?.is_dir() {
            pack_below(builder, directory, &name)?;
        }
    }
    Ok(())
}

/// Fetches and unpacks every directory that has travelled back and was asked for.
///
/// # Errors
/// [`Failure`] if one is missing, cannot be fetched, or cannot be written.
pub async fn unpack_all(
    cluster: &Cluster,
    wanted: &[DownloadPair],
    status: &TaskStatus,
) -> Result<(), Failure> {
    for pair in wanted {
        let Some(download) = status.downloads.iter().find(|it| it.guest_path == pair.guest) else {
            let message = format!("{} did not travel back: {}", pair.guest, status.message);
            return Err(Failure::new(code::CLUSTER, message));
        };
        let failed = |error: io::Error| {
            let what = format!("cannot unpack into {}: {error}", pair.directory.display());
            Failure::new(code::CLUSTER, what)
        };
        let mut archive = tempfile::tempfile().map_err(failed)?;
        cluster.download(download.archive, &mut archive).await?;
        unpack(archive, &pair.directory).map_err(failed)?;
    }
    Ok(())
}

/// The tar library refuses names that leave the directory, and links through which they would.
fn unpack(mut archive: File, directory: &Path) -> io::Result<()> {
    io::Seek::rewind(&mut archive)?;
    std::fs::create_dir_all(directory)?;
    let mut archive = tar::Archive::new(archive);
    archive.set_preserve_permissions(false);
    archive.set_preserve_mtime(false);
    archive.unpack(directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directory_comes_back_as_it_was_and_packs_the_same_twice() {
        let from = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(from.path().join("a/b")).unwrap();
        std::fs::write(from.path().join("a/b/c.txt"), "c").unwrap();
        std::fs::write(from.path().join("z.txt"), "z").unwrap();
        let archive = pack(from.path()).unwrap();
        let again = pack(from.path()).unwrap();
        let bytes = |file: &NamedTempFile| std::fs::read(file.path()).unwrap();
        assert_eq!(bytes(&archive), bytes(&again));
        let to = tempfile::tempdir().unwrap();
        unpack(archive.reopen().unwrap(), &to.path().join("new")).unwrap();
        assert_eq!(std::fs::read_to_string(to.path().join("new/a/b/c.txt")).unwrap(), "c");
    }

    #[test]
    fn archive_that_climbs_writes_nothing_outside() {
        let mut builder = tar::Builder::new(NamedTempFile::new().unwrap());
        let mut header = tar::Header::new_gnu();
        header.set_size(1);
        header.as_mut_bytes()[..7].copy_from_slice(b"../evil");
        header.set_cksum();
        builder.append(&header, &b"x"[..]).unwrap();
        let archive = builder.into_inner().unwrap();
        let to = tempfile::tempdir().unwrap();
        let inner = to.path().join("inner");
        let _ = unpack(archive.reopen().unwrap(), &inner);
        assert!(!to.path().join("evil").exists());
    }
}
