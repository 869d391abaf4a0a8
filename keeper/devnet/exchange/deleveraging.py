"""Owns deleveraging: a position nobody's order takes is offset against other holders'.

At the bankruptcy price where its holder is worth less than nothing, at the oracle price where a
market is settled for good. No order stands behind such a fill.
"""

from collections.abc import Iterable
from fractions import Fraction

from .liquidation import bankruptcy_quote, current, net_collateral, own_order
from .margin import notional, update_is_allowed
from .matching import Match, apply_match
from .model import OrderFlags, Side, Subaccount, SubaccountId
from .store import State

__all__ = ["offset_position"]


def _counterparties(
    state: State, key: SubaccountId, market_id: int, draw: int
) -> Iterable[SubaccountId]:
    """Yield the holders of the other side, from one that `draw` picks round to the one before."""
    sign = current(state, key).positions[market_id].quantums > 0
    holders = sorted(
        other
        for other, account in state.subaccounts.items()
        if (held := account.positions.get(market_id)) is not None and (held.quantums > 0) != sign
    )
    if not holders:
        return []
    start = draw % len(holders)
    return [*holders[start:], *holders[:start]]


def _quote(state: State, key: SubaccountId, at: int, change: int, at_oracle: bool) -> int:
    if not at_oracle:
        return bankruptcy_quote(state, key, at, change)
    market, price = state.markets.get(at), state.prices.get(at)
    if market is None or price is None:
        raise ValueError(f"market {at} does not exist")
    return -notional(market, price, change)


def _match(
    state: State, pair: tuple[SubaccountId, SubaccountId], what: tuple[int, int, int]
) -> Match:
    """Return the match of (target, counterparty) over (market, signed change, quote received)."""
    market_id, change, quote = what
    market = state.markets.get(market_id)
    if market is None:
        raise ValueError(f"market {market_id} does not exist")
    side, size = (Side.BUY if change > 0 else Side.SELL), abs(change)
    unit = Fraction(10) ** market.quantum_conversion_exponent
    subticks = max(round(Fraction(abs(quote), size) / unit), 1)
    taker, maker = (
        own_order(OrderFlags.DELEVERAGING, key, (market_id, s, size, subticks))
        for key, s in zip(pair, (side, side.opposite), strict=True)
    )
    return Match(market_id, taker, maker, size, -quote * side.sign, 0, 0, "")


def _carries(state: State, match: Match) -> bool:
    """Apply an offset unless it takes the counterparty below its margin."""
    key = match.maker.id.subaccount
    before = current(state, key)
    trial = state.branch()
    apply_match(trial, match)
    if not update_is_allowed(trial, before, trial.subaccounts.get(key) or Subaccount()):
        return False
    trial.absorb()
    return True


def offset_position(
    state: State, key: SubaccountId, market_id: int, draw: int, size: int = 0
) -> list[Match]:
    """Offset a position (or `size` base quantums of it) in the state; returns what was matched.

    At the bankruptcy price where the holder's worth is negative, else at the oracle price.
    """
    held = current(state, key).positions[market_id].quantums
    left = min(abs(held), size) if size else abs(held)
    at_oracle = net_collateral(state, key) >= 0
    matches: list[Match] = []
    for other in _counterparties(state, key, market_id, draw):
        theirs = current(state, other).positions[market_id].quantums
        change = min(left, abs(theirs)) * (-1 if held > 0 else 1)
        quote = _quote(state, key, market_id, change, at_oracle)
        match = _match(state, (key, other), (market_id, change, quote))
        if _carries(state, match):
            matches.append(match)
            left -= abs(change)
        if not left:
            break
    return matches
