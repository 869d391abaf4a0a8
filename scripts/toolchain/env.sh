# Source me: puts the repository's own tools first on PATH and names the pinned compiler.
_root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
export PATH="$_root/.venv/bin:$_root/node_modules/.bin:$PATH"
export SOLCX_BINARY_PATH="$_root/scripts/toolchain"
export PYTHONPATH="$_root${PYTHONPATH:+:$PYTHONPATH}"
unset _root
