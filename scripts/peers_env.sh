#!/usr/bin/env bash
# Makes .venv-nautilus: nautilus_trader, unmodified, apart from our own packages. Idempotent.
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
venv="$root/.venv-nautilus"
version="1.221.0"

if [ -x "$venv/bin/python" ] && "$venv/bin/python" -c "
import importlib.metadata as m; raise SystemExit(m.version('nautilus_trader') != '$version')"; then
    exit 0
fi
"${PYTHON:-python3}" -m venv "$venv"
"$venv/bin/pip" install --quiet "nautilus_trader==$version"
