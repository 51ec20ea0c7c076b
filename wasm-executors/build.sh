#!/usr/bin/env bash
# Builds the executors that ship with Stoa: NAME.wasm beside this script, and its line in guests.lock.
# Both are committed, so that building Stoa needs no wasm toolchain.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/toolchain/env.sh"
source "$here/toolchain/lock.sh"

for name in command group map shell; do
    sources=("$name/src" "$name/Cargo.toml" "$name/Cargo.lock")
    # The one file that two of them have.
    [ "$name" != group ] || sources+=(map/src/json.rs)
    "$here/toolchain/build-component.sh" "$here/$name" "$here/$name.wasm" --locked
    guest_lock_write "$here/guests.lock" "$name" "${sources[@]}" \
        guest/src guest/Cargo.toml wit/executor.wit toolchain/componentize build.sh \
        toolchain/build-component.sh toolchain/env.sh
done

# A wasip1 module, as any task's program: what the executor `shell` starts by name.
module=$(guest_cargo_artifact wasm32-wasip1 build --release --locked --manifest-path "$here/toolbox/Cargo.toml")
cp "$module" "$here/toolbox.wasm"
chmod 644 "$here/toolbox.wasm"
guest_lock_write "$here/guests.lock" toolbox toolbox/src toolbox/tools.txt toolbox/Cargo.toml \
    toolbox/Cargo.lock build.sh toolchain/env.sh
