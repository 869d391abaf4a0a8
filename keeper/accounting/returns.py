"""Owns what a share has earned: returns and drawdown from settlements, in exact fractions.

A price is (NAV + 1) / (supply + virtual shares), as the contract rounds it. Net of everything,
because NAV is; nothing is annualised and nothing is said about the future.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from keeper.accounting.shares import near_empty

__all__ = ["DAY", "Drawdown", "SettledPrice", "WindowReturn", "drawdown", "window_return"]

DAY = 86_400
_PPM = 10**6


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledPrice:
    """One settlement: NAV and supply just before and just after its flows; time in seconds.

    `nav_before` is what leavers were paid by: accepted NAV, gross in a whole exit.
    """

    time: int
    nav_before: int
    supply_before: int
    nav_after: int
    supply_after: int
    whole_exit: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowReturn:
    """What one share earned between two settlements; `ratio` is end over start."""

    from_time: int
    to_time: int
    settlements: int
    ratio: Fraction

    @property
    def ppm(self) -> int:
        """Return in parts per million, rounded down."""
        return (self.ratio.numerator - self.ratio.denominator) * _PPM // self.ratio.denominator


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawdown:
    """The deepest fall from a high to a later low; `ratio` is low over high."""

    peak_time: int
    low_time: int
    settlements: int
    span_seconds: int
    ratio: Fraction

    @property
    def ppm(self) -> int:
        """Fall in parts per million, rounded up."""
        lost = self.ratio.denominator - self.ratio.numerator
        return -(-lost * _PPM // self.ratio.denominator)


def window_return(
    prices: Sequence[SettledPrice], virtual: int, seconds: int | None
) -> WindowReturn | None:
    """Measure from the last settlement at least `seconds` before the newest one to the newest.

    None for `seconds` measures from the first settlement with shares. None when the history is
    shorter than the window or has fewer than two settlements with shares.
    """
    path = _path(prices, virtual)
    if len(path) < 2:
        return None
    end_time, end = path[-1]
    starts = [
        number
        for number, (time, _) in enumerate(path[:-1])
        if seconds is None or time <= end_time - seconds
    ]
    if not starts:
        return None
    first = starts[0] if seconds is None else starts[-1]
    start_time, start = path[first]
    return WindowReturn(
        from_time=start_time,
        to_time=end_time,
        settlements=len(path) - first,
        ratio=end / start,
    )


def drawdown(prices: Sequence[SettledPrice], virtual: int) -> Drawdown | None:
    """Find the deepest fall in all settlements with shares; None with fewer than two."""
    path = _path(prices, virtual)
    if len(path) < 2:
        return None
    peak_time, peak = path[0]
    worst, at = Fraction(1), (peak_time, peak_time)
    for time, value in path:
        if value > peak:
            peak_time, peak = time, value
        if value / peak < worst:
            worst, at = value / peak, (peak_time, time)
    return Drawdown(
        peak_time=at[0],
        low_time=at[1],
        settlements=len(path),
        span_seconds=path[-1][0] - path[0][0],
        ratio=worst,
    )


def _path(prices: Sequence[SettledPrice], virtual: int) -> list[tuple[int, Fraction]]:
    """What one share bought at the first settlement is worth at each, that one being 1.

    While nobody holds shares the price may jump without anybody earning it: such a step counts
    as none, and so does the new price that a vault starts from after everybody has left.
    """
    path: list[tuple[int, Fraction]] = []
    index, last = Fraction(1), Fraction(0)
    for price in prices:
        after = Fraction(price.nav_after + 1, price.supply_after + virtual)
        if path and not near_empty(price.supply_before, virtual):
            before = Fraction(price.nav_before + 1, price.supply_before + virtual)
            index *= (before if price.whole_exit else after) / last
        if path or not near_empty(price.supply_after, virtual):
            path.append((price.time, index))
        last = after
    return path
