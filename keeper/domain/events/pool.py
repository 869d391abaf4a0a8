"""What the EVM chain tells about a pool and our ranges in it."""

import msgspec

__all__ = ["PoolObserved", "RangeState"]


class RangeState(msgspec.Struct, frozen=True, kw_only=True):
    """A range the adapter holds; liquidity is L."""

    tick_lower: int
    tick_upper: int
    liquidity: int


class PoolObserved(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A pool and our position in it at an EVM block. Key: (adapter, block_number, block_hash).

    Prices: sqrt_price_x96 of the pool; `mark_price` is the feed's answer with `mark_decimals`, or,
    where there is none (`feedless`), the price at `twap_tick`, which is the mark itself.
    Amounts in token units, idle ones alone: what `ranges` hold is beside them; fee in ppm.
    """

    adapter: str
    pool: str
    block_number: int
    block_hash: str
    block_timestamp: int
    sqrt_price_x96: int
    tick: int
    twap_tick: int
    tick_spacing: int
    fee_ppm: int
    liquidity: int
    amount0: int
    amount1: int
    ranges: tuple[RangeState, ...]
    mark_price: int
    mark_decimals: int
    mark_updated_at: int
    last_operation_at: int
    feedless: bool = False
