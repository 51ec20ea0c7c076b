#!/usr/bin/env bash
# Prints the path of an etcd for tests. One on the path is taken as it is; otherwise Debian's is fetched
# once and unpacked into a private cache. It changes nothing of the system and needs no root.
#
# Where it cannot be had, nothing is printed on stdout and the message says what to install by hand.
set -euo pipefail

CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/stoa"
UNPACKED="$CACHE/etcd-server"
APT_STATE="$UNPACKED.apt"

fail() {
    echo "etcd for tests: $*" >&2
    echo "hint: install the package etcd-server, or put the program etcd (3.4 or later) on the path" >&2
    exit 1
}

# Its own package lists: they need no root, and are never so old that they name withdrawn versions.
apt_private() {
    apt-get -qq -o Dir::State="$APT_STATE/state" -o Dir::State::status=/var/lib/dpkg/status \
        -o Dir::Cache="$APT_STATE/cache" -o APT::Sandbox::User="$(id -un)" "$@" >&2
}

download_and_unpack() {
    local into=$1
    mkdir -p "$into" "$APT_STATE/state/lists/partial" "$APT_STATE/cache/archives/partial" "$APT_STATE/debs"
    apt_private update || fail "the package lists cannot be had"
    (cd "$APT_STATE/debs" && apt_private download etcd-server) || fail "etcd-server cannot be had"
    dpkg -x "$APT_STATE"/debs/*.deb "$into" || fail "etcd-server cannot be unpacked"
    "$into/usr/bin/etcd" --version >&2 || fail "the etcd of Debian does not run here"
}

if command -v etcd; then
    exit 0
fi
if [ ! -x "$UNPACKED/usr/bin/etcd" ]; then
    command -v apt-get >/dev/null && command -v dpkg >/dev/null || fail "there is none on the path"
    # Two tests that start at once install once.
    mkdir -p "$CACHE"
    exec 9>"$UNPACKED.lock"
    flock 9
    if [ ! -x "$UNPACKED/usr/bin/etcd" ]; then
        echo "fetching etcd into $UNPACKED (30 MB)" >&2
        rm -rf "$UNPACKED" "$UNPACKED.new" "$APT_STATE"
        download_and_unpack "$UNPACKED.new"
        rm -rf "$APT_STATE"
        mv "$UNPACKED.new" "$UNPACKED"
    fi
fi
echo "$UNPACKED/usr/bin/etcd"
