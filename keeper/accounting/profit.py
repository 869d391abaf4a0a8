"""Profit of the venue account by market and cause, folded over any number of periods in one pass.

The causes are those of `keeper.accounting.attribution`, split by market: each fill's edge, payment
and fee belong to its market, and so does what is left of the change of its position's value.
Rounding of the venue belongs to no market: it is kept under the empty name, as inventory.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import msgspec

from keeper.accounting.attribution import Causes, MissingPrice
from keeper.domain.instruments import PerpetualMarket
from keeper.markets.perpetual import value_trunc

__all__ = [
    "NO_CAUSES",
    "ROUNDING",
    "Movement",
    "Observation",
    "PriceAt",
    "Trade",
    "Unexplained",
    "VenueFold",
    "VenuePeriod",
    "sum_causes",
]

ROUNDING = ""
"""Name under which the venue's rounding is kept: it belongs to no market."""
NO_CAUSES = Causes(spread=0, inventory=0, funding=0, fees_and_rebates=0, incentives=0)

PriceAt = Callable[[str, int], int | None]
"""Oracle price of a market in force at a height; None when none is known."""


class Trade(NamedTuple):
    """A fill: base and quote quantums signed by its side, the oracle price at its height."""

    height: int
    market: str
    base: int
    quote: int
    fee: int
    oracle_price: int | None


class Movement(NamedTuple):
    """Quote quantums that came in (+) or left (-): funding of a market, or a transfer ("")."""

    height: int
    market: str
    quote: int


class Observation(NamedTuple):
    """What the venue said the subaccount held at a height, as (market, base quantums)."""

    height: int
    cash: int
    positions: tuple[tuple[str, int], ...]


class Unexplained(msgspec.Struct, frozen=True, kw_only=True):
    """At a height the venue holds this much more than all records lead to; "" is its cash."""

    height: int
    market: str
    amount: int


class VenuePeriod(msgspec.Struct, frozen=True, kw_only=True):
    """Equity at both ends of (from_height, to_height], transfers, and causes by market.

    `gap` is the change of equity that transfers and causes do not add up to: zero, or the records
    contradict the venue.
    """

    from_height: int
    to_height: int
    opening_equity: int
    closing_equity: int
    transfers: int
    by_market: dict[str, Causes]
    unexplained: tuple[Unexplained, ...]

    @property
    def gap(self) -> int:
        """Change of equity less transfers and causes."""
        change = self.closing_equity - self.opening_equity - self.transfers
        return change - sum(causes.total for causes in self.by_market.values())


class _Tally:
    """One market within the open period."""

    __slots__ = ("fees", "funding", "opening_value", "spread", "trade_cash")

    def __init__(self, opening_value: int) -> None:
        self.opening_value = opening_value
        self.spread = self.trade_cash = self.fees = self.funding = 0


