"""Owns which adversaries are simulated, their bounds, and the page that shows both."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tests.adversaries.market import crash_and_exit, trend_through_a_hedge
from tests.adversaries.quorum import NAV, Plot, best
from tests.adversaries.volatility import Lag, lags

__all__ = ["BOUNDS", "QUORUM", "SEEDS", "SEEDS_FAST", "WIDTH", "page"]

TEMPLATE: Final = Path(__file__).with_name("page.md")
SEEDS: Final = 400
SEEDS_FAST: Final = 8
WIDTH: Final = 8

QUORUM: Final = {
    "30 % of the shares, releases vetoed": Plot(shares_bps=3_000, cash=0, days=7, vetoed=True),
    "30 % of the shares, no veto": Plot(shares_bps=3_000, cash=0, days=7, vetoed=False),
    "fresh cash of 1/9 of NAV, vetoed": Plot(shares_bps=0, cash=NAV // 9, days=7, vetoed=True),
    "fresh cash of 3/7 of NAV, vetoed": Plot(shares_bps=0, cash=NAV * 3 // 7, days=7, vetoed=True),
    "fresh cash of 3/7 of NAV, no veto": Plot(
        shares_bps=0, cash=NAV * 3 // 7, days=7, vetoed=False
    ),
    "30 % for 30 days, vetoed": Plot(shares_bps=3_000, cash=0, days=30, vetoed=True),
    "30 % for 30 days, no veto": Plot(shares_bps=3_000, cash=0, days=30, vetoed=False),
    "fresh cash of 3/7 for 30 days, vetoed": Plot(
        shares_bps=0, cash=NAV * 3 // 7, days=30, vetoed=True
    ),
    "fresh cash of ten times NAV, vetoed": Plot(shares_bps=0, cash=NAV * 10, days=7, vetoed=True),
}
"""By name; percentages of the shares are before the plot."""

BOUNDS: Final = {
    "30 % of the shares, releases vetoed": 300,
    "30 % of the shares, no veto": 580,
    "fresh cash of 1/9 of NAV, vetoed": 160,
    "fresh cash of 3/7 of NAV, vetoed": 560,
    "fresh cash of 3/7 of NAV, no veto": 880,
    "mean lag at 1 % a day": 10,
    "mean lag at 2 % a day": 60,
    "mean lag at 3 % a day": 140,
}
"""Most that may be taken, and the most of mean lag, in basis points of NAV."""


def page(now: datetime | None = None) -> str:
    """Measure everything and return docs/adversaries.md."""
    date = (now or datetime.now(UTC)).date().isoformat()
    quorum = [_quorum_row(name, plot) for name, plot in QUORUM.items()]
    lag = [_lag_row(bps) for bps in (100, 200, 300)]
    return TEMPLATE.read_text(encoding="utf-8").format(
        date=date,
        width=WIDTH,
        seeds=SEEDS,
        quorum="\n".join(quorum),
        lag="\n".join(lag),
        trend="\n".join(_trend_row(bps) for bps in (500, -500, 1_000, -1_000)),
        crash="\n".join(_crash_row(bps) for bps in (190, 1_500)),
    )


def _percent(part: int, whole: int) -> str:
    return f"{part * 10_000 / whole / 100:.2f} %"


def _quorum_row(name: str, plot: Plot) -> str:
    taken, path = best(plot, width=WIDTH)
    shown = path if len(path) <= 8 else path[:8]
    steps = ", ".join(f"{flow} / {report}" for flow, report in shown)
    more = f", and {len(path) - 8} more" if len(path) > 8 else ""
    bound = _percent(BOUNDS[name], 10_000) if name in BOUNDS else "none"
    return f"| {name} | {plot.days} | {_percent(taken, NAV)} | {bound} | {steps}{more} |"


def _lag_row(daily_bps: int) -> str:
    lag: Lag = lags(daily_bps, range(SEEDS))
    parts = (lag.mean, lag.p95, lag.largest, lag.worst_year_mean)
    shown = " | ".join(_percent(part, 10**6) for part in parts)
    bound = _percent(BOUNDS[f"mean lag at {daily_bps // 100} % a day"], 10_000)
    held = _percent(lag.held, 10**6)
    return f"| {daily_bps // 100} % | {shown} | {lag.longest} | {held} | {bound} |"


def _trend_row(trend_bps: int) -> str:
    trend = trend_through_a_hedge(trend_bps)
    gamma, mean = (_percent(part, 10**6) for part in (trend.gamma, trend.at_mean))
    return f"| {trend_bps / 100:+.0f} % | {gamma} | < 0.05 % | {mean} |"


def _crash_row(crash_bps: int) -> str:
    crash = crash_and_exit(crash_bps)
    return f"| -{crash_bps / 100:.1f} % | {crash.paid - crash.fair} units | {crash.held} |"
