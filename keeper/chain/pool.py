"""Reads a Uniswap v3 pool, our adapter's position in it and its mark, at one block.

The mark is the feed's latest round, or, of a token without a feed, the pool's 30-minute mean.
"""

from dataclasses import dataclass
from typing import Any, Final

from keeper.chain.calls import Block, Call, read_at, view
from keeper.chain.codec import Function
from keeper.chain.rpc import JsonRpc
from keeper.domain.events import PoolObserved, RangeState
from keeper.markets.univ3 import quote0_in_1_down, quote1_in_0_down, sqrt_price_at_tick

__all__ = ["Feed", "Mean", "PoolReader", "open_pool"]

_LIQUIDITY: Final = Function("liquidity", bytes.fromhex("1a686502"), (), ("uint128",))
"""The pool's own view; the adapter does not call it, so our minimal interface lacks it."""
_LASTING: Final = ("feed", "asset", "token0", "token1")
_MEAN_DECIMALS: Final = 18


@dataclass(frozen=True, slots=True)
class Feed:
    """An independent feed of the base in the asset."""

    address: str
    decimals: int


@dataclass(frozen=True, slots=True)
class Mean:
    """The pool's own mean price instead of a feed."""

    asset_is_token0: bool
    asset_decimals: int
    base_decimals: int

    def price(self, twap_tick: int) -> int:
        """Whole assets per whole base at a mean tick, 18 decimals, rounded down."""
        units = 10 ** (self.base_decimals + _MEAN_DECIMALS)
        quote = quote1_in_0_down if self.asset_is_token0 else quote0_in_1_down
        return int(quote(units, sqrt_price_at_tick(twap_tick)) // 10**self.asset_decimals)


@dataclass(frozen=True, slots=True)
class PoolReader:
    """One pool through one adapter; addresses as the configuration spells them."""

    rpc: JsonRpc
    adapter: str
    pool: str
    mark: Feed | Mean
    tick_spacing: int
    fee_ppm: int

    async def observe(self, block: Block) -> PoolObserved:
        """Read everything at the block. Raises ChainUnavailable, CallReverted, WireError.

        Reverts `TwapNotCovered` until the pool's oracle covers 30 minutes.
        """
        mark = self.mark
        adapter_views = ("balances", "ranges", "twapTick", "lastOperationAt")
        answers = await read_at(
            self.rpc,
            block,
            [
                view("IUniswapV3PoolMinimal", self.pool, "slot0"),
                Call(self.pool, _LIQUIDITY),
                *(view("UniswapV3Adapter", self.adapter, name) for name in adapter_views),
                *_rounds(mark),
            ],
        )
        slot0, (liquidity,), (amount0, amount1), (ranges,), (twap,), (last,), *rounds = answers
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
            mark_price=mark.price(twap) if isinstance(mark, Mean) else rounds[0][1],
            mark_decimals=_MEAN_DECIMALS if isinstance(mark, Mean) else mark.decimals,
            mark_updated_at=block.timestamp if isinstance(mark, Mean) else rounds[0][3],
            last_operation_at=last,
            feedless=isinstance(mark, Mean),
        )


def _rounds(mark: Feed | Mean) -> list[Call]:
    if isinstance(mark, Mean):
        return []
    return [view("IAggregatorV3", mark.address, "latestRoundData")]


def _range(item: tuple[Any, ...]) -> RangeState:
    return RangeState(tick_lower=item[0], tick_upper=item[1], liquidity=item[2])


async def open_pool(rpc: JsonRpc, adapter: str, pool: str) -> PoolReader:
    """Read what never changes about a pool. Raises ChainUnavailable, CallReverted, WireError."""
    (feed,), (asset,), (token0,), (token1,), (spacing,), (fee,) = await read_at(
        rpc,
        "latest",
        [
            *(view("UniswapV3Adapter", adapter, name) for name in _LASTING),
            view("IUniswapV3PoolMinimal", pool, "tickSpacing"),
            view("IUniswapV3PoolMinimal", pool, "fee"),
        ],
    )
    mark: Feed | Mean
    if int(feed, 16):
        ((decimals,),) = await read_at(rpc, "latest", [view("IAggregatorV3", feed, "decimals")])
        mark = Feed(feed, decimals)
    else:
        base = token1 if asset == token0 else token0
        # The vault's own ABI has the ERC-20 functions; they are the same on every token.
        asked = [view("MarketMakingVault", token, "decimals") for token in (asset, base)]
        (asset_decimals,), (base_decimals,) = await read_at(rpc, "latest", asked)
        mark = Mean(asset == token0, asset_decimals, base_decimals)
    return PoolReader(rpc, adapter, pool, mark, spacing, fee)
