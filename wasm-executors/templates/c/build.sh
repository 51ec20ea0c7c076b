#!/usr/bin/env bash
# Builds example-executor.wasm. CLANG is a clang for wasm32-wasi with what else it must be told;
# otherwise that of a wasi-sdk at WASI_SDK_PATH, or the system's with its wasi-libc.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

if [ -n "${CLANG:-}" ]; then
    read -ra clang <<<"$CLANG"
elif [ -n "${WASI_SDK_PATH:-}" ]; then
    clang=("$WASI_SDK_PATH/bin/clang" --target=wasm32-wasip1)
else
    clang=(clang --target=wasm32-wasi --sysroot=/usr)
fi

# A reactor has no main: Stoa calls its events. -mexec-model=reactor makes the libc ready for that.
"${clang[@]}" -std=gnu17 -Wall -Wextra -Os -s -mexec-model=reactor -o example-executor.module.wasm \
    executor.c bindings/executor.c bindings/executor_component_type.o
stoa executor pack example-executor.module.wasm -o example-executor.wasm
