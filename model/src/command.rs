//! A wasm program to run and what it may touch. It never runs anything.

use std::fmt;
use std::str::FromStr;

use crate::digest::Digest;

/// A wasm program with what it is told and everything it is granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandInfo {
    /// The module or component to run.
    pub program: Digest,
    /// What the program sees as its own name, its argument 0.
    pub name: String,
    /// The arguments after the name.
    pub arguments: Vec<String>,
    /// The whole environment of the program, in order; nothing is inherited.
    pub environment: Vec<(String, String)>,
    /// What it may touch.
    pub grants: Grants,
}

/// What the programs of a task may touch beyond their own memory. What is not listed is denied; a
/// task that is charged disk has its sandbox as `/` besides, unless `/` is listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    /// The bytes of its standard input; none is an empty input.
    pub stdin: Option<Digest>,
    /// Directories of the agent's machine, only below what its operator allows.
    pub directories: Vec<DirectoryGrant>,
    /// Directories that travel with the task, each a tar archive unpacked in the sandbox.
    pub uploads: Vec<Upload>,
    /// Guest paths of directories in the sandbox that travel back when the task ends.
    pub downloads: Vec<String>,
    /// Whom the program may connect to.
    pub network: Vec<NetworkGrant>,
}

impl CommandInfo {
    /// A program that is told and granted nothing.
    pub fn new(program: Digest, name: impl Into<String>) -> Self {
        Self {
            program,
            name: name.into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            grants: Grants::default(),
        }
    }
}

impl Grants {
    /// The artifacts that must be there before they can be given.
    pub fn artifacts(&self) -> impl Iterator<Item = Digest> {
        self.stdin.into_iter().chain(self.uploads.iter().map(|upload| upload.archive))
    }
}

/// A program that an executor may start by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedProgram {
    /// The name, unique among those of one task or executor.
    pub name: String,
    /// The module or component.
    pub program: Digest,
}

/// What a guest may do with a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Read files and list directories.
    ReadOnly,
    /// Also create, change and remove.
    ReadWrite,
}

/// One directory of the agent's machine, seen by the guest under another path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryGrant {
    /// Absolute path on the agent's machine.
    pub host_path: String,
    /// Absolute path in the guest.
    pub guest_path: String,
    /// What the guest may do there.
    pub access: Access,
}

/// A directory that was packed where the task was submitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// The tar archive.
    pub archive: Digest,
    /// Absolute path in the guest.
    pub guest_path: String,
}

/// One peer the guest may connect to by TCP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkGrant {
    /// A name or an address.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// Why a text is no grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IllegalGrant {
    /// What was got.
    pub got: String,
    /// What is allowed, with an example.
    pub allowed: &'static str,
}

impl fmt::Display for IllegalGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no {}", self.got, self.allowed)
    }
}

impl std::error::Error for IllegalGrant {}

/// Whether `path` is an absolute path whose parts are plain names.
pub fn is_plain_absolute(path: &str) -> bool {
    path.starts_with('/')
        && !path.contains('\0')
        && path.split('/').skip(1).all(|part| part != "." && part != "..")
}

impl fmt::Display for NetworkGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl FromStr for NetworkGrant {
    type Err = IllegalGrant;

    /// Reads `HOST:PORT`, with `[…]` around an IPv6 address.
    fn from_str(text: &str) -> Result<Self, IllegalGrant> {
        let illegal = || IllegalGrant {
            got: text.to_owned(),
            allowed: "network grant: HOST:PORT, such as db.example.com:5432, is allowed",
        };
        let (host, port) = text.rsplit_once(':').ok_or_else(illegal)?;
        let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
        let port = port.parse().map_err(|_| illegal())?;
        if host.is_empty() || host.contains(['/', ' ']) || port == 0 {
            return Err(illegal());
        }
        Ok(Self { host: host.to_owned(), port })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_that_climbs_is_not_plain() {
        assert!(is_plain_absolute("/"));
        assert!(is_plain_absolute("/data/in"));
        for path in ["", "data", "/data/../etc", "/./x", "/a\0b"] {
            assert!(!is_plain_absolute(path), "{path:?}");
        }
    }

    #[test]
    fn network_grant_reads_names_and_addresses() {
        let grant = |text: &str| text.parse::<NetworkGrant>();
        assert_eq!(grant("[::1]:80").unwrap().host, "::1");
        assert_eq!(grant("db:5432").unwrap().to_string(), "db:5432");
        assert!(grant("db").is_err() && grant(":1").is_err() && grant("db:0").is_err());
    }
}
