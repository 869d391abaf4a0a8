"""Takers on the local exchange: seeded two-sided flow through the exchange's own wire protocol."""

import asyncio
import contextlib
import random
from dataclasses import dataclass

from keeper.devnet.clock import WorldClock
from keeper.devnet.identities import VenueIdentity
from keeper.devnet.prices import PRICE_DECIMALS, PricePath
from keeper.domain.commands import PlaceOrder
from keeper.domain.errors import VenueUnavailable
from keeper.domain.orders import Side, TimeInForce
from keeper.domain.units import NS_PER_MS, PPM
from keeper.venues.dydx import messages
from keeper.venues.dydx.node import BroadcastReply, Node
from keeper.venues.dydx.reader import Reader
from keeper.venues.dydx.settings import USDC_DENOM
from keeper.venues.dydx.signing import GasFee, TxSigner

__all__ = ["Taker", "TakerFlow", "TakerRoute"]

_DEADLINE_MS = 3_000
_GAS = GasFee(gas_limit=1_000_000, amount=50_000, denom=USDC_DENOM)


@dataclass(frozen=True, slots=True)
class TakerRoute:
    """The market takers trade: its ids, units and the largest single order in quote quantums."""

    chain_id: str
    market: str
    clob_pair_id: int
    atomic_resolution: int
    quantum_conversion_exponent: int
    step_base_quantums: int
    subticks_per_tick: int
    max_order_quote_quantums: int
    slippage_ppm: int


class Taker:
    """One account that buys and sells at once, never resting an order."""

    def __init__(
        self, node: Node, clock: WorldClock, identity: VenueIdentity, route: TakerRoute
    ) -> None:
        self._node = node
        self._reader = Reader(node)
        self._clock = clock
        self._route = route
        self._signer: TxSigner | None = None
        self._next_client_id = 1
        self.identity = identity

    async def wallet(self) -> int:
        """Quote quantums in the wallet."""
        return await self._reader.bank_balance(self.identity.address, USDC_DENOM)

    async def deposit_all(self) -> BroadcastReply:
        """Move the wallet into subaccount 0, less the fee of doing so."""
        amount = await self.wallet() - _GAS.amount
        message = messages.deposit(self.identity.address, (self.identity.address, 0), amount)
        signed = (await self._tx_signer()).with_nonce(message, self._now_ms(), _GAS)
        return await self._node.broadcast(signed.raw, _DEADLINE_MS)

    async def take(self, side: Side, quantums: int, subticks: int) -> BroadcastReply:
        """Send one immediate-or-cancel order that lives for the next blocks only."""
        height = (await self._reader.header()).height
        order = PlaceOrder(
            market=self._route.market,
            client_id=self._next_client_id,
            side=side,
            quantums=quantums,
            subticks=subticks,
            good_til_block=height + 3,
            time_in_force=TimeInForce.IOC,
            reduce_only=False,
        )
        self._next_client_id += 1
        message = messages.place_order(self.identity.address, 0, self._route.clob_pair_id, order)
        signed = (await self._tx_signer()).short_term(message)
        return await self._node.broadcast(signed.raw, _DEADLINE_MS)

    async def _tx_signer(self) -> TxSigner:
        if self._signer is None:
            account = await self._reader.account(self.identity.address)
            if account is None:
                raise VenueUnavailable(f"{self.identity.address} has no account yet")
            number = account[0]
            self._signer = TxSigner(self.identity.signer, self._route.chain_id, number)
        return self._signer

    def _now_ms(self) -> int:
        return self._clock.now_ns() // NS_PER_MS


class TakerFlow:
    """Random market orders from several takers; `buy_ppm` leans the flow to one side."""

    def __init__(
        self, takers: tuple[Taker, ...], path: PricePath, route: TakerRoute, seed: int
    ) -> None:
        self._takers = takers
        self._path = path
        self._route = route
        self._random = random.Random(seed)
        self.interval_seconds = 1.5
        self.buy_ppm = PPM // 2
        self.replies: list[BroadcastReply] = []

    async def run_forever(self) -> None:
        """Trade until cancelled; an unreachable exchange is a quiet market."""
        while True:
            with contextlib.suppress(VenueUnavailable):
                await self.trade()
            await asyncio.sleep(self.interval_seconds * (0.5 + self._random.random()))

    async def trade(self) -> None:
        """One order: random taker, side and size, at a price that reaches every honest quote."""
        taker = self._random.choice(self._takers)
        side = Side.BUY if self._random.randrange(PPM) < self.buy_ppm else Side.SELL
        budget = self._random.randint(
            self._route.max_order_quote_quantums // 5, self._route.max_order_quote_quantums
        )
        self.replies.append(await taker.take(side, self._quantums(budget), self._limit(side)))

    def _quantums(self, quote_quantums: int) -> int:
        """Base quantums worth `quote_quantums` at the path's price, down to the step."""
        scale: int = 10 ** (PRICE_DECIMALS - 6 - self._route.atomic_resolution)
        quantums = quote_quantums * scale // self._path.price
        step = self._route.step_base_quantums
        return max(step, quantums // step * step)

    def _limit(self, side: Side) -> int:
        """Worst subticks the taker accepts, on the tick."""
        shift = PPM + side.sign * self._route.slippage_ppm
        exponent = self._route.quantum_conversion_exponent - 6 - self._route.atomic_resolution
        scale: int = 10**-exponent
        subticks: int = self._path.price * shift // PPM * scale // 10**PRICE_DECIMALS
        tick = self._route.subticks_per_tick
        return subticks // tick * tick
