#!/usr/bin/env bash
# Builds the guest of the host's tests: rascal.wasm beside this script, and its line in guests.lock.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
toolchain=../../toolchain
source "$here/$toolchain/env.sh"
source "$here/$toolchain/lock.sh"

"$here/$toolchain/build-component.sh" "$here/rascal" "$here/rascal.wasm" "$@"
guest_lock_write "$here/guests.lock" rascal rascal/src rascal/Cargo.toml rascal/Cargo.lock \
    rascal/wit ../../wit/executor.wit "$toolchain/componentize" build.sh \
    "$toolchain/build-component.sh" "$toolchain/env.sh"
