"""Records public streams into files that `load_recordings` reads; reconnects, keeps no half."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from keeper.domain.errors import AthanorError, ConfigError, FeedUnavailable, WireError
from keeper.feeds.binance.client import DepthReader
from keeper.feeds.binance.depth import DepthBook
from keeper.feeds.binance.session import Session
from keeper.feeds.binance.settings import BinanceSettings
from keeper.feeds.binance.wire import BinanceMarket, BookTicker
from keeper.ports import Clock
from keeper.recordings import RecordingWriter

__all__ = ["Recorded", "Recorder", "recording_settings"]

_CHANNELS = ("bookTicker", "depth@100ms", "trade")


def recording_settings(kind: str, urls: tuple[str, str], symbols: Sequence[str]) -> BinanceSettings:
    """Return what is recorded: `kind` as in [leader], `urls` of stream and REST."""
    return BinanceSettings(
        market=BinanceMarket(kind.removeprefix("binance-")),
        ws_url=urls[0].rstrip("/"),
        rest_url=urls[1].rstrip("/"),
        symbols=tuple(symbols),
        channels=_CHANNELS,
        eager=False,
    )


@dataclass(slots=True)
class Recorded:
    """What was written of one symbol so far; a break is a loss of the connection."""

    files: list[Path] = field(default_factory=list)
    messages: int = 0
    breaks: int = 0


class Recorder:
    """Writes each symbol's messages as they arrive, until cancelled.

    A connection that ends closes the files; the next one begins new ones with a snapshot of their
    own. A file whose book never stood is removed: nobody could read it.
    """

    def __init__(
        self,
        settings: BinanceSettings,
        folder: Path,
        clock: Clock,
        told: Callable[[str], None],
    ) -> None:
        self._settings = settings
        self._folder = folder
        self._clock = clock
        self._told = told
        self.recorded = {symbol: Recorded() for symbol in settings.symbols}

    async def run(self) -> None:
        """Record until cancelled, reconnecting. `told` hears of every loss.

        Raises FeedUnavailable or WireError when the first connection does not come up, ConfigError
        when the exchange does not know a symbol or the folder cannot be written.
        """
        reader = DepthReader(self._settings)
        pause_ms, was_ever_up = self._settings.reconnect_first_ms, False
        try:
            while True:
                is_up, error = await self._session(reader)
                was_ever_up = was_ever_up or is_up
                if not was_ever_up or isinstance(error, ConfigError):
                    raise error
                self._told(f"{error}; connecting again")
                first_ms, longest_ms = (
                    self._settings.reconnect_first_ms,
                    self._settings.reconnect_max_ms,
                )
                pause_ms = first_ms if is_up else min(pause_ms * 2, longest_ms)
                await self._clock.sleep(pause_ms / 1_000)
        finally:
            await reader.close()

    async def _session(self, reader: DepthReader) -> tuple[bool, AthanorError]:
        """Record one connection; tell whether every book stood, and why it ended."""
        writing = _Writing(self._settings, self._folder, self._clock, self.recorded)
        try:
            await Session(self._settings, reader, self._clock, writing).run()
        except (ConfigError, FeedUnavailable, WireError) as error:
            for recorded in self.recorded.values():
                recorded.breaks += 1
            return writing.is_up, error
        except OSError as error:
            raise ConfigError(
                f"{self._folder} cannot be written: {error.strerror or error}",
                next_step="free space, or choose another folder with --out",
            ) from error
        finally:
            writing.finish()
        raise AssertionError("unreachable: a session ends by an error or a cancellation")


class _Writing:
    """The sink of one connection: a writer per symbol, and which books stood."""

    def __init__(
        self,
        settings: BinanceSettings,
        folder: Path,
        clock: Clock,
        recorded: dict[str, Recorded],
    ) -> None:
        self._clock = clock
        self._recorded = recorded
        self._writers = {
            symbol: RecordingWriter(folder, settings.market, symbol) for symbol in settings.symbols
        }
        self._stood: set[str] = set()

    @property
    def is_up(self) -> bool:
        """Whether every symbol's book stood."""
        return len(self._stood) == len(self._writers)

    def message(self, symbol: str, text: bytes) -> None:
        line = msgspec.json.format(text, indent=-1) if b"\n" in text else text
        self._writers[symbol].write(self._clock.now_ns(), line)
        self._recorded[symbol].messages += 1

    def ticker(self, symbol: str, ticker: BookTicker) -> None:
        """The raw message is written already."""

    def book(self, symbol: str, book: DepthBook) -> None:
        if book.synchronised:
            self._stood.add(symbol)

    def confirmed(self) -> None:
        """Nothing is written without a message."""

    def finish(self) -> None:
        """Close the files; keep those that can be read."""
        for symbol, writer in self._writers.items():
            writer.close()
            if symbol in self._stood:
                self._recorded[symbol].files += writer.files
            else:
                for file in writer.files:
                    file.unlink()
