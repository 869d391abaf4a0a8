"""A vault's end on the local world, money on the real pool and on the exchange, to the unit."""

import re
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data

from keeper.devnet.clock import WorldClock
from keeper.devnet.identities import evm_identities
from keeper.devnet.story.stake import STAKE
from keeper.devnet.tokens import Call
from tests.contracts.system import Leg, Report, typed_data
from tests.e2e.local_world import UNIT, LocalWorld, Service, until

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

DAY = 86_400
HALF_HOUR = 1_860
SHARES = {"ada": 60_000, "bruno": 40_000}
POOL_ASSETS = 30_000 * UNIT
VENUE_ASSETS = 40_000 * UNIT
SWAPPED = 6_000 * UNIT
GAS = 5 * UNIT
"""A stranger's gift to the venue account: its first fees, and the float that stays behind."""
FOREVER = 2**63
MAX = 2**256 - 1
LEGS = "(int256,uint128,uint128,uint64)[]"
SUBMIT = (
    "submitReport((uint64,uint32,bytes32,(int256,uint128,uint128,uint64)[],int256[5],int256,"
    "bytes32,bytes32),bytes[])"
)


@dataclass(slots=True)
class Story:
    """A world in which a keeper put money to work and died."""

    world: LocalWorld
    treasurer: Service | None = None

    @property
    def clock(self) -> WorldClock:
        return WorldClock(self.world.folder / "clock.json")

    def now(self) -> int:
        block = self.world.rpc("eth_getBlockByNumber", "latest", False)
        return int(block["timestamp"], 16)

    def wait(self, seconds: int) -> None:
        """Jump ahead, until the chain has a block there."""
        target = self.now() + seconds
        self.clock.step(seconds)
        until(lambda: self.now() >= target, "a block after the jump")

    def number(self, contract: str, signature: str, *arguments: Any) -> int:
        found: int = self.world.read(contract, Call(signature, *arguments), "uint256")
        return found

    def held(self, token: str, role: str) -> int:
        return self.number(token, "balanceOf(address)", self.world.address(role))

    def end(self, person: str, *arguments: str) -> dict[str, Any]:
        return self.world.vault(person, "wind-down", *arguments, "--yes", "--json").data

    def keeper_does(self, call: Call) -> bool:
        """Try a pool operation; the adapter refuses it while others push the spot off the mark."""
        sent = {
            "from": self.world.address("keeper"),
            "to": self.world.contract("pool_adapter"),
            "data": call.data,
            "gas": hex(5_000_000),
        }
        digest = self.world.rpc("eth_sendTransaction", sent)
        receipt = until(
            lambda: self.world.rpc("eth_getTransactionReceipt", digest), "the keeper's receipt"
        )
        return bool(receipt["status"] == "0x1")

    def start_treasurer(self) -> None:
        log = self.world.folder / "treasurer.log"
        arguments = ("treasurer", "serve", "--config", str(self.world.config))
        self.treasurer = Service(arguments, log, self.world.keys())

    def kill_treasurer(self) -> None:
        if self.treasurer is not None:
            self.treasurer.stop(signal.SIGKILL)
            self.treasurer = None

    def subaccount(self) -> Any:
        return self.world.exchange()["subaccounts"].get(f"{self.world.wallet}/0")


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    world = LocalWorld.start(tmp_path)
    told = Story(world)
    try:
        deposit(told)
        put_to_work(told)
        yield told
    finally:
        told.kill_treasurer()
        assert world.stop() == 0, world.service.log.read_text()


def deposit(story: Story) -> None:
    """Ada and Bruno come in after the keeper; the reporters' last act is the report of it."""
    world = story.world
    for person, assets in SHARES.items():
        world.mint(person, assets * UNIT)
        world.vault(person, "deposit", str(assets), "--approve", "--yes", "--json").data  # noqa: B018
    story.wait(story.number("vault", "nextCutTime()") - story.now())
    cut = ("vault", "cut", "--yes", "--json")  # refused until the feed has a round of this day
    until(lambda: world.keeper(*cut, person="carla", settings={}).exit_code == 0, "the cut")
    ((equity, credited, debited, height),) = world.read("reporter", Call("lastLegs()"), LEGS)
    report = Report(
        epoch=2,
        set_id=1,
        prev_hash=world.read("reporter", Call("lastReportHash()"), "bytes32"),
        legs=(Leg(equity, credited, debited, height + 1),),
    )
    report = Report(**{**_fields(report), "data_root": bytes(32), "data_cid": bytes(32)})
    document = typed_data(
        report, world.contract("vault"), world.contract("reporter"), world.record["evm_chain_id"]
    )
    message = encode_typed_data(full_message=document)
    people = evm_identities()
    signed = [
        bytes(Account.sign_message(message, people[role].key).signature)
        for role in ("reporter_one", "reporter_two")
    ]
    world.transact("relayer", "reporter", Call(SUBMIT, report.as_tuple(), signed))
    for person in SHARES:
        world.vault(person, "claim", "--yes", "--json").data  # noqa: B018


def _fields(report: Report) -> dict[str, Any]:
    return {name: getattr(report, name) for name in Report.__slots__}


