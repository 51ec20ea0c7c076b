#!/usr/bin/env bash
# clang for wasm32-wasi, for build scripts that take the name of a clang.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

guest_clang "$@"
