"""The nonce owner against a scripted node: what leaves, when, and what is said about it."""

import asyncio

import pytest
from fake_node import FakeNode, block_hash

from keeper.chain.operations import Operation
from keeper.chain.signing import Envelope, Fees, GasPolicy, account_from_key, parse, sign
from keeper.chain.transactions import TransactionSender
from keeper.domain.commands import CommandId
from keeper.domain.events import CommandResult, Event, TransactionMined, TransactionSigned

FIRST, SECOND = CommandId(1, 10, 0), CommandId(1, 11, 0)
OPERATION = Operation("0xABaBaBaBABabABabAbAbABAbABabababaBaBABaB", "0x1234")
POLICY = GasPolicy(
    max_fee_per_gas_wei=10_000_000_000,
    max_priority_fee_per_gas_wei=1_000_000,
    max_gas=1_000_000,
    bump_after_ns=1_000,
    confirmations=2,
)


class ManualClock:
    def __init__(self) -> None:
        self.now = 0

    def now_ns(self) -> int:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += int(seconds * 1e9)


class World:
    """A sender, its node, and what it emitted; `logged_at` is how much was out at each barrier."""

    def __init__(self) -> None:
        self.node = FakeNode()
        self.clock = ManualClock()
        self.events: list[Event] = []
        self.sent_when_logged: list[int] = []
        self.sender = TransactionSender(
            self.node.rpc(),
            account_from_key(b"\x01" * 32),
            POLICY,
            chain_id=31337,
            clock=self.clock,
            logged=self._logged,
        )

    async def _logged(self) -> None:
        self.sent_when_logged.append(len(self.node.sent))

    def advance(self) -> list[Event]:
        """One round of the sender; returns what it emitted."""
        before = len(self.events)
        asyncio.run(self.sender.advance(self.events.append))
        return self.events[before:]

    def include(self, raw: str, number: int, *, fork: str = "a") -> None:
        self.node.extend(number, fork)
        self.node.mine(raw, number, fork=fork)
        self.node.mined_nonces = parse(raw)[0].nonce + 1


@pytest.fixture
def world() -> World:
    return World()


def kinds(events: list[Event]) -> list[str]:
    return [type(event).__name__ for event in events]


def outcome(events: list[Event]) -> tuple[str, str]:
    (found,) = [event for event in events if isinstance(event, CommandResult)]
    return found.outcome, found.detail


def test_advance__operation__logged_before_it_leaves(world: World) -> None:
    world.sender.enqueue(FIRST, OPERATION)

    events = world.advance()

    assert kinds(events) == ["TransactionSigned", "CommandResult"]
    assert world.sent_when_logged == [0]
    assert isinstance(events[0], TransactionSigned)
    assert world.node.sent == [events[0].raw]
    assert outcome(events) == ("ACK", "")


def test_advance__would_revert__refused_by_name_and_never_signed(world: World) -> None:
    world.node.revert_data = "0x08ca2bbf" + f"{700:064x}" + f"{500:064x}"
    world.sender.enqueue(FIRST, OPERATION)

    events = world.advance()

    assert kinds(events) == ["CommandResult"]
    assert outcome(events) == ("REJECTED", "VenueCapExceeded(700, 500)")
    assert world.node.sent == []


def test_advance__second_operation__waits_for_the_first_and_takes_the_next_nonce(
    world: World,
) -> None:
    world.sender.enqueue(FIRST, OPERATION)
    world.sender.enqueue(SECOND, OPERATION)
    world.advance()

    assert world.advance() == []
    world.include(world.node.sent[0], 2)
    world.advance()

    assert [parse(raw)[0].nonce for raw in world.node.sent] == [0, 1]


def test_advance__receipt__mined_then_final_after_confirmations(world: World) -> None:
    world.sender.enqueue(FIRST, OPERATION)
    world.advance()
    world.include(world.node.sent[0], 2)
    mined = world.advance()
    world.node.extend(3)
    quiet = world.advance()
    world.node.extend(4)
    final = world.advance()

    assert [(e.final, e.succeeded) for e in mined if isinstance(e, TransactionMined)] == [
        (False, True)
    ]
    assert quiet == []
    assert [e.final for e in final if isinstance(e, TransactionMined)] == [True]
    assert world.sender.idle


def test_advance__answer_lost__unknown_then_same_bytes_again(world: World) -> None:
    world.sender.enqueue(FIRST, OPERATION)
    world.node.lose_answers_of = "eth_sendRawTransaction"
    events = world.advance()
    world.node.lose_answers_of = ""
    world.advance()

    assert outcome(events)[0] == "UNKNOWN"
    assert len(world.node.sent) == 2
    assert world.node.sent[0] == world.node.sent[1]


def test_advance__unreachable_before_signing__dropped(world: World) -> None:
    world.node.unreachable = True
    world.sender.enqueue(FIRST, OPERATION)

    events = world.advance()

    assert outcome(events)[0] == "DROPPED"
    assert world.sender.idle


