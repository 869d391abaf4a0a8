"""Owns the zero-drift years: how far accepted NAV stays below gross when every report is honest."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Final

from keeper.accounting.gate import Gate, Held
from keeper.accounting.shares import Vault
from tests.adversaries.quorum import DAY, NAV, SHARES, START, VIRTUAL

__all__ = ["YEAR", "Lag", "lags", "percentile", "year"]

YEAR: Final = 365
PPM: Final = 10**6


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """Over all days of all years, in ppm of gross: mean, 95th percentile, largest; and the holds.

    `worst_year_mean` is the mean of the worst of the years, `held` the days without a settlement,
    `longest` the most days in a row on which accepted stayed below gross.
    """

    mean: int
    p95: int
    largest: int
    worst_year_mean: int
    held: int
    longest: int


def year(seed: int, daily_bps: int, make_gate: Callable[[], Gate] = Gate) -> list[tuple[int, bool]]:
    """Return of each day how far accepted is below gross [ppm of gross], and whether it was held.

    Daily changes are normal, without drift, rounded to a millionth; the settlement is at each cut.
    """
    random_ = Random(seed)
    vault = Vault(virtual=VIRTUAL, deposit_cap=0, supply=SHARES, accepted=NAV)
    gate, gross = make_gate(), NAV
    gate.time = START
    days = []
    for day in range(1, YEAR + 1):
        gross += gross * round(random_.gauss(0, daily_bps * 100)) // PPM
        priced = gate.price(vault, gross, gross, START + day * DAY)
        vault.accepted = priced.accepted
        days.append(((gross - priced.accepted) * PPM // gross, isinstance(priced, Held)))
    return days


def lags(daily_bps: int, seeds: range, make_gate: Callable[[], Gate] = Gate) -> Lag:
    """Measure many years of one volatility."""
    years = [year(seed, daily_bps, make_gate) for seed in seeds]
    days = sorted(lag for one in years for lag, _ in one)
    return Lag(
        mean=sum(days) // len(days),
        p95=percentile(days, 95),
        largest=days[-1],
        worst_year_mean=max(sum(lag for lag, _ in one) // len(one) for one in years),
        held=sum(held for one in years for _, held in one) * PPM // len(days),
        longest=max(_longest(one) for one in years),
    )


def percentile(ordered: list[int], percent: int) -> int:
    """Return the smallest value that `percent` of the ordered values do not exceed."""
    return ordered[-(-len(ordered) * percent // 100) - 1]


def _longest(one: list[tuple[int, bool]]) -> int:
    longest = run = 0
    for lag, _ in one:
        run = run + 1 if lag else 0
        longest = max(longest, run)
    return longest
