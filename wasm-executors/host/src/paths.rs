//! From a path as the guest sees it to a file that was granted: the longest granted directory that
//! holds the path, and nothing that leads out of it. All of it blocks.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::{Component, Path, PathBuf};

use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};
use rustix::fs::OFlags;
use stoa_model::command::Access;

use crate::grants::Grants;
use crate::limits::DIRECTORY_ENTRIES_MAX;

/// Why a path cannot be used. The text names it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unusable {
    /// It is in no granted directory, or leads out of it, or may not be written.
    #[error("{0}")]
    NotGranted(String),
    /// It is not there, or is of the other kind.
    #[error("{0}")]
    NotFound(String),
    /// It is there and cannot be used all the same.
    #[error("{0}")]
    Failed(String),
}

/// One entry of a directory.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) is_directory: bool,
}

/// A path within a granted directory.
struct Found<'a> {
    dir: &'a Dir,
    /// What is left of the path, empty for the directory itself.
    below: PathBuf,
    access: Access,
}

/// Opens a file for reading.
pub(crate) fn open_input(grants: &Grants, path: &str) -> Result<File, Unusable> {
    let found = find(grants, path)?;
    open(&found, path, OpenOptions::new().read(true))
}

/// Opens a file for appending; makes it if it is not there, and empties it if it is not `kept`.
pub(crate) fn open_output(grants: &Grants, path: &str, kept: bool) -> Result<File, Unusable> {
    let found = find(grants, path)?;
    if found.access == Access::ReadOnly {
        return Err(Unusable::NotGranted(format!("{path} is granted for reading only")));
    }
    let file = open(&found, path, OpenOptions::new().append(true).create(true))?;
    if !kept {
        file.set_len(0).map_err(|error| unusable(path, &error))?;
    }
    Ok(file)
}

/// Up to `bytes_max` bytes of a file from `offset` on.
pub(crate) fn read(
    grants: &Grants,
    path: &str,
    offset: u64,
    bytes_max: usize,
) -> Result<Vec<u8>, Unusable> {
    let file = open_input(grants, path)?;
    let length = file.metadata().map_err(|error| unusable(path, &error))?.len();
    let left = usize::try_from(length.saturating_sub(offset)).unwrap_or(usize::MAX);
    let mut bytes = vec![0; left.min(bytes_max)];
    let mut read = 0;
    while read < bytes.len() {
        match file.read_at(&mut bytes[read..], offset + read as u64) {
            // It has become shorter meanwhile.
            Ok(0) => break,
            Ok(more) => read += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(unusable(path, &error)),
        }
    }
    bytes.truncate(read);
    Ok(bytes)
}

/// The entries of a directory, sorted by name.
pub(crate) fn list(grants: &Grants, path: &str) -> Result<Vec<Entry>, Unusable> {
    let Found { dir, below, .. } = find(grants, path)?;
    let failed = |error: io::Error| unusable(path, &error);
    let dir = match below.as_os_str().is_empty() {
        true => dir.try_clone().map_err(failed)?,
        false => dir.open_dir(&below).map_err(failed)?,
    };
    let mut entries = Vec::new();
    for entry in dir.entries().map_err(failed)? {
        if entries.len() >= DIRECTORY_ENTRIES_MAX {
            let message = format!("{path} holds more than {DIRECTORY_ENTRIES_MAX} entries");
            return Err(Unusable::Failed(message));
        }
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().into_string().map_err(|name| {
            Unusable::Failed(format!("{path} holds a name that is no UTF-8: {name:?}"))
        })?;
        let kind = entry.file_type().map_err(failed)?;
        // A link counts as what it leads to, if that is within the directory.
        let is_directory = match kind.is_symlink() {
            true => dir.metadata(&name).is_ok_and(|metadata| metadata.is_dir()),
            false => kind.is_dir(),
        };
        entries.push(Entry { name, is_directory });
    }
    entries.sort_unstable();
    Ok(entries)
}

