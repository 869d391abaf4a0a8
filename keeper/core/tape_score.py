"""What a walk over a tape came to: profit at the middle, spread captured, markouts, time quoted.

Everything is measured against the tape's own middle. Money in quote quantums, times in unix ms
unless named otherwise, shares of volume in ppm rounded towards zero.
"""

from bisect import bisect_right
from collections.abc import Iterable
from typing import Final

import msgspec

from keeper.core.on_tape import Filled, Quoted
from keeper.domain.instruments import PerpetualMarket
from keeper.domain.orders import Quote, Side
from keeper.domain.units import NS_PER_MS, NS_PER_SECOND, PPM

__all__ = ["HORIZONS_S", "TapeFill", "TapeMarkout", "TapeScore", "score"]

HORIZONS_S: Final = (1, 5, 30)

Points = tuple[tuple[int, int | None], ...]


class TapeFill(msgspec.Struct, frozen=True, array_like=True):
    """A fill with the middle that stood before it, in subticks and base quantums."""

    t_ns: int
    side: Side
    subticks: int
    quantums: int
    middle: int


class TapeMarkout(msgspec.Struct, frozen=True, kw_only=True):
    """What fills had gained some seconds later, of those whose horizon the tape reaches.

    `ppm` is of their volume; None without fills.
    """

    horizon_s: int
    fills: int
    gain: int
    ppm: int | None


class TapeScore(msgspec.Struct, frozen=True, kw_only=True):
    """Series for charts and the figures behind a row of the summary.

    `bid` and `ask` are the best quotes (None: none), `gross` and `net` the profit marked at the
    middle before and after fees. `captured` is what fills were better than the middle before them,
    `two_sided_ns` how long both sides stood, `spread_ppm` their mean distance meanwhile.
    `refused` are (code, ns for which it kept everything from being quoted).
    """

    bid: Points
    ask: Points
    position: Points
    gross: Points
    net: Points
    fills: tuple[TapeFill, ...]
    volume: int
    fees: int
    captured: int
    largest_position: int
    markouts: tuple[TapeMarkout, ...]
    observed_ns: int
    two_sided_ns: int
    spread_ppm: int | None
    refused: tuple[tuple[str, int], ...]

    @property
    def profit_gross(self) -> int:
        """Profit at the end before fees."""
        return self.gross[-1][1] or 0 if self.gross else 0

    @property
    def profit_net(self) -> int:
        """Profit at the end after fees."""
        return self.net[-1][1] or 0 if self.net else 0


def score(rows: Iterable[Quoted | Filled], listing: PerpetualMarket, until_ns: int) -> TapeScore:
    """Sum up a walk; what stood last stood until `until_ns`."""
    sheet = _Sheet(listing)
    for row in rows:
        if isinstance(row, Quoted):
            sheet.quoted(row)
        else:
            sheet.filled(row)
    return sheet.result(until_ns)


class _Sheet:
    """Collects rows in order of time."""

    def __init__(self, listing: PerpetualMarket) -> None:
        self._listing = listing
        self._times: list[int] = []
        self._middles: list[int] = []
        self._standing: Quoted | None = None
        self._cash = self._fees = self._position = self._largest = self._captured = 0
        self._volume = self._two_sided_ns = self._spread_ns_ppm = 0
        self._refused: dict[str, int] = {}
        self._fills: list[TapeFill] = []
        self._series: dict[str, list[tuple[int, int | None]]] = {
            name: [] for name in ("bid", "ask", "position", "gross", "net")
        }

    def quoted(self, row: Quoted) -> None:
        self._stood_until(row.t_ns)
        self._standing = row
        self._times.append(row.t_ns)
        self._middles.append(row.middle)
        self._add("bid", row.t_ns, _best(row.quotes, Side.BUY))
        self._add("ask", row.t_ns, _best(row.quotes, Side.SELL))
        self._mark(row.t_ns, row.middle)

    def filled(self, row: Filled) -> None:
        middle = self._middles[-1]
        self._fills.append(TapeFill(row.t_ns, row.side, row.subticks, row.quantums, middle))
        self._cash += row.cash + row.fee
        self._fees += row.fee
        self._volume += abs(row.cash + row.fee)
        self._position += row.side.sign * row.quantums
        self._largest = max(self._largest, abs(self._position))
        self._captured += self._gain(self._fills[-1], middle)
        self._mark(row.t_ns, middle)

    def result(self, until_ns: int) -> TapeScore:
        self._stood_until(until_ns)
        observed_ns = until_ns - self._times[0] if self._times else 0
        has_spread = self._two_sided_ns > 0
        return TapeScore(
            **{name: tuple(points) for name, points in self._series.items()},
            fills=tuple(self._fills),
            volume=self._volume,
            fees=self._fees,
            captured=self._captured,
            largest_position=self._largest,
            markouts=tuple(self._markout(seconds, until_ns) for seconds in HORIZONS_S),
            observed_ns=observed_ns,
            two_sided_ns=self._two_sided_ns,
            spread_ppm=self._spread_ns_ppm // self._two_sided_ns if has_spread else None,
            refused=tuple(sorted(self._refused.items())),
        )

    def _stood_until(self, t_ns: int) -> None:
        row = self._standing
        if row is None:
            return
        stood_ns = t_ns - row.t_ns
        if row.refused:
            self._refused[row.refused] = self._refused.get(row.refused, 0) + stood_ns
        bid, ask = _best(row.quotes, Side.BUY), _best(row.quotes, Side.SELL)
        if bid is not None and ask is not None:
            self._two_sided_ns += stood_ns
            self._spread_ns_ppm += (ask - bid) * PPM // row.middle * stood_ns

    def _mark(self, t_ns: int, middle: int) -> None:
        worth = self._cash + self._listing.quote_quantums_down(self._position, middle)
        self._add("position", t_ns, self._position)
        self._add("gross", t_ns, worth)
        self._add("net", t_ns, worth - self._fees)

    def _add(self, name: str, t_ns: int, value: int | None) -> None:
        """A step, unless nothing changed; the last value of a millisecond counts."""
        points, at_ms = self._series[name], t_ns // NS_PER_MS
        if points and points[-1][0] == at_ms:
            points.pop()
        if not points or points[-1][1] != value:
            points.append((at_ms, value))

    def _markout(self, seconds: int, until_ns: int) -> TapeMarkout:
        gain = volume = count = 0
        for fill in self._fills:
            due_ns = fill.t_ns + seconds * NS_PER_SECOND
            if due_ns > until_ns:
                break
            later = self._middles[bisect_right(self._times, due_ns) - 1]
            gain += self._gain(fill, later)
            volume += self._listing.quote_quantums_down(fill.quantums, fill.subticks)
            count += 1
        ppm = _toward_zero(gain * PPM, volume) if volume else None
        return TapeMarkout(horizon_s=seconds, fills=count, gain=gain, ppm=ppm)

    def _gain(self, fill: TapeFill, middle: int) -> int:
        """What a fill is worth at a middle, rounded down."""
        better = (middle - fill.subticks) * fill.side.sign
        return self._listing.quote_quantums_down(fill.quantums, better)


def _best(quotes: Iterable[Quote], side: Side) -> int | None:
    prices = [quote.subticks for quote in quotes if quote.side is side]
    if not prices:
        return None
    return max(prices) if side is Side.BUY else min(prices)


def _toward_zero(numerator: int, denominator: int) -> int:
    return numerator // denominator if numerator >= 0 else -(-numerator // denominator)
