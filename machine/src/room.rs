//! Room in a directory of files that can be had again: what was not used for the longest time goes.
//! It never removes what was used lately.

use std::fs::{File, FileTimes};
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// Notes that `file` is used now. A directory that refuses it only ranks the file as older.
pub fn note_use(file: &File) {
    let _ = file.set_times(FileTimes::new().set_accessed(SystemTime::now()));
}

/// Makes room for `wanted` bytes more among the files of `dir`, which may have `bytes_max` in all.
/// What was used within `spared` stays. Answers whether there is room now.
///
/// # Errors
/// If the directory cannot be listed.
pub fn make_room(dir: &Path, wanted: u64, bytes_max: u64, spared: Duration) -> io::Result<bool> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir)?.flatten() {
        let Ok(metadata) = entry.metadata() else { continue };
        let at = |time: io::Result<SystemTime>| time.unwrap_or(SystemTime::UNIX_EPOCH);
        let used = at(metadata.accessed()).max(at(metadata.modified()));
        files.push((used, metadata.len(), entry.path()));
    }
    let mut total: u64 = files.iter().map(|(_, size, _)| size).sum();
    files.sort();
    let is_idle = |used: &SystemTime| used.elapsed().is_ok_and(|since_use| since_use > spared);
    for (used, size, path) in files {
        if total.saturating_add(wanted) <= bytes_max || !is_idle(&used) {
            break;
        }
        if std::fs::remove_file(&path).is_ok() {
            total -= size;
        }
    }
    Ok(total.saturating_add(wanted) <= bytes_max)
}