def test_advance__node_refuses_the_bytes__rejected_and_nonce_free(world: World) -> None:
    world.node.send_error = {"code": -32000, "message": "insufficient funds for gas"}
    world.sender.enqueue(FIRST, OPERATION)
    events = world.advance()
    world.node.send_error = None
    world.sender.enqueue(SECOND, OPERATION)
    world.advance()

    assert outcome(events) == ("REJECTED", "insufficient funds for gas")
    assert [parse(raw)[0].nonce for raw in world.node.sent] == [0]


def test_advance__not_included_in_time__dearer_replacement_of_the_same_nonce(world: World) -> None:
    world.sender.enqueue(FIRST, OPERATION)
    world.advance()
    world.clock.now = 1_000

    events = world.advance()

    first, second = (parse(raw)[0] for raw in world.node.sent)
    assert kinds(events) == ["TransactionSigned"]
    assert second.nonce == first.nonce
    assert second.operation == first.operation
    assert second.fees.max_fee_wei * 1000 >= first.fees.max_fee_wei * 1125
    assert world.sent_when_logged == [0, 1]


def test_advance__older_version_included__mined_under_its_own_hash(world: World) -> None:
    world.sender.enqueue(FIRST, OPERATION)
    world.advance()
    world.clock.now = 1_000
    world.advance()
    world.include(world.node.sent[0], 2)

    (event,) = world.advance()

    assert isinstance(event, TransactionMined)
    assert event.tx_hash == parse(world.node.sent[0])[1].tx_hash


def test_advance__base_fee_above_ceiling__dropped_with_both_numbers(world: World) -> None:
    world.node.base_fee = 10_000_000_001
    world.node.extend(2)
    world.sender.enqueue(FIRST, OPERATION)

    assert outcome(world.advance()) == (
        "DROPPED",
        "base fee 10000000001 above the ceiling 10000000000 wei",
    )


def test_advance__nonce_used_by_a_stranger__rejected_after_repeated_sight(world: World) -> None:
    world.sender.enqueue(FIRST, OPERATION)
    world.advance()
    world.node.mined_nonces = 1

    assert world.advance() == []
    assert world.advance() == []
    assert outcome(world.advance()) == ("REJECTED", "nonce 0 was used by another transaction")
    assert world.sender.idle


def test_advance__block_reorganised_away__same_bytes_again_then_mined_anew(world: World) -> None:
    world.sender.enqueue(FIRST, OPERATION)
    world.advance()
    raw = world.node.sent[0]
    world.include(raw, 2)
    world.advance()
    world.node.receipts.clear()
    world.node.mined_nonces = 0
    world.advance()
    world.include(raw, 3, fork="b")

    (event,) = world.advance()

    assert world.node.sent == [raw, raw]
    assert isinstance(event, TransactionMined)
    assert event.block_hash == block_hash(3, "b")


def test_adopt__transaction_of_an_earlier_run__same_bytes_and_its_nonce_reserved(
    world: World,
) -> None:
    world.sender.enqueue(FIRST, OPERATION)
    world.advance()
    raw = world.node.sent[0]
    restarted = World()
    restarted.sender.adopt([(FIRST, raw)])
    restarted.advance()
    restarted.sender.enqueue(SECOND, OPERATION)
    restarted.include(raw, 2)
    restarted.node.mined_nonces = 0
    restarted.advance()

    assert restarted.node.sent[0] == raw
    assert parse(restarted.node.sent[1])[0].nonce == 1


def test_adopt__transaction_of_another_key__unknown_and_never_sent_or_replaced(
    world: World,
) -> None:
    stranger = account_from_key(b"\x02" * 32)
    signed = sign(Envelope(31337, 0, 100_000, Fees(2_000_000_000, 1_000), OPERATION), stranger)

    world.sender.adopt([(FIRST, signed.raw)])
    assert not world.sender.idle
    (event,) = world.advance()
    world.clock.now = POLICY.bump_after_ns
    later = world.advance()

    assert isinstance(event, CommandResult)
    assert (event.command, event.outcome, event.codespace) == (FIRST, "UNKNOWN", "signer")
    assert event.tx_hash == signed.tx_hash
    assert event.detail == (
        f"signed by {stranger.address}, not by {account_from_key(bytes([1]) * 32).address}: "
        "neither sent again nor followed"
    )
    assert (later, world.node.sent, world.sender.idle) == ([], [], True)


def test_adopt__another_key_beside_ours__ours_is_followed_under_its_own_nonce(
    world: World,
) -> None:
    world.sender.enqueue(FIRST, OPERATION)
    world.advance()
    ours = world.node.sent[0]
    stranger = account_from_key(b"\x02" * 32)
    theirs = sign(Envelope(31337, 0, 100_000, Fees(2_000_000_000, 1_000), OPERATION), stranger)
    restarted = World()

    restarted.sender.adopt([(FIRST, ours), (SECOND, theirs.raw)])
    restarted.advance()
    restarted.include(ours, 2)
    events = restarted.advance()

    assert restarted.node.sent == [ours]
    assert [e.command for e in events if isinstance(e, TransactionMined)] == [FIRST]
