//! What a program will want to touch, told by what it imports. It never grants anything.

use std::fmt;

use crate::inspect::{Inspection, without_version};

/// Something that a program can use. What toolchains link without being asked is among it, so a
/// program may need less than it imports, and never more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// Peers on the network; nothing without a grant.
    Network,
    /// Files; nothing without a granted directory, an upload or a sandbox.
    Files,
    /// Its standard input; empty without a grant.
    Stdin,
    /// The time; needs no grant.
    Clocks,
    /// Random numbers; needs no grant.
    Randomness,
    /// Wasm programs of its own, within the resources of its tasks and its own; only of executors.
    Subtasks,
}

impl Need {
    /// Every need, in order.
    const ALL: [Self; 6] =
        [Self::Network, Self::Files, Self::Stdin, Self::Clocks, Self::Randomness, Self::Subtasks];

    fn is_of_interface(self, interface: &str) -> bool {
        match self {
            Self::Network => {
                interface.starts_with("wasi:sockets/") || interface.starts_with("wasi:http/")
            }
            Self::Files => {
                interface.starts_with("wasi:filesystem/") || interface == "stoa:executor/files"
            }
            Self::Stdin => interface == "wasi:cli/stdin",
            Self::Clocks => interface.starts_with("wasi:clocks/"),
            Self::Randomness => interface.starts_with("wasi:random/"),
            Self::Subtasks => interface == "stoa:executor/subtasks",
        }
    }

    /// Source: the functions of WASI preview 1.
    fn is_of_function(self, function: &str) -> bool {
        match self {
            Self::Network => function.starts_with("sock_"),
            Self::Files => function.starts_with("path_"),
            Self::Stdin => function == "fd_read",
            Self::Clocks => function.starts_with("clock_"),
            Self::Randomness => function == "random_get",
            Self::Subtasks => false,
        }
    }
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Network => "network",
            Self::Files => "files",
            Self::Stdin => "stdin",
            Self::Clocks => "clocks",
            Self::Randomness => "randomness",
            Self::Subtasks => "subtasks",
        })
    }
}

impl Inspection {
    /// What it will want to touch, as far as its imports tell, in order.
    pub fn needs(&self) -> Vec<Need> {
        let is_needed = |need: &Need| {
            self.imports.iter().any(|import| match self.is_component {
                true => need.is_of_interface(without_version(import)),
                false => import
                    .strip_prefix("wasi_snapshot_preview1.")
                    .is_some_and(|function| need.is_of_function(function)),
            })
        };
        Need::ALL.into_iter().filter(is_needed).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::inspect;

    fn needs(wat: &str) -> Vec<Need> {
        inspect(&wat::parse_str(wat).unwrap()).unwrap().needs()
    }

    #[test]
    fn needs_are_told_by_imports() {
        let module = r#"(module
            (import "wasi_snapshot_preview1" "random_get" (func))
            (import "wasi_snapshot_preview1" "fd_read" (func))
            (import "env" "sock_send" (func)))"#;
        assert_eq!(needs(module), [Need::Stdin, Need::Randomness]);
        let component = r#"(component
            (import "stoa:executor/subtasks@0.1.0" (instance))
            (import "wasi:sockets/tcp@0.2.0" (instance))
            (import "wasi:cli/stdout@0.2.0" (instance)))"#;
        assert_eq!(needs(component), [Need::Network, Need::Subtasks]);
        assert_eq!(needs("(module)"), []);
    }
}
