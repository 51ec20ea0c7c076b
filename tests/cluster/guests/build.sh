#!/usr/bin/env bash
# Builds the guest of the command line's tests: clerk.wasm beside this script, and its line in
# guests.lock.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
toolchain=../../../wasm-executors/toolchain
source "$here/$toolchain/env.sh"
source "$here/$toolchain/lock.sh"

"$here/$toolchain/build-component.sh" "$here/clerk" "$here/clerk.wasm" "$@"
guest_lock_write "$here/guests.lock" clerk clerk/src/lib.rs clerk/Cargo.toml clerk/Cargo.lock \
    ../../../wasm-executors/wit/executor.wit "$toolchain/componentize" build.sh \
    "$toolchain/build-component.sh" "$toolchain/env.sh"
