//! What the engine's tools make of `wit/executor.wit`: the types and calls of the executor world.
//! It holds nothing written by hand.

#![allow(missing_docs, reason = "generated from the world, which has its own words")]

wasmtime::component::bindgen!({
    path: "../wit",
    world: "executor",
    imports: {
        "stoa:executor/subtasks.spawn": async,
        "stoa:executor/files.list-directory": async,
        "stoa:executor/files.read-file": async,
    },
    exports: { default: async },
    require_store_data_send: true,
});
