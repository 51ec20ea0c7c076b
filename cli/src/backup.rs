//! `stoa master backup` and `restore`: what a master keeps, to a file and back. It never leaves
//! half of a backup behind, and never writes over one unasked.

use std::io::{BufReader, Seek, Write};
use std::path::Path;

use serde_json::json;
use stoa_master::backup::{self, BackupError, Checked, RestoreError};
use tempfile::NamedTempFile;

use crate::cluster::Cluster;
use crate::config::{Backup, Output, Restore};
use crate::daemon::{state_hint, store_hint};
use crate::failure::{Failure, chain, code};
use crate::lists::unprinted;
use crate::table::print_json;

/// Saves what a master keeps, reads it again as it then stands on the disk, and prints what it is.
///
/// # Errors
/// [`Failure`] if the file is there, the master or the directory cannot be read, or the disk
/// refuses.
pub async fn save(arguments: Backup, output: Output) -> Result<(), Failure> {
    let path = &arguments.file;
    if !arguments.force && path.symlink_metadata().is_ok() {
        return Err(taken(path));
    }
    let mut file =
        NamedTempFile::with_prefix_in(".stoa-", parent(path)).map_err(unwritten(path))?;
    match &arguments.state_dir {
        Some(dir) => {
            let out = std::io::BufWriter::new(file.as_file());
            backup::save_stopped(dir, out).map_err(|error| failure(&error))?;
        }
        None => receive(&arguments, file.as_file_mut()).await?,
    }
    file.as_file().sync_all().map_err(unwritten(path))?;
    let checked = read_again(&mut file).map_err(|error| {
        let message = format!("the backup that was made cannot be used: {}", chain(&error));
        Failure::new(code::FAILURE, message).hint("try again; nothing was written")
    })?;
    if arguments.force {
        file.persist(path).map_err(|refused| unwritten(path)(refused.error))?;
    } else {
        file.persist_noclobber(path).map_err(|refused| match refused.error.kind() {
            std::io::ErrorKind::AlreadyExists => taken(path),
            _ => unwritten(path)(refused.error),
        })?;
    }
    sync_dir(path).map_err(unwritten(path))?;
    show("saved to", path, &checked, output)
}

/// Makes a state directory of a backup, and prints what it then holds.
///
/// # Errors
/// [`Failure`] if the backup cannot be used, or the directory is not empty.
pub fn restore(arguments: &Restore, output: Output) -> Result<(), Failure> {
    let checked =
        backup::restore(&arguments.file, &arguments.state_dir).map_err(|error| failure(&error))?;
    show("restored to", &arguments.state_dir, &checked, output)
}

async fn receive(arguments: &Backup, file: &mut std::fs::File) -> Result<(), Failure> {
    let mut incoming = Cluster::find(arguments.at.master.as_deref()).await?.backup().await?;
    while let Some(bytes) = incoming.next().await? {
        file.write_all(&bytes).map_err(unwritten(&arguments.file))?;
    }
    Ok(())
}

fn read_again(file: &mut NamedTempFile) -> Result<Checked, BackupError> {
    let file = file.as_file_mut();
    file.rewind()?;
    backup::check(BufReader::new(&*file))
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn sync_dir(path: &Path) -> std::io::Result<()> {
    std::fs::File::open(parent(path))?.sync_all()
}

fn unwritten(path: &Path) -> impl Fn(std::io::Error) -> Failure {
    move |error| {
        Failure::new(code::FAILURE, format!("cannot write {}: {error}", path.display()))
            .hint("name a file in a directory that can be written and has room")
    }
}

fn taken(path: &Path) -> Failure {
    Failure::new(code::FAILURE, format!("{} is there already", path.display()))
        .hint("name another file, or write over it with --force")
}

/// What a person can do about a backup that cannot be made or restored.
fn failure(error: &RestoreError) -> Failure {
    let failure = Failure::new(code::FAILURE, chain(error));
    match error {
        RestoreError::Backup { source: BackupError::Version { .. }, .. } => {
            failure.hint("restore it with the version of stoa that made it, or a newer one")
        }
        RestoreError::Backup { source: BackupError::Io(_), .. } => {
            failure.hint("name a file that `stoa master backup FILE` has written")
        }
        RestoreError::Backup { .. } => failure.hint("use another backup: this one is not whole"),
        RestoreError::NotEmpty { .. } => {
            failure.hint("name a directory that is not there yet: --state-dir DIR")
        }
        RestoreError::NoState { .. } => {
            failure.hint("name the directory that `stoa master --state DIR` was started with")
        }
        RestoreError::StateDir(error) => state_hint(failure, error),
        RestoreError::Store(error) => store_hint(failure, error),
        RestoreError::Write(_) => {
            failure.hint("name a file in a directory that can be written and has room")
        }
    }
}

fn show(done: &str, path: &Path, checked: &Checked, output: Output) -> Result<(), Failure> {
    let Checked { about, counts, bytes } = checked;
    match output {
        Output::Json => print_json(&json!({
            "path": path.display().to_string(),
            "agents": counts.agents,
            "frameworks": counts.frameworks,
            "records": counts.records,
            "bytes": bytes,
            "made_at_ms": about.made_at_ms,
            "version": about.version,
            "cluster": about.cluster,
            "epoch": about.epoch.0,
        })),
        Output::Table => writeln!(
            std::io::stdout().lock(),
            "{done} {}: agents {}, frameworks {}, records {}",
            path.display(),
            counts.agents,
            counts.frameworks,
            counts.records,
        ),
    }
    .map_err(unprinted)
}
