"""Brings a state that another release left behind to the schema of this one; pure."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from keeper.core.state import State, state_bytes, state_from_bytes
from keeper.domain.events import SCHEMA_VERSION

__all__ = ["MIGRATIONS", "MigrationError", "migrate"]

Tree = dict[str, Any]
"""A state as plain JSON values."""


def _since_1(tree: Tree) -> Tree:
    """Of a phase that is not ACTIVE nobody wrote down since when and why."""
    turn = {"t_ns": -1, "code": "", "limit": 0, "value": 0, "operator": "", "reason": ""}
    return tree | {"guard": tree["guard"] | {"turn": turn}}


MIGRATIONS: Final[dict[int, Callable[[Tree], Tree]]] = {1: _since_1}
"""By schema version: what turns a state of that schema into one of the next."""


class MigrationError(Exception):
    """Raised when a state cannot be brought to this schema without losing or inventing something;
    the journal's upgrade and replay handle it."""


def migrate(schema: int, raw: bytes) -> State:
    """Return the state of this schema for the canonical bytes of one of `schema`.

    Nothing is dropped and nothing is filled in: a key that this schema does not know, or lacks, is
    an error unless a migration deals with it. Raises MigrationError.
    """
    if schema > SCHEMA_VERSION:
        raise MigrationError(f"schema {schema} is newer than this release's {SCHEMA_VERSION}")
    tree = msgspec.json.decode(raw)
    for version in range(schema, SCHEMA_VERSION):
        step = MIGRATIONS.get(version)
        if step is None:
            raise MigrationError(f"no migration leads from schema {version} to {version + 1}")
        tree = step(tree)
    return _exactly(tree)


def _exactly(tree: Tree) -> State:
    """Read a state and make sure that it says the very same."""
    try:
        state = state_from_bytes(msgspec.json.encode(tree))
    except msgspec.ValidationError as error:
        raise MigrationError(f"the state does not fit schema {SCHEMA_VERSION}: {error}") from error
    difference = _first_difference(tree, msgspec.json.decode(state_bytes(state)), "$")
    if difference:
        raise MigrationError(f"schema {SCHEMA_VERSION} and the state differ: {difference}")
    return state


def _first_difference(old: Any, new: Any, path: str) -> str:
    """Name the first place at which two trees differ; empty when they are equal."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            if key not in new:
                return f"{path}.{key} is not known"
            if key not in old:
                return f"{path}.{key} is missing"
            if difference := _first_difference(old[key], new[key], f"{path}.{key}"):
                return difference
        return ""
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        pairs = enumerate(zip(old, new, strict=True))
        found = (_first_difference(a, b, f"{path}[{n}]") for n, (a, b) in pairs)
        return next((difference for difference in found if difference), "")
    return "" if old == new else f"{path} would change"