/// Directories within each other: the innermost is meant.
fn find<'a>(grants: &'a Grants, path: &str) -> Result<Found<'a>, Unusable> {
    let plain = Path::new(path);
    if plain.components().next() != Some(Component::RootDir) {
        return Err(Unusable::NotGranted(format!("{path:?} is no absolute path")));
    }
    let candidates = grants.seen().filter_map(|(guest_path, dir, access)| {
        let below = plain.strip_prefix(guest_path).ok()?.to_owned();
        Some(Found { dir, below, access })
    });
    candidates
        .min_by_key(|found| found.below.components().count())
        .ok_or_else(|| Unusable::NotGranted(format!("{path} is in no directory that was granted")))
}

fn open(found: &Found<'_>, path: &str, options: &mut OpenOptions) -> Result<File, Unusable> {
    if found.below.as_os_str().is_empty() {
        return Err(Unusable::NotFound(format!("{path} is a directory")));
    }
    // Or who opens what is no file would wait for its other side.
    let nonblock = OFlags::NONBLOCK.bits().cast_signed();
    let opened = found.dir.open_with(&found.below, options.custom_flags(nonblock));
    let file = opened.map_err(|error| unusable(path, &error))?.into_std();
    let kind = file.metadata().map_err(|error| unusable(path, &error))?.file_type();
    match (kind.is_file(), kind.is_dir()) {
        (true, _) => Ok(file),
        (false, true) => Err(Unusable::NotFound(format!("{path} is a directory"))),
        (false, false) => Err(Unusable::Failed(format!("{path} is no ordinary file"))),
    }
}

