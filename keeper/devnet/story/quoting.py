"""How the demonstration quotes: the venue's own rule in a seeded market, a narrow one on a tape."""

import json
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from keeper.config.presets import preset
from keeper.devnet.exchange.config import ExchangeConfig
from keeper.devnet.markets import ETH_USD
from keeper.devnet.tape import Tape, TapeMarket
from keeper.domain.units import NS_PER_SECOND
from keeper.pages.report_data import Parameter

__all__ = ["from_the_liveliest", "half_spread_ppm", "inline", "limits", "markets", "parameters"]

_PARAMETERS: Final = (
    Path(__file__).resolve().parents[3] / "scripts" / "params" / "recorded_demo.toml"
)
_SEEDED_POSITION: Final = 250_000 * 10**6  # quotes, beside the pool at either end of its range
_SEEDED_DAILY_LOSS: Final = 17_000 * 10**6  # three of it carry a fifth of that
_SEEDED_SPREAD: Final = {"spread_min_ppm": 1_500, "spread_buffer_ppm": 500}
_MOVE_SHARE: Final = 4  # of a second's standard deviation that is added to fee and spread
_TOLERANCE_SHARE: Final = 3  # of the first quote's distance that is worth a new price
_MOVES: Final = 2  # each way, in every market, before the liveliest stretch is told to end
_LEAST_SECONDS: Final = 60  # that have to follow the mark, however short the play
_LEAD_SECONDS: Final = 5  # played before it


def half_spread_ppm(market: TapeMarket) -> int:
    """Where the first quote stands: the fee, half the recorded spread, a share of its movement."""
    fee_ppm: int = ExchangeConfig().maker_fee_ppm
    return fee_ppm + market.half_spread_ppm + max(1, market.move_ppm // _MOVE_SHARE)


def markets(tape: Tape | None) -> list[dict[str, Any]]:
    """The markets to quote: ETH-USD, which also hedges the pool, and what else is recorded."""
    recorded = {each.route.market: _recorded(each) for each in (tape.markets if tape else ())}
    ether = recorded.pop(ETH_USD.market, None) or _seeded()
    return [ether, *recorded.values()]


def limits(tape: Tape | None) -> dict[str, Any]:
    """Limits that differ from the starting values."""
    if tape is None:
        return {"daily_loss_quote_quantums": _SEEDED_DAILY_LOSS}
    return dict(_written()["limits"])


def parameters(tape: Tape | None) -> tuple[Parameter, ...]:
    """The settings that come from the recording, each with its reason, for the page."""
    rows = []
    for market in markets(tape):
        recorded = tape.market(market["ticker"]) if tape else None
        if recorded is None:
            continue
        for name, meaning in _reasons(recorded).items():
            value = f"{market['strategy'].get(name, market.get(name)):,}"
            rows.append(Parameter(scope=market["ticker"], name=name, value=value, meaning=meaning))
    return tuple(rows)


def from_the_liveliest(tape: Tape, play_seconds: int) -> Tape:
    """Start the tape where every market soonest moves both ways beyond the keeper's first quote.

    A move is a second's change of the mid; `play_seconds` have to follow. A tape without such a
    stretch is played from its start.
    """
    last = tape.seconds - max(_LEAST_SECONDS, play_seconds)
    moves = [seconds for each in tape.markets for seconds in _moves(tape, each)]
    waits = [(_wait(moves, second), second) for second in range(max(0, last))]
    known = [(wait, second) for wait, second in waits if wait is not None]
    if not known:
        return tape
    second = max(0, min(known)[1] - _LEAD_SECONDS)
    return replace(tape, from_ns=tape.start_ns + second * NS_PER_SECOND)


def inline(value: Any) -> str:
    """Write a value as one line of TOML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {inline(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(inline(item) for item in value) + "]"
    return json.dumps(value)


def _recorded(market: TapeMarket) -> dict[str, Any]:
    written = _written()
    distances = {"half_spread_ppm": half_spread_ppm(market), "layer_step_ppm": _step_ppm(market)}
    return {
        "ticker": market.route.market,
        **written["market"],
        "price_tolerance_ppm": half_spread_ppm(market) // _TOLERANCE_SHARE,
        "strategy": {**written["strategy"], **distances},
        "leader": {"symbol": market.recording.symbol, **written["leader"]},
    }


def _step_ppm(market: TapeMarket) -> int:
    return max(1, market.move_ppm)


def _seeded() -> dict[str, Any]:
    market: dict[str, Any] = preset("local")["markets"][0]
    market["strategy"].update(_SEEDED_SPREAD)
    market["max_position_quote_quantums"] = _SEEDED_POSITION
    return market


def _written() -> dict[str, Any]:
    return tomllib.loads(_PARAMETERS.read_text())


def _reasons(market: TapeMarket) -> dict[str, str]:
    tick = 10**6 * market.route.subticks_per_tick // market.route.subticks_scale
    return {
        "half_spread_ppm": (
            f"maker fee {ExchangeConfig().maker_fee_ppm} + half the recorded spread "
            f"{market.half_spread_ppm} (tick {tick / 10**6:g} USD) + a quarter of "
            f"{market.move_ppm}, the standard deviation of a second's move"
        ),
        "layer_step_ppm": "the standard deviation of a second's move",
        "price_tolerance_ppm": "a third of the first quote's distance: a new price loses its place",
    }


def _moves(tape: Tape, market: TapeMarket) -> tuple[list[int], list[int]]:
    """The seconds in which the mid rose, and those in which it fell, by more than the distance."""
    distance = half_spread_ppm(market)
    rises: list[int] = []
    falls: list[int] = []
    for second in range(tape.seconds):
        before, after = (
            market.mid(tape.start_ns + at * NS_PER_SECOND) for at in (second, second + 1)
        )
        change_ppm = (after - before) * 1_000_000 // before
        if change_ppm > distance:
            rises.append(second)
        elif change_ppm < -distance:
            falls.append(second)
    return rises, falls


def _wait(moves: list[list[int]], start: int) -> int | None:
    """Seconds from `start` until every list has had its moves; None if one never has."""
    waits = []
    for seconds in moves:
        later = [second for second in seconds if second >= start]
        if len(later) < _MOVES:
            return None
        waits.append(later[_MOVES - 1] - start)
    return max(waits, default=None)
