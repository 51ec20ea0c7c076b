//! From what a task is granted to what its guest can touch: directories, files, peers, input. Every
//! grant is checked here, once; what cannot be granted as asked is refused.

use std::fs::File;
use std::net::{SocketAddr, ToSocketAddrs};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use stoa_model::command::{Access, DirectoryGrant, Grants as Asked, NetworkGrant};
use wasmtime_wasi::sockets::SocketAddrUse;
use wasmtime_wasi::{FsPerms, WasiCtxBuilder};

use crate::end::End;
use crate::limits::ADDRESSES_MAX;
use crate::sandbox::{self, Place, Sandbox};

/// What a guest can touch beyond its own memory.
#[derive(Default)]
pub(crate) struct Grants {
    directories: Vec<Directory>,
    peers: Arc<[SocketAddr]>,
    stdin: Option<PathBuf>,
    pub(crate) sandbox: Option<Arc<Sandbox>>,
}

struct Directory {
    /// Held open, so that nothing can take its place.
    dir: Dir,
    guest_path: String,
    access: Access,
}

/// Whether anything is asked for that must be prepared.
pub(crate) fn needs_preparation(asked: &Asked, disk_bytes: u64) -> bool {
    asked.stdin.is_some()
        || !asked.directories.is_empty()
        || !asked.network.is_empty()
        || sandbox::is_needed(asked, disk_bytes)
}

impl Grants {
    /// Checks and opens all that `asked` names. Blocks.
    pub(crate) fn prepare(
        asked: &Asked,
        place: &Place<'_>,
        directories_allowed: &[PathBuf],
        disk_bytes: u64,
    ) -> Result<Self, End> {
        check_guest_paths(asked)?;
        let directories = asked.directories.iter();
        let directories = directories.map(|grant| open(grant, directories_allowed));
        let peers = asked.network.iter().map(resolve).collect::<Result<Vec<_>, _>>()?;
        let directories = directories.collect::<Result<_, _>>()?;
        let stdin = match asked.stdin {
            Some(digest) => Some(find_input(place.artifacts.join(digest.hex()))?),
            None => None,
        };
        let sandbox = match sandbox::is_needed(asked, disk_bytes) {
            true => Some(Arc::new(Sandbox::make(place, asked, disk_bytes)?)),
            false => None,
        };
        Ok(Self { directories, peers: peers.concat().into(), stdin, sandbox })
    }

    /// Hands everything to a guest in the making.
    pub(crate) fn apply(&self, wasi: &mut WasiCtxBuilder) -> Result<(), End> {
        for (guest_path, dir, access) in self.seen() {
            let perms = match access {
                Access::ReadOnly => FsPerms::ReadOnly,
                Access::ReadWrite => FsPerms::ReadWrite,
            };
            open_for_guest(wasi, dir, guest_path, perms)?;
        }
        if !self.peers.is_empty() {
            open_network(wasi, Arc::clone(&self.peers));
        }
        Ok(())
    }

    /// Whether an input was granted.
    pub(crate) fn has_stdin(&self) -> bool {
        self.stdin.is_some()
    }

    /// The input that was granted, from its start. Blocks.
    pub(crate) fn open_stdin(&self) -> Result<Option<File>, End> {
        let opened = self.stdin.as_ref().map(File::open).transpose();
        opened.map_err(|error| no_input(&error))
    }

    /// Every directory that the guest sees: under which path, and what it may do there.
    pub(crate) fn seen(&self) -> impl Iterator<Item = (&str, &Dir, Access)> {
        let granted =
            self.directories.iter().map(|it| (it.guest_path.as_str(), &it.dir, it.access));
        let folders = self.sandbox.iter().flat_map(|sandbox| &sandbox.folders);
        let folders = folders.map(|it| (it.guest_path.as_str(), &it.dir, Access::ReadWrite));
        granted.chain(folders)
    }
}

fn check_guest_paths(asked: &Asked) -> Result<(), End> {
    let directories = asked.directories.iter().map(|grant| &grant.guest_path);
    let uploads = asked.uploads.iter().map(|upload| &upload.guest_path);
    let mut paths: Vec<_> = directories.chain(uploads).collect();
    let mut downloads: Vec<_> = asked.downloads.iter().collect();
    paths.sort_unstable();
    downloads.sort_unstable();
    let twice =
        |paths: &[&String]| paths.windows(2).find(|pair| pair[0] == pair[1]).map(|p| p[0].clone());
    let shadowed = asked.directories.iter().map(|grant| &grant.guest_path);
    let shadowed = shadowed.into_iter().find(|path| asked.downloads.contains(path)).cloned();
    match twice(&paths).or_else(|| twice(&downloads)).or(shadowed) {
        Some(path) => Err(End::denied(format!("the guest path {path} is granted twice"))),
        None => Ok(()),
    }
}

