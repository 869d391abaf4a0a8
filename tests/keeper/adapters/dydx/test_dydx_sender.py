"""Commands to broadcasts: exactly one result each, whatever the node does."""

import asyncio
from typing import Any

import pytest
from dydx_peers import ADDRESS, Events, StepClock
from msgspec.structs import replace
from v4_proto.cosmos.tx.v1beta1.tx_pb2 import TxBody, TxRaw
from v4_proto.dydxprotocol.clob.tx_pb2 import MsgBatchCancel

from keeper.domain.approval import Approved
from keeper.domain.commands import CancelOrders, CommandId, OrderCommand, PlaceOrder
from keeper.domain.errors import VenueUnavailable, WireError
from keeper.domain.events import CommandResult
from keeper.domain.instruments import PerpetualMarket
from keeper.domain.orders import Side, TimeInForce
from keeper.venues.dydx.ids import order_id, subaccount_id
from keeper.venues.dydx.keys import LocalSigner, SecretKey
from keeper.venues.dydx.node import BroadcastReply
from keeper.venues.dydx.progress import OrderIndex
from keeper.venues.dydx.sender import Sender
from keeper.venues.dydx.settings import DydxSettings
from keeper.venues.dydx.signing import TxSigner
from keeper.venues.dydx.venue import DydxVenue

OK = BroadcastReply(code=0, codespace="", raw_log="[]", tx_hash="")
REFUSED = BroadcastReply(code=9, codespace="clob", raw_log="exists", tx_hash="")
SETTINGS = DydxSettings(
    chain_id="localdydxprotocol",
    grpc_endpoint="127.0.0.1:1",
    grpc_insecure=True,
    rest_url="http://127.0.0.1:1",
    ws_url="ws://127.0.0.1:1",
    address=ADDRESS,
    subaccount=0,
    markets=("ETH-USD",),
)
SIGNER = LocalSigner(SecretKey(b"\x01" * 32))


class ScriptedNode:
    """Answers broadcasts from a script, in order; then OK."""

    def __init__(self, *script: Any) -> None:
        self.script = list(script)
        self.sent: list[bytes] = []
        self.release = asyncio.Event()
        self.release.set()

    async def broadcast(self, raw: bytes, deadline_ms: int) -> BroadcastReply:
        assert deadline_ms == SETTINGS.place_deadline_ms
        self.sent.append(raw)
        step = self.script.pop(0) if self.script else OK
        await self.release.wait()
        if isinstance(step, Exception):
            raise step
        assert isinstance(step, BroadcastReply)
        return step


def place(client_id: int, quantums: int = 1_000_000) -> PlaceOrder:
    return PlaceOrder(
        market="ETH-USD",
        client_id=client_id,
        side=Side.BUY,
        quantums=quantums,
        subticks=100_000,
        good_til_block=50,
        time_in_force=TimeInForce.POST_ONLY,
        reduce_only=False,
    )


def cancels(*client_ids: int) -> CancelOrders:
    return CancelOrders(market="ETH-USD", client_ids=client_ids, good_til_block=50)


def sender_on(node: Any, eth: PerpetualMarket, orders: OrderIndex | None = None) -> Sender:
    signer = TxSigner(SIGNER, "localdydxprotocol", 1)
    return Sender(
        node, signer, SETTINGS, {"ETH-USD": eth}, OrderIndex() if orders is None else orders
    )


def results_of(node: ScriptedNode, eth: PerpetualMarket, *commands: OrderCommand) -> list[Any]:
    """Send commands and return every result, in the order of emission."""

    async def main() -> list[Any]:
        events = Events()
        sender = sender_on(node, eth)
        for ordinal, command in enumerate(commands):
            sender.send(CommandId(1, 1, ordinal), command, events.append)
        await sender.drain()
        return events.of(CommandResult)

    return asyncio.run(main())


def test_send__accepted_refused_and_lost__ack_rejected_unknown(eth: PerpetualMarket) -> None:
    node = ScriptedNode(OK, REFUSED, VenueUnavailable("deadline"), WireError("garbage"))

    results = results_of(node, eth, place(1), place(2), place(3), place(4))

    by_ordinal = sorted(results, key=lambda r: r.command.ordinal)
    outcomes = [(r.outcome, r.code, r.codespace, r.detail) for r in by_ordinal]
    assert outcomes == [
        ("ACK", 0, "", "[]"),
        ("REJECTED", 9, "clob", "exists"),
        ("UNKNOWN", 0, "keeper", "deadline"),
        ("UNKNOWN", 0, "keeper", "garbage"),
    ]
    assert len({r.tx_hash for r in by_ordinal}) == 4


def test_send__burst__all_under_way_before_the_first_answer(eth: PerpetualMarket) -> None:
    async def main() -> None:
        node = ScriptedNode()
        node.release.clear()
        events = Events()
        sender = sender_on(node, eth)
        for ordinal in range(10):
            sender.send(CommandId(1, 1, ordinal), place(ordinal), events.append)
        await asyncio.sleep(0)
        await asyncio.sleep(0)

        assert len(node.sent) == 10
        assert events == []
        node.release.set()
        await sender.drain()
        assert len(events) == 10

    asyncio.run(main())