fn unusable(path: &str, error: &io::Error) -> Unusable {
    match error.kind() {
        ErrorKind::NotFound => Unusable::NotFound(format!("there is no {path}")),
        ErrorKind::IsADirectory => Unusable::NotFound(format!("{path} is a directory")),
        ErrorKind::NotADirectory => Unusable::NotFound(format!("{path} is no directory")),
        // What the kernel did not say was said by who keeps paths within their directory.
        ErrorKind::PermissionDenied if error.raw_os_error().is_none() => {
            Unusable::NotGranted(format!("{path} leads out of the directory that was granted"))
        }
        _ => Unusable::Failed(format!("{path} cannot be used: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::Place;
    use stoa_model::command::{DirectoryGrant, Grants as Asked};
    use stoa_model::ids::{FrameworkId, TaskId};

    /// A sandbox as `/`, a directory as `/data`, one within it as `/data/deep`, one to read only.
    fn granted() -> (tempfile::TempDir, Grants) {
        let temporary = tempfile::tempdir().unwrap();
        let root = temporary.path().canonicalize().unwrap();
        let mut asked = Asked::default();
        for (name, guest_path, access) in [
            ("data", "/data", Access::ReadWrite),
            ("deep", "/data/deep", Access::ReadWrite),
            ("still", "/still", Access::ReadOnly),
        ] {
            std::fs::create_dir(root.join(name)).unwrap();
            let host_path = root.join(name).display().to_string();
            let guest_path = guest_path.to_owned();
            asked.directories.push(DirectoryGrant { host_path, guest_path, access });
            std::fs::write(root.join(name).join("text"), name).unwrap();
        }
        std::fs::write(root.join("outside"), "outside").unwrap();
        std::os::unix::fs::symlink("../outside", root.join("data/escape")).unwrap();
        std::os::unix::fs::symlink(root.join("outside"), root.join("data/absolute")).unwrap();
        std::os::unix::fs::symlink("text", root.join("data/link")).unwrap();
        std::os::unix::fs::symlink("inside", root.join("data/door")).unwrap();
        std::fs::create_dir(root.join("data/inside")).unwrap();
        let place = Place {
            sandboxes: &root.join("sandboxes"),
            artifacts: &root,
            framework: &FrameworkId::new("f").unwrap(),
            task: &TaskId::new("t").unwrap(),
        };
        let grants = Grants::prepare(&asked, &place, &[root.clone()], 1_000);
        (temporary, grants.unwrap())
    }

    fn text(grants: &Grants, path: &str) -> Result<String, Unusable> {
        read(grants, path, 0, 100).map(|bytes| String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn the_innermost_directory_is_meant_and_nothing_leads_out() {
        let (_temporary, grants) = granted();
        for (path, content) in [
            ("/data/text", "data"),
            ("//data/./inside/../text", "data"),
            ("/data/link", "data"),
            ("/data/deep/text", "deep"),
            ("/still/text", "still"),
        ] {
            assert_eq!(text(&grants, path).as_deref(), Ok(content), "{path}");
        }
        for (path, why) in [
            ("/data/../text", "leads out of the directory"),
            ("/data/escape", "leads out of the directory"),
            ("/data/absolute", "leads out of the directory"),
            ("/data/deep/../text", "leads out of the directory"),
            ("/../etc/passwd", "leads out of the directory"),
            ("data/text", "is no absolute path"),
            ("", "is no absolute path"),
        ] {
            let refused = text(&grants, path).unwrap_err();
            assert!(matches!(&refused, Unusable::NotGranted(text) if text.contains(why)), "{path}");
            let refused = open_output(&grants, path, true).unwrap_err();
            assert!(matches!(refused, Unusable::NotGranted(_)), "{path}: {refused}");
        }
        assert!(matches!(text(&Grants::default(), "/data/text"), Err(Unusable::NotGranted(_))));
    }

    #[test]
    fn what_is_not_there_or_of_the_other_kind_is_named() {
        let (temporary, grants) = granted();
        for (path, why) in [
            ("/data/none", "there is no /data/none"),
            ("/etc/passwd", "there is no /etc/passwd"),
            ("/data/inside", "/data/inside is a directory"),
            ("/data", "/data is a directory"),
            ("/data/text/below", "/data/text/below is no directory"),
        ] {
            assert_eq!(text(&grants, path), Err(Unusable::NotFound(why.to_owned())), "{path}");
        }
        assert!(matches!(list(&grants, "/data/text"), Err(Unusable::NotFound(_))));
        let status = std::process::Command::new("mkfifo").arg(temporary.path().join("data/fifo"));
        assert!({ status }.status().unwrap().success());
        for opened in [open_input(&grants, "/data/fifo"), open_output(&grants, "/data/fifo", true)]
        {
            assert!(matches!(opened, Err(Unusable::Failed(_))), "nobody waits for its other side");
        }
    }

    #[test]
    fn files_are_emptied_or_kept_and_read_in_pieces() {
        use std::io::Write;
        let (_temporary, grants) = granted();
        for (kept, content) in [(false, "one"), (true, "oneone"), (false, "one")] {
            open_output(&grants, "/new", kept).unwrap().write_all(b"one").unwrap();
            assert_eq!(text(&grants, "/new").as_deref(), Ok(content));
        }
        let mut both = [false, true].map(|kept| open_output(&grants, "/new", kept).unwrap());
        for word in ["a", "b", "c", "d"] {
            both[usize::from(word > "b")].write_all(word.as_bytes()).unwrap();
        }
        assert_eq!(text(&grants, "/new").as_deref(), Ok("abcd"), "neither writes over the other");
        for (offset, bytes_max, piece) in [(1, 2, "bc"), (3, 9, "d"), (4, 9, ""), (u64::MAX, 9, "")]
        {
            assert_eq!(read(&grants, "/new", offset, bytes_max).unwrap(), piece.as_bytes());
        }
        let refused = open_output(&grants, "/still/text", true).unwrap_err();
        assert_eq!(refused.to_string(), "/still/text is granted for reading only");
        assert_eq!(text(&grants, "/still/text").as_deref(), Ok("still"));
    }

    #[test]
    fn a_directory_is_listed_in_order_and_within_a_bound() {
        let (temporary, grants) = granted();
        let entry = |name: &str, is_directory| Entry { name: name.to_owned(), is_directory };
        let expected = [
            entry("absolute", false),
            entry("door", true),
            entry("escape", false),
            entry("inside", true),
            entry("link", false),
            entry("text", false),
        ];
        assert_eq!(list(&grants, "/data").unwrap(), expected);
        assert_eq!(list(&grants, "/").unwrap(), []);
        for number in 0..DIRECTORY_ENTRIES_MAX {
            std::fs::write(temporary.path().join("still").join(number.to_string()), "").unwrap();
        }
        let refused = list(&grants, "/still").unwrap_err().to_string();
        assert_eq!(refused, "/still holds more than 10000 entries");
    }
}
