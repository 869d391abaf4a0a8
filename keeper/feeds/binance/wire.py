"""Binance's stream and depth payloads, typed; prices and sizes become integers of 1e-8.

One line of a recording is one such payload: a combined-stream message (`{"stream", "data"}`) or
the bare answer of the depth endpoint.
"""

import enum
import functools
from typing import Final

import msgspec

from keeper.domain.errors import WireError

__all__ = [
    "E8",
    "BinanceMarket",
    "BookTicker",
    "DepthSnapshot",
    "DepthUpdate",
    "Level",
    "Other",
    "Payload",
    "Trade",
    "decode",
    "decode_snapshot",
    "decode_stream",
    "e8",
    "levels_e8",
]

E8: Final = 100_000_000
_DECIMALS: Final = 8
_SCALES: Final = tuple(int("1" + "0" * (_DECIMALS - kept)) for kept in range(_DECIMALS + 1))

Level = tuple[str, str]
"""Price and size as Binance writes them; a size of zero removes the level."""


class BinanceMarket(enum.StrEnum):
    """Which of Binance's exchanges: their messages differ in the sequence they carry."""

    SPOT = "spot"
    USDM = "usdm"


class DepthUpdate(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Absolute levels changed by updates `first_id..last_id`; times are Unix milliseconds.

    Futures also name the last id of the message before (`previous_id`) and the time of matching.
    """

    event_ms: int = msgspec.field(name="E")
    matched_ms: int | None = msgspec.field(name="T", default=None)
    symbol: str = msgspec.field(name="s")
    first_id: int = msgspec.field(name="U")
    last_id: int = msgspec.field(name="u")
    previous_id: int | None = msgspec.field(name="pu", default=None)
    bids: list[Level] = msgspec.field(name="b")
    asks: list[Level] = msgspec.field(name="a")

    @property
    def market(self) -> BinanceMarket:
        return BinanceMarket.SPOT if self.previous_id is None else BinanceMarket.USDM


class DepthSnapshot(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The depth endpoint's answer: the best levels as of `last_id`; spot gives no times."""

    last_id: int = msgspec.field(name="lastUpdateId")
    event_ms: int | None = msgspec.field(name="E", default=None)
    bids: list[Level]
    asks: list[Level]


class BookTicker(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The best bid and ask after update `last_id`; spot gives no times."""

    last_id: int = msgspec.field(name="u")
    symbol: str = msgspec.field(name="s")
    bid: str = msgspec.field(name="b")
    bid_size: str = msgspec.field(name="B")
    ask: str = msgspec.field(name="a")
    ask_size: str = msgspec.field(name="A")
    event_ms: int | None = msgspec.field(name="E", default=None)
    matched_ms: int | None = msgspec.field(name="T", default=None)


class Trade(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One match; `buyer_is_maker` means that a seller took. Futures name its kind (`MARKET`)."""

    event_ms: int = msgspec.field(name="E")
    matched_ms: int = msgspec.field(name="T")
    symbol: str = msgspec.field(name="s")
    price: str = msgspec.field(name="p")
    size: str = msgspec.field(name="q")
    buyer_is_maker: bool = msgspec.field(name="m")
    kind: str | None = msgspec.field(name="X", default=None)


class Other(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A stream that carries neither book nor trades (mark price, liquidations)."""

    symbol: str = msgspec.field(name="s", default="")
    event_ms: int | None = msgspec.field(name="E", default=None)


Payload = DepthUpdate | DepthSnapshot | BookTicker | Trade | Other


class _Envelope(msgspec.Struct, frozen=True, gc=False):
    stream: str = ""
    data: msgspec.Raw = msgspec.Raw()
    snapshot_id: int | None = msgspec.field(name="lastUpdateId", default=None)


_envelope = msgspec.json.Decoder(_Envelope)
_snapshot = msgspec.json.Decoder(DepthSnapshot)
_other = msgspec.json.Decoder(Other)
_by_channel: Final[dict[str, msgspec.json.Decoder[Payload]]] = {
    "depth": msgspec.json.Decoder(DepthUpdate),
    "bookTicker": msgspec.json.Decoder(BookTicker),
    "trade": msgspec.json.Decoder(Trade),
}


def decode(text: bytes) -> Payload:
    """Decode a stream message or a bare depth snapshot. Raises WireError."""
    try:
        envelope = _envelope.decode(text)
        if envelope.stream:
            return decode_stream(envelope.stream, envelope.data)
        if envelope.snapshot_id is not None:
            return _snapshot.decode(text)
    except msgspec.MsgspecError as error:
        raise WireError(f"not a Binance message: {error}") from error
    raise WireError("not a Binance message: neither `stream` and `data` nor `lastUpdateId`")


def decode_stream(stream: str, data: msgspec.Raw) -> Payload:
    """Decode a message of a stream by its name. Raises msgspec.MsgspecError."""
    channel = stream.partition("@")[2].partition("@")[0]
    return _by_channel.get(channel, _other).decode(data)


def decode_snapshot(text: bytes) -> DepthSnapshot:
    """Decode the depth endpoint's answer. Raises WireError."""
    try:
        return _snapshot.decode(text)
    except msgspec.MsgspecError as error:
        raise WireError(f"not a Binance depth snapshot: {error}") from error


def levels_e8(levels: list[Level]) -> list[tuple[int, int]]:
    """Convert levels to (price, size) in 1e-8, in their order. Raises WireError."""
    return [(e8(price), e8(size)) for price, size in levels]


@functools.lru_cache(maxsize=65_536)
def e8(text: str) -> int:
    """Convert an unsigned decimal to units of 1e-8, exactly. Raises WireError on a remainder."""
    whole, _, fraction = text.partition(".")
    digits = whole + fraction
    if not (digits.isascii() and digits.isdigit()):
        raise WireError(f"not an unsigned decimal: {text!r}")
    excess = fraction[_DECIMALS:]
    if excess.strip("0"):
        raise WireError(f"{text!r} has more than {_DECIMALS} decimals")
    kept = fraction[:_DECIMALS]
    return int(whole + kept) * _SCALES[len(kept)]
