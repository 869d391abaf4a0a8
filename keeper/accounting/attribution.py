"""Profit by cause over a span of the venue's heights, recomputable from the log by definition.

spread        sum over fills of side * (oracle at the fill's block - price) * size
funding       settled payments
fees, rebates what fills paid (-) or earned (+)
incentives    rewards paid to the subaccount outside fills; the venue's events carry none
inventory     the rest: position * change of oracle, and every rounding
The five sum to the change of equity net of transfers, to the unit.
"""

from collections.abc import Iterable

import msgspec

from keeper.accounting.entries import CASH, POSITION, QUOTE, Entry
from keeper.accounting.ledger import Ledger
from keeper.domain.events import FillReceived
from keeper.markets.perpetual import value_trunc

__all__ = ["Causes", "MissingPrice", "VenueProfit", "attribute", "price_moves_down"]


class Causes(msgspec.Struct, frozen=True, kw_only=True):
    """The five causes a report carries, in its order; quote quantums, positive is gained."""

    spread: int
    inventory: int
    funding: int
    fees_and_rebates: int
    incentives: int

    @property
    def total(self) -> int:
        """What they add up to."""
        parts = (self.spread, self.inventory, self.funding)
        return sum(parts) + self.fees_and_rebates + self.incentives


class VenueProfit(msgspec.Struct, frozen=True, kw_only=True):
    """Equity at both ends of (from_height, to_height], transfers in between, profit by cause.

    `unexplained_entries` counts what neither entries nor rounding account for: a report is not to
    be signed while there is one.
    """

    from_height: int
    to_height: int
    opening_equity: int
    closing_equity: int
    transfers: int
    causes: Causes
    unexplained_entries: int


class MissingPrice(msgspec.Struct, frozen=True):
    """No oracle price or listing is known for a market at a height: nothing is guessed."""

    market: str
    height: int


def attribute(ledger: Ledger, from_height: int, to_height: int) -> VenueProfit | MissingPrice:
    """Split the change of the subaccount's equity over (from_height, to_height] by cause.

    Raises ValueError unless first observed height <= from_height <= to_height.
    """
    observed = ledger.observed_heights()
    if not observed or not observed[0] <= from_height <= to_height:
        raise ValueError(f"({from_height}, {to_height}] is not within the observed heights")
    span = _Span(ledger, from_height, to_height)
    missing = span.missing_price()
    return missing if missing is not None else span.profit()


def price_moves_down(ledger: Ledger, from_height: int, to_height: int) -> int:
    """Return the sum of position * change of oracle over (from_height, to_height], each down.

    The definition `inventory` is checked against; needs the prices that `attribute` needs.
    """
    entries = ledger.venue_entries()
    total = 0
    for market, history in sorted(ledger.prices.items()):
        for height in history.heights(from_height, to_height):
            before, after = history.at(height - 1), history.at(height)
            if before is not None and after is not None:
                held = _held(entries, market, height - 1)
                total += ledger.markets[market].oracle_value_down(held, after - before)
    return total


class _Span:
    """The entries and fills of one span, valued at the ledger's prices."""

    def __init__(self, ledger: Ledger, from_height: int, to_height: int) -> None:
        self._ledger = ledger
        self._ends = (from_height, to_height)
        self._entries = ledger.venue_entries()
        self._span = [e for e in self._entries if from_height < e.height <= to_height]
        self._fills = [f for f in ledger.fills.values() if from_height < f.height <= to_height]

    def missing_price(self) -> MissingPrice | None:
        """Return the first price or listing that is needed and not known."""
        needed = [(fill.market, fill.height) for fill in self._fills]
        for height in self._ends:
            needed += [(market, height) for market in self._positions(height)]
        for market, height in sorted(needed):
            history = self._ledger.prices.get(market)
            if history is None or history.at(height) is None or market not in self._ledger.markets:
                return MissingPrice(market, height)
        return None

    def profit(self) -> VenueProfit:
        opening, closing = (self._equity(height) for height in self._ends)
        transfers, funding = self._cash("transfer"), self._cash("funding")
        fees = -sum(fill.fee_quote_quantums for fill in self._fills)
        spread = sum(self._edge_down(fill) for fill in self._fills)
        causes = Causes(
            spread=spread,
            inventory=closing - opening - transfers - funding - fees - spread,
            funding=funding,
            fees_and_rebates=fees,
            incentives=0,
        )
        return VenueProfit(
            from_height=self._ends[0],
            to_height=self._ends[1],
            opening_equity=opening,
            closing_equity=closing,
            transfers=transfers,
            causes=causes,
            unexplained_entries=sum(1 for entry in self._span if entry.kind == "unexplained"),
        )

    def _positions(self, height: int) -> dict[str, int]:
        markets = {p.unit for e in self._entries for p in e.postings if p.account == POSITION}
        held = {market: _held(self._entries, market, height) for market in sorted(markets)}
        return {market: quantums for market, quantums in held.items() if quantums}

    def _equity(self, height: int) -> int:
        cash = sum(e.amount(CASH, QUOTE) for e in self._entries if e.height <= height)
        positions = self._positions(height).items()
        return cash + sum(
            value_trunc(self._ledger.markets[market], held, self._price(market, height))
            for market, held in positions
        )

    def _edge_down(self, fill: FillReceived) -> int:
        """Side * (oracle - price) * size of one fill, rounded down."""
        price = self._price(fill.market, fill.height)
        signed = fill.side.sign * fill.quantums
        worth = self._ledger.markets[fill.market].oracle_value_down(signed, price)
        return worth - fill.side.sign * fill.quote_quantums

    def _price(self, market: str, height: int) -> int:
        price = self._ledger.prices[market].at(height)
        if price is None:
            raise ValueError(f"no oracle price of {market} at {height}: see missing_price")
        return price

    def _cash(self, kind: str) -> int:
        return sum(entry.amount(CASH, QUOTE) for entry in self._span if entry.kind == kind)


def _held(entries: Iterable[Entry], market: str, height: int) -> int:
    return sum(entry.amount(POSITION, market) for entry in entries if entry.height <= height)
