#!/usr/bin/env bash
# Generates the bindings that the C template ships from the executor world, and notes in c-bindings.lock
# beside it what they were made of. To be run when wit/executor.wit changes; a test tells.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
source "$GUEST_TOOLCHAIN_SOURCE/lock.sh"

room=$(dirname "$GUEST_TOOLCHAIN_SOURCE")
target_dir="$GUEST_CACHE/c-bindings-target"
CARGO_TARGET_DIR="$target_dir" cargo build --quiet --release --locked \
    --manifest-path "$GUEST_TOOLCHAIN_SOURCE/c-bindings/Cargo.toml"
rm -rf "$room/templates/c/bindings"
"$target_dir/release/c-bindings" "$room/wit" "$room/templates/c/bindings"
for sources in "wit/executor.wit toolchain/c-bindings" templates/c/bindings; do
    # shellcheck disable=SC2086 # The sources are words.
    echo "$(guest_lock_sources_sum "$room" $sources) $sources"
done >"$room/toolchain/c-bindings.lock"
