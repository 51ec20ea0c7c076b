#!/usr/bin/env bash
# Installs what builds executors and tasks in Python and JavaScript, into a private cache (110 MB, half a
# minute, no root), from PyPI and npm in the versions that the templates name.
#
#   languages.sh            installs what is missing
#   languages.sh --check    says what is missing
#   languages.sh --path     prints the directories for the PATH, once all is there
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

templates=$GUEST_TOOLCHAIN_SOURCE/../templates

# A directory for each set of versions: an older one is left alone, as another clone may use it.
place_of() {
    echo "$GUEST_CACHE/languages/$1-$(sha256sum "$templates/$2" | cut -c 1-16)"
}

python=$(place_of python python/requirements.txt)
javascript=$(place_of javascript javascript/package.json)

say_what_is_missing() {
    local missing=0
    if [ ! -x "$python/bin/componentize-py" ]; then
        echo "languages: missing, to build Python: $(<"$templates/python/requirements.txt") (by pip)" >&2
        command -v python3 >/dev/null || echo "  and python3 with venv, to install it" >&2
        missing=1
    fi
    if [ ! -x "$javascript/node_modules/.bin/componentize-qjs" ]; then
        echo "languages: missing, to build JavaScript: componentize-qjs (by npm)" >&2
        missing=1
    fi
    command -v node >/dev/null || { echo "languages: missing, to build JavaScript: node" >&2 && missing=1; }
    return $missing
}

# In a directory of its own, which gets its name when all is in it. A venv knows its path, so there the
# name is a link.
install_python() {
    [ ! -x "$python/bin/componentize-py" ] || return 0
    local new
    new=$(mktemp -d "$python.XXXXXX")
    python3 -m venv "$new" && "$new/bin/pip" install --quiet --disable-pip-version-check \
        --requirement "$templates/python/requirements.txt" ||
        guest_fail "pip could not install $(<"$templates/python/requirements.txt"): see above"
    ln -sfn "$new" "$python"
}

install_javascript() {
    [ ! -x "$javascript/node_modules/.bin/componentize-qjs" ] || return 0
    local new
    new=$(mktemp -d "$javascript.XXXXXX")
    cp "$templates/javascript/package.json" "$new"
    npm install --prefix "$new" --no-audit --no-fund --no-package-lock --loglevel error >&2 ||
        guest_fail "npm could not install componentize-qjs: see above"
    ln -sfn "$new" "$javascript"
}

case "$#:${1:-}" in
    0:)
        if [ -n "${STOA_GUEST_TOOLCHAIN_NO_INSTALL:-}" ]; then
            say_what_is_missing
            exit
        fi
        mkdir -p "$GUEST_CACHE/languages"
        install_python
        install_javascript
        say_what_is_missing
        ;;
    1:--check) say_what_is_missing ;;
    1:--path)
        say_what_is_missing
        echo "$python/bin:$javascript/node_modules/.bin"
        ;;
    *) guest_fail "languages.sh: got '$*', but only --check, --path or nothing is allowed" ;;
esac
