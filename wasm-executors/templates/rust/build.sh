#!/usr/bin/env bash
# Builds example-executor.wasm.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

"${CARGO:-cargo}" build --release --target wasm32-unknown-unknown
stoa executor pack "${CARGO_TARGET_DIR:-target}/wasm32-unknown-unknown/release/example_executor.wasm" \
    -o example-executor.wasm
