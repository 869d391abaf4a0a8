#!/usr/bin/env bash
# Makes .venv-clean: the keeper's wheel on the newest Python it supports that is found here, with the
# newest libraries it allows, no Ape, no lock file. PYTHON names another interpreter.
# What a stranger's `pip install` gives; tests/packaging and the run of the keeper's tests use it.
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
venv="$root/.venv-clean"

rm -rf "$venv"
"${PYTHON:-$(bash "$root/scripts/newest_python.sh")}" -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check "$root[local-world,web]"
# What runs the tests there; everything else is what the wheel asks for.
"$venv/bin/pip" install --quiet --disable-pip-version-check "pytest>=8.4,<9" "hypothesis>=6.170,<7"
