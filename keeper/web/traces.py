"""What the live page remembers: the last hour of each figure, one sample a second, and no more."""

from collections import deque
from collections.abc import Mapping
from typing import Any, Final

from keeper.pages.report_data import FillPoint, MarketChart, PoolChart, ProfitPoint
from keeper.pages.series import Points, append, scaled, steps_of

__all__ = ["KEPT_FILLS", "KEPT_SAMPLES", "Traces"]

KEPT_SAMPLES: Final = 3_600
KEPT_FILLS: Final = 200
_USDC: Final = 6
_BASE: Final = 9

Sample = tuple[int, int | None]


class Traces:
    """Time series of one keeper, from the answers it gave; times in unix ms, its own."""

    def __init__(self) -> None:
        self._series: dict[tuple[str, str], deque[Sample]] = {}
        self._fills: dict[str, deque[FillPoint]] = {}
        self._last_ms = -1

    def add(self, status: Mapping[str, Any]) -> None:
        """Take one sample of everything, unless nothing happened since the last."""
        at_ms = status["t_ns"] // 1_000_000
        if at_ms <= self._last_ms:
            return
        self._last_ms = at_ms
        self._note(("", "profit"), at_ms, status["profit_today_quote_quantums"])
        for market in status["markets"]:
            self._market(at_ms, market)
        for pool in status["pools"]:
            for name in ("price_e6", "mark_e6", "lower_e6", "upper_e6"):
                self._note((pool["pool"], name), at_ms, pool[name])

    def fill(self, market: str, point: FillPoint) -> None:
        """Remember a fill."""
        self._fills.setdefault(market, deque(maxlen=KEPT_FILLS)).append(point)

    def markets(self) -> tuple[MarketChart, ...]:
        """Return the charts of every quoted market."""
        names = sorted({name for name, kind in self._series if kind == "oracle"})
        return tuple(self._chart(name) for name in names)

    def pools(self) -> tuple[PoolChart, ...]:
        """Return the chart of every pool."""
        names = sorted({name for name, kind in self._series if kind == "price_e6"})
        return tuple(
            PoolChart(
                pool=name,
                price=self._steps(name, "price_e6"),
                mark=self._steps(name, "mark_e6"),
                lower=self._steps(name, "lower_e6"),
                upper=self._steps(name, "upper_e6"),
            )
            for name in names
        )

    def profit(self) -> tuple[ProfitPoint, ...]:
        """Return the day's profit, over time."""
        return tuple(
            ProfitPoint(at_ms=at, causes_usdc_e6=(value,))
            for at, value in self._steps("", "profit")
            if value is not None
        )

    def newest_fills(self) -> list[tuple[str, FillPoint]]:
        """Return (market, fill), the newest first."""
        found = [(market, fill) for market, fills in self._fills.items() for fill in fills]
        return sorted(found, key=lambda item: item[1].at_ms, reverse=True)[:KEPT_FILLS]

    def _market(self, at_ms: int, market: Mapping[str, Any]) -> None:
        if not market["quoted"]:
            return
        name, oracle = market["market"], market["oracle_price"]
        price = scaled(oracle, market["oracle_exponent"] + _USDC) if oracle else None
        self._note((name, "oracle"), at_ms, price)
        for side in ("own_bid", "own_ask"):
            subticks = market[f"{side}_subticks"]
            shift = _USDC - market["subticks_decimals"]
            value = None if subticks is None else scaled(subticks, shift)
            self._note((name, side), at_ms, value)
        for kind in ("position", "pool"):
            quantums = market[f"{kind}_base_quantums"]
            self._note((name, kind), at_ms, scaled(quantums, _BASE - market["base_decimals"]))

    def _note(self, key: tuple[str, str], at_ms: int, value: int | None) -> None:
        self._series.setdefault(key, deque(maxlen=KEPT_SAMPLES)).append((at_ms, value))

    def _steps(self, name: str, kind: str) -> tuple[Any, ...]:
        """Samples as steps; the last sample stays, so that the line reaches the present."""
        samples = self._series.get((name, kind), deque())
        points: Points = []
        for at_ms, value in samples:
            append(points, at_ms, value)
        if samples and points[-1][0] != samples[-1][0]:
            points.append(samples[-1])
        return tuple(points)

    def _chart(self, name: str) -> MarketChart:
        oracle = tuple(point for point in self._steps(name, "oracle") if point[1] is not None)
        position, pool = self._steps(name, "position"), self._steps(name, "pool")
        first_ms = self._series[(name, "oracle")][0][0]
        has_pool = any(value for _, value in pool)
        return MarketChart(
            market=name,
            oracle=oracle,
            bid=self._steps(name, "own_bid"),
            ask=self._steps(name, "own_ask"),
            fills=tuple(f for f in self._fills.get(name, ()) if f.at_ms >= first_ms),
            position=position,
            pool=pool if has_pool else (),
            net=_net(position, pool) if has_pool else (),
        )


def _net(position: Any, pool: Any) -> tuple[Any, ...]:
    return tuple(
        (at, (held or 0) + (pooled or 0)) for at, (held, pooled) in steps_of(position, pool)
    )
