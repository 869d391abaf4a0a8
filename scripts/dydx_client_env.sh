#!/usr/bin/env bash
# Makes .venv-dydx-client: dYdX's official client, unmodified, apart from our own packages.
# Idempotent; tests/keeper/exchange/test_official_client.py skips where the environment is absent.
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
venv="$root/.venv-dydx-client"
version="1.1.5"

if [ -x "$venv/bin/python" ] && "$venv/bin/python" -c "
import importlib.metadata as m; raise SystemExit(m.version('dydx-v4-client') != '$version')"; then
    exit 0
fi
"${PYTHON:-python3}" -m venv "$venv"
"$venv/bin/pip" install --quiet "dydx-v4-client==$version"
