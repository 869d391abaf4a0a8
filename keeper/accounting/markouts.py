"""What a price did after our fills: adverse selection per horizon, side and liquidity, exactly.

A fill's markout is `side * (reference at fill + horizon - fill price)`, in ppm of the fill price
and weighted by what was exchanged: below zero, whoever took our quote knew more. Part of it is the
edge we had at the fill; `drift_ppm` is the rest, how the reference itself moved, and is free of a
constant distance between the reference and our market.

References in a journal: the venue's oracle, and the leader's microprice where one was recorded
(weight 0 records it without quoting by it: so a run without the leader can be measured against it).
"""

from collections import Counter, deque
from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from keeper.domain.events import (
    Event,
    FillReceived,
    LeaderQuoted,
    MarketListed,
    OraclePriced,
    RunStarted,
    SourceDown,
    SourceGap,
)
from keeper.domain.instruments import PerpetualMarket
from keeper.domain.orders import Liquidity, Side
from keeper.domain.units import NS_PER_SECOND, PPM
from keeper.markets.reference import microprice

__all__ = ["HORIZONS_NS", "JournalMarkouts", "Markout", "Markouts", "ReferenceMarkout"]

HORIZONS_NS: Final = (1 * NS_PER_SECOND, 5 * NS_PER_SECOND, 30 * NS_PER_SECOND)
_DECIMALS: Final = 8
_QUOTE_DECIMALS: Final = 6


class Markout(msgspec.Struct, frozen=True, kw_only=True):
    """One side and liquidity at one horizon; ppm rounded down, None while no fill could be judged.

    `gain` and `drift` are sums in price units times size units, `drift` being its part that the
    reference itself moved by. `missing` fills are not in it: the reference was unknown at the
    fill or at its horizon, or the horizon has not been reached.
    """

    horizon_ns: int
    side: Side
    liquidity: Liquidity
    fills: int
    missing: int
    gain: int
    drift: int
    ppm: int | None
    drift_ppm: int | None


class ReferenceMarkout(msgspec.Struct, frozen=True, kw_only=True):
    """A markout of one market against one reference ("oracle" or "leader").

    `quote_quantums` is the gain against the oracle; against the leader, whose price may be another
    currency's, only what its price moved by. Rounded down.
    """

    market: str
    reference: str
    quote_quantums: int
    ppm: int | None
    markout: Markout


class _Fill(NamedTuple):
    due_ns: int
    side: Side
    liquidity: Liquidity
    price: int
    size: int
    reference: int | None


class _Sum(msgspec.Struct):
    fills: int = 0
    missing: int = 0
    weight: int = 0
    gain: int = 0
    drift: int = 0


class Markouts:
    """Judges fills against one reference as both go by; keeps only fills that are not yet due.

    Prices are positive integers of one unit, sizes of one unit, times never decrease.
    """

    def __init__(self, horizons_ns: Sequence[int] = HORIZONS_NS) -> None:
        self._waiting: dict[int, deque[_Fill]] = {each: deque() for each in horizons_ns}
        self._sums = {
            (each, side, liquidity): _Sum()
            for each in horizons_ns
            for side in Side
            for liquidity in Liquidity
        }
        self._reference: int | None = None

    def priced(self, t_ns: int, price: int | None) -> None:
        """The reference from `t_ns` on; None: unknown."""
        self.passed(t_ns)
        self._reference = price

    def filled(self, t_ns: int, as_what: tuple[Side, Liquidity], price: int, size: int) -> None:
        """A fill of ours."""
        self.passed(t_ns)
        for horizon_ns, waiting in self._waiting.items():
            waiting.append(_Fill(t_ns + horizon_ns, *as_what, price, size, self._reference))

    def passed(self, t_ns: int) -> None:
        """Judge the fills whose horizon lies before `t_ns`, by the reference that stood then."""
        for horizon_ns, waiting in self._waiting.items():
            while waiting and waiting[0].due_ns < t_ns:
                self._judge(horizon_ns, waiting.popleft())

    def results(self) -> tuple[Markout, ...]:
        """Return what is known so far, by horizon, buys before sells, makers before takers."""
        waiting = Counter(
            (horizon_ns, fill.side, fill.liquidity)
            for horizon_ns, fills in self._waiting.items()
            for fill in fills
        )
        return tuple(_result(key, found, waiting[key]) for key, found in self._sums.items())

    def _judge(self, horizon_ns: int, fill: _Fill) -> None:
        found = self._sums[horizon_ns, fill.side, fill.liquidity]
        if fill.reference is None or self._reference is None:
            found.missing += 1
            return
        found.fills += 1
        found.weight += fill.price * fill.size
        found.gain += fill.side.sign * (self._reference - fill.price) * fill.size
        found.drift += fill.side.sign * (self._reference - fill.reference) * fill.size


