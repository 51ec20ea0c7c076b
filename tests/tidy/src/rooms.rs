//! The plan of the house: its rooms, the arrows between them, and who knows what of the world. It
//! never says what is wrong with a file; the rules do.

/// A member of the workspace.
#[derive(Debug, PartialEq, Eq)]
pub struct Room {
    /// Its directory.
    pub dir: &'static str,
    /// The name of its package.
    pub package: &'static str,
    /// The rooms it may depend on, by package. Its tests may use any.
    pub arrows: &'static [&'static str],
    /// Whether it is tested in seconds: nothing it needs, tests included, builds the engine.
    pub is_light: bool,
}

const MODEL: &str = "stoa-model";
const PROTOCOL: &str = "stoa-protocol";
const MACHINE: &str = "stoa-machine";
const ETCD: &str = "stoa-etcd";
const MASTER_CORE: &str = "stoa-master-core";
const MASTER: &str = "stoa-master";
const AGENT_CORE: &str = "stoa-agent-core";
const AGENT: &str = "stoa-agent";
const EXECUTOR_HOST: &str = "stoa-executor-host";
const SCHEDULER: &str = "stoa-scheduler";
const HARNESS: &str = "stoa-harness";
const INVARIANTS: &str = "stoa-invariants";
const PLANTED: &str = "stoa-planted";
const SIM: &str = "stoa-sim";

const fn light(dir: &'static str, package: &'static str, arrows: &'static [&str]) -> Room {
    Room { dir, package, arrows, is_light: true }
}

const fn heavy(dir: &'static str, package: &'static str, arrows: &'static [&str]) -> Room {
    Room { dir, package, arrows, is_light: false }
}

/// Every member of the workspace.
pub const ROOMS: &[Room] = &[
    light("model", MODEL, &[]),
    light("protocol", PROTOCOL, &[MODEL]),
    light("machine", MACHINE, &[MODEL]),
    light("etcd", ETCD, &[]),
    light("master/core", MASTER_CORE, &[MODEL, PLANTED]),
    heavy("master", MASTER, &[MODEL, PROTOCOL, MACHINE, ETCD, MASTER_CORE]),
    light("agent/core", AGENT_CORE, &[MODEL, PLANTED]),
    heavy("agent", AGENT, &[MODEL, PROTOCOL, MACHINE, AGENT_CORE, EXECUTOR_HOST]),
    heavy("wasm-executors/host", EXECUTOR_HOST, &[MODEL, MACHINE]),
    light("scheduler", SCHEDULER, &[MODEL, PLANTED, MACHINE, PROTOCOL]),
    heavy("cli", "stoa", &[MODEL, PROTOCOL, MACHINE, MASTER, AGENT, EXECUTOR_HOST, SCHEDULER, SIM]),
    heavy("tests/harness", HARNESS, &[]),
    light("tests/invariants", INVARIANTS, &[MODEL, MASTER_CORE, AGENT_CORE]),
    light("tests/planted", PLANTED, &[]),
    light("tests/sim", SIM, &[MODEL, MASTER_CORE, AGENT_CORE, SCHEDULER, INVARIANTS, PLANTED]),
    heavy("tests/cluster", "stoa-cluster-tests", &[HARNESS, INVARIANTS]),
    light("tests/tidy", "stoa-tidy", &[]),
];

/// Rooms that hold decisions and nothing else, with the crates from outside that they may use.
pub const PURE_ROOMS: &[(&str, &[&str])] =
    &[("model", &[]), ("master/core", &["thiserror"]), ("agent/core", &["thiserror"])];

/// Files of other rooms that are as pure as a core.
pub const PURE_FILES: &[&str] = &["scheduler/src/session.rs", "scheduler/src/tasks.rs"];

/// Files that open a connection, with what each connects: they alone may know gRPC and start what
/// serves the connection.
pub const CONNECTIONS: &[(&str, &str)] = &[
    ("agent/src/transfers.rs", "artifacts between the agent and the master's store"),
    ("cli/src/cluster.rs", "the command line to a master"),
    ("cli/src/local.rs", "a cluster within this process, and its end"),
    ("master/src/agents.rs", "the streams of agents"),
    ("master/src/artifacts.rs", "uploads and downloads of artifacts"),
    ("master/src/backup_stream.rs", "backups on their way to operators"),
    ("master/src/connections.rs", "the queues that end in these streams"),
    ("master/src/door.rs", "the way from these services to the main loop"),
    ("master/src/lease_keeper.rs", "the questions of the election, and the watch of its key"),
    ("master/src/operators.rs", "the queries of operators"),
    ("master/src/schedulers.rs", "the streams of schedulers"),
    ("master/src/server.rs", "the port that all of these share"),
    ("protocol/src/artifact_client.rs", "uploads and downloads, from the near end"),
    ("scheduler/src/client.rs", "the stream of one session, and the loop that serves it"),
];

/// The engine that runs wasm, and the room around it.
pub const ENGINE: &[&str] = &["wasmtime", "wasmtime-wasi", EXECUTOR_HOST];

/// Crates from outside that only some rooms may depend on, by the rooms' directories.
pub const CONFINED: &[(&str, &[&str])] = &[
    ("prost", &["protocol", "etcd"]),
    ("tonic-prost", &["protocol", "etcd"]),
    ("tonic-prost-build", &["protocol", "etcd"]),
    ("protox", &["protocol", "etcd"]),
    ("tonic", &["protocol", "etcd", "master", "agent", "scheduler", "cli"]),
    ("wasmtime", &["wasm-executors/host"]),
    ("wasmtime-wasi", &["wasm-executors/host"]),
    ("redb", &["master"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("indicatif", &["cli"]),
    ("wit-component", &["cli"]),
    ("tracing-subscriber", &["cli"]),
    ("anyhow", &["cli", "tests/harness", "tests/sim", "tests/cluster", "tests/tidy"]),
];

/// The room a path lies in, the innermost one.
pub fn room_of(path: &str) -> Option<&'static Room> {
    ROOMS
        .iter()
        .filter(|room| path.strip_prefix(room.dir).is_some_and(|rest| rest.starts_with('/')))
        .max_by_key(|room| room.dir.len())
}

/// The room of a package.
pub fn room_named(package: &str) -> Option<&'static Room> {
    ROOMS.iter().find(|room| room.package == package)
}

/// Whether the file holds decisions and nothing else.
pub fn is_pure(path: &str) -> bool {
    let in_pure_room =
        room_of(path).is_some_and(|room| PURE_ROOMS.iter().any(|(dir, _)| *dir == room.dir));
    in_pure_room || PURE_FILES.contains(&path)
}

/// Whether the file opens a connection.
pub fn is_connection(path: &str) -> bool {
    CONNECTIONS.iter().any(|(file, _)| *file == path)
}
