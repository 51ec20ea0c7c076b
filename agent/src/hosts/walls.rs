//! What an executor host needs of its machine, and so what its walls let through. It never raises
//! them.

use std::path::{Path, PathBuf};

use stoa_executor_host::{Config, StartError};
use stoa_machine::Walls;

use crate::limits::HOST_OPEN_FILES_MAX;

/// What the C library reads to find the address of a name that a task was granted, and the modules
/// that it loads for that. Source: nsswitch.conf(5), resolver(5), getaddrinfo(3).
const NAMES: [&str; 13] = [
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/host.conf",
    "/etc/nsswitch.conf",
    "/etc/gai.conf",
    "/etc/services",
    "/etc/ld.so.cache",
    "/run/systemd/resolve",
    "/run/nscd",
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
];

/// What the runtime asks its machine: how many processors there are, and randomness.
const MACHINE: [&str; 3] = ["/sys/devices/system/cpu", "/dev/urandom", "/dev/null"];

/// The walls of a host that is made as `config` says. The directories that it writes are made, as
/// it cannot make them any more when the walls stand.
///
/// # Errors
/// [`StartError`] if one of them cannot be made.
pub fn of(config: &Config) -> Result<Walls, StartError> {
    let own = [&config.artifacts, &config.sandboxes, &config.cache];
    for path in own {
        std::fs::create_dir_all(path)
            .map_err(|source| StartError::Directory { path: path.clone(), source })?;
    }
    let granted = config.directories_allowed.iter();
    Ok(Walls {
        reads: NAMES.iter().chain(&MACHINE).map(|path| Path::new(path).to_owned()).collect(),
        writes: own.into_iter().chain(granted).cloned().collect::<Vec<PathBuf>>(),
        open_files_max: HOST_OPEN_FILES_MAX,
    })
}
