"""Nobody types anything but `keeper run`: a depositor asks, and is paid out of both venues.

Beside the keeper run the reporters and the treasurer. The depositor names the keeper her operator
and makes her two requests; cuts, reports, capital home and claims are the keeper's.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from eth_abi.abi import decode
from eth_utils.crypto import keccak

from keeper.devnet.story.facts import ExchangeWatch, Facts, SettleFacts
from keeper.devnet.story.narrator import Narrator
from keeper.devnet.story.scenes import Play
from keeper.devnet.story.stage import Stage
from keeper.devnet.story.stake import pass_a_day
from keeper.devnet.tokens import Call
from keeper.devnet.world import ASSET_UNIT, World
from tests.e2e.console import keeper

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

SEED: Final = 20_261_122
DEPOSITS: Final = {"ada": 320_000, "bruno": 80_000}
"""Ada's part is more than lies idle and in the pool once the keeper has put capital to work."""
COOLDOWN_SECONDS: Final = 60
PACE_SECONDS: Final = 4
BUFFER_PPM: Final = 20_000
GAIN_PPM: Final = 10_000
"""The most by which a settlement can raise the price; the venue may keep the rest as margin."""
VENUE_PPM: Final = 350_000
"""What the local preset keeps beyond what is owed, and the venue's share of the capital."""
PPM: Final = 1_000_000
VAULT_EVENTS: Final = {
    "CloseEpoch": "CloseEpoch(uint64,uint64,uint256,uint256,uint256,uint256,uint256)",
    "Allocate": "Allocate(address,uint256,uint256)",
    "Deallocate": "Deallocate(address,uint256,uint256)",
    "RedeemRequest": "RedeemRequest(address,address,uint256,address,uint256)",
    "Withdraw": "Withdraw(address,address,address,uint256,uint256)",
    "Settle": "Settle(uint64,uint256,uint256,uint256,uint256,uint256,uint256,uint256,uint256,"
    "uint256,uint256,bool)",
}


@dataclass(frozen=True, slots=True)
class Event:
    """A log of the vault: block, who sent its transaction, the first indexed argument, data."""

    block: int
    sender: str
    subject: str
    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Served:
    """What became of the depositor's money, and who did it."""

    people: dict[str, str]
    adapters: dict[str, str]
    events: dict[str, tuple[Event, ...]]
    settlements: Sequence[SettleFacts]
    ada_shares: int
    bruno_shares: int
    idle_when_asked: int
    owed_when_asked: int
    pool_when_asked: int
    ada_received: int
    ada_transactions: int
    relayer_transactions: int
    status: dict[str, Any]
    exit_code: int
    journal: Path


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Served:
    """Tell the story once for all tests of this module."""
    return asyncio.run(_tell(tmp_path_factory.mktemp("house")))


async def _tell(out: Path) -> Served:
    world = World(out / "world", SEED)
    stage = Stage(world)
    try:
        await world.start()
        facts = Facts(world)
        play = Play(world, stage, facts, ExchangeWatch(world), Narrator())
        try:
            await play.open()
            return await _House(world, stage, facts).serve()
        finally:
            await facts.close()
    finally:
        await stage.close()
        await world.stop()


