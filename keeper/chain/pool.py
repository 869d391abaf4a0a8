"""Reads a Uniswap v3 pool, our adapter's position in it and the feed, at one block."""

from dataclasses import dataclass
from typing import Any, Final

from keeper.chain.calls import Block, Call, read_at, view
from keeper.chain.codec import Function
from keeper.chain.rpc import JsonRpc
from keeper.domain.events import PoolObserved, RangeState

__all__ = ["PoolReader", "open_pool"]

_LIQUIDITY: Final = Function("liquidity", bytes.fromhex("1a686502"), (), ("uint128",))
"""The pool's own view; the adapter does not call it, so our minimal interface lacks it."""


@dataclass(frozen=True, slots=True)
class PoolReader:
    """One pool through one adapter; addresses as the configuration spells them."""

    rpc: JsonRpc
    adapter: str
    pool: str
    feed: str
    mark_decimals: int
    tick_spacing: int
    fee_ppm: int

    async def observe(self, block: Block) -> PoolObserved:
        """Read everything at the block. Raises ChainUnavailable, CallReverted, WireError.

        Reverts `TwapNotCovered` until the pool's oracle covers the adapter's window.
        """
        adapter_views = ("balances", "ranges", "twapTick", "lastOperationAt")
        answers = await read_at(
            self.rpc,
            block,
            [
                view("IUniswapV3PoolMinimal", self.pool, "slot0"),
                Call(self.pool, _LIQUIDITY),
                view("IAggregatorV3", self.feed, "latestRoundData"),
                *(view("UniswapV3Adapter", self.adapter, name) for name in adapter_views),
            ],
        )
        slot0, (liquidity,), round_data, (amount0, amount1), (ranges,), (twap,), (last,) = answers
        return PoolObserved(
            adapter=self.adapter,
            pool=self.pool,
            block_number=block.number,
            block_hash=block.hash,
            block_timestamp=block.timestamp,
            sqrt_price_x96=slot0[0],
            tick=slot0[1],
            twap_tick=twap,
            tick_spacing=self.tick_spacing,
            fee_ppm=self.fee_ppm,
            liquidity=liquidity,
            amount0=amount0,
            amount1=amount1,
            ranges=tuple(_range(item) for item in ranges),
            mark_price=round_data[1],
            mark_decimals=self.mark_decimals,
            mark_updated_at=round_data[3],
            last_operation_at=last,
        )


def _range(item: tuple[Any, ...]) -> RangeState:
    return RangeState(tick_lower=item[0], tick_upper=item[1], liquidity=item[2])


async def open_pool(rpc: JsonRpc, adapter: str, pool: str) -> PoolReader:
    """Read what never changes about a pool. Raises ChainUnavailable, CallReverted, WireError."""
    (feed,), (spacing,), (fee,) = await read_at(
        rpc,
        "latest",
        [
            view("UniswapV3Adapter", adapter, "feed"),
            view("IUniswapV3PoolMinimal", pool, "tickSpacing"),
            view("IUniswapV3PoolMinimal", pool, "fee"),
        ],
    )
    ((decimals,),) = await read_at(rpc, "latest", [view("IAggregatorV3", feed, "decimals")])
    return PoolReader(rpc, adapter, pool, feed, decimals, spacing, fee)
