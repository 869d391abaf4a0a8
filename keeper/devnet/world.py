"""The local world as one object: node, contracts, exchange, bridge and actors."""

import asyncio
import json
import time
from collections.abc import Coroutine
from dataclasses import asdict
from pathlib import Path
from typing import Any

from keeper.devnet.anvil import Anvil
from keeper.devnet.book_actors import TAPE_MAKER, TAPE_TAKER, BookActors, Stake
from keeper.devnet.bridge import Bridge
from keeper.devnet.clob_flow import GAS, Trader
from keeper.devnet.clock import WorldClock
from keeper.devnet.deployment import CHAIN_ID, Deployment, deploy
from keeper.devnet.exchange_process import ExchangeProcess, RecordedSettings
from keeper.devnet.identities import (
    EVM_ROLES,
    HOT_WALLET,
    OWNER_WALLET,
    evm_identities,
    venue_identity,
)
from keeper.devnet.leader import LeaderServer
from keeper.devnet.markets import ETH_USD
from keeper.devnet.pool_flow import PoolFlow, PoolRoute
from keeper.devnet.prices import FeedRoute, Listing, Oracle, PricePath, RecordedPath, SeededPath
from keeper.devnet.tape import Tape
from keeper.devnet.tokens import Call, NodeAccounts
from keeper.venues.dydx.authorising import Grant
from keeper.venues.dydx.node import BroadcastReply, Node

__all__ = ["ASSET_UNIT", "ETH_USD", "SHARE_UNIT", "World"]

ASSET_UNIT = 10**6
BASE_UNIT = 10**18
SHARE_UNIT = 10**18
START_PRICE_E8 = 3_000 * 10**8
SWAPPER_ASSETS = 3_000_000 * ASSET_UNIT
SWAPPER_BASE = 1_000 * BASE_UNIT
OPERATOR_FLOAT = 25 * ASSET_UNIT


