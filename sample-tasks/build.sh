#!/usr/bin/env bash
# Builds the sample tasks: NAME.wasm beside this script, and its line in guests.lock.
#
#   build.sh [NAME...]     all of them, or the named ones
#
# What it needs, and what it does where that is missing: wasm-executors/toolchain/README.md.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
toolchain=../wasm-executors/toolchain
source "$here/$toolchain/env.sh"
source "$here/$toolchain/lock.sh"

# Name, language, shape. A component knows no exit code but 0 and 1, so those that use more, and those
# that show how little a task can be, are modules.
tasks="
cat         wat   module
env         c     component
exit        c     module
hello       rust  component
hog         c     module
mandelbrot  rust  component
noop        wat   module
primes      rust  module
sleep       c     component
sort        rust  module
spin        wat   module
ticker      c     component
trap        wat   module
upper       rust  module
words       rust  component
"

# NAME LANGUAGE SHAPE: the files that decide what the task is.
sources_of() {
    case $2 in
        wat) echo "wat/$1.wat" ;;
        c) echo "c/$1.c" && (cd "$here" && grep -q seconds.h "c/$1.c" && echo c/seconds.h) || true ;;
        rust) echo "rust/src/bin/$1.rs rust/Cargo.toml rust/Cargo.lock" ;;
    esac
    [ "$3" = module ] || echo "$toolchain/cabi_realloc.c $toolchain/componentize"
    echo "build.sh $toolchain/env.sh"
}

# NAME LANGUAGE SHAPE OUT: the module, or what becomes the component.
build_module() {
    local object=()
    [ "$3" = module ] || object=("$(guest_cabi_realloc_object)")
    case $2 in
        wat) guest_componentize --assemble "$here/wat/$1.wat" "$4" ;;
        c) guest_clang -std=gnu17 -Wall -Wextra -Werror -Oz -s -o "$4" "$here/c/$1.c" "${object[@]}" ;;
        rust)
            # Not for the package as a whole: the object belongs into the components alone.
            cp "$(guest_cargo_artifact wasm32-wasip1 rustc --release --locked --bin "$1" \
                --manifest-path "$here/rust/Cargo.toml" -- "${object[@]/#/-Clink-arg=}")" "$4"
            ;;
    esac
}

build_task() {
    local name=$1 language=$2 shape=$3 scratch
    scratch=$(mktemp -d)
    build_module "$name" "$language" "$shape" "$scratch/module.wasm"
    if [ "$shape" = component ]; then
        guest_componentize --adapt "$scratch/module.wasm" "$here/$name.wasm"
    else
        cp "$scratch/module.wasm" "$here/$name.wasm"
    fi
    rm -r "$scratch"
    # shellcheck disable=SC2046 # The sources are words.
    guest_lock_write "$here/guests.lock" "$name" $(sources_of "$name" "$language" "$shape")
    printf '%-12s %-5s %-10s %7d bytes\n' "$name" "$language" "$shape" "$(stat -c %s "$here/$name.wasm")"
}

for wanted in "$@"; do
    grep -q "^$wanted " <<<"$tasks" || guest_fail "there is no sample task $wanted"
done
while read -r name language shape; do
    if [ -n "$name" ] && { [ $# = 0 ] || [[ " $* " == *" $name "* ]]; }; then
        build_task "$name" "$language" "$shape" </dev/null
    fi
done <<<"$tasks"
