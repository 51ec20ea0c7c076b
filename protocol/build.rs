//! Generates the gRPC code of `proto/` without a system `protoc`. It never touches the sources.

use std::error::Error;

/// Every file with a service or with a message that no service names.
const FILES: [&str; 6] = [
    "stoa/v1/agent.proto",
    "stoa/v1/artifacts.proto",
    "stoa/v1/error.proto",
    "stoa/v1/host.proto",
    "stoa/v1/operator.proto",
    "stoa/v1/scheduler.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    let descriptors = protox::compile(FILES, ["proto"])?;
    tonic_prost_build::configure()
        // The transport's own `connect` would take the name of the call `Connect`; clients are
        // made of a channel by `new` instead.
        .build_transport(false)
        // Artifacts are the only bytes that are passed on as they came.
        .bytes(".stoa.v1.Chunk.data")
        .compile_fds(descriptors)?;
    Ok(())
}
