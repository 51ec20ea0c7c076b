#!/usr/bin/env bash
# Builds the sample task in Python: build.sh OUT.wasm. It needs componentize-py on the PATH, as
# wasm-executors/toolchain/languages.sh installs it. The component is 18 MB, so it is not committed.
set -euo pipefail
[ $# = 1 ] || { echo "usage: build.sh OUT.wasm" >&2; exit 2; }
out=$(realpath -m "$1")
cd "$(dirname "${BASH_SOURCE[0]}")"

componentize-py -d ../wit -w task componentize pi -o "$out"
