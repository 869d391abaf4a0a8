"""Owns withdrawal gating: collateral that must not leave after a loss nobody could carry, or after
the chain stood still."""

from dataclasses import dataclass

from .config import ExchangeConfig
from .model import MarketType, Subaccount
from .store import State

__all__ = ["Gate", "begin", "gate_of", "is_gated", "note_negative", "note_outage"]

CROSS_POOL = "cross"
OUTAGE, HEIGHT, BLOCKS = "outage_seen", "height", "gating_blocks"


def _pool(state: State, market_id: int) -> str:
    market = state.markets.get(market_id)
    if market is not None and market.market_type == MarketType.ISOLATED:
        return str(market_id)
    return CROSS_POOL


def note_negative(state: State, market_id: int, height: int) -> None:
    """Remember that a subaccount with a debt nobody could take over was seen in a market's pool."""
    state.totals.put(f"negative_seen/{_pool(state, market_id)}", height)


def note_outage(state: State, height: int) -> None:
    """Remember that the chain stood still before this height."""
    state.totals.put(OUTAGE, height)


def begin(state: State, config: ExchangeConfig, height: int) -> None:
    """Tell the state which block is being made, and how long the gate stays shut."""
    state.totals.put(HEIGHT, height)
    state.totals.put(BLOCKS, config.gating_blocks)


@dataclass(frozen=True, slots=True)
class Gate:
    """Heights: a negative subaccount seen, an outage seen, and when the gate opens (0: never
    shut)."""

    negative_seen: int
    outage_seen: int
    opens: int


def gate_of(state: State, market_id: int) -> Gate:
    """Return the gate of a market's collateral pool."""
    return _gate(state, _pool(state, market_id))


def _gate(state: State, pool: str) -> Gate:
    negative = state.totals.get(f"negative_seen/{pool}") or 0
    outage = state.totals.get(OUTAGE) or 0
    latest = max(negative, outage)
    return Gate(negative, outage, latest + (state.totals.get(BLOCKS) or 0) if latest else 0)


def is_gated(state: State, account: Subaccount) -> bool:
    """Return whether collateral may not leave a subaccount in the block being made."""
    height = state.totals.get(HEIGHT) or 0
    pools = {_pool(state, market_id) for market_id in account.positions} or {CROSS_POOL}
    return any(height < _gate(state, pool).opens for pool in pools)
