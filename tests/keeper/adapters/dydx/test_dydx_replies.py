"""Replies no healthy node gives: each is refused by name instead of being believed."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import grpc.aio
import msgspec
import pytest
from dydx_peers import ADDRESS, StepClock, grpc_server
from google.protobuf.any_pb2 import Any as ProtoAny
from v4_proto.cosmos.auth.v1beta1 import query_pb2 as auth
from v4_proto.cosmos.bank.v1beta1 import query_pb2 as bank
from v4_proto.cosmos.base.tendermint.v1beta1 import query_pb2 as tendermint
from v4_proto.cosmos.tx.v1beta1 import service_pb2 as txs
from v4_proto.dydxprotocol.clob import query_pb2 as clob
from v4_proto.dydxprotocol.perpetuals import query_pb2 as perpetuals
from v4_proto.dydxprotocol.prices import query_pb2 as prices
from v4_proto.dydxprotocol.subaccounts import query_pb2 as subaccounts

from keeper.domain.errors import VenueUnavailable, WireError
from keeper.domain.instruments import PerpetualMarket
from keeper.venues.dydx import messages, wire
from keeper.venues.dydx.account import Transfers, Wallet
from keeper.venues.dydx.channel import Endpoint
from keeper.venues.dydx.directory import Directory, Listing, load_listings
from keeper.venues.dydx.keys import LocalSigner, SecretKey
from keeper.venues.dydx.node import Answer, Node
from keeper.venues.dydx.reader import MarketPrice, PositionState, Reader, SubaccountState
from keeper.venues.dydx.settings import FeeSettings
from keeper.venues.dydx.signing import TxSigner

ETH_WIRE = wire.Market(
    clob_pair_id="1",
    ticker="ETH-USD",
    status="ACTIVE",
    atomic_resolution=-9,
    quantum_conversion_exponent=-9,
    step_base_quantums=1_000_000,
    subticks_per_tick=100_000,
    initial_margin_fraction="0.05",
    maintenance_margin_fraction="0.03",
)


class StubNode:
    """Answers each method with prepared replies, in order; the last one stays."""

    def __init__(self, **replies: Any) -> None:
        self.replies = {
            name: list(reply) if isinstance(reply, list) else [reply]
            for name, reply in replies.items()
        }
        self.requests: list[Any] = []

    async def query(self, method: str, request: Any, _: Any, height: int | None = None) -> Answer:
        self.requests.append(request)
        waiting = self.replies[method.rpartition("/")[2]]
        return Answer(waiting.pop(0) if len(waiting) > 1 else waiting[0], height or 7)

    find = query


def reader_on(**replies: Any) -> Reader:
    return Reader(StubNode(**replies))  # type: ignore[arg-type]


def refused(call: Callable[[], Awaitable[Any]], match: str) -> None:
    async def main() -> None:
        await call()

    with pytest.raises(WireError, match=match):
        asyncio.run(main())


def test_account__other_account_type__wire_error() -> None:
    other = ProtoAny(type_url="/cosmos.vesting.v1beta1.PermanentLockedAccount")
    reader = reader_on(Account=auth.QueryAccountResponse(account=other))

    refused(lambda: reader.account(ADDRESS), "PermanentLockedAccount")


def test_bank_balance__no_number__wire_error() -> None:
    reader = reader_on(Balance=bank.QueryBalanceResponse())

    refused(lambda: reader.bank_balance(ADDRESS, "usdc"), "balance of")


def test_header__another_block_than_asked__wire_error() -> None:
    reply = tendermint.GetBlockByHeightResponse()
    reply.block.header.height = 4
    reader = reader_on(GetBlockByHeight=reply)

    refused(lambda: reader.header(5), "asked for block 5, got 4")


def test_header__empty_reply__wire_error() -> None:
    reader = reader_on(GetLatestBlock=tendermint.GetLatestBlockResponse())

    refused(reader.header, "latest")


def test_market_params__two_pages__all() -> None:
    first, second = prices.QueryAllMarketParamsResponse(), prices.QueryAllMarketParamsResponse()
    first.market_params.add(id=0, exponent=-5, min_price_change_ppm=1_000)
    first.pagination.next_key = b"next"
    second.market_params.add(id=1, exponent=-6, min_price_change_ppm=2_000)
    node = StubNode(AllMarketParams=[first, second])

    params = asyncio.run(Reader(node).market_params())  # type: ignore[arg-type]

    assert {k: (p.exponent, p.min_price_change_ppm) for k, p in params.items()} == {
        0: (-5, 1_000),
        1: (-6, 2_000),
    }
    assert [request.pagination.key for request in node.requests] == [b"", b"next"]


class OneMarket:
    """An indexer that lists ETH-USD alone."""

    async def markets(self) -> dict[str, wire.Market]:
        return {"ETH-USD": ETH_WIRE}


def listing_replies(ticker: str = "ETH-USD", resolution: int = -9, market_id: int = 1) -> Any:
    pair = clob.QueryClobPairResponse()
    pair.clob_pair.perpetual_clob_metadata.perpetual_id = 1
    perpetual = perpetuals.QueryPerpetualResponse()
    perpetual.perpetual.params.ticker = ticker
    perpetual.perpetual.params.market_id = market_id
    perpetual.perpetual.params.atomic_resolution = resolution
    params = prices.QueryAllMarketParamsResponse()
    params.market_params.add(id=1, exponent=-6, min_price_change_ppm=1_000)
    return {"ClobPair": pair, "Perpetual": perpetual, "AllMarketParams": params}


def test_load_listings__chain_and_indexer_agree__listed(eth: PerpetualMarket) -> None:
    reader = reader_on(**listing_replies())

    (listing,) = asyncio.run(load_listings(reader, OneMarket(), ["ETH-USD"]))  # type: ignore[arg-type]

    assert listing == Listing(eth, 1, 1)


@pytest.mark.parametrize(
    ("replies", "match"),
    [
        (listing_replies(ticker="BTC-USD"), "disagree"),
        (listing_replies(resolution=-10), "disagree"),
        (listing_replies(market_id=9), "no oracle parameters"),
    ],
)
def test_load_listings__chain_says_otherwise__wire_error(replies: Any, match: str) -> None:
    reader = reader_on(**replies)

    refused(lambda: load_listings(reader, OneMarket(), ["ETH-USD"]), match)  # type: ignore[arg-type]


def test_observed__position_in_a_market_not_configured__wire_error(eth: PerpetualMarket) -> None:
    directory = Directory()
    directory.take([Listing(eth, 1, 1)])

    with pytest.raises(WireError, match="perpetual 7"):
        directory.observed(SubaccountState(1, 0, (PositionState(7, 1, 0, 0),)))


def test_oracle_prices__exponent_changed__wire_error(eth: PerpetualMarket) -> None:
    class Moved:
        async def market_price(self, market_id: int) -> MarketPrice:
            return MarketPrice(market_id, 1, -7, 1)

    directory = Directory()
    directory.take([Listing(eth, 1, 1)])

    refused(lambda: directory.oracle_prices(Moved(), "dydx"), "exponent")  # type: ignore[arg-type]


def test_take__unchanged_market__nothing_to_say(eth: PerpetualMarket) -> None:
    directory = Directory()
    paused = msgspec.structs.replace(eth, status="PAUSED")

    first = directory.take([Listing(eth, 1, 1)])
    again = directory.take([Listing(eth, 1, 1)])
    changed = directory.take([Listing(paused, 1, 1)])

    assert (first, again, changed) == ([eth], [], [paused])


def sent(amount: str, height: int = 5, code: int = 0) -> Any:
    """Return a search reply with one MsgSend from our address."""
    reply = txs.GetTxsEventResponse(total=1)
    message = messages.bank_send(ADDRESS, "dydx1bridge", 1, "usdc")
    message.amount[0].amount = amount
    packed = reply.txs.add().body.messages.add()
    packed.type_url = "/cosmos.bank.v1beta1.MsgSend"
    packed.value = message.SerializeToString()
    reply.tx_responses.add(height=height, code=code, txhash="AB")
    return reply


def transfers_on(reply: Any) -> Transfers:
    return Transfers(StubNode(GetTxsEvent=reply), "usdc")  # type: ignore[arg-type]


def test_transfers__amount_is_no_number__wire_error() -> None:
    refused(lambda: transfers_on(sent("-5")).sent(ADDRESS, 10), "no amount")


def test_transfers__transaction_without_result__wire_error() -> None:
    reply = sent("5")
    del reply.tx_responses[:]

    refused(lambda: transfers_on(reply).sent(ADDRESS, 10), "no results")


@pytest.mark.parametrize(("height", "code", "count"), [(10, 0, 1), (11, 0, 0), (10, 5, 0)])
def test_transfers__failed_or_above_the_height__left_out(
    height: int, code: int, count: int
) -> None:
    found = asyncio.run(transfers_on(sent("5", height, code)).sent(ADDRESS, 10))

    assert len(found) == count


def test_transfers__other_messages_and_denominations__left_out() -> None:
    reply = sent("5")
    message = messages.bank_send(ADDRESS, "dydx1bridge", 9, "adydx")
    other = reply.txs[0].body.messages.add()
    other.type_url = "/cosmos.bank.v1beta1.MsgSend"
    other.value = message.SerializeToString()
    foreign = reply.txs[0].body.messages.add()
    foreign.type_url = "/dydxprotocol.sending.MsgCreateTransfer"

    found = asyncio.run(transfers_on(reply).sent(ADDRESS, 10))

    assert [(t.index, t.amount) for t in found] == [(0, 5), (1, 0)]


def test_prepare__simulation_without_gas__wire_error() -> None:
    node: Any = StubNode(Simulate=txs.SimulateResponse())
    signer = TxSigner(LocalSigner(SecretKey(b"\x01" * 32)), "c", 0)
    wallet = Wallet(node, signer, ADDRESS, FeeSettings(), StepClock())

    refused(lambda: wallet.prepare_deposit(0, 1), "no gas")


def test_query__channel_fails_inside__venue_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def __call__(self, *_: Any, **__: Any) -> "Broken":
            return self

        def __await__(self) -> Any:
            raise grpc.aio.UsageError("channel is closed")
            yield

    async def main() -> None:
        node = Node("127.0.0.1:1", insecure=True, query_deadline_ms=100)
        monkeypatch.setattr(Endpoint, "method", lambda *_: Broken())
        await Reader(node).subaccount(ADDRESS, 0)

    with pytest.raises(VenueUnavailable, match="UsageError channel is closed"):
        asyncio.run(main())


def test_close__calls_afterwards__connect_again() -> None:
    async def handler(_: Any, context: Any) -> Any:
        await context.send_initial_metadata((("other", "1"), ("x-cosmos-block-height", "3")))
        return subaccounts.QuerySubaccountResponse()

    async def main() -> list[int]:
        async with grpc_server(
            "dydxprotocol.subaccounts.Query",
            "Subaccount",
            subaccounts.QueryGetSubaccountRequest,
            handler,
        ) as at:
            node = Node(at, insecure=True, query_deadline_ms=2_000)
            first = await Reader(node).subaccount(ADDRESS, 0)
            await node.close()
            await node.close()
            second = await Reader(node).subaccount(ADDRESS, 0)
            await node.close()
            return [first.height, second.height]

    assert asyncio.run(main()) == [3, 3]
