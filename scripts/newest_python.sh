#!/usr/bin/env bash
# Prints the newest Python found of those that pyproject.toml's classifiers name: on PATH under its
# own name, or among pyenv's; else python3. One is found only if it runs and can make environments.
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

usable() { # PATH VERSION: whether it is that version and has venv
    "$1" -c "import sys, venv; sys.exit('%d.%d' % sys.version_info[:2] != '$2')" 2>/dev/null
}

for version in $(grep -oE 'Python :: 3\.[0-9]+' "$root/pyproject.toml" | cut -d' ' -f3 | sort -rV); do
    candidates=("$(command -v "python$version" || true)")
    if prefix="$(pyenv prefix "$version" 2>/dev/null)"; then
        candidates+=("$prefix/bin/python")
    fi
    for candidate in "${candidates[@]}"; do
        if [ -n "$candidate" ] && usable "$candidate" "$version"; then
            echo "$candidate"
            exit
        fi
    done
done
command -v python3