class VenueFold:
    """Takes trades, movements and observations by rising height; `close` ends a period.

    At one height observations come last. Nothing at or below the opening height is taken: the
    opening observation holds it already.
    """

    def __init__(
        self, markets: Mapping[str, PerpetualMarket], price_at: PriceAt, opening: Observation
    ) -> None:
        self._markets = markets
        self._price_at = price_at
        self._opening_height = opening.height
        self._cash = opening.cash
        self._positions = dict(opening.positions)
        self._tallies: dict[str, _Tally] = {}
        self._from_height = opening.height
        self._opening_equity = 0
        self._transfers = self._rounding = self._entries = 0
        self._unexplained: list[Unexplained] = []
        self.missing: MissingPrice | None = None
        self._open(opening.height)

    def trade(self, trade: Trade) -> None:
        """Book a fill and its edge against the oracle."""
        if trade.height <= self._opening_height:
            return
        listing = self._markets.get(trade.market)
        if listing is None or trade.oracle_price is None:
            self._miss(trade.market, trade.height)
            return
        tally = self._tally(trade.market)
        tally.spread += listing.oracle_value_down(trade.base, trade.oracle_price) - trade.quote
        tally.trade_cash -= trade.quote
        tally.fees -= trade.fee
        self._positions[trade.market] = self._positions.get(trade.market, 0) + trade.base
        self._pay(-trade.quote - trade.fee)

    def funding(self, paid: Movement) -> None:
        """Book a settled payment."""
        if paid.height > self._opening_height:
            self._tally(paid.market).funding += paid.quote
            self._pay(paid.quote)

    def transfer(self, moved: Movement) -> None:
        """Book collateral that came or left."""
        if moved.height > self._opening_height:
            self._transfers += moved.quote
            self._pay(moved.quote)

    def observe(self, seen: Observation) -> None:
        """Settle the books with the venue's word: up to a quantum an entry is its rounding."""
        if seen.height <= self._opening_height:
            return
        actual = dict(seen.positions)
        differing = {
            market: actual.get(market, 0) - self._positions.get(market, 0)
            for market in sorted({*actual, *self._positions})
        }
        for market, amount in differing.items():
            if amount:
                self._explain_not(seen.height, market, amount)
        difference = seen.cash - self._cash
        if any(differing.values()) or abs(difference) > self._entries:
            self._explain_not(seen.height, ROUNDING, difference)
        else:
            self._rounding += difference
        self._cash, self._positions, self._entries = seen.cash, actual, 0

    def close(self, height: int) -> VenuePeriod:
        """End the period at a height up to which everything was taken, and open the next one."""
        by_market = {
            market: self._causes(market, tally, height)
            for market, tally in sorted(self._tallies.items())
        }
        if self._rounding:
            by_market[ROUNDING] = msgspec.structs.replace(NO_CAUSES, inventory=self._rounding)
        period = VenuePeriod(
            from_height=self._from_height,
            to_height=height,
            opening_equity=self._opening_equity,
            closing_equity=self._equity(height),
            transfers=self._transfers,
            by_market=by_market,
            unexplained=tuple(self._unexplained),
        )
        self._open(height)
        return period

    def _open(self, height: int) -> None:
        self._from_height = height
        self._transfers = self._rounding = 0
        self._unexplained = []
        self._opening_equity = self._equity(height)
        held = [market for market, quantums in self._positions.items() if quantums]
        self._tallies = {market: _Tally(self._value(market, height)) for market in held}

    def _causes(self, market: str, tally: _Tally, height: int) -> Causes:
        gained = self._value(market, height) - tally.opening_value + tally.trade_cash
        return Causes(
            spread=tally.spread,
            inventory=gained - tally.spread,
            funding=tally.funding,
            fees_and_rebates=tally.fees,
            incentives=0,
        )

    def _tally(self, market: str) -> _Tally:
        return self._tallies.setdefault(market, _Tally(0))

    def _pay(self, amount: int) -> None:
        self._cash += amount
        self._entries += 1

    def _equity(self, height: int) -> int:
        return self._cash + sum(self._value(market, height) for market in self._positions)

    def _value(self, market: str, height: int) -> int:
        quantums = self._positions.get(market, 0)
        if not quantums:
            return 0
        price, listing = self._price_at(market, height), self._markets.get(market)
        if price is None or listing is None:
            self._miss(market, height)
            return 0
        return value_trunc(listing, quantums, price)

    def _miss(self, market: str, height: int) -> None:
        self.missing = self.missing or MissingPrice(market, height)

    def _explain_not(self, height: int, market: str, amount: int) -> None:
        if amount:
            self._unexplained.append(Unexplained(height=height, market=market, amount=amount))


def sum_causes(parts: Iterable[Causes]) -> Causes:
    """Add causes up, each by itself."""
    columns = [msgspec.structs.astuple(part) for part in parts]
    totals = [sum(column) for column in zip(*columns, strict=True)] or [0] * 5
    return Causes(**dict(zip(NO_CAUSES.__struct_fields__, totals, strict=True)))
