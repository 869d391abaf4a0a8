"""Volatility, arrivals and their decay from a market's own record: the models' parameters.

Volatility: squared moves of the middle over whole sampling intervals, as a standard deviation of a
day. Intensity: with N(d) trades a side that reached at least d from the middle before them, the
rate is A*exp(-k*d); ln N against d is a straight line by least squares, each distance weighing as
much as it has trades (Avellaneda and Stoikov 2008, section 2.4; Gueant et al. 2013, section 6).
Exact until each result is rounded once. Distances in ppm, times in unix nanoseconds.
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Final, NamedTuple

from keeper.markets.fixed import exp_down, ln_down, sqrt_down

__all__ = ["Calibration", "Calibrator", "fitted_line"]

NS_PER_DAY: Final = 86_400 * 10**9
PPM: Final = 10**6
PPB: Final = 10**9
UNIT: Final = 10**18
LEAST_TRADES: Final = 10
"""A distance that fewer trades reached says nothing."""


class Calibration(NamedTuple):
    """What a record says; `k_e9` and `arrivals_per_day` are None where no line can be fitted.

    `reached` are (distance in ppm, trades of both sides that reached it).
    """

    elapsed_ns: int
    trades: int
    volatility_ppm: int
    k_e9: int | None
    arrivals_per_day: int | None
    reached: tuple[tuple[int, int], ...]


class Calibrator:
    """Takes a market's middles and trades in order of time."""

    def __init__(self, distances_ppm: Sequence[int], sample_ns: int) -> None:
        self._distances = tuple(sorted(distances_ppm))
        self._counts = dict.fromkeys(self._distances, 0)
        self._sample_ns = sample_ns
        self._first_ns = self._last_ns = self._sampled_ns = -1
        self._sampled = self._middle = 0
        self._squares_ppb2 = 0
        self._squares_ns = 0
        self._trades = 0

    def middle(self, t_ns: int, bid: int, ask: int) -> None:
        """Take the best prices from `t_ns` on, in any unit, the same for trades."""
        if self._first_ns < 0:
            self._first_ns = self._sampled_ns = t_ns
            self._sampled = bid + ask
        self._last_ns = max(self._last_ns, t_ns)
        self._middle = bid + ask
        elapsed_ns = t_ns - self._sampled_ns
        if elapsed_ns < self._sample_ns:
            return
        move_ppb = (self._middle - self._sampled) * PPB // self._sampled
        self._squares_ppb2 += move_ppb * move_ppb
        self._squares_ns += elapsed_ns
        self._sampled, self._sampled_ns = self._middle, t_ns

    def trade(self, price: int) -> None:
        """Count how far from the middle before it a trade reached; none before a first middle."""
        if self._middle <= 0:
            return
        self._trades += 1
        reach_ppm = abs(2 * price - self._middle) * PPM // self._middle
        for distance in self._distances:
            if distance > reach_ppm:
                break
            self._counts[distance] += 1

    def result(self) -> Calibration:
        """What was taken so far says."""
        elapsed_ns = max(0, self._last_ns - self._first_ns)
        line = self._line(elapsed_ns)
        return Calibration(
            elapsed_ns=elapsed_ns,
            trades=self._trades,
            volatility_ppm=self._volatility_ppm(),
            k_e9=None if line is None else line[0],
            arrivals_per_day=None if line is None else line[1],
            reached=tuple(self._counts.items()),
        )

    def _volatility_ppm(self) -> int:
        if self._squares_ns == 0:
            return 0
        return sqrt_down(self._squares_ppb2 * NS_PER_DAY, self._squares_ns * PPM, 1)

    def _line(self, elapsed_ns: int) -> tuple[int, int] | None:
        points = [(d, n) for d, n in self._counts.items() if n >= LEAST_TRADES]
        if elapsed_ns == 0:
            return None
        found = fitted_line([(d, Fraction(ln_down(n, 1, UNIT), UNIT), n) for d, n in points])
        if found is None or found[1] >= 0:
            return None
        at_none, slope = found
        both_sides = exp_down(at_none.numerator, at_none.denominator, UNIT)
        a_day = both_sides * NS_PER_DAY // (2 * UNIT * elapsed_ns)
        return max(1, round(-slope * PPB)), max(1, a_day)


def fitted_line(
    points: Iterable[tuple[int, Fraction, int]],
) -> tuple[Fraction, Fraction] | None:
    """Intercept and slope of the weighted least-squares line through (x, y, weight), exactly.

    None where there are not two different x.
    """
    known = list(points)
    weight = sum(w for _, _, w in known)
    if len({x for x, _, _ in known}) < 2 or weight <= 0:
        return None
    mean_x = Fraction(sum(w * x for x, _, w in known), weight)
    mean_y = sum((w * y for _, y, w in known), Fraction(0)) / weight
    spread = sum((w * (x - mean_x) ** 2 for x, _, w in known), Fraction(0))
    slope = sum((w * (x - mean_x) * (y - mean_y) for x, y, w in known), Fraction(0)) / spread
    return mean_y - slope * mean_x, slope
