#!/usr/bin/env bash
# Builds example-executor.wasm.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

# Without --sync the component wants an engine with async, which Stoa's is not; with --stub-wasi it
# imports nothing but the executor world.
PATH="$PWD/node_modules/.bin:$PATH" \
    componentize-qjs --wit wit --world executor --js executor.js --sync --stub-wasi -o example-executor.wasm
