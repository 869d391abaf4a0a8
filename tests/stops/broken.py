"""Keepers whose stops do not stop, each broken in one place; a campaign has to see it."""

import importlib
from collections.abc import Callable
from typing import Any

import pytest

from keeper.core.state import State
from keeper.domain.events import RunStarted
from keeper.risk.phase import Phase

__all__ = ["forgets_the_phase", "goes_on_quoting"]

_STEP = importlib.import_module("keeper.core.step")
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


def _as_if_active(decide: Callable[..., Any]) -> Callable[..., Any]:
    def deciding(state: State, *rest: Any) -> Any:
        phase, state.guard.phase = state.guard.phase, Phase.ACTIVE
        try:
            return decide(state, *rest)
        finally:
            state.guard.phase = phase

    return deciding
