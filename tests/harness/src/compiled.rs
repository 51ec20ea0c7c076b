//! Compiled code that processes keep on disk, so that a test can tell whether anything was compiled
//! again. It never reads the code.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// All compiled code below `dir`: each file with the time at which it was written.
///
/// # Panics
/// If there is none, or the directory cannot be read.
#[track_caller]
pub fn compiled_code(dir: &Path) -> Vec<(PathBuf, SystemTime)> {
    let mut found = Vec::new();
    let mut waiting = vec![dir.to_owned()];
    while let Some(dir) = waiting.pop() {
        let entries = std::fs::read_dir(&dir);
        for entry in entries.unwrap_or_else(|error| panic!("{}: {error}", dir.display())) {
            let path = entry.expect("a directory that is open can be read").path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|extension| extension == "cwasm") {
                let written = path.metadata().and_then(|metadata| metadata.modified());
                found.push((path, written.expect("compiled code is not removed")));
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "nothing is compiled below {}", dir.display());
    found
}
