#!/usr/bin/env bash
# Builds example-executor.wasm.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

componentize-py -d wit -w executor componentize app -o example-executor.wasm