class JournalMarkouts:
    """Folds a journal's events: every market's fills against the oracle and against the leader.

    Prices are in 1e-8 USDC; the leader's in 1e-8 of its own currency, so judge it by `drift_ppm`.
    """

    def __init__(self, horizons_ns: Sequence[int] = HORIZONS_NS) -> None:
        self._horizons_ns = tuple(horizons_ns)
        self._listings: dict[str, PerpetualMarket] = {}
        self._leaders: dict[str, str] = {}
        self._base_units: dict[str, int] = {}
        self._seen: set[str] = set()
        self.oracle: dict[str, Markouts] = {}
        self.leader: dict[str, Markouts] = {}

    def take(self, t_ns: int, event: Event) -> None:
        """Take the next event of the journal and its record's time."""
        if isinstance(event, OraclePriced) and event.market in self._listings:
            price = _oracle_e8(self._listings[event.market], event.price)
            self._of(self.oracle, event.market).priced(t_ns, price)
        elif isinstance(event, LeaderQuoted):
            self._leaders[event.market] = event.source
            self._of(self.leader, event.market).priced(t_ns, self._leader_e8(event))
        elif isinstance(event, FillReceived) and event.market in self._listings:
            self._fill(t_ns, event)
        elif isinstance(event, MarketListed):
            self._listings[event.market.ticker] = event.market
        elif isinstance(event, (SourceDown, SourceGap)):
            for market, source in self._leaders.items():
                if source == event.source:
                    self._of(self.leader, market).priced(t_ns, None)
        elif isinstance(event, RunStarted):
            self._start(t_ns, event)

    def finish(self, t_ns: int) -> None:
        """Judge what is due at the end of what was read."""
        for kind in (self.oracle, self.leader):
            for found in kind.values():
                found.passed(t_ns)

    def rows(self) -> tuple[ReferenceMarkout, ...]:
        """Return what has fills, by market, the oracle before the leader."""
        return tuple(
            _row(self._listings[market], name, markout)
            for market in sorted(self._listings)
            for name, kind in (("oracle", self.oracle), ("leader", self.leader))
            if market in kind
            for markout in kind[market].results()
            if markout.fills
        )

    def _fill(self, t_ns: int, event: FillReceived) -> None:
        """Count a fill once, however often it is delivered."""
        if event.fill_id in self._seen:
            return
        self._seen.add(event.fill_id)
        price = _fill_e8(self._listings[event.market], event.subticks)
        for kind in (self.oracle, self.leader):
            self._of(kind, event.market).filled(
                t_ns, (event.side, event.liquidity), price, event.quantums
            )

    def _start(self, t_ns: int, event: RunStarted) -> None:
        """A new run knows no price yet."""
        for kind in (self.oracle, self.leader):
            for found in kind.values():
                found.priced(t_ns, None)
        for market in event.settings.markets:
            if market.leader is not None:
                self._base_units[market.ticker] = market.leader.base_units

    def _leader_e8(self, event: LeaderQuoted) -> int | None:
        if not 0 < event.bid_e8 < event.ask_e8 or event.bid_size_e8 + event.ask_size_e8 <= 0:
            return None
        price = microprice(event.bid_e8, event.bid_size_e8, event.ask_e8, event.ask_size_e8)
        return price // self._base_units.get(event.market, 1)

    def _of(self, kind: dict[str, Markouts], market: str) -> Markouts:
        return kind.setdefault(market, Markouts(self._horizons_ns))


def _row(listing: PerpetualMarket, reference: str, markout: Markout) -> ReferenceMarkout:
    """Name a markout; prices were 1e-8 USDC, sizes base quantums."""
    raw = markout.gain if reference == "oracle" else markout.drift
    exponent = listing.atomic_resolution + _QUOTE_DECIMALS - _DECIMALS
    return ReferenceMarkout(
        market=listing.ticker,
        reference=reference,
        quote_quantums=_scaled_down(raw, exponent),
        ppm=markout.ppm if reference == "oracle" else markout.drift_ppm,
        markout=markout,
    )


def _result(key: tuple[int, Side, Liquidity], found: _Sum, waiting: int) -> Markout:
    known = found.weight > 0
    return Markout(
        horizon_ns=key[0],
        side=key[1],
        liquidity=key[2],
        gain=found.gain,
        drift=found.drift,
        fills=found.fills,
        missing=found.missing + waiting,
        ppm=found.gain * PPM // found.weight if known else None,
        drift_ppm=found.drift * PPM // found.weight if known else None,
    )


def _oracle_e8(listing: PerpetualMarket, price: int) -> int:
    return _scaled_down(price, listing.oracle_exponent + _DECIMALS)


def _fill_e8(listing: PerpetualMarket, subticks: int) -> int:
    """One subtick is 10^(quantum_conversion_exponent - 6 - atomic_resolution) USDC."""
    exponent = listing.quantum_conversion_exponent - 6 - listing.atomic_resolution
    return _scaled_down(subticks, exponent + _DECIMALS)


def _scaled_down(value: int, exponent: int) -> int:
    scaled: int = value * 10**exponent if exponent >= 0 else value // 10**-exponent
    return scaled