class World:
    """Everything that is not the product; `start` it, use it, `stop` it.

    With a tape its markets follow the recording, at the time of `tape_clock`, which stands still
    until `roll_tape` and does not see the world's jumps; `leader` serves the recorded streams.
    """

    def __init__(self, folder: Path, seed: int, tape: Tape | None = None) -> None:
        self.folder = folder
        self.seed = seed
        self.people = evm_identities()
        self.owner_wallet = venue_identity(OWNER_WALLET)
        self.hot_wallet = venue_identity(HOT_WALLET)
        self.authenticator_id: int | None = None
        self.tape = tape
        self.clock = WorldClock(folder / "clock.json")
        self.tape_clock = WorldClock(folder / "tape.clock.json")
        self.anvil: Anvil
        self.contracts: Deployment
        self.exchange: ExchangeProcess
        self.bridge: Bridge
        self.oracle: Oracle
        self.book: BookActors
        self.leader: LeaderServer | None = None
        self.accounts: NodeAccounts
        self.swappers: PoolFlow
        self.minted_assets = 0
        self._node: Node | None = None
        self._path: SeededPath | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Bring up chain, contracts, exchange and actors; the actors wait for `open_markets`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.clock.start(time.time_ns())
        if self.tape is not None:
            self.tape_clock.start(self.tape.from_ns, paused=True)
            recordings = [market.recording for market in self.tape.markets]
            self.leader = LeaderServer(recordings, self.tape_clock.now_ns)
            await self.leader.open()
        self.anvil = Anvil(self.folder, self.clock, chain_id=CHAIN_ID, accounts=len(EVM_ROLES))
        await self.anvil.start()
        self.accounts = NodeAccounts(self.anvil.rpc)
        self.anvil.tick_seconds = 0.1
        self.spawn(self.anvil.mine_forever())
        self.exchange = await ExchangeProcess.start(self.folder, self.clock, self._recorded())
        path = self._ether_path()
        self._path = path if isinstance(path, SeededPath) else None
        self.contracts = await deploy(self.anvil.url, self.folder, self.people, path.price)
        self._build_actors(path)
        await self._fund_actors()
        self.anvil.tick_seconds = 1.0
        self._write_record()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something beside the story; `check` raises what it raised."""
        self._tasks.append(asyncio.create_task(work))

    def check(self) -> None:
        """Raise if a part of the world has failed."""
        self.exchange.child.check()
        for task in self._tasks:
            if task.done() and not task.cancelled():
                error = task.exception()
                raise error if error is not None else RuntimeError(f"{task} ended by itself")

    async def open_markets(self) -> None:
        """Let prices move and actors trade."""
        await self.swappers.prepare()
        for work in (self.oracle, self.swappers):
            self.spawn(work.run_forever())

    async def fund_traders(self) -> None:
        """Send the traders' money over the bridge and into their subaccounts, until it is there."""
        for stake in self.book.stakes:
            role = stake.trader.identity.role
            await self.mint(role, stake.assets)
            await self.pay(role, self.people["bridge"].address, stake.assets)
        for stake in self.book.stakes:
            await self.book.until_credited(stake)
            _require_taken(await stake.trader.deposit(stake.assets - OPERATOR_FLOAT))
        await self._until_next_block()
        await self._authorise_keeper()
        for work in self.book.quoting():
            self.spawn(work)
        await self._rest_node()

    async def fund_operator(self) -> None:
        """Give the vault's venue account its float for gas, a stranger's gift to the vault."""
        reply = await self.book.giver.send(self.owner_wallet.address, OPERATOR_FLOAT // 2)
        _require_taken(reply)
        await self._rest_node()
        await self._until_next_block()

    async def fund_venue_account(self, assets: int) -> None:
        """Give the vault's venue account `assets` to quote with: a stranger's gift, all but gas.

        It is paid in over the bridge like any other money, and booked as nobody's deposit.
        """
        giver, owner = self.book.giver, self.owner_wallet
        await self._until_next_block()  # with whatever the giver has sent before
        before = await giver.wallet()
        await self.mint(giver.identity.role, assets)
        await self.pay(giver.identity.role, self.people["bridge"].address, assets)
        await self.book.until_credited(Stake(giver, before + assets))
        _require_taken(await giver.send(owner.address, assets))
        await self._until_next_block()
        node = Node(self.exchange.endpoints.grpc, insecure=True, query_deadline_ms=3_000)
        try:
            account = Trader(node, self.clock, owner, ETH_USD)
            _require_taken(await account.deposit(assets - OPERATOR_FLOAT))
        finally:
            await node.close()
        await self._rest_node()

    def open_order_flow(self) -> None:
        """Let others trade on the book: the seeded takers, or the recording."""
        for work in self.book.taking():
            self.spawn(work)
        self.roll_tape()

    def roll_tape(self) -> None:
        """Let the recording run at the world's pace."""
        if self.tape is not None:
            self.tape_clock.resume()

    def hold_tape(self) -> None:
        """Let the recording stand still: its book and its prices stay as they are."""
        if self.tape is not None:
            self.tape_clock.pause()

    @property
    def tape_is_over(self) -> bool:
        """Whether a recording has run to its end: its last book is held, nobody trades any more."""
        return self.tape is not None and self.tape_clock.now_ns() > self.tape.end_ns

    async def mint(self, role: str, assets: int) -> None:
        """Mint the asset to a person, counted."""
        call = Call("mint(address,uint256)", self.people[role].address, assets)
        await self.accounts.send(self.people["owner"].address, self.contracts.usdc, call)
        self.minted_assets += assets

    async def pay(self, role: str, recipient: str, assets: int) -> None:
        """Transfer a person's assets."""
        call = Call("transfer(address,uint256)", recipient, assets)
        await self.accounts.send(self.people[role].address, self.contracts.usdc, call)

    async def advance(self, seconds: int) -> None:
        """Jump ahead and let both chains make a block there, the feed's round in it."""
        self.clock.step(seconds)
        await self.oracle.push_round()
        await self.anvil.mine()
        await self.oracle.publish()

    async def shift_price(self, ppm: int) -> None:
        """Move ether's price at once, on-chain and on the exchange.

        Raises ValueError where prices are recorded.
        """
        if self._path is None:
            raise ValueError("a recorded price does not move otherwise")
        self._path.shift(ppm)
        await self.oracle.push_round()
        await self.oracle.publish()

    async def stop(self) -> None:
        """Stop everything, newest first."""
        for task in reversed(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.leader is not None:
            await self.leader.close()
        for part in ("bridge", "oracle"):
            if hasattr(self, part):
                await getattr(self, part).close()
        if self._node is not None:
            await self._node.close()
        if hasattr(self, "exchange"):
            await self.exchange.stop()
        if hasattr(self, "anvil"):
            await self.anvil.stop()

    def _recorded(self) -> RecordedSettings | None:
        if self.tape is None:
            return None
        return RecordedSettings(
            tape_path=str(self.tape.path.resolve()),
            from_ns=self.tape.from_ns,
            clock_path=str(self.tape_clock.path.resolve()),
            maker=venue_identity(TAPE_MAKER).address,
            taker=venue_identity(TAPE_TAKER).address,
        )

    def _ether_path(self) -> PricePath:
        recorded = self.tape.market(ETH_USD.market) if self.tape else None
        if recorded is not None:
            return RecordedPath(recorded, self.tape_clock)
        return SeededPath(self.seed, START_PRICE_E8, volatility_ppm=70, pull_ppm=2_000)

    def _listings(self, ether: PricePath) -> tuple[Listing, ...]:
        """ETH-USD always, and what else is recorded."""
        others = [
            Listing(found.route, RecordedPath(found, self.tape_clock))
            for found in (self.tape.markets if self.tape else ())
            if found.route != ETH_USD
        ]
        return (Listing(ETH_USD, ether), *others)

    def _build_actors(self, ether: PricePath) -> None:
        rpc, admin, contracts = self.anvil.rpc, self.exchange.endpoints.admin, self.contracts
        people = self.people
        self.bridge = Bridge(rpc, admin, contracts.usdc, people["bridge"].address)
        self.bridge.register(contracts.clob_adapter, self.owner_wallet.address)
        feed = FeedRoute(contracts.feed, people["owner"].address, ether, 60, 1_000)
        self.oracle = Oracle(rpc, admin, self.clock, self._listings(ether), feed)
        self.swappers = PoolFlow(rpc, ether, self._pool_route(), self.seed + 1)
        self._node = Node(self.exchange.endpoints.grpc, insecure=True, query_deadline_ms=3_000)
        seeded = (ether, self.seed + 2) if isinstance(ether, SeededPath) else None
        self.book = BookActors(self._node, self.clock, seeded=seeded, tape=self.tape is not None)
        for stake in self.book.stakes:
            identity = stake.trader.identity
            self.bridge.register(people[identity.role].address, identity.address)
        self.spawn(self.bridge.run_forever())

    def _pool_route(self) -> PoolRoute:
        contracts = self.contracts
        return PoolRoute(
            pool=contracts.pool,
            router=contracts.router,
            asset=contracts.usdc,
            base=contracts.weth,
            asset_is_token0=int(contracts.usdc, 16) < int(contracts.weth, 16),
            asset_decimals=6,
            base_decimals=18,
            fee_ppm=500,
            arbitrageur=self.people["arbitrageur"].address,
            noise=self.people["noise"].address,
            noise_assets=20_000 * ASSET_UNIT,
        )

    async def _fund_actors(self) -> None:
        self.minted_assets = await self.accounts.read(
            self.contracts.usdc, Call("totalSupply()"), "uint256"
        )
        for role in ("arbitrageur", "noise"):
            await self.mint(role, SWAPPER_ASSETS)
            deposit = {
                "from": self.people[role].address,
                "to": self.contracts.weth,
                "value": hex(SWAPPER_BASE),
                "data": Call("deposit()").data,
            }
            await self.anvil.rpc.call("eth_sendTransaction", deposit)

    async def _authorise_keeper(self) -> None:
        """Let the keeper's key trade the vault's account, and do nothing else with it.

        On this kind of chain an account comes to exist by its first receipt: it is given the fee
        of the registration to the unit, so that the vault's wallet is empty afterwards.
        """
        _require_taken(await self.book.giver.send(self.owner_wallet.address, GAS.amount))
        await self._until_next_block()
        routes = {ETH_USD, *(market.route for market in (self.tape.markets if self.tape else ()))}
        pairs = tuple(sorted(route.clob_pair_id for route in routes))
        if self._node is None:
            raise RuntimeError("the keeper's key is authorised in a world that runs")
        owner = Trader(self._node, self.clock, self.owner_wallet, ETH_USD)
        _require_taken(await owner.authorise(Grant(self.hot_wallet.signer.public_key, 0, pairs)))
        await self._until_next_block()
        (registered,) = await owner.authenticators()
        self.authenticator_id = registered.authenticator_id

    async def _rest_node(self) -> None:
        """Hang up where nobody trades through it: a node does not like pings on an idle line."""
        if self._node is not None and not self.book.is_seeded:
            await self._node.close()

    async def _until_next_block(self) -> None:
        height = (await self.exchange.state())["height"]
        async with asyncio.timeout(30):
            while (await self.exchange.state())["height"] == height:
                await asyncio.sleep(0.2)

    def _write_record(self) -> None:
        record = {
            "evm_rpc_url": self.anvil.url,
            "evm_chain_id": CHAIN_ID,
            "contracts": asdict(self.contracts),
            "venue": asdict(self.exchange.endpoints),
            "owner_wallet": self.owner_wallet.address,
            "hot_wallet": self.hot_wallet.address,
            "people": {role: person.address for role, person in self.people.items()},
        }
        (self.folder / "world.json").write_text(json.dumps(record, indent=2) + "\n")


def _require_taken(reply: BroadcastReply) -> None:
    if reply.code != 0:
        raise RuntimeError(f"the exchange refused: {reply.raw_log}")
