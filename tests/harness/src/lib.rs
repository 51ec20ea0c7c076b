//! Starts real processes for tests, of the `stoa` binary and of etcd, reads what they print, and
//! ends them with the test. It never looks inside of them.
//!
//! Everything here fails by panicking with what is known by then: its callers are tests.

pub mod cluster;
pub mod compiled;
pub mod default_port;
pub mod document;
pub mod etcd;
pub mod finished;
pub mod hosts;
pub mod house;
pub mod invocation;
pub mod place;
pub mod process;
pub mod waiting;
pub mod wildcard;

pub use cluster::{Cluster, Plan};
pub use compiled::compiled_code;
pub use etcd::Etcd;
pub use finished::Finished;
pub use hosts::HostProcess;
pub use house::sample;
pub use invocation::Invocation;
pub use place::Place;
pub use process::Process;
pub use waiting::wait_until;