def put_to_work(story: Story) -> None:
    """The keeper's last acts: WETH and a range in the pool, collateral in the subaccount."""
    world = story.world
    for leg, assets in (("pool_adapter", POOL_ASSETS), ("clob_adapter", VENUE_ASSETS)):
        call = Call("allocate(address,uint256)", world.contract(leg), assets)
        world.transact("keeper", "vault", call)
    usdc_is_0 = int(world.contract("usdc"), 16) < int(world.contract("weth"), 16)
    swap = Call("swapExactIn(bool,uint256,uint256,uint256)", usdc_is_0, SWAPPED, 0, FOREVER)
    until(lambda: story.keeper_does(swap), "a swap near the mark")
    story.wait(61)
    (_, tick, *_) = world.read("pool", Call("slot0()"), *SLOT0)
    low, high = tick // 60 * 60 - 1_200, tick // 60 * 60 + 1_200
    mint = "mintRange(int24,int24,uint128,uint256,uint256,uint256)"
    position = Call(mint, low, high, 10**14, MAX, MAX, FOREVER)
    until(lambda: story.keeper_does(position), "a range near the mark")
    credit = {"recipient": world.wallet, "amount": GAS, "memo": "a stranger's gift"}
    world.mint("bridge", GAS)
    world.client.post(f"{world.endpoint('admin')}/admin/bridge/credit", json=credit)
    story.start_treasurer()
    until(story.subaccount, "collateral in the subaccount")


SLOT0 = ("uint160", "int24", "uint16", "uint16", "uint16", "uint8", "bool")


def start(story: Story) -> None:
    """A week without a settlement; Carla, who owns nothing, ends the vault."""
    last = story.number("vault", "lastSettledAt()")
    story.wait(last + 7 * DAY + 5 - story.now())
    story.end("carla", "start")
    story.wait(HALF_HOUR)  # the pool's mean follows what happened in the week
    story.end("carla", "unwind")


def home(story: Story) -> int:
    """All that came back to the order-book adapter, collected or not [asset units]."""
    world = story.world
    lying = story.number("usdc", "balanceOf(address)", world.contract("clob_adapter"))
    return lying + story.number("clob_adapter", "returned()")


def recovered(story: Story) -> dict[str, int]:
    return {
        token: story.number("end", "recovered(address)", story.world.contract(token))
        for token in ("usdc", "weth")
    }


def claim(story: Story, first: bool) -> dict[str, tuple[int, int]]:
    """Everybody gives his shares back and claims; what each received of USDC and WETH."""
    got = {}
    for person in SHARES:
        before = {token: story.held(token, person) for token in ("usdc", "weth")}
        if first:
            story.end(person, "exit", "all")
        story.end(person, "claim")
        after = {token: story.held(token, person) for token in ("usdc", "weth")}
        got[person] = (after["usdc"] - before["usdc"], after["weth"] - before["weth"])
    return got


def part(whole: int, person: str) -> int:
    """What a person gets of a whole; the keeper's stake has its part too and leaves it there."""
    return whole * SHARES[person] // (sum(SHARES.values()) + STAKE)


def left_on_the_exchange(story: Story) -> int:
    """What the vault's wallet and subaccount still have [asset units]."""
    state = story.world.exchange()
    equity = state["subaccounts"].get(f"{story.world.wallet}/0") or {}
    return int(state["bank"].get(story.world.wallet) or 0) + int(equity.get("usdc", 0))


def point_to_the_end(story: Story) -> None:
    """Name the wind-down's address beside the other contracts."""
    address = story.world.read("vault", Call("windDown()"), "address")
    assert re.fullmatch("0x[0-9a-f]{40}", address)
    story.world.record["contracts"]["end"] = address


def test_wind_down__keeper_dead_and_treasurer_alive__everything_comes_home(story: Story) -> None:
    point_to_the_end(story)
    asked = story.now()
    start(story)

    until(lambda: home(story) >= VENUE_ASSETS, "the venue's part", patience_seconds=120)
    until(lambda: left_on_the_exchange(story) <= GAS, "the rest of it")
    story.end("carla", "collect")
    whole = recovered(story)
    got = claim(story, first=True)

    assert home(story) >= VENUE_ASSETS
    for person in SHARES:
        assert got[person] == (part(whole["usdc"], person), part(whole["weth"], person))
    assert whole["usdc"] >= 95_000 * UNIT - POOL_ASSETS + VENUE_ASSETS - SWAPPED
    assert whole["weth"] > 0
    assert story.number("vault", "idle()") == 0
    assert story.now() - asked < story.number("end", "exitBound()")


def test_wind_down__both_dead__chain_part_in_the_bound_and_the_venues_weeks_later(
    story: Story,
) -> None:
    point_to_the_end(story)
    story.kill_treasurer()
    asked = story.now()
    start(story)
    story.end("carla", "collect")
    chain_part = recovered(story)
    early = claim(story, first=True)
    assert home(story) == 0
    for person in SHARES:
        assert early[person] == (
            part(chain_part["usdc"], person),
            part(chain_part["weth"], person),
        )
    assert story.now() - asked < story.number("end", "exitBound()")

    story.wait(30 * DAY)
    story.start_treasurer()
    until(lambda: home(story) >= VENUE_ASSETS, "the venue's part", patience_seconds=120)
    until(lambda: left_on_the_exchange(story) <= GAS, "the rest of it")
    arrived = home(story)
    story.end("carla", "collect")
    late = claim(story, first=False)

    assert arrived >= VENUE_ASSETS
    assert recovered(story)["usdc"] == chain_part["usdc"] + arrived
    for person in SHARES:
        whole = part(chain_part["usdc"] + arrived, person)
        assert (early[person][0] + late[person][0], late[person][1]) == (whole, 0)
