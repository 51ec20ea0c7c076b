//! Directories as tar archives: how uploads and downloads travel. Nothing unpacked lands outside
//! its directory, and nothing packed comes from outside.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::path::{Component, Path, PathBuf};

use cap_std::fs::{Dir, MetadataExt, OpenOptions};
use tar::EntryType;

use crate::limits::{SANDBOX_DEPTH_MAX, SANDBOX_ENTRIES_MAX};

/// Why an archive was not unpacked, or a directory not packed.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// An absolute path, or one that climbs.
    #[error("entry {0:?} leaves the directory")]
    Leaves(PathBuf),
    /// A link to a place outside.
    #[error("link {link:?} leads out of the directory, to {target:?}")]
    LinkLeaves {
        /// The link.
        link: PathBuf,
        /// Where it leads.
        target: PathBuf,
    },
    /// A device, a pipe or the like.
    #[error("entry {0:?} is neither a file nor a directory nor a link")]
    Kind(PathBuf),
    /// More bytes than granted.
    #[error("it holds more than the {bytes_max} bytes that are granted")]
    TooLarge {
        /// What is granted.
        bytes_max: u64,
    },
    /// More files and directories than allowed, or deeper ones.
    #[error("it holds more than {SANDBOX_ENTRIES_MAX} files, or deeper than {SANDBOX_DEPTH_MAX}")]
    TooMany,
    /// The archive is damaged or the disk failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Unpacks a tar archive into `directory`, with at most so many bytes.
///
/// # Errors
/// What in the archive is not allowed; what came before it is unpacked.
pub fn unpack(archive: impl Read, directory: &Dir, bytes_max: u64) -> Result<(), ArchiveError> {
    let mut archive = tar::Archive::new(archive);
    let mut left = bytes_max;
    for (number, entry) in (1..).zip(archive.entries()?) {
        if number > SANDBOX_ENTRIES_MAX {
            return Err(ArchiveError::TooMany);
        }
        let entry = entry?;
        left = left.checked_sub(entry.size()).ok_or(ArchiveError::TooLarge { bytes_max })?;
        unpack_entry(entry, directory)?;
    }
    Ok(())
}

fn unpack_entry<R: Read>(
    mut entry: tar::Entry<'_, R>,
    directory: &Dir,
) -> Result<(), ArchiveError> {
    let kind = entry.header().entry_type();
    if matches!(kind, EntryType::XGlobalHeader) {
        return Ok(());
    }
    let path = inside(&entry.path()?)?;
    if path.as_os_str().is_empty() {
        return Ok(());
    }
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        directory.create_dir_all(parent)?;
    }
    let target = entry.link_name()?.map(|target| target.into_owned());
    match (kind, target) {
        (EntryType::Directory, _) => directory.create_dir_all(&path)?,
        (EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse, _) => {
            let mut options = OpenOptions::new();
            options.write(true).create(true).truncate(true);
            io::copy(&mut entry, &mut directory.open_with(&path, &options)?)?;
        }
        (EntryType::Symlink, Some(target)) => {
            check_link(&path, &target)?;
            directory.symlink(&target, &path)?;
        }
        (EntryType::Link, Some(target)) => {
            directory.hard_link(inside(&target)?, directory, &path)?
        }
        _ => return Err(ArchiveError::Kind(path)),
    }
    Ok(())
}

/// The path without `.`; refused if it climbs or starts anew.
fn inside(path: &Path) -> Result<PathBuf, ArchiveError> {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => plain.push(name),
            Component::CurDir => {}
            _ => return Err(ArchiveError::Leaves(path.to_owned())),
        }
    }
    match plain.components().count() > SANDBOX_DEPTH_MAX {
        true => Err(ArchiveError::TooMany),
        false => Ok(plain),
    }
}

/// A link may climb as far as its own directory is deep.
fn check_link(link: &Path, target: &Path) -> Result<(), ArchiveError> {
    let mut depth = link.components().count().saturating_sub(1);
    for part in target.components() {
        let next = match part {
            Component::Normal(_) => Some(depth + 1),
            Component::CurDir => Some(depth),
            Component::ParentDir => depth.checked_sub(1),
            Component::RootDir | Component::Prefix(_) => None,
        };
        depth = next.ok_or_else(|| ArchiveError::LinkLeaves {
            link: link.to_owned(),
            target: target.to_owned(),
        })?;
    }
    Ok(())
}

/// Packs all of `directory`, in the order of the names, with at most so many bytes. Equal
/// directories give equal archives but for the times of their files.
///
/// # Errors
/// What the directory holds too much of, or what the disk says.
pub fn pack(directory: &Dir, archive: impl Write, bytes_max: u64) -> Result<(), ArchiveError> {
    let mut builder = tar::Builder::new(archive);
    walk(
        directory,
        &mut |path, dir, name, metadata| {
            let mut header = tar::Header::new_gnu();
            header.set_mtime(u64::try_from(metadata.mtime()).unwrap_or(0));
            header.set_size(0);
            if metadata.is_dir() {
                header.set_entry_type(EntryType::Directory);
                header.set_mode(0o755);
                builder.append_data(&mut header, path, io::empty())?;
            } else if metadata.is_symlink() {
                header.set_entry_type(EntryType::Symlink);
                header.set_mode(0o777);
                builder.append_link(&mut header, path, dir.read_link_contents(name)?)?;
            } else if metadata.is_file() {
                header.set_entry_type(EntryType::Regular);
                header.set_mode(0o644);
                header.set_size(metadata.len());
                builder.append_data(&mut header, path, dir.open(name)?.take(metadata.len()))?;
            }
            Ok(())
        },
        bytes_max,
    )?;
    builder.into_inner()?.flush()?;
    Ok(())
}

