#!/bin/sh
# Makes .venv with this project and everything that its tests need, on a Debian as bare as it comes.
#
# Python comes from PATH (PYTHON=... for another one); where there is none, root has apt install it.
# Debian cuts pip off its Python: where it is missing, Debian's own package of it is only unpacked
# into .venv, so that nothing of the machine is touched.
set -eu
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }
stop() { say "$*"; exit 2; }

python=${PYTHON:-python3}
if ! command -v "$python" >/dev/null; then
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null ||
        stop "There is no $python here: install Python 3.10 or later (apt install python3), or set PYTHON=..."
    say "Installing Python 3 ..."
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends python3 ca-certificates >/dev/null
fi
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
    stop "$("$python" --version) is too old: Python 3.10 or later is needed, set PYTHON=..."

rm -rf .venv
if "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    "$python" -m venv .venv
    set -- -m pip
else
    say "This Python has no pip; taking Debian's ..."
    "$python" -m venv --without-pip .venv
    mkdir -p .venv/debian/lists/partial
    (
        cd .venv/debian
        apt() {
            apt-get -qq -o "Dir::State::Lists=$PWD/lists" -o "Dir::Cache=$PWD" \
                -o Acquire::Languages=none -o APT::Sandbox::User=root -o Debug::NoLocking=1 "$@"
        }
        apt update || true  # one of the machine's sources may be broken
        apt download python3-pip-whl && dpkg-deb -x python3-pip-whl_*.deb .
    ) >.venv/debian.log 2>&1 || {
        tail -n 3 .venv/debian.log >&2
        stop "No pip could be had: is the network there? Otherwise install python3-venv and try again."
    }
    set -- .venv/debian/usr/share/python-wheels/pip-*.whl
    set -- "$1/pip"
fi

say "Installing the project and its tools ..."
{
    .venv/bin/python "$@" install --quiet --upgrade 'pip>=25.1' &&
        .venv/bin/python -m pip install --quiet --editable . --group dev
} || stop "The tools could not be installed: is the network there, and the Python package index?"
rm -rf .venv/debian .venv/debian.log
: >.venv/ready
