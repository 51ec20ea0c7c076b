#!/usr/bin/env bash
# Builds a component from a Rust library that implements a WIT world with wit-bindgen.
#
#   build-component.sh CRATE_DIR OUT.wasm [CARGO ARGUMENT...]
#
# The crate is a cdylib without WASI of its own (target wasm32-unknown-unknown): no libc and no adapter
# comes into it, and its world names every import it has. The toolchain is installed if it is missing.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

if [ $# -lt 2 ]; then
    sed -n '2,/^set/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
fi
crate=$1
out=$2
shift 2

module=$(guest_cargo_artifact wasm32-unknown-unknown build --release \
    --manifest-path "$crate/Cargo.toml" "$@")
guest_componentize "$module" "$out"
echo "$out: $(stat -c %s "$out") bytes"
