#!/usr/bin/env bash
# cargo for wasm32-unknown-unknown, std included, for build scripts that take the name of a cargo: with
# CARGO=…/cargo.sh and CARGO_TARGET_DIR=$(…/cargo.sh --target-dir) the Rust template builds where rustup
# has no such target.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

if [ "$*" = --target-dir ]; then
    echo "$GUEST_TARGET"
else
    guest_cargo wasm32-unknown-unknown "$@"
fi
