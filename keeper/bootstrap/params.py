"""Answers a person's questions about parameters and plans from the running keeper's own state."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from keeper.config import LoadedConfig, to_step_settings
from keeper.config.live import (
    ParamsRefused,
    changes_between,
    file_lines,
    origin_of,
    parameters,
    running_config,
    with_assignments,
)
from keeper.config.model import Config
from keeper.config.problems import Problem
from keeper.control.asking import Request
from keeper.control.server import Peer, Question
from keeper.core.pool_cuts import cuts
from keeper.core.preview import (
    Ladder,
    cuts_under,
    flattening_plan,
    ladders,
    ladders_under,
    new_flaws,
)
from keeper.core.state import State
from keeper.domain.approval import Refused
from keeper.domain.commands import CancelOrders, PlaceOrder
from keeper.domain.errors import ConfigError
from keeper.domain.events import ParamsChanged
from keeper.domain.instruments import PerpetualMarket
from keeper.domain.settings import StepSettings, params_hash
from keeper.pages.status import subticks_decimals
from keeper.ports import Emit

__all__ = ["Questions"]


class _Wish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `params` is asked: assignments, the hash they were previewed on, whether to apply."""

    assignments: tuple[str, ...] = ()
    base: str = ""
    apply: bool = False


class Questions:
    """`params` (show, preview, set) and `plan` (what flattening would send) of one engine.

    Everything is computed from the state as it is between two events; nothing but a confirmed
    change of parameters enters the log.
    """

    def __init__(self, loaded: LoadedConfig, state: Callable[[], State], emit: Emit) -> None:
        self._loaded = loaded
        self._state = state
        self._emit = emit

    def answers(self) -> Mapping[str, Question]:
        """Return what the control socket serves, by verb."""
        return {"params": self._params, "plan": self._plan}

    def _params(self, request: Request, peer: Peer) -> dict[str, Any]:
        """Show, preview or change. Raises ParamsRefused, ConfigError."""
        try:
            wish = msgspec.json.decode(request.argument or "{}", type=_Wish)
        except msgspec.DecodeError as error:
            raise ConfigError(f"not a question about parameters: {error}") from error
        running = running_config(self._started, self._settings())
        if not wish.assignments:
            return self._shown(running)
        return self._changed(running, wish, request, peer)

    def _plan(self, request: Request, _peer: Peer) -> dict[str, Any]:
        """Say what a word would send. Raises ConfigError for another word than exit."""
        if request.argument != "exit":
            raise ConfigError(f"there is no plan for {request.argument!r}")
        state = self._state()
        commands = [
            {"kind": type(c).__name__, **msgspec.to_builtins(c), **_decimals(state, c)}
            for c in flattening_plan(state)
        ]
        for command in commands:
            command.pop("type", None)
        return {"commands": commands}

    @property
    def _started(self) -> Config:
        return self._loaded.config

    def _settings(self) -> StepSettings:
        settings = self._state().settings
        if settings is None:
            raise ConfigError("the keeper has not started yet", next_step="ask again")
        return settings

    def _shown(self, running: Config) -> dict[str, Any]:
        before = {entry.path: entry.value for entry in parameters(self._started)}
        rows = []
        for entry in parameters(running):
            same = before.get(entry.path) == entry.value
            origin = origin_of(self._loaded, entry.path) if same else "operator"
            started = before.get(entry.path)
            rows.append({**msgspec.to_builtins(entry), "origin": origin, "started_with": started})
        return {"params_hash": params_hash(self._settings()), "parameters": rows}

    def _changed(
        self, running: Config, wish: _Wish, request: Request, peer: Peer
    ) -> dict[str, Any]:
        present = params_hash(self._settings())
        if wish.base and wish.base != present:
            raise ConfigError(
                "the parameters changed since the preview", next_step="look at them again"
            )
        after = with_assignments(self._started, running, wish.assignments)
        settings = to_step_settings(after)
        flaws = new_flaws(self._state(), settings)
        if flaws:
            raise ParamsRefused([_problem(flaw) for flaw in flaws])
        changes = changes_between(running, after)
        answer = {
            "base": present,
            "params_hash": params_hash(settings),
            "changes": msgspec.to_builtins(changes),
            "quotes": self._quotes(settings),
            "cuts": self._cuts(settings),
            "file_lines": file_lines(changes),
            "applied": False,
        }
        if wish.apply and changes:
            self._apply(settings, request, peer)
            answer["applied"] = True
        return answer

    def _apply(self, settings: StepSettings, request: Request, peer: Peer) -> None:
        event = ParamsChanged(
            settings=settings,
            params_hash=params_hash(settings),
            operator=request.operator,
            reason=request.reason,
            uid=peer.uid,
            pid=peer.pid,
        )
        self._emit(event)

    def _quotes(self, settings: StepSettings) -> list[dict[str, Any]]:
        """Each market's ladder before and after, prices and sizes as integers with decimals."""
        state = self._state()
        after = {ladder.market: ladder for ladder in ladders_under(state, settings)}
        return [
            {
                "market": before.market,
                **_scales(state.markets[before.market].listing),
                "before": _ladder(before),
                "after": _ladder(after[before.market]),
            }
            for before in ladders(state)
        ]

    def _cuts(self, settings: StepSettings) -> list[dict[str, Any]]:
        """What limits keep out of each pool's range before and after; no pool that is not cut."""
        state = self._state()
        before, after = (
            {cut.adapter: msgspec.structs.asdict(cut) for cut in found}
            for found in (cuts(state), cuts_under(state, settings))
        )
        return [
            {"adapter": adapter, "before": before.get(adapter), "after": after.get(adapter)}
            for adapter in sorted(before.keys() | after.keys())
        ]


def _ladder(ladder: Ladder) -> dict[str, Any]:
    return {
        "quotes": [
            {
                "side": quote.side.value,
                "layer": quote.layer,
                "subticks": quote.subticks,
                "quantums": quote.quantums,
            }
            for quote in ladder.quotes
        ],
        "refused": sorted({refusal.code for refusal in ladder.refused}),
    }


def _scales(listing: PerpetualMarket | None) -> dict[str, int]:
    if listing is None:
        return {"subticks_decimals": 0, "base_decimals": 0}
    return {
        "subticks_decimals": subticks_decimals(listing),
        "base_decimals": -listing.atomic_resolution,
    }


def _decimals(state: State, command: object) -> dict[str, int]:
    if not isinstance(command, PlaceOrder | CancelOrders):
        return {}
    return _scales(state.markets[command.market].listing)


def _problem(flaw: Refused) -> Problem:
    return Problem(
        code=flaw.code,
        path=f"market.{flaw.subject}",
        line=0,
        message=f"limit {flaw.limit:,}, value {flaw.value:,}",
        fix=f"see: keeper explain {flaw.code}",
    )
