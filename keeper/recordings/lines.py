"""Lines `<local time> <json>` of recording files, plain or gzip, one at a time."""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple, cast

from keeper.domain.errors import RecordingInvalid, WireError
from keeper.domain.units import NS_PER_SECOND
from keeper.feeds.binance.wire import Payload, decode

__all__ = ["BACKWARDS_NS", "Line", "payload_of", "read_lines", "refuse"]

BACKWARDS_NS: Final = 5 * NS_PER_SECOND
"""How far a time may lie behind one read before; streams of one connection interleave."""

_UNIT_NS: Final = {13: 1_000_000, 16: 1_000, 19: 1}
_NEXT_STEP: Final = (
    "give raw Binance stream lines `<local time> <json>` of one symbol a file, "
    "as `keeper record` writes them"
)


class Line(NamedTuple):
    """One line: where it stands, the recorder's clock (Unix nanoseconds) and the raw JSON."""

    file: Path
    number: int
    local_ns: int
    text: bytes


def refuse(line: Line, what: str, next_step: str = _NEXT_STEP) -> RecordingInvalid:
    """Make the refusal that names a line."""
    return RecordingInvalid(line.file.name, line.number, what, next_step=next_step)


def read_lines(file: Path) -> Iterator[Line]:
    """Yield a file's lines in order; memory does not grow with the file.

    Times in milliseconds, microseconds and nanoseconds are told apart by their digits.
    Raises RecordingInvalid for another format, a cut-off archive, a clock that runs backwards.
    """
    latest = 0
    for number, raw in enumerate(_raw_lines(file), start=1):
        stamp, _, text = raw.partition(b" ")
        unit = _UNIT_NS.get(len(stamp)) if stamp.isdigit() else None
        line = Line(file, number, int(stamp) * unit if unit else 0, text)
        if unit is None or not text.startswith(b"{"):
            raise refuse(line, f"not `<local time> <json>`: {raw[:40]!r}")
        if line.local_ns < latest - BACKWARDS_NS:
            back_ms = (latest - line.local_ns) // 1_000_000
            raise refuse(line, f"the local clock runs {back_ms} ms backwards")
        latest = max(latest, line.local_ns)
        yield line


def payload_of(line: Line) -> Payload:
    """Decode a line's message. Raises RecordingInvalid."""
    try:
        return decode(line.text)
    except WireError as error:
        raise refuse(line, str(error)) from error


def _raw_lines(file: Path) -> Iterator[bytes]:
    number = 0
    try:
        with _open(file) as stream:
            for raw in stream:
                number += 1
                yield raw.rstrip(b"\r\n")
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise RecordingInvalid(
            file.name,
            number + 1,
            f"the archive is cut off or damaged: {error}",
            next_step="copy the file again, or finish its recording before using it",
        ) from error
    except OSError as error:
        raise RecordingInvalid(
            file.name,
            0,
            f"cannot be read: {error.strerror or error}",
            next_step="give a readable recording file or a folder of them",
        ) from error


def _open(file: Path) -> BinaryIO:
    if file.suffix == ".gz":
        return cast(BinaryIO, gzip.open(file, "rb"))
    return file.open("rb")
