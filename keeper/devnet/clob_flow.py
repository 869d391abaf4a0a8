"""Other traders on the local exchange, through its own wire protocol: takers and a slow maker."""

import asyncio
import contextlib
import random

from keeper.devnet.clock import WorldClock
from keeper.devnet.identities import VenueIdentity
from keeper.devnet.markets import MarketRoute
from keeper.devnet.prices import PricePath
from keeper.domain.commands import PlaceOrder
from keeper.domain.errors import VenueUnavailable
from keeper.domain.orders import Side, TimeInForce
from keeper.domain.units import NS_PER_MS, PPM
from keeper.venues.dydx import messages
from keeper.venues.dydx.authorising import KIND, Grant
from keeper.venues.dydx.node import BroadcastReply, Node
from keeper.venues.dydx.reader import Authenticator, Reader
from keeper.venues.dydx.settings import USDC_DENOM
from keeper.venues.dydx.signing import GasFee, TxSigner

__all__ = ["GAS", "SlowMaker", "TakerFlow", "Trader"]

_DEADLINE_MS = 3_000
_TAKER_BLOCKS = 3
_MAKER_BLOCKS = 6
_MAKER_ORDERS = ((2_500, 1_200_000_000), (4_000, 15_000_000_000))
"""Away from the price in ppm, and size in quote quantums: little close by, much far off."""
GAS = GasFee(gas_limit=1_000_000, amount=50_000, denom=USDC_DENOM)


class Trader:
    """One account of the exchange that can take and rest short-term orders."""

    def __init__(
        self, node: Node, clock: WorldClock, identity: VenueIdentity, route: MarketRoute
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

    async def deposit(self, amount: int) -> BroadcastReply:
        """Move quote quantums from the wallet into subaccount 0."""
        message = messages.deposit(self.identity.address, (self.identity.address, 0), amount)
        signed = await (await self._tx_signer()).with_nonce(message, self._now_ms(), GAS)
        return await self._node.broadcast(signed.raw, _DEADLINE_MS)

    async def send(self, recipient: str, amount: int) -> BroadcastReply:
        """Send quote quantums from the wallet to another wallet, which comes to exist by it."""
        message = messages.bank_send(self.identity.address, recipient, amount, USDC_DENOM)
        signed = await (await self._tx_signer()).with_nonce(message, self._now_ms(), GAS)
        return await self._node.broadcast(signed.raw, _DEADLINE_MS)

    async def authorise(self, grant: Grant) -> BroadcastReply:
        """Let another key trade for this account, within the grant's filters."""
        message = messages.add_authenticator(self.identity.address, KIND, grant.config)
        signed = await (await self._tx_signer()).with_nonce(message, self._now_ms(), GAS)
        return await self._node.broadcast(signed.raw, _DEADLINE_MS)

    async def authenticators(self) -> tuple[Authenticator, ...]:
        """What was registered for this account."""
        return await self._reader.authenticators(self.identity.address)

    async def take(self, side: Side, quantums: int, subticks: int) -> BroadcastReply:
        """Send one immediate-or-cancel order that lives for the next blocks only."""
        self._next_client_id += 1
        return await self._place(
            self._next_client_id, side, quantums, subticks, (TimeInForce.IOC, _TAKER_BLOCKS)
        )

    async def rest(
        self, client_id: int, side: Side, quantums: int, subticks: int
    ) -> BroadcastReply:
        """Place a post-only order that soon dies by itself."""
        life = (TimeInForce.POST_ONLY, _MAKER_BLOCKS)
        return await self._place(client_id, side, quantums, subticks, life)

    async def _place(
        self,
        client_id: int,
        side: Side,
        quantums: int,
        subticks: int,
        life: tuple[TimeInForce, int],
    ) -> BroadcastReply:
        height = (await self._reader.header()).height
        order = PlaceOrder(
            market=self._route.market,
            client_id=client_id,
            side=side,
            quantums=quantums,
            subticks=subticks,
            good_til_block=height + life[1],
            time_in_force=life[0],
            reduce_only=False,
        )
        message = messages.place_order(self.identity.address, 0, self._route.clob_pair_id, order)
        signed = await (await self._tx_signer()).short_term(message)
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
        self, takers: tuple[Trader, ...], path: PricePath, route: MarketRoute, seed: int
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
        price, route = self._path.price, self._route
        worst = route.subticks(price, side.sign * route.slippage_ppm)
        self.replies.append(await taker.take(side, route.quantums(price, budget), worst))


class SlowMaker:
    """Another maker, so that the book has two sides without the keeper, and depth behind it.

    Every order has an id of its own: a replacement would inherit what was filled before it.
    """

    def __init__(self, trader: Trader, path: PricePath, route: MarketRoute) -> None:
        self._trader = trader
        self._path = path
        self._route = route
        self._next_client_id = 0
        self.replies: list[BroadcastReply] = []

    async def run_forever(self) -> None:
        """Renew every few seconds, before the former orders die."""
        while True:
            with contextlib.suppress(VenueUnavailable):
                await self.renew()
            await asyncio.sleep(3)

    async def renew(self) -> None:
        """Place two orders a side; those before them die within two renewals."""
        price, route = self._path.price, self._route
        for away_ppm, quote_quantums in _MAKER_ORDERS:
            quantums = route.quantums(price, quote_quantums)
            for side in Side:
                self._next_client_id += 1
                subticks = route.subticks(price, -side.sign * away_ppm)
                self.replies.append(
                    await self._trader.rest(self._next_client_id, side, quantums, subticks)
                )
