"""One perpetual market as a log tells it: prices, own quotes, fills, inventory, quality."""

from dataclasses import dataclass, field
from typing import Final

from keeper.domain.events import FillReceived, LeaderQuoted
from keeper.domain.instruments import PerpetualMarket
from keeper.domain.orders import Side
from keeper.domain.settings import LeaderSettings
from keeper.domain.units import PPM
from keeper.pages.report_data import FillPoint, FillSummary, MarketChart, Quality
from keeper.pages.series import Points, append, scaled, steps_of, thinned

__all__ = ["IDLE_MS", "MarketReading", "Quoted", "base_e9", "price_e6"]

IDLE_MS: Final = 180_000
"""A longer silence of the log is a world that was stopped or fast-forwarded, not quoting time."""

_USDC_DECIMALS: Final = 6
_BASE_SCALE: Final = 9
_LEADER_DECIMALS: Final = 8


@dataclass(slots=True)
class Quoted:
    """An order of ours that may rest."""

    side: Side
    subticks: int
    good_til_block: int


@dataclass(slots=True)
class _Clock:
    """Time-weighted sums in ms; spread in ppm of the mean of both quotes."""

    observed: int = 0
    two_sided: int = 0
    spread_ms: int = 0


@dataclass(slots=True)
class MarketReading:
    """What has been read of a market; prices in 1e-6 USDC once the listing is known."""

    listing: PerpetualMarket | None = None
    leader: LeaderSettings | None = None
    oracle: Points = field(default_factory=list)
    reference: Points = field(default_factory=list)
    bid: Points = field(default_factory=list)
    ask: Points = field(default_factory=list)
    quotes: dict[int, Quoted] = field(default_factory=dict)
    fills: dict[str, tuple[int, FillReceived]] = field(default_factory=dict)
    first_position: tuple[int, int, int] | None = None
    """(unix ms, venue height, base quantums) when the venue first told the position."""
    _changed: bool = True
    _last_ms: int = 0
    _clock: _Clock = field(default_factory=_Clock)

    def quote(self, client_id: int, quoted: Quoted) -> None:
        """Note an order placed or replaced."""
        self.quotes[client_id] = quoted
        self._changed = True

    def drop(self, client_id: int) -> None:
        """Note an order's end."""
        self._changed |= self.quotes.pop(client_id, None) is not None

    def drop_before(self, height: int) -> None:
        """Drop orders that are dead once the venue is at a height."""
        for client_id in [i for i, q in self.quotes.items() if q.good_til_block < height]:
            self.drop(client_id)

    def price(self, at_ms: int, oracle_price: int) -> None:
        """Note the venue's oracle price."""
        if self.listing is not None:
            exponent = self.listing.oracle_exponent + _USDC_DECIMALS
            append(self.oracle, at_ms, scaled(oracle_price, exponent))

    def lead(self, at_ms: int, quoted: LeaderQuoted) -> None:
        """Note the middle of the leader's book, per unit of our base."""
        units = 1 if self.leader is None else self.leader.base_units
        middle = (quoted.bid_e8 + quoted.ask_e8) // (2 * units)
        append(self.reference, at_ms, scaled(middle, _USDC_DECIMALS - _LEADER_DECIMALS))

    def tick(self, at_ms: int) -> None:
        """Weigh what was quoted since the last call, and note what is quoted from now on."""
        self._weigh(at_ms)
        if not self._changed or self.listing is None:
            return
        self._changed = False
        bids = [q.subticks for q in self.quotes.values() if q.side is Side.BUY]
        asks = [q.subticks for q in self.quotes.values() if q.side is Side.SELL]
        bid, ask = max(bids, default=None), min(asks, default=None)
        append(self.bid, at_ms, None if bid is None else price_e6(self.listing, bid))
        append(self.ask, at_ms, None if ask is None else price_e6(self.listing, ask))

    def _weigh(self, at_ms: int) -> None:
        elapsed, self._last_ms = at_ms - self._last_ms, at_ms
        if not self.bid or not 0 < elapsed <= IDLE_MS:
            return
        bid, ask = self.bid[-1][1], self.ask[-1][1]
        self._clock.observed += elapsed
        if bid is not None and ask is not None and bid + ask > 0:
            self._clock.two_sided += elapsed
            self._clock.spread_ms += elapsed * ((ask - bid) * 2 * PPM // (bid + ask))

    def chart(self, name: str, end_ms: int, pool: Points) -> MarketChart:
        """Return the chart; `pool` is what pools hold that this market hedges, in 1e-9 base."""
        position = self._position(end_ms)
        return MarketChart(
            market=name,
            oracle=thinned(self.oracle),
            reference=thinned(self.reference),
            bid=thinned(self.bid),
            ask=thinned(self.ask),
            fills=tuple(self._fill_points()),
            position=thinned(position),
            pool=thinned(pool),
            net=thinned(_sum_of(position, pool)) if pool else (),
            quality=self._quality(),
        )

    def summaries(self, name: str) -> list[FillSummary]:
        """Return the fills summed by side and liquidity."""
        groups: dict[tuple[str, str], list[FillReceived]] = {}
        for _, fill in self.fills.values():
            groups.setdefault((fill.side.value, fill.liquidity.value), []).append(fill)
        listing = self._listed()
        return [
            FillSummary(
                market=name,
                side=side,
                liquidity=liquidity,
                count=len(fills),
                base_e9=sum(base_e9(listing, fill.quantums) for fill in fills),
                quote_usdc_e6=sum(fill.quote_quantums for fill in fills),
                fee_usdc_e6=sum(fill.fee_quote_quantums for fill in fills),
            )
            for (side, liquidity), fills in sorted(groups.items())
        ]

    def _fill_points(self) -> list[FillPoint]:
        listing = self._listed()
        return [
            FillPoint(
                at_ms=at_ms,
                side=fill.side.value,
                price_usdc_e6=price_e6(listing, fill.subticks),
                base_e9=base_e9(listing, fill.quantums),
                liquidity=fill.liquidity.value,
                fee_usdc_e6=fill.fee_quote_quantums,
            )
            for at_ms, fill in sorted(self.fills.values(), key=lambda item: item[0])
        ]

    def _position(self, end_ms: int) -> Points:
        """Inventory from the venue's first word and the fills above its height, to the end."""
        if self.first_position is None:
            return []
        listing, (start_ms, height, quantums) = self._listed(), self.first_position
        points: Points = [(start_ms, base_e9(listing, quantums))]
        for at_ms, fill in sorted(self.fills.values(), key=lambda i: (i[1].height, i[0])):
            if fill.height > height:
                quantums += fill.side.sign * fill.quantums
                append(points, max(at_ms, points[-1][0]), base_e9(listing, quantums))
        return [*points, (end_ms, points[-1][1])]

    def _quality(self) -> Quality | None:
        clock = self._clock
        if clock.observed == 0:
            return None
        return Quality(
            observed_ms=clock.observed,
            two_sided_ppm=clock.two_sided * PPM // clock.observed,
            spread_ppm=clock.spread_ms // clock.two_sided if clock.two_sided else 0,
        )

    def _listed(self) -> PerpetualMarket:
        if self.listing is None:
            raise ValueError("a market without its listing has no units")
        return self.listing


def price_e6(listing: PerpetualMarket, subticks: int) -> int:
    """Subticks in 1e-6 USDC, down."""
    return scaled(subticks, listing.quantum_conversion_exponent - listing.atomic_resolution)


def base_e9(listing: PerpetualMarket, quantums: int) -> int:
    """Base quantums in 1e-9 of the base asset, down."""
    return scaled(quantums, listing.atomic_resolution + _BASE_SCALE)


def _sum_of(position: Points, pool: Points) -> Points:
    return [(at, (held or 0) + (pooled or 0)) for at, (held, pooled) in steps_of(position, pool)]
