"""Keepers whose stops do not stop, each broken in one place; a campaign has to see it.

`python -m tests.stops.broken NAME run ...` is `keeper run ...`, broken so.
"""

import importlib
import sys
from collections.abc import Callable
from typing import Any, Final

import pytest

from keeper.cli.main import main as keeper_main
from keeper.core.state import State
from keeper.domain.events import RunStarted
from keeper.risk.phase import Phase

__all__ = ["BROKEN_WITH_A_VAULT", "forgets_the_phase", "goes_on_quoting"]

_STEP = importlib.import_module("keeper.core.step")
_POOLS = importlib.import_module("keeper.core.pools")
_HEDGING = importlib.import_module("keeper.core.hedging")
_FOLD = importlib.import_module("keeper.core.fold")


def goes_on_quoting(patch: pytest.MonkeyPatch) -> None:
    """The phase says that it stopped; its quotes are decided and approved as if it had not."""
    for name in ("desired_quotes", "place_quotes"):
        patch.setattr(_STEP, name, _as_if_active(getattr(_STEP, name)))


def forgets_the_phase(patch: pytest.MonkeyPatch) -> None:
    """A restart is a fresh beginning."""
    start = _FOLD._HANDLERS[RunStarted]

    def forgetful(state: State, event: RunStarted) -> None:
        state.guard.phase = Phase.ACTIVE
        start(state, event)

    patch.setitem(_FOLD._HANDLERS, RunStarted, forgetful)


def leaves_its_range(patch: pytest.MonkeyPatch) -> None:
    """An exit finds nothing to do in the pool."""
    patch.setattr(_POOLS, "_leave", lambda *_: None)


def keeps_its_hedge(patch: pytest.MonkeyPatch) -> None:
    """An exit does not close the perpetual."""
    patch.setattr(_HEDGING, "_flatten", lambda *_: [])


BROKEN_WITH_A_VAULT: Final = {
    "leaves its range": (leaves_its_range, "ranges are left in the pool"),
    "keeps its hedge": (keeps_its_hedge, "the position is still"),
}
"""What is broken in a keeper with a vault, and what the campaign has to say of its exit."""


def _as_if_active(decide: Callable[..., Any]) -> Callable[..., Any]:
    def deciding(state: State, *rest: Any) -> Any:
        phase, state.guard.phase = state.guard.phase, Phase.ACTIVE
        try:
            return decide(state, *rest)
        finally:
            state.guard.phase = phase

    return deciding


def main() -> None:
    """Break what the first word names and be the keeper."""
    breaks, _ = BROKEN_WITH_A_VAULT[sys.argv.pop(1)]
    breaks(pytest.MonkeyPatch())
    keeper_main()


if __name__ == "__main__":
    main()
