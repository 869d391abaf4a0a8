"""The contracts' ABIs as package data, written by `scripts/export_abi.py`; loads them by name."""

import functools
import json
from importlib import resources
from typing import Any

__all__ = ["Abi", "load", "names"]

Abi = tuple[dict[str, Any], ...]
"""ABI entries as the compiler wrote them."""


@functools.cache
def load(contract: str) -> Abi:
    """Read the ABI of a contract, e.g. "MarketMakingVault". Raises FileNotFoundError."""
    text = resources.files(__name__).joinpath(f"{contract}.json").read_text(encoding="utf-8")
    return tuple(json.loads(text))


def names() -> tuple[str, ...]:
    """List the contracts whose ABI travels with the package, sorted."""
    files = resources.files(__name__).iterdir()
    return tuple(sorted(f.name.removesuffix(".json") for f in files if f.name.endswith(".json")))
