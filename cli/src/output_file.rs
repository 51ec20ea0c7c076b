//! A file that a command writes: whole, or not at all. It never leaves half of one behind.

use std::io::Write;
use std::path::Path;

use crate::failure::{Failure, code};

/// Writes a file under another name beside it, and renames it when it is whole.
///
/// # Errors
/// [`Failure`] if the disk refuses; what was there before is then still there.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::new(code::FAILURE, format!("cannot write {}: {error}", path.display()))
            .hint("name a file in a directory that can be written: -o FILE.wasm")
    };
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut file = tempfile::Builder::new()
        .prefix(".stoa-")
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
        .tempfile_in(parent)
        .map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_is_whole_and_alone() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("out.wasm");
        write_file(&path, b"first").unwrap();
        write_file(&path, b"second").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"second");
        let taken = place.path().join("taken");
        std::fs::create_dir(&taken).unwrap();
        std::fs::write(taken.join("x"), "").unwrap();
        assert!(write_file(&taken, b"third").is_err());
        assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 2);
    }
}
