# Where the guests' toolchain is and how to call it: for sourcing by the scripts that build guests.
#
#   guest_cargo TARGET ARGUMENT...  cargo for a wasm target, std included
#   guest_cargo_artifact ...        the same, and prints the path of the .wasm
#   guest_clang ARGUMENT...         clang for wasm32-wasi (p1)
#   guest_componentize ARGUMENT...  see componentize/src/main.rs
#
# Each says itself why it failed: bash forgets `set -e` within $(...).
#
# A Rust whose wasm targets were added with rustup, and a wasi-sdk at $WASI_SDK_PATH, are used where
# they are there. Otherwise install.sh fetches Debian's into $GUEST_TOOLCHAIN.

GUEST_TOOLCHAIN_SOURCE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
GUEST_CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/stoa"
GUEST_TOOLCHAIN="$GUEST_CACHE/guest-toolchain"
# Outside the clone, and one for all guests: std is built once for each target, not for each guest.
GUEST_TARGET="$GUEST_CACHE/guest-target"

guest_fail() {
    echo "guest toolchain: $*" >&2
    exit 1
}

# The wasm32-wasip2 target is not asked for: the adapter makes the same kind of component.
guest_has_rust_target() {
    local sysroot
    sysroot=$(cd / && rustc --print sysroot) && compgen -G "$sysroot/lib/rustlib/$1/lib/libstd-*.rlib" >/dev/null
}

guest_has_wasi_sdk() {
    [ -n "${WASI_SDK_PATH:-}" ] && [ -x "$WASI_SDK_PATH/bin/clang" ]
}

guest_has_ordinary_toolchain() {
    guest_has_rust_target wasm32-unknown-unknown && guest_has_rust_target wasm32-wasip1 && guest_has_wasi_sdk
}

guest_has_private_toolchain() {
    [ -x "$GUEST_TOOLCHAIN/usr/bin/rustc" ]
}

guest_say_what_is_missing() {
    echo "guest toolchain: missing, and needed to build guests:" >&2
    local target
    for target in wasm32-unknown-unknown wasm32-wasip1; do
        guest_has_rust_target "$target" || echo "  Rust's std for $target: rustup target add $target" >&2
    done
    guest_has_wasi_sdk || echo "  a wasi-sdk: unpack a release of it and set WASI_SDK_PATH" >&2
    echo "On a Debian for amd64 wasm-executors/toolchain/install.sh fetches the lot, without root." >&2
}

# No path of the machine that builds belongs in what it builds. The flags are the same for all guests,
# since std is built anew for others. Of several that match, rustc takes the last.
guest_remap_flags() {
    local clone
    clone=$(dirname "$(dirname "$GUEST_TOOLCHAIN_SOURCE")")
    local flags=(
        "--remap-path-prefix=$clone=."
        "--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=cargo"
        "--remap-path-prefix=$(cd / && rustc --print sysroot)/lib/rustlib/src/rust=rust"
        "--remap-path-prefix=$GUEST_TOOLCHAIN/usr/lib/rustlib/src/rust=rust"
    )
    # Cargo's own separator, so that a blank in a path is no harm.
    local IFS=$'\x1f'
    echo "${flags[*]}"
}

guest_cargo() (
    target=$1
    shift
    export CARGO_TARGET_DIR="$GUEST_TARGET" CARGO_BUILD_TARGET="$target" CARGO_ENCODED_RUSTFLAGS
    CARGO_ENCODED_RUSTFLAGS=$(guest_remap_flags)
    if guest_has_rust_target "$target"; then
        exec cargo "$@"
    fi
    guest_has_private_toolchain || "$GUEST_TOOLCHAIN_SOURCE/install.sh" || exit 1
    llvm=$(echo "$GUEST_TOOLCHAIN"/usr/lib/llvm-*)
    # Debian's compiler names itself a stable one, and only the unstable -Z build-std makes a std.
    export RUSTC_BOOTSTRAP=1 RUSTC="$GUEST_TOOLCHAIN/usr/bin/rustc"
    export LD_LIBRARY_PATH="$GUEST_TOOLCHAIN/usr/lib/x86_64-linux-gnu:$llvm/lib"
    # lld under its generic name: rustc passes `-flavor wasm`, which wasm-ld would refuse.
    name=${target//-/_}
    export "CARGO_TARGET_${name^^}_LINKER=$llvm/bin/lld"
    subcommand=$1
    shift
    exec cargo "$subcommand" -Z build-std=std,panic_abort -Z build-std-features=optimize_for_size "$@"
)

# Like guest_cargo, and prints the path of the .wasm that came out.
guest_cargo_artifact() {
    local target=$1 subcommand=$2 messages artifact
    shift 2
    messages=$(guest_cargo "$target" "$subcommand" --message-format=json-render-diagnostics "$@") ||
        guest_fail "cargo $subcommand $* failed"
    # The last of them: dependencies come before what needs them.
    artifact=$(grep -o '"[^"]*\.wasm"' <<<"$messages" | tail -n 1 | tr -d '"') || true
    [ -n "$artifact" ] || guest_fail "cargo made no .wasm: cargo $subcommand $*"
    echo "$artifact"
}

guest_clang() (
    if guest_has_wasi_sdk; then
        exec "$WASI_SDK_PATH/bin/clang" --target=wasm32-wasip1 "$@"
    fi
    guest_has_private_toolchain || "$GUEST_TOOLCHAIN_SOURCE/install.sh" || exit 1
    llvm=$(echo "$GUEST_TOOLCHAIN"/usr/lib/llvm-*)
    export LD_LIBRARY_PATH="$GUEST_TOOLCHAIN/usr/lib/x86_64-linux-gnu:$llvm/lib" PATH="$GUEST_TOOLCHAIN/usr/bin:$PATH"
    # wasi-libc is under the target's old name there, about which clang would warn.
    exec "$llvm/bin/clang" --target=wasm32-wasi -Wno-deprecated --sysroot="$GUEST_TOOLCHAIN/usr" "$@"
)

# What to add to the link of a wasip1 module that is to become a component: see cabi_realloc.c.
guest_cabi_realloc_object() {
    local object="$GUEST_CACHE/cabi_realloc.o"
    mkdir -p "$GUEST_CACHE"
    if [ ! "$object" -nt "$GUEST_TOOLCHAIN_SOURCE/cabi_realloc.c" ]; then
        guest_clang -Oz -c -o "$object" "$GUEST_TOOLCHAIN_SOURCE/cabi_realloc.c" || return
    fi
    echo "$object"
}

guest_componentize() {
    local target_dir="$GUEST_CACHE/componentize-target"
    CARGO_TARGET_DIR="$target_dir" cargo build --quiet --release --locked \
        --manifest-path "$GUEST_TOOLCHAIN_SOURCE/componentize/Cargo.toml" || return
    "$target_dir/release/componentize" "$@"
}