/// Bytes of all files in `directory`, counted up to where `bytes_max` is passed.
pub(crate) fn measure(directory: &Dir, bytes_max: u64) -> Result<u64, ArchiveError> {
    let mut bytes = 0;
    walk(
        directory,
        &mut |_, _, _, metadata| {
            bytes += if metadata.is_file() { metadata.len() } else { 0 };
            Ok(())
        },
        bytes_max,
    )?;
    Ok(bytes)
}

type Visit<'a> =
    dyn FnMut(&Path, &Dir, &OsString, &cap_std::fs::Metadata) -> Result<(), ArchiveError> + 'a;

/// Visits all entries, each directory before what it holds; follows no link.
fn walk(directory: &Dir, visit: &mut Visit<'_>, bytes_max: u64) -> Result<(), ArchiveError> {
    let (mut entries, mut bytes) = (0, 0_u64);
    let mut waiting = vec![(PathBuf::new(), directory.try_clone()?)];
    while let Some((path, dir)) = waiting.pop() {
        let mut names = Vec::new();
        for entry in dir.entries()? {
            entries += 1;
            if entries > SANDBOX_ENTRIES_MAX || path.components().count() >= SANDBOX_DEPTH_MAX {
                return Err(ArchiveError::TooMany);
            }
            names.push(entry?.file_name());
        }
        names.sort_unstable();
        let mut below = Vec::new();
        for name in names {
            let metadata = match dir.symlink_metadata(&name) {
                Ok(metadata) => metadata,
                // The guest may remove what it made while this looks.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error.into()),
            };
            let own = if metadata.is_file() { metadata.len() } else { 0 };
            bytes = bytes.saturating_add(own);
            if bytes > bytes_max {
                return Err(ArchiveError::TooLarge { bytes_max });
            }
            let path = path.join(&name);
            visit(&path, &dir, &name, &metadata)?;
            if metadata.is_dir() {
                below.push((path, dir.open_dir(&name)?));
            }
        }
        waiting.extend(below.into_iter().rev());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory() -> (tempfile::TempDir, Dir) {
        let temporary = tempfile::tempdir().unwrap();
        let authority = cap_std::ambient_authority();
        let dir = Dir::open_ambient_dir(temporary.path(), authority).unwrap();
        (temporary, dir)
    }

    /// An archive of one entry whose path no decent tool would write.
    fn archive(kind: EntryType, path: &str, target: &str, content: &[u8]) -> Vec<u8> {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
        header.as_mut_bytes()[157..157 + target.len()].copy_from_slice(target.as_bytes());
        header.set_cksum();
        let mut builder = tar::Builder::new(Vec::new());
        builder.append(&header, content).unwrap();
        builder.into_inner().unwrap()
    }

    #[test]
    fn what_is_packed_unpacks_as_it_was() {
        let (_one, one) = directory();
        one.create_dir_all("a/b").unwrap();
        one.write("a/b/file", "content").unwrap();
        one.write("empty", "").unwrap();
        one.symlink("b/file", "a/link").unwrap();
        let mut first = Vec::new();
        pack(&one, &mut first, 100).unwrap();
        let (_two, two) = directory();
        unpack(&first[..], &two, 100).unwrap();
        assert_eq!(two.read_to_string("a/link").unwrap(), "content");
        assert_eq!(two.read_to_string("empty").unwrap(), "");
        assert_eq!(measure(&two, 100).unwrap(), 7);
    }

    #[test]
    fn nothing_leaves_the_directory() {
        let (_temporary, dir) = directory();
        let cases = [
            (EntryType::Regular, "../out", ""),
            (EntryType::Regular, "a/../../out", ""),
            (EntryType::Regular, "/tmp/out", ""),
            (EntryType::Symlink, "link", "/etc/passwd"),
            (EntryType::Symlink, "a/link", "../../out"),
            (EntryType::Link, "link", "../out"),
            (EntryType::Fifo, "pipe", ""),
            (EntryType::Char, "device", ""),
        ];
        for (kind, path, target) in cases {
            let result = unpack(&archive(kind, path, target, b"")[..], &dir, 100);
            assert!(result.is_err(), "{kind:?} {path} {target}: {result:?}");
        }
        dir.symlink("..", "up").unwrap();
        let through = archive(EntryType::Regular, "up/out", "", b"x");
        assert!(matches!(unpack(&through[..], &dir, 100), Err(ArchiveError::Io(_))));
    }

    #[test]
    fn more_than_granted_is_refused() {
        let (_temporary, dir) = directory();
        let large = archive(EntryType::Regular, "file", "", &[0; 101]);
        assert!(matches!(unpack(&large[..], &dir, 100), Err(ArchiveError::TooLarge { .. })));
        dir.write("file", [0; 101]).unwrap();
        assert!(matches!(measure(&dir, 100), Err(ArchiveError::TooLarge { .. })));
        assert!(matches!(pack(&dir, io::sink(), 100), Err(ArchiveError::TooLarge { .. })));
    }
}
