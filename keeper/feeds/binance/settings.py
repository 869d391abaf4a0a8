"""Where Binance's public market data is read and how patiently."""

from dataclasses import dataclass

from keeper.feeds.binance.wire import BinanceMarket

__all__ = ["BinanceSettings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BinanceSettings:
    """One connection's symbols; `channels` are stream names after the symbol.

    `eager` takes a snapshot at once and not only after the first update: a quiet symbol is known
    sooner, and a snapshot may have to be taken twice.
    """

    market: BinanceMarket
    ws_url: str
    rest_url: str
    symbols: tuple[str, ...]
    channels: tuple[str, ...] = ("bookTicker", "depth@100ms")
    eager: bool = True
    deadline_ms: int = 5_000
    confirm_ms: int = 1_000
    reconnect_first_ms: int = 500
    reconnect_max_ms: int = 30_000

    @property
    def stream_url(self) -> str:
        """Address of the combined stream of every symbol and channel."""
        names = [f"{s.lower()}@{channel}" for s in self.symbols for channel in self.channels]
        return f"{self.ws_url}/stream?streams={'/'.join(names)}"

    @property
    def depth_url(self) -> str:
        """Address of the depth endpoint, without its query."""
        path = "/api/v3/depth" if self.market is BinanceMarket.SPOT else "/fapi/v1/depth"
        return f"{self.rest_url}{path}"
