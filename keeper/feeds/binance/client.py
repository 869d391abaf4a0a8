"""Transport to Binance's public data: one combined stream, and depth snapshots over REST."""

import asyncio
from typing import Final

import httpx
import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidURI, WebSocketException

from keeper.domain.errors import ConfigError, FeedUnavailable
from keeper.feeds.binance.settings import BinanceSettings

__all__ = ["DepthReader", "Stream"]

_DEPTH_LEVELS: Final = 1_000
_MOST_BYTES: Final = 16 * 1024 * 1024
_QUEUE: Final = 4_096
_UNKNOWN_SYMBOL: Final = -1_121
_HEALTH: Final = "check the address, and whether the exchange may be reached from this place"


class _Refusal(msgspec.Struct):
    code: int = 0
    msg: str = ""


class Stream:
    """A connected combined stream."""

    def __init__(self, settings: BinanceSettings, connection: ClientConnection) -> None:
        self._settings = settings
        self._connection = connection

    @classmethod
    async def open(cls, settings: BinanceSettings) -> "Stream":
        """Connect; every channel is followed from here on. Raises FeedUnavailable."""
        try:
            connection = await connect(
                settings.stream_url,
                open_timeout=settings.deadline_ms / 1_000,
                close_timeout=1,
                ping_interval=None,  # `confirm` asks often enough
                max_queue=_QUEUE,
                max_size=_MOST_BYTES,
                compression=None,
            )
        except (WebSocketException, InvalidURI, OSError, TimeoutError) as error:
            raise FeedUnavailable(
                f"{settings.ws_url}: {type(error).__name__} {error}", next_step=_HEALTH
            ) from error
        return cls(settings, connection)

    async def receive(self) -> bytes:
        """Return the next message. Raises FeedUnavailable when the connection ends."""
        try:
            return await self._connection.recv(decode=False)
        except (WebSocketException, OSError) as error:
            raise self._lost(error) from error

    async def confirm(self) -> None:
        """Return once the other end has answered a ping. Raises FeedUnavailable."""
        try:
            async with asyncio.timeout(self._settings.deadline_ms / 1_000):
                await (await self._connection.ping())
        except (WebSocketException, OSError, TimeoutError) as error:
            raise self._lost(error) from error

    async def close(self) -> None:
        """Close the connection."""
        await self._connection.close()

    def _lost(self, error: Exception) -> FeedUnavailable:
        what = str(error) or f"no answer within {self._settings.deadline_ms} ms"
        return FeedUnavailable(f"{self._settings.ws_url}: {what}", next_step=_HEALTH)


class DepthReader:
    """Reads depth snapshots; one pooled client, a deadline on every request."""

    def __init__(self, settings: BinanceSettings) -> None:
        self._settings = settings
        self._client: httpx.AsyncClient | None = None

    async def snapshot(self, symbol: str) -> bytes:
        """Return the raw snapshot of a symbol.

        Raises FeedUnavailable, and ConfigError when the exchange does not know the symbol.
        """
        if self._client is None:
            self._client = httpx.AsyncClient(timeout=self._settings.deadline_ms / 1_000)
        url = self._settings.depth_url
        params = {"symbol": symbol, "limit": str(_DEPTH_LEVELS)}
        try:
            answer = await self._client.get(url, params=params)
        except httpx.HTTPError as error:
            raise FeedUnavailable(
                f"{url}: {type(error).__name__} {error}", next_step=_HEALTH
            ) from error
        if answer.status_code != httpx.codes.OK:
            raise _refused(url, symbol, answer)
        return answer.content

    async def close(self) -> None:
        """Close connections."""
        if self._client is not None:
            await self._client.aclose()


def _refused(url: str, symbol: str, answer: httpx.Response) -> FeedUnavailable | ConfigError:
    try:
        refusal = msgspec.json.decode(answer.content, type=_Refusal)
    except msgspec.MsgspecError:
        refusal = _Refusal()
    if refusal.code == _UNKNOWN_SYMBOL:
        return ConfigError(
            f"{url} does not know the symbol {symbol}",
            next_step="correct the symbol, or the exchange it is asked at",
        )
    return FeedUnavailable(
        f"{url} answered {answer.status_code} {refusal.msg}".rstrip(), next_step=_HEALTH
    )
