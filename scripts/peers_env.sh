#!/usr/bin/env bash
# Makes .venv-nautilus and .venv-hummingbot: both makers, unmodified, apart from our own packages. Idempotent.
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
nautilus="1.221.0"
hummingbot="20260922"

# has VENV PACKAGE VERSION
has() {
    [ -x "$1/bin/python" ] && "$1/bin/python" -c "
import importlib.metadata as m, sys
sys.exit(not any(d.version == '$3' for d in m.distributions(name='$2')))"
}

make_nautilus() {
    local venv="$root/.venv-nautilus"
    if has "$venv" nautilus_trader "$nautilus"; then return; fi
    "${PYTHON:-python3}" -m venv "$venv"
    "$venv/bin/pip" install --quiet "nautilus_trader==$nautilus"
}

# It has no wheel, and one of its requirements, pandas-ta>=0.4.71b, needs Python 3.12. So it is compiled
# without its requirements, after those that its clock, paper trade exchange and strategy import.
# Takes a C++ compiler and some four minutes of CPU; pip keeps the wheel that it makes.
make_hummingbot() {
    local venv="$root/.venv-hummingbot"
    local build="$venv/build.cfg"
    if has "$venv" hummingbot "$hummingbot"; then return; fi
    "${PYTHON:-python3}" -m venv "$venv"
    "$venv/bin/pip" install --quiet Cython==3.1.8 setuptools==80.9.0 wheel==0.45.1 \
        numpy==2.2.6 pandas==2.3.3 pydantic==2.14.3 SQLAlchemy==2.1.9 aiohttp==3.14.5 \
        async-timeout==4.0.3 bidict==0.24.1 cachetools==8.0.1 hexbytes==2.0.0 PyYAML==6.0.3 \
        ruamel.yaml==0.19.1 tabulate==0.9.0 ujson==6.1.0
    printf '[build_ext]\nparallel=%s\n' "$(nproc)" > "$build"
    DIST_EXTRA_CONFIG="$build" "$venv/bin/pip" install --quiet --no-deps --no-build-isolation \
        "hummingbot==$hummingbot"
}

make_nautilus
make_hummingbot
