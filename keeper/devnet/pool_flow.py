"""Swappers in the pool: an arbitrageur that follows the price, and seeded two-sided noise."""

import asyncio
import random
from dataclasses import dataclass
from math import isqrt

from keeper.devnet.prices import PRICE_DECIMALS, PricePath
from keeper.devnet.rpc import JsonRpc, RpcError
from keeper.devnet.tokens import Call, NodeAccounts
from keeper.domain.units import PPM

__all__ = ["PoolFlow", "PoolRoute"]

_SWAP = "exactInputSingle((address,address,uint24,address,uint256,uint256,uint256,uint160))"
_FOREVER = 2**40
_UNLIMITED = 2**256 - 1


@dataclass(frozen=True, slots=True)
class PoolRoute:
    """A pool of the asset and the base token, and the accounts that swap there."""

    pool: str
    router: str
    asset: str
    base: str
    asset_is_token0: bool
    asset_decimals: int
    base_decimals: int
    fee_ppm: int
    arbitrageur: str
    noise: str
    noise_assets: int


class PoolFlow:
    """Keeps the pool within its fee of the path's price and trades small amounts both ways."""

    def __init__(self, rpc: JsonRpc, path: PricePath, route: PoolRoute, seed: int) -> None:
        self._accounts = NodeAccounts(rpc)
        self._path = path
        self._route = route
        self._random = random.Random(seed)
        self.swaps = 0

    async def prepare(self) -> None:
        """Let the router take the swappers' tokens."""
        for trader in (self._route.arbitrageur, self._route.noise):
            for token in (self._route.asset, self._route.base):
                call = Call("approve(address,uint256)", self._route.router, _UNLIMITED)
                await self._accounts.send(trader, token, call)

    async def run_forever(self) -> None:
        """One look at the pool every other second."""
        while True:
            await self.arbitrage()
            if self._random.random() < 0.5:
                await self.trade_noise()
            await asyncio.sleep(2)

    async def arbitrage(self) -> None:
        """Swap to the price less the fee when the pool is further away than the fee."""
        fair, spot = self._fair_sqrt_price(), await self._spot()
        if abs(fair - spot) * 2 * PPM <= spot * self._route.fee_ppm:
            return
        token_in = self._token0() if fair < spot else self._token1()
        amount = await self._accounts.balance(token_in, self._route.arbitrageur)
        await self._swap(self._route.arbitrageur, token_in, amount, limit=fair)

    async def trade_noise(self) -> None:
        """Swap a small amount in a random direction."""
        size = self._random.randint(self._route.noise_assets // 4, self._route.noise_assets)
        if self._random.random() < 0.5:
            await self._swap(self._route.noise, self._route.asset, size, limit=0)
        else:
            units = size * 10 ** (PRICE_DECIMALS + self._route.base_decimals)
            units //= self._path.price * 10**self._route.asset_decimals
            await self._swap(self._route.noise, self._route.base, units, limit=0)

    async def _swap(self, trader: str, token_in: str, amount: int, limit: int) -> None:
        token_out = self._route.base if token_in == self._route.asset else self._route.asset
        fee = self._route.fee_ppm
        order = (token_in, token_out, fee, trader, _FOREVER, amount, 0, limit)
        try:
            await self._accounts.send(trader, self._route.router, Call(_SWAP, order))
        except RpcError as error:
            if "revert" not in str(error):
                raise
            return  # a swapper whose price has gone simply does not trade
        self.swaps += 1

    async def _spot(self) -> int:
        signature = ("uint160", "int24", "uint16", "uint16", "uint16", "uint8", "bool")
        slot = await self._accounts.read(self._route.pool, Call("slot0()"), *signature)
        return int(slot[0])

    def _fair_sqrt_price(self) -> int:
        """sqrt(token1 per token0) * 2^96 at the path's price, in token units."""
        assets = self._path.price * 10**self._route.asset_decimals
        bases = 10 ** (PRICE_DECIMALS + self._route.base_decimals)
        ratio = (bases, assets) if self._route.asset_is_token0 else (assets, bases)
        return isqrt((ratio[0] << 192) // ratio[1])

    def _token0(self) -> str:
        return self._route.asset if self._route.asset_is_token0 else self._route.base

    def _token1(self) -> str:
        return self._route.base if self._route.asset_is_token0 else self._route.asset