/// Opens a directory of this machine without following a link out of what is allowed.
fn open(grant: &DirectoryGrant, allowed: &[PathBuf]) -> Result<Directory, End> {
    let path = &grant.host_path;
    let canonical = Path::new(path).canonicalize().map_err(|error| unreachable(path, &error))?;
    let root = allowed.iter().find(|root| canonical.starts_with(root)).ok_or_else(|| {
        let allowed: Vec<_> = allowed.iter().map(|it| it.display().to_string()).collect();
        let allowed = match allowed.is_empty() {
            true => "no directory".to_owned(),
            false => format!("only what is below {}", allowed.join(", ")),
        };
        End::denied(format!("directory {path} is not allowed on this agent: {allowed} is"))
    })?;
    if !canonical.is_dir() {
        return Err(End::denied(format!("{path} is no directory")));
    }
    let below = canonical.strip_prefix(root).unwrap_or(Path::new(""));
    let dir = Dir::open_ambient_dir(root, ambient_authority())
        .and_then(|dir| if below.as_os_str().is_empty() { Ok(dir) } else { dir.open_dir(below) })
        .map_err(|error| unreachable(path, &error))?;
    Ok(Directory { dir, guest_path: grant.guest_path.clone(), access: grant.access })
}

fn unreachable(path: &str, error: &std::io::Error) -> End {
    End::denied(format!("directory {path} cannot be opened: {error}"))
}

/// The engine wants a path; this one leads to the very directory that was checked.
fn open_for_guest(
    wasi: &mut WasiCtxBuilder,
    dir: &Dir,
    guest_path: &str,
    perms: FsPerms,
) -> Result<(), End> {
    let path = format!("/proc/self/fd/{}", dir.as_raw_fd());
    match wasi.preopened_dir(path, guest_path, perms) {
        Ok(_) => Ok(()),
        Err(error) => Err(End::denied(format!("{guest_path} cannot be opened: {error:#}"))),
    }
}

fn find_input(path: PathBuf) -> Result<PathBuf, End> {
    match std::fs::metadata(&path) {
        Ok(_) => Ok(path),
        Err(error) => Err(no_input(&error)),
    }
}

fn no_input(error: &std::io::Error) -> End {
    End::denied(format!("the artifact for its standard input cannot be read: {error}"))
}

fn resolve(grant: &NetworkGrant) -> Result<Vec<SocketAddr>, End> {
    let resolved = (grant.host.as_str(), grant.port).to_socket_addrs();
    let addresses = resolved
        .map_err(|error| End::denied(format!("the name in {grant} cannot be resolved: {error}")))?;
    Ok(addresses.take(ADDRESSES_MAX).map(canonical).collect())
}

/// An IPv4 address in an IPv6 coat is the IPv4 address.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

fn open_network(wasi: &mut WasiCtxBuilder, peers: Arc<[SocketAddr]>) {
    wasi.allow_tcp(true);
    wasi.allow_ip_name_lookup(true);
    wasi.socket_addr_check(move |address, use_| {
        let allowed = match use_ {
            SocketAddrUse::TcpConnect => peers.contains(&canonical(address)),
            // To connect, a socket is bound to any address and a port the kernel chooses.
            SocketAddrUse::TcpBind => address.ip().is_unspecified() && address.port() == 0,
            _ => false,
        };
        Box::pin(async move { allowed })
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(path: &Path) -> DirectoryGrant {
        let host_path = path.display().to_string();
        DirectoryGrant { host_path, guest_path: "/d".to_owned(), access: Access::ReadOnly }
    }

    #[test]
    fn only_directories_below_what_is_allowed_are_opened() {
        let temporary = tempfile::tempdir().unwrap();
        let root = temporary.path().canonicalize().unwrap();
        for name in ["in/side", "out"] {
            std::fs::create_dir_all(root.join(name)).unwrap();
        }
        std::fs::write(root.join("in/file"), "").unwrap();
        std::os::unix::fs::symlink("../out", root.join("in/escape")).unwrap();
        std::os::unix::fs::symlink("side", root.join("in/link")).unwrap();
        let allowed = [root.join("in")];
        for path in ["in", "in/side", "in/link"] {
            assert!(open(&grant(&root.join(path)), &allowed).is_ok(), "{path}");
        }
        for path in ["out", "in/escape", "in/../out", "in/file", "in/missing", ""] {
            assert!(open(&grant(&root.join(path)), &allowed).is_err(), "{path}");
        }
        assert!(open(&grant(&root.join("in")), &[]).is_err());
    }

    #[test]
    fn an_address_has_one_form() {
        let coat: SocketAddr = "[::ffff:127.0.0.1]:80".parse().unwrap();
        assert_eq!(canonical(coat), "127.0.0.1:80".parse().unwrap());
    }
}