def test_send__many_cancels__one_result_the_worst_of_its_batches(eth: PerpetualMarket) -> None:
    node = ScriptedNode(OK, VenueUnavailable("lost"), OK)

    (result,) = results_of(node, eth, cancels(*range(250)))

    assert (result.outcome, result.detail) == ("UNKNOWN", "lost")
    sizes = []
    for raw in node.sent:
        (packed,) = TxBody.FromString(TxRaw.FromString(raw).body_bytes).messages
        message = MsgBatchCancel.FromString(packed.value)
        sizes.append(len(message.short_term_cancels[0].client_ids))
    assert sizes == [100, 100, 50]


def test_send__one_batch_refused_and_one_lost__rejected(eth: PerpetualMarket) -> None:
    node = ScriptedNode(VenueUnavailable("lost"), REFUSED)

    (result,) = results_of(node, eth, cancels(*range(150)))

    assert (result.outcome, result.code) == ("REJECTED", 9)


def test_send__duplicate_ids_to_cancel__asked_once(eth: PerpetualMarket) -> None:
    node = ScriptedNode()

    (result,) = results_of(node, eth, cancels(7, 7, 7))

    assert result.outcome == "ACK"
    (packed,) = TxBody.FromString(TxRaw.FromString(node.sent[0]).body_bytes).messages
    assert packed.type_url == "/dydxprotocol.clob.MsgCancelOrder"


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (CancelOrders(market="DOGE-USD", client_ids=(1,), good_til_block=5), 1),
        (place(2**32), 2),
        (place(1, quantums=-1), 2),
        (place(1, quantums=2**64), 2),
        (cancels(), 3),
        (cancels(-1), 2),
    ],
)
def test_send__cannot_be_sent__rejected_here_and_nothing_sent(
    eth: PerpetualMarket, command: OrderCommand, code: int
) -> None:
    node = ScriptedNode()

    (result,) = results_of(node, eth, command)

    assert (result.outcome, result.codespace, result.code) == ("REJECTED", "keeper", code)
    assert result.tx_hash == ""
    assert node.sent == []


def test_send__loop_shuts_down__result_is_unknown(eth: PerpetualMarket) -> None:
    events = Events()

    async def main() -> None:
        node = ScriptedNode()
        node.release.clear()
        sender_on(node, eth).send(CommandId(1, 1, 0), place(1), events.append)
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    asyncio.run(main())

    (result,) = events.of(CommandResult)
    assert (result.outcome, result.command) == ("UNKNOWN", CommandId(1, 1, 0))


def test_send__placed_order__its_fills_will_be_recognised(eth: PerpetualMarket) -> None:
    orders = OrderIndex()

    async def main() -> None:
        sender = sender_on(ScriptedNode(), eth, orders)
        sender.send(CommandId(1, 1, 0), place(5), Events().append)
        await sender.drain()

    asyncio.run(main())

    assert orders.client_id(order_id(subaccount_id(ADDRESS, 0), 5, 1)) == 5


def test_send__endpoints_minute_used_up__places_dropped_and_cancels_sent(
    eth: PerpetualMarket,
) -> None:
    async def main() -> list[Any]:
        events, node = Events(), ScriptedNode()
        settings = replace(SETTINGS, messages_per_minute=5)
        signer = TxSigner(SIGNER, "localdydxprotocol", 1)
        sender = Sender(node, signer, settings, {"ETH-USD": eth}, OrderIndex())  # type: ignore[arg-type]
        for ordinal in range(6):
            sender.send(CommandId(1, 1, ordinal), place(ordinal), events.append)
        for ordinal in (6, 7):
            sender.send(CommandId(1, 1, ordinal), cancels(1), events.append)
        await sender.drain()
        assert len(node.sent) == 6
        return sorted(events.of(CommandResult), key=lambda result: result.command)

    outcomes = [(r.outcome, r.codespace) for r in asyncio.run(main())]

    assert outcomes == [("ACK", "")] * 4 + [("DROPPED", "keeper")] * 2 + [("ACK", "")] * 2


def test_submit__venue_not_started__dropped_or_refused() -> None:
    async def main() -> None:
        venue = DydxVenue(SETTINGS, SIGNER, StepClock())
        approved: Approved[OrderCommand] = Approved(place(1))
        command = [(CommandId(1, 1, 0), approved)]
        with pytest.raises(RuntimeError, match="before run"):
            await venue.submit(command)
        events = Events()
        task = asyncio.create_task(venue.run(events.append))
        await asyncio.sleep(0)
        await venue.submit(command)
        with pytest.raises(VenueUnavailable):
            await task
        await venue.close()
        (result,) = events.of(CommandResult)
        assert (result.outcome, result.tx_hash) == ("DROPPED", "")

    asyncio.run(main())
