"""Owns candles: trades of a market grouped by the indexer's resolutions."""

from collections import deque
from dataclasses import dataclass

from .rows import TradeRow

__all__ = ["RESOLUTIONS", "Candle", "CandleBook"]

NS = 10**9
RESOLUTIONS = {
    "1MIN": 60,
    "5MINS": 300,
    "15MINS": 900,
    "30MINS": 1_800,
    "1HOUR": 3_600,
    "4HOURS": 14_400,
    "1DAY": 86_400,
}
KEPT = 1_500


@dataclass(slots=True)
class Candle:
    """One period. Prices in subticks, volumes in base quantums and quote quantums, mids in
    half subticks (0 where a side is empty)."""

    started_ns: int
    open: int
    high: int
    low: int
    close: int
    starting_open_interest: int
    mid_open: int
    mid_close: int = 0
    base_volume: int = 0
    quote_volume: int = 0
    trades: int = 0


class CandleBook:
    """Candles of one market in every resolution, oldest first."""

    def __init__(self) -> None:
        self._kept: dict[str, deque[Candle]] = {r: deque(maxlen=KEPT) for r in RESOLUTIONS}

    def add(self, trade: TradeRow, open_interest: int, mid: int) -> None:
        """Count a trade in every resolution."""
        for resolution, seconds in RESOLUTIONS.items():
            started = trade.time_ns // (seconds * NS) * seconds * NS
            kept = self._kept[resolution]
            if not kept or kept[-1].started_ns != started:
                price = trade.subticks
                kept.append(Candle(started, price, price, price, price, open_interest, mid))
            candle = kept[-1]
            candle.high = max(candle.high, trade.subticks)
            candle.low = min(candle.low, trade.subticks)
            candle.close = trade.subticks
            candle.mid_close = mid
            candle.base_volume += trade.quantums
            candle.quote_volume += trade.quote
            candle.trades += 1

    def newest(self, resolution: str) -> Candle | None:
        """Return the running candle, if any."""
        kept = self._kept[resolution]
        return kept[-1] if kept else None

    def between(self, resolution: str, from_ns: int, to_ns: int) -> list[Candle]:
        """Return the candles that start in [from, to), newest first."""
        kept = reversed(self._kept[resolution])
        return [candle for candle in kept if from_ns <= candle.started_ns < to_ns]
