//! The directory of one executor host: whose it is, and the socket on which it is found again. It
//! never speaks on that socket.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use rustix::process::{Pid, Signal, kill_process};
use stoa_model::ids::FrameworkId;
use tokio::net::UnixStream;

const SOCKET: &str = "socket";
const FRAMEWORK: &str = "framework";
const LOG: &str = "log";
const PROCESS: &str = "process";

/// The directory of one executor host.
#[derive(Clone, Debug)]
pub struct Place {
    dir: PathBuf,
    /// Which of all the hosts that the agent has had; random.
    pub host: u64,
    /// Whose host it is.
    pub framework: FrameworkId,
}

impl Place {
    /// Where a new host is to live, with its socket: who holds the listener is the host.
    ///
    /// # Errors
    /// What the disk says.
    pub fn make(
        below: &Path,
        host: u64,
        framework: &FrameworkId,
    ) -> io::Result<(Self, std::os::unix::net::UnixListener)> {
        let dir = below.join(format!("{host:016x}"));
        std::fs::create_dir(&dir)?;
        std::fs::write(dir.join(FRAMEWORK), framework.as_str())?;
        let near = Near::open(&dir)?;
        let listener = std::os::unix::net::UnixListener::bind(near.path(SOCKET))?;
        Ok((Self { dir, host, framework: framework.clone() }, listener))
    }

    /// The places below `below`. What is not the place of a host is passed over.
    ///
    /// # Errors
    /// What the disk says.
    pub fn all(below: &Path) -> io::Result<Vec<Self>> {
        let mut places = Vec::new();
        for entry in std::fs::read_dir(below)? {
            let dir = entry?.path();
            let name = dir.file_name().and_then(|name| name.to_str());
            let host = name.and_then(|name| u64::from_str_radix(name, 16).ok());
            let framework = std::fs::read_to_string(dir.join(FRAMEWORK)).ok();
            let framework = framework.and_then(|text| FrameworkId::new(&text).ok());
            match host.zip(framework) {
                Some((host, framework)) => places.push(Self { dir, host, framework }),
                None => {
                    tracing::warn!(path = %dir.display(), "not the place of a host; passed over");
                }
            }
        }
        Ok(places)
    }

    /// A stream to the host. It is refused if the host is not there any more.
    ///
    /// # Errors
    /// What the socket says.
    pub async fn connect(&self) -> io::Result<UnixStream> {
        let near = Near::open(&self.dir)?;
        UnixStream::connect(near.path(SOCKET)).await
    }

    /// Where the host writes what its operator should know.
    ///
    /// # Errors
    /// What the disk says.
    pub fn log(&self) -> io::Result<File> {
        File::create(self.dir.join(LOG))
    }

    /// Remembers which process is the host, so that a later agent can end it.
    ///
    /// # Errors
    /// What the disk says.
    pub fn note_process(&self, process: u32) -> io::Result<()> {
        let started = started(process)?;
        std::fs::write(self.dir.join(PROCESS), format!("{process} {started}"))
    }

    /// Ends the process of the host at once; nothing if it is not there any more.
    ///
    /// # Errors
    /// Why it cannot be ended.
    pub fn kill(&self) -> io::Result<()> {
        let text = std::fs::read_to_string(self.dir.join(PROCESS))?;
        let parts = text.split_once(' ').and_then(|(process, started)| {
            Some((process.parse::<u32>().ok()?, started.parse::<u64>().ok()?))
        });
        let Some((process, start)) = parts else {
            return Err(io::Error::other(format!("{text:?} is no process")));
        };
        // Another process may have its number by now.
        if started(process).ok() != Some(start) {
            return Ok(());
        }
        let Some(process) = i32::try_from(process).ok().and_then(Pid::from_raw) else {
            return Err(io::Error::other(format!("{process} is no process")));
        };
        match kill_process(process, Signal::KILL) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The host is not there any more.
    pub fn remove(&self) {
        if let Err(error) = std::fs::remove_dir_all(&self.dir) {
            tracing::warn!(path = %self.dir.display(), %error, "cannot remove what a host left");
        }
    }
}

/// When a process was started, in ticks since the machine was: field 22 of its stat, counted after
/// its name, which may hold anything. Source: proc_pid_stat(5).
fn started(process: u32) -> io::Result<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    let after_name = stat.rsplit_once(')').map_or("", |(_, after)| after);
    let field = after_name.split_whitespace().nth(19).and_then(|field| field.parse().ok());
    field.ok_or_else(|| io::Error::other(format!("process {process} has no time of its start")))
}

/// A directory that is open, so that names in it are short: the path of a socket has 107 bytes at
/// most. Source: unix(7).
struct Near(File);

impl Near {
    fn open(dir: &Path) -> io::Result<Self> {
        File::open(dir).map(Self)
    }

    fn path(&self, name: &str) -> String {
        format!("/proc/self/fd/{}/{name}", self.0.as_raw_fd())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn host_is_found_as_long_as_somebody_holds_its_listener() {
        let below = tempfile::tempdir().unwrap();
        let deep = below.path().join("d".repeat(200));
        std::fs::create_dir(&deep).unwrap();
        let framework = FrameworkId::new("f").unwrap();
        let (place, listener) = Place::make(&deep, 7, &framework).unwrap();
        std::fs::create_dir(deep.join("strange")).unwrap();
        let found = Place::all(&deep).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].host, &found[0].framework), (7, &framework));
        assert!(found[0].connect().await.is_ok());
        drop(listener);
        let refused = place.connect().await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        place.remove();
        assert!(place.kill().is_err(), "nobody noted which process it is");
        assert!(Place::all(&deep).unwrap().is_empty());
    }
}
