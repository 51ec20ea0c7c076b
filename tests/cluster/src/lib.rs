//! End-to-end tests: real processes on loopback, real gRPC, real wasm. They are in `tests/`, and
//! prove that the rooms fit together; what each room decides is tested there. This file owns
//! nothing and never will.
