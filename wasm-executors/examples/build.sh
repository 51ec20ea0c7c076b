#!/usr/bin/env bash
# Builds the example executors: NAME.wasm beside this script, and its line in guests.lock.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
toolchain=../toolchain
source "$here/$toolchain/env.sh"
source "$here/$toolchain/lock.sh"

# A crate that script's interpreter needs takes its hash seed from here: else each build were another.
export CONST_RANDOM_SEED=stoa

for name in script; do
    "$here/$toolchain/build-component.sh" "$here/$name" "$here/$name.wasm" --locked
    guest_lock_write "$here/guests.lock" "$name" "$name/src" "$name/Cargo.toml" "$name/Cargo.lock" \
        ../guest/src ../guest/Cargo.toml ../wit/executor.wit "$toolchain/componentize" build.sh \
        "$toolchain/build-component.sh" "$toolchain/env.sh"
done
