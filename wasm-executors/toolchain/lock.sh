# guests.lock: what the committed guests were built from, for sourcing by the scripts that build them.
#
#   guest_lock_write LOCK NAME PATH...   notes NAME.wasm, beside LOCK, as built from the PATHs
#
# An entry is a line: the guest's name, the sha256 of its .wasm, the sha256 of its sources, and the
# sources, relative to the lock. A directory among them stands for all files in it, but for `target`.
# The sources' sum is that of what sha256sum prints for the files in the order of their paths.
# tests/tidy/tests/guests.rs reads it, to refuse a guest that is older than its sources.

guest_lock_sources_sum() (
    cd "$1"
    shift
    find "$@" -name target -prune -o -type f -print | LC_ALL=C sort -u | while read -r file; do
        sha256sum "$file"
    done | sha256sum | cut -d ' ' -f 1
)

guest_lock_write() {
    local lock=$1 name=$2 dir wasm sources
    shift 2
    dir=$(dirname "$lock")
    wasm=$(sha256sum "$dir/$name.wasm" | cut -d ' ' -f 1)
    sources=$(guest_lock_sources_sum "$dir" "$@")
    touch "$lock"
    {
        echo "# Written by build.sh: name, sha256 of the .wasm, sha256 of the sources, the sources."
        {
            grep -v -e '^#' -e "^$name " "$lock" || true
            echo "$name $wasm $sources $*"
        } | LC_ALL=C sort
    } >"$lock.new"
    mv "$lock.new" "$lock"
}
