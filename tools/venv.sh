#!/bin/sh
# Makes .venv with this project and everything that its tests need, on a Debian as bare as it comes.
#
# Python comes from PATH (PYTHON=... for another one). Debian cuts `venv` and `pip` off its Python:
# where they are missing they are taken from Debian's own packages, installed by root, and otherwise
# only unpacked into .venv, so that nothing of the machine is touched.
set -eu
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }

python=${PYTHON:-python3}
if ! command -v "$python" >/dev/null; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        say "Installing Python 3 ..."
        apt-get update -qq && apt-get install -y -qq --no-install-recommends python3 python3-venv >/dev/null
    else
        say "No $python here: install Python 3.10 or later (apt install python3), or set PYTHON=..."
        exit 2
    fi
fi
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' || {
    say "$("$python" --version) is too old: Python 3.10 or later is needed, set PYTHON=..."
    exit 2
}

rm -rf .venv
if "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    "$python" -m venv .venv
else
    say "This Python has no pip; taking Debian's ..."
    mkdir -p .venv/debian/lists/partial
    (
        cd .venv/debian
        apt="apt-get -q -o Dir::State::Lists=$PWD/lists -o Dir::Cache=$PWD -o Debug::NoLocking=1
             -o APT::Sandbox::User=$(id -un)"
        $apt update >apt.log 2>&1 && $apt download python3-pip-whl >>apt.log 2>&1 || {
            cat apt.log >&2
            say "No pip could be had: install the package python3-venv and try again."
            exit 2
        }
        dpkg-deb -x python3-pip-whl_*.deb .
    )
    "$python" -m venv --without-pip .venv
    .venv/bin/python .venv/debian/usr/share/python-wheels/pip-*.whl/pip install --quiet pip
    rm -rf .venv/debian
fi

say "Installing the project and its tools ..."
.venv/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
.venv/bin/python -m pip install --quiet --editable . --group dev
: >.venv/ready
