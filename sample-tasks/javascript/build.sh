#!/usr/bin/env bash
# Builds the sample task in JavaScript: build.sh OUT.wasm. It needs componentize-qjs on the PATH, as
# wasm-executors/toolchain/languages.sh installs it. The component is 1.6 MB, so it is not committed.
set -euo pipefail
[ $# = 1 ] || { echo "usage: build.sh OUT.wasm" >&2; exit 2; }
out=$(realpath -m "$1")
cd "$(dirname "${BASH_SOURCE[0]}")"

componentize-qjs --wit ../wit --world task-with-streams --js queens.js --sync -o "$out"
