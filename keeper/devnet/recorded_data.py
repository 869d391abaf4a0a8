"""Which recordings of a folder the world can play, and what it says about them."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from keeper.devnet.markets import SYMBOLS, MarketRoute
from keeper.devnet.tape import LEVELS, Tape
from keeper.domain.errors import RecordingInvalid
from keeper.domain.units import NS_PER_MS, NS_PER_SECOND
from keeper.feeds.binance.wire import BinanceMarket
from keeper.pages.report_data import DataSource
from keeper.recordings import Recording, load_recordings, recorded_symbols

__all__ = ["Chosen", "data_source", "described", "find_recordings", "mapping"]

_KINDS: Final = {
    BinanceMarket.USDM: "Binance USD-M perpetual",
    BinanceMarket.SPOT: "Binance spot",
}

Chosen = tuple[tuple[MarketRoute, Recording], ...]


def find_recordings(folder: Path) -> Chosen:
    """Return a checked recording for every market the folder has one for, perpetuals first.

    Raises RecordingInvalid when there is none, or when one is not sound.
    """
    there = recorded_symbols(folder)
    for market in _KINDS:
        symbols = tuple(symbol for symbol in SYMBOLS if (symbol, market) in there)
        if symbols:
            found = load_recordings(folder, symbols, market)
            return tuple((SYMBOLS[recording.symbol], recording) for recording in found)
    wanted = ", ".join(f"{symbol} ({route.market})" for symbol, route in SYMBOLS.items())
    held = ", ".join(sorted(symbol for symbol, _ in there))
    raise RecordingInvalid(
        str(folder),
        0,
        f"holds recordings of {held}, which no market is played from",
        next_step=f"give a folder with a recording of one of: {wanted}",
    )


def mapping(tape: Tape) -> str:
    """Say which symbol is played into which market."""
    played = [f"{each.recording.symbol} -> {each.route.market}" for each in tape.markets]
    return ", ".join(played)


def data_source(tape: Tape, played_to_ns: int) -> DataSource:
    """Say for people what was played, from where to where, and how its clock was corrected."""
    files = sorted({file.name for each in tape.markets for file in each.recording.files})
    kinds = sorted({_KINDS[each.recording.market] for each in tape.markets})
    offsets = {
        each.recording.symbol: each.recording.clock_offset_ns // NS_PER_MS for each in tape.markets
    }
    last_ns = max(tape.from_ns, min(played_to_ns, tape.end_ns))
    return DataSource(
        name=f"{', '.join(kinds)}: {mapping(tape)}",
        span=(
            f"{_utc(tape.start_ns)} to {_utc(tape.end_ns)} UTC; played from {_utc(tape.from_ns)} "
            f"for {(last_ns - tape.from_ns) // NS_PER_SECOND} s"
        ),
        clock_offset="; ".join(
            f"{symbol}: the recorder's clock was {_behind(offset)}, corrected"
            for symbol, offset in offsets.items()
        ),
        note=(
            f"Files: {', '.join(files)}. One account shows the recorded book of each block, its "
            f"best {LEVELS} ticks, less what others took; each recorded trade is an immediate "
            "order of another account. Prices go to the tick outward, sizes down to the step; a "
            "USDT counts as a USDC."
        ),
    )


def described(tape: Tape) -> dict[str, Any]:
    """What is played, as data: markets, and times in Unix nanoseconds."""
    return {
        "start_ns": tape.start_ns,
        "end_ns": tape.end_ns,
        "from_ns": tape.from_ns,
        "markets": [
            {
                "market": each.route.market,
                "symbol": each.recording.symbol,
                "files": [file.name for file in each.recording.files],
                "clock_offset_ns": each.recording.clock_offset_ns,
            }
            for each in tape.markets
        ],
    }


def _behind(offset_ms: int) -> str:
    return f"{abs(offset_ms):,} ms {'behind' if offset_ms >= 0 else 'ahead'}"


def _utc(time_ns: int) -> str:
    return datetime.fromtimestamp(time_ns // NS_PER_SECOND, UTC).strftime("%Y-%m-%d %H:%M:%S")
