#!/usr/bin/env bash
# Builds the guests of the host's tests beside this script, and their lines in guests.lock.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
toolchain=../../toolchain
source "$here/$toolchain/env.sh"
source "$here/$toolchain/lock.sh"

for guest in puppet rascal; do
    "$here/$toolchain/build-component.sh" "$here/$guest" "$here/$guest.wasm" "$@"
    guest_lock_write "$here/guests.lock" "$guest" "$guest/src" "$guest/Cargo.toml" \
        "$guest/Cargo.lock" "$guest/wit" ../../wit/executor.wit "$toolchain/componentize" build.sh \
        "$toolchain/build-component.sh" "$toolchain/env.sh"
done
