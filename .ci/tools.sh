#!/usr/bin/env bash
# Finds Prometheus and promtool, and where they are missing unpacks Debian's or Ubuntu's package of them into a folder:
# no root, no installed package, no started service. Prints where they are.
#
#   .ci/tools.sh [FOLDER [NAME...]]      FOLDER is .tools beside this one unless named; NAMEs are the tools that are
#                                        wanted: prometheus and promtool, or victoria-metrics too (for the tests)
#
# Order: PATH, then $WVA_TOOLS, then FOLDER. apt works on package lists of its own, so that it needs no root and also runs
# on a machine whose lists are empty.
set -euo pipefail

folder=$(realpath --canonicalize-missing "${1:-$(dirname "${BASH_SOURCE[0]}")/../.tools}")
tools=("${@:2}")
((${#tools[@]})) || tools=(prometheus promtool)

fail() {
    echo "tools: $1" >&2
    echo "tools: type: $2" >&2
    exit 1
}

where() { # NAME: prints its path, or fails
    local candidate
    candidate=$(command -v "$1" || true)
    for candidate in "$candidate" "${WVA_TOOLS:+$WVA_TOOLS/$1}" "$folder/unpacked/usr/bin/$1"; do
        if [[ -n $candidate && -x $candidate ]]; then
            echo "$candidate"
            return
        fi
    done
    return 1
}

missing() { # prints the names that are nowhere
    local name
    for name in "${tools[@]}"; do where "$name" >/dev/null || echo "$name"; done
}

lacks() { # NAME: whether it is wanted and nowhere
    missing | grep -x "$1" >/dev/null # not -q: it would stop reading, and the pipe would fail
}

apt() { # apt-get on private lists, quiet unless it fails
    mkdir -p "$folder/lists/partial" "$folder/cache/archives/partial"
    (cd "$folder" && apt-get -qq -o Dir::State::lists="$folder/lists" -o Dir::Cache="$folder/cache" \
        -o APT::Sandbox::User="$(id -un)" -o Acquire::Retries=3 "$@" >>"$folder/apt.log" 2>&1)
}

unpack() { # PACKAGE: downloads it and unpacks it; its files appear only once they are whole
    local package=$1 staging
    rm -f "$folder/$package"_*.deb
    apt download "$package" || return 1
    staging=$(mktemp -d "$folder/unpacking.XXXXXX")
    dpkg -x "$folder/$package"_*.deb "$staging"
    mkdir -p "$folder/unpacked"
    cp -r "$staging/." "$folder/unpacked/"
    rm -rf "$staging" "$folder/$package"_*.deb
}

readonly by_hand='get https://prometheus.io/download, put its prometheus and promtool (for tests also victoria-metrics) on PATH, or set WVA_TOOLS=DIR'

if [[ -n $(missing) ]]; then
    command -v apt-get >/dev/null && command -v dpkg >/dev/null ||
        fail "no $(missing | paste -sd' ') here, and no apt to get them with" "$by_hand"
    echo "tools: getting $(missing | paste -sd' ') into $folder" >&2
    mkdir -p "$folder" && : >"$folder/apt.log"
    apt update || true # one broken source among many does not matter if the package is in another
    no_package() { fail "apt gives no package $1: $(tail -n1 "$folder/apt.log")" "$by_hand"; }
    if lacks prometheus || lacks promtool; then unpack prometheus || no_package prometheus; fi
    if lacks victoria-metrics; then unpack victoria-metrics || no_package victoria-metrics; fi
    ! lacks promtool || unpack promtool || true # a package of its own on some distributions
    [[ -z $(missing) ]] || fail "the package has no $(missing | paste -sd' ')" "$by_hand"
fi

for name in "${tools[@]}"; do echo "$name: $(where "$name")"; done
