#!/usr/bin/env bash
# Installs what building guests needs and this machine lacks: a Rust with the source of its std, clang,
# the wasm linker and wasi-libc, all of Debian, unpacked into a private cache. It changes nothing of
# the system and needs no root. It does nothing when the tools are there.
#
#   install.sh          installs what is missing
#   install.sh --check  only says what is missing, and fails if something is
#
# Where Debian's packages cannot be had, nothing is installed and the message says what to install by hand.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

APT_STATE="$GUEST_TOOLCHAIN.apt"

# Its own package lists: they need no root, and are never so old that they name withdrawn versions.
apt_private() {
    local program=$1
    shift
    "$program" -qq -o Dir::State="$APT_STATE/state" -o Dir::State::status=/var/lib/dpkg/status \
        -o Dir::Cache="$APT_STATE/cache" -o APT::Sandbox::User="$(id -un)" "$@"
}

# The versions are read from the lists, never pinned: Debian replaces rustc-web with each browser
# release, and the LLVM of clang and lld is the one which that rustc uses.
packages() {
    local std llvm
    std=$(apt_private apt-cache depends libstd-rust-web-dev |
        sed -n 's/.*Depends: \(libstd-rust-web-[0-9.]*\)$/\1/p')
    llvm=$(apt_private apt-cache depends "$std" |
        sed -n 's/.*Depends: libllvm\([0-9]*\)$/\1/p')
    if [ -z "$std" ] || [ -z "$llvm" ]; then
        guest_fail "the package lists hold no rustc-web whose std and LLVM could be found"
    fi
    echo rustc-web rust-web-src libstd-rust-web-dev "$std" wasi-libc "libllvm$llvm" "lld-$llvm" \
        "clang-$llvm" "libclang-cpp$llvm" "libclang-common-$llvm-dev" "libclang-rt-$llvm-dev-wasm32"
}

download_and_unpack() {
    local into=$1 deb list
    mkdir -p "$APT_STATE/state/lists/partial" "$APT_STATE/cache/archives/partial" "$APT_STATE/debs"
    apt_private apt-get update
    list=$(packages)
    echo "downloading $list" >&2
    # shellcheck disable=SC2086 # The list is words.
    (cd "$APT_STATE/debs" && apt_private apt-get download $list)
    for deb in "$APT_STATE"/debs/*.deb; do
        dpkg -x "$deb" "$into"
    done
}

# rustc looks for wasi-libc below its own sysroot.
place_wasi_libc() {
    local root=$1 into="$1/usr/lib/rustlib/wasm32-wasip1/lib/self-contained"
    mkdir -p "$into"
    cp "$root"/usr/lib/wasm32-wasi/{crt1-command.o,crt1-reactor.o,libc.a} "$into/"
}

check_that_it_runs() {
    local program libraries missing
    libraries="$1/usr/lib/x86_64-linux-gnu:$(echo "$1"/usr/lib/llvm-*/lib)"
    for program in "$1/usr/bin/rustc" "$1"/usr/lib/llvm-*/bin/clang "$1"/usr/lib/llvm-*/bin/lld; do
        missing=$(LD_LIBRARY_PATH="$libraries" ldd "$program" | grep 'not found' || true)
        [ -z "$missing" ] || guest_fail "$program lacks libraries of this system:"$'\n'"$missing"
    done
}

install_from_debian() {
    local unpacked="$GUEST_TOOLCHAIN.new"
    # Two builds that start at once install once.
    mkdir -p "$(dirname "$GUEST_TOOLCHAIN")"
    exec 9>"$GUEST_TOOLCHAIN.lock"
    flock 9
    if guest_has_private_toolchain; then
        return
    fi
    echo "installing the guests' toolchain into $GUEST_TOOLCHAIN (about 1 GB)" >&2
    rm -rf "$unpacked" "$APT_STATE"
    mkdir -p "$unpacked"
    download_and_unpack "$unpacked"
    check_that_it_runs "$unpacked"
    place_wasi_libc "$unpacked"
    rm -rf "$GUEST_TOOLCHAIN" "$APT_STATE"
    mv "$unpacked" "$GUEST_TOOLCHAIN"
}

if guest_has_ordinary_toolchain || guest_has_private_toolchain; then
    exit 0
fi
if [ "${1:-}" = --check ]; then
    guest_say_what_is_missing
    exit 1
fi
if [ -n "${STOA_GUEST_TOOLCHAIN_NO_INSTALL:-}" ] || ! command -v apt-get >/dev/null ||
    [ "$(dpkg --print-architecture)" != amd64 ]; then
    guest_say_what_is_missing
    exit 1
fi
install_from_debian
