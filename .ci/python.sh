#!/bin/sh
# Says in one line what to type when PYTHON cannot make the virtual environment.
#
#   .ci/python.sh [PYTHON]     PYTHON is python3 unless named
set -eu
python=${1:-python3}

fail() {
    echo "python: $1" >&2
    echo "python: type: $2" >&2
    exit 1
}

command -v "$python" >/dev/null ||
    fail "$python is not here" "sudo apt install python3-venv"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "$python is $("$python" -V 2>&1), 3.11 or later is needed" \
        "sudo apt install python3.11-venv && make PYTHON=python3.11 demo"
"$python" -c 'import venv, ensurepip' 2>/dev/null ||
    fail "$python cannot make virtual environments" "sudo apt install $(basename "$python")-venv"