@dataclass(frozen=True, slots=True)
class _House:
    """The world with every process of the product but the keeper."""

    world: World
    stage: Stage
    facts: Facts

    async def serve(self) -> Served:
        await self._deposit()
        await self.world.fund_operator()
        await pass_a_day(self.stage, self.facts)
        await self.stage.start_keeper()
        await self.stage.until("shares claimed for ada", self._ada_has_shares)
        await self.stage.until("capital on both venues", self._is_at_work, patience_seconds=150)
        shares = await self._balance("vault", "ada")
        bruno_shares = await self._balance("vault", "bruno")
        idle = await self.facts.vault_number("idle()")
        owed = await self.facts.vault_number("convertToAssets(uint256)", shares)
        pool = await self._pool_value()
        before = await self._balance("usdc", "ada")
        await self.stage.vault("ada", "redeem", "all")
        await self.stage.until("capital home", self._is_home, patience_seconds=150)
        status = await self.stage.run("status", "--config", str(self.stage.config), "--json")
        await pass_a_day(self.stage, self.facts)

        async def is_paid() -> bool:
            return await self._balance("usdc", "ada") > before

        await self.stage.until("ada is paid", is_paid, patience_seconds=120)
        exit_code = await self.stage.stop("keeper")
        contracts = self.world.contracts
        return Served(
            people={name: person.address.lower() for name, person in self.world.people.items()},
            adapters={
                "pool": contracts.pool_adapter.lower(),
                "clob": contracts.clob_adapter.lower(),
            },
            events={name: await self._events(shape) for name, shape in VAULT_EVENTS.items()},
            settlements=await self.facts.settlements(),
            ada_shares=shares,
            bruno_shares=bruno_shares,
            idle_when_asked=idle,
            owed_when_asked=owed,
            pool_when_asked=pool,
            ada_received=await self._balance("usdc", "ada") - before,
            ada_transactions=await self._sent_by("ada"),
            relayer_transactions=await self._sent_by("relayer"),
            status=status,
            exit_code=exit_code,
            journal=self.stage.journal,
        )

    async def _deposit(self) -> None:
        for person, amount in DEPOSITS.items():
            await self.world.mint(person, amount * ASSET_UNIT)
        await asyncio.sleep(2)
        for person, amount in DEPOSITS.items():
            await self.stage.vault(person, "deposit", str(amount), "--approve")
        keeper_address = self.world.people["keeper"].address
        await self.stage.vault("ada", "operator", keeper_address)

    async def _ada_has_shares(self) -> bool:
        return await self._balance("vault", "ada") > 0

    async def _is_at_work(self) -> bool:
        """A range in the pool, and the venue credited; a pool's steps wait for its cooldown."""
        state = await self.world.exchange.state()
        own = f"{self.world.owner_wallet.address}/0"
        ranges = await self.facts.ranges()
        if own in state["subaccounts"] and any(liquidity for _, _, liquidity in ranges):
            return True
        await self._let_cool()
        return False

    async def _is_home(self) -> bool:
        shares = await self.facts.vault_number(
            "pendingRedeemRequest(uint256,address)", 0, self.world.people["ada"].address
        )
        owed = await self.facts.vault_number("convertToAssets(uint256)", shares)
        wanted = owed + owed * GAIN_PPM // PPM
        if await self.facts.vault_number("idle()") >= wanted:
            return True
        await self._let_cool()
        return False

    async def _let_cool(self) -> None:
        await asyncio.sleep(PACE_SECONDS)
        await self.world.advance(COOLDOWN_SECONDS)

    async def _balance(self, token: str, person: str) -> int:
        address = self.world.people[person].address
        return await self.facts.balance(getattr(self.world.contracts, token), address)

    async def _pool_value(self) -> int:
        adapter = self.world.contracts.pool_adapter
        bid, _ = await self.world.accounts.read(adapter, Call("value()"), "uint256", "uint256")
        return int(bid)

    async def _sent_by(self, person: str) -> int:
        address = self.world.people[person].address
        return int(
            await self.world.anvil.rpc.call("eth_getTransactionCount", address, "latest"), 16
        )

    async def _events(self, signature: str) -> tuple[Event, ...]:
        rpc = self.world.anvil.rpc
        query = {
            "fromBlock": "0x0",
            "address": self.world.contracts.vault,
            "topics": ["0x" + keccak(text=signature).hex()],
        }
        found = []
        for log in await rpc.call("eth_getLogs", query):
            sent = await rpc.call("eth_getTransactionByHash", log["transactionHash"])
            body = bytes.fromhex(log["data"][2:])
            found.append(
                Event(
                    block=int(log["blockNumber"], 16),
                    sender=sent["from"].lower(),
                    subject="0x" + log["topics"][-1][-40:],
                    values=decode(["uint256"] * (len(body) // 32), body),
                )
            )
        return tuple(found)


def while_waiting(served: Served, name: str) -> list[Event]:
    """Events of a kind between the request for redemption and its settlement."""
    (asked,), settled = served.events["RedeemRequest"], served.events["Settle"][-1]
    return [e for e in served.events[name] if asked.block < e.block <= settled.block]


def test_depositor__who_named_the_keeper__gets_her_shares_and_another_does_not(
    served: Served,
) -> None:
    assert served.ada_shares > 0
    assert served.bruno_shares == 0


def test_request__larger_than_what_is_idle_and_in_the_pool__is_paid_in_full(
    served: Served,
) -> None:
    assert served.owed_when_asked > served.idle_when_asked + served.pool_when_asked
    last = served.settlements[-1]
    assert last.redeem_shares == served.ada_shares
    assert 0 <= last.redeem_assets - served.ada_received <= 1


def test_capital__of_both_venues__comes_home_by_deallocations_of_the_keeper(
    served: Served,
) -> None:
    home = while_waiting(served, "Deallocate")

    assert {event.subject for event in home} == set(served.adapters.values())
    assert {event.sender for event in home} == {served.people["keeper"]}


def asked_of_the_venue(served: Served) -> list[int]:
    """What was asked home from the venue while the redemption waited."""
    clob = served.adapters["clob"]
    return [e.values[0] for e in while_waiting(served, "Deallocate") if e.subject == clob]


def test_venue__asked_first__for_what_the_pool_cannot_pay(served: Served) -> None:
    short = served.owed_when_asked * (PPM + BUFFER_PPM) // PPM - served.idle_when_asked

    # The market moves between the look and the request: a fiftieth of the whole at most.
    first = asked_of_the_venue(served)[0]
    assert abs(first - (short - served.pool_when_asked)) < short // 50


def test_venue__asked_in_all__no_more_than_keeps_its_share_of_what_stays(served: Served) -> None:
    """Asking twice for the redemption would leave the venue with next to nothing."""
    shrinks_by = served.owed_when_asked * VENUE_PPM // PPM

    assert sum(asked_of_the_venue(served)) < shrinks_by * 21 // 20


def test_capital__while_a_redemption_waits__none_leaves(served: Served) -> None:
    assert while_waiting(served, "Allocate") == []
    assert served.events["Allocate"]


def test_cuts_and_reports__all__are_the_keepers(served: Served) -> None:
    keeper_address = served.people["keeper"]

    assert len(served.settlements) == len(served.events["CloseEpoch"]) == 3  # its stake's first
    for name in ("CloseEpoch", "Settle"):
        assert {event.sender for event in served.events[name]} == {keeper_address}
    assert served.relayer_transactions == 0


def test_claim__of_the_redemption__sent_by_the_keeper_and_paid_to_her(served: Served) -> None:
    (withdrawn,) = served.events["Withdraw"]

    assert withdrawn.sender == served.people["keeper"]
    assert withdrawn.subject == served.people["ada"]
    assert served.ada_transactions == 4  # approval, deposit, operator, redemption


def test_status__redemption_waiting__names_the_next_cut(served: Served) -> None:
    house = served.status["vault_view"]["housekeeping"]

    assert house["next_duty"]["what"] == "cut"
    assert house["next_duty"]["due_at"] >= served.status["vault_view"]["next_cut_at"]
    assert house["reporters"] == 3


def test_keeper__after_all_of_it__ends_well_and_its_journal_is_decided_again(
    served: Served,
) -> None:
    found = keeper(("replay", str(served.journal)), {}).data

    assert served.exit_code == 0
    assert found["commands_hash"]
