"""Orders and quotes in venue integers: sides, time in force, and what a strategy asks for."""

import enum

import msgspec

__all__ = [
    "Hedge",
    "Liquidity",
    "Quote",
    "RangeTarget",
    "Side",
    "TimeInForce",
    "Transfer",
]


class Side(enum.StrEnum):
    """Direction of an order; `sign` is +1 for a buy and -1 for a sell."""

    BUY = "BUY"
    SELL = "SELL"

    @property
    def sign(self) -> int:
        return _SIGNS[self]

    @property
    def opposite(self) -> "Side":
        return Side.SELL if self is Side.BUY else Side.BUY


_SIGNS = {Side.BUY: 1, Side.SELL: -1}


class TimeInForce(enum.StrEnum):
    """How an order may execute: resting (may cross), post-only, or immediate-or-cancel."""

    GTT = "GTT"
    POST_ONLY = "POST_ONLY"
    IOC = "IOC"


class Liquidity(enum.StrEnum):
    """Which side of a fill we were."""

    MAKER = "MAKER"
    TAKER = "TAKER"


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """One resting order a strategy wants: `quantums` base quantums at `subticks`, in `layer`."""

    market: str
    side: Side
    layer: int
    quantums: int
    subticks: int
    time_in_force: TimeInForce


class RangeTarget(msgspec.Struct, frozen=True, kw_only=True):
    """One concentrated-liquidity range wanted in a pool; ticks are the pool's, liquidity is L."""

    adapter: str
    tick_lower: int
    tick_upper: int
    liquidity: int


class Hedge(msgspec.Struct, frozen=True, kw_only=True):
    """An immediate order wanted to bring net delta home: signed base quantums, worst subticks."""

    market: str
    side: Side
    quantums: int
    worst_subticks: int
    reduce_only: bool


class Transfer(msgspec.Struct, frozen=True, kw_only=True):
    """Capital wanted at an adapter: positive assets go out of the vault, negative come home."""

    adapter: str
    assets: int
