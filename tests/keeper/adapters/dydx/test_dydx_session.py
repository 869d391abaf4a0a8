"""A misbehaving indexer between adapter and exchange: every fault ends in ours, then heals."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from dydx_tamper import Message, Relay, Tamper, once, relay
from dydx_world import STEP, World, quote, until, world
from msgspec.structs import replace

from keeper.domain.errors import AthanorError, ConfigError, VenueUnavailable
from keeper.domain.events import (
    BookUpdated,
    FillReceived,
    MarketListed,
    OrderUpdated,
    Reconciled,
    SourceDown,
    SourceGap,
    SourceUp,
)
from keeper.domain.orders import Side
from keeper.venues.dydx import wire
from tests.keeper.exchange.wallets import SELL


@asynccontextmanager
async def relayed() -> AsyncIterator[tuple[World, Relay]]:
    async with world() as here:
        url = f"ws://127.0.0.1:{here.exchange.ports.websocket}"
        async with relay(url) as middle:
            yield here, middle
            await here.disconnect()


def is_book(message: Message) -> bool:
    return message["type"] == "channel_data" and message.get("channel") == "v4_orderbook"


def is_account(message: Message) -> bool:
    return message["type"] == "channel_data" and message.get("channel") == "v4_subaccounts"


def test_run__message_lost__gap_then_everything_again() -> None:
    async def main() -> None:
        async with relayed() as (here, middle):
            await here.connect(ws_url=middle.url)
            middle.tamper = once(lambda _: [], is_book)
            good_until = here.exchange.chain.height + 10

            await here.send(quote(1, Side.BUY, 29_000, 10, good_until))
            here.exchange.make_block()
            await here.came_up(2)

            (gap,) = here.events.of(SourceGap)
            assert (gap.source, gap.received - gap.expected) == ("dydx", 1)
            kinds = [type(e) for e in here.events]
            after = kinds[kinds.index(SourceGap) :]
            assert after.index(SourceDown) < after.index(Reconciled) < after.index(SourceUp)
            snapshots = [e for e in here.events.of(BookUpdated) if e.snapshot]
            assert len(snapshots) == 4
            assert all(s.source_seq > gap.received for s in snapshots[2:])
            eth = next(s for s in snapshots[2:] if s.market == "ETH-USD")
            assert eth.bids[0].quantums == 10 * STEP

    asyncio.run(main())


def test_run__fill_message_lost_in_a_gap__still_emitted_once() -> None:
    async def main() -> None:
        async with relayed() as (here, middle):
            await here.connect(ws_url=middle.url)
            await here.send(quote(1, Side.BUY, 30_000, 10, here.exchange.chain.height + 10))
            middle.tamper = once(lambda _: [], lambda m: is_account(m) and "fills" in m["contents"])

            await here.take(SELL, 30_000, 10)
            here.exchange.make_block()
            await here.came_up(2)

            (fill,) = here.events.of(FillReceived)
            assert (fill.client_id, fill.quantums) == (1, 10 * STEP)
            (gap,) = here.events.of(SourceGap)
            assert gap.received == gap.expected + 1

    asyncio.run(main())


def replaced(**changes: Any) -> Tamper:
    return lambda message: [message | changes]


FAULTS: dict[str, Tamper] = {
    "not json": lambda _: ["{"],
    "another shape": lambda m: [json.dumps({"message_id": m["message_id"]})],
    "error": replaced(type="error", message="Internal error"),
    "unsubscribed": replaced(type="unsubscribed"),
    "batched": replaced(type="channel_batch_data", contents=[]),
    "unknown channel": replaced(channel="v4_news"),
    "unknown market": replaced(id="DOGE-USD"),
    "price between subticks": replaced(contents={"bids": [["3000.00000001", "1"]]}),
    "size between quantums": replaced(contents={"asks": [["3000", "0.0000000001"]]}),
    "number instead of text": replaced(contents={"asks": [[3000, 1]]}),
    "contents missing": lambda m: [{k: v for k, v in m.items() if k != "contents"}],
}


@pytest.mark.parametrize("fault", FAULTS)
def test_run__message_that_makes_no_sense__source_down_then_up(fault: str) -> None:
    async def main() -> None:
        async with relayed() as (here, middle):
            await here.connect(ws_url=middle.url)
            middle.tamper = once(FAULTS[fault], is_book)

            await here.send(quote(1, Side.BUY, 29_000, 10, here.exchange.chain.height + 10))
            await here.came_up(2)

            (down,) = here.events.of(SourceDown)
            assert down.source == "dydx"
            assert down.detail
            assert here.task is not None
            assert not here.task.done()

    asyncio.run(main())


def foreign_order(status: str) -> Tamper:
    def tamper(message: Message) -> list[Message | str]:
        message["contents"]["orders"][0] |= {"orderFlags": "64", "status": status}
        return [message]

    return tamper


def test_run__someone_opens_a_long_term_order__source_down() -> None:
    async def main() -> None:
        async with relayed() as (here, middle):
            await here.connect(ws_url=middle.url)
            middle.tamper = once(foreign_order("OPEN"), is_account)

            await here.send(quote(1, Side.BUY, 29_000, 10, here.exchange.chain.height + 10))
            await here.came_up(2)

            assert "another kind" in here.events.of(SourceDown)[0].detail

    asyncio.run(main())


def test_run__long_term_order_ends__not_ours_to_report() -> None:
    async def main() -> None:
        async with relayed() as (here, middle):
            await here.connect(ws_url=middle.url)
            middle.tamper = once(foreign_order("CANCELED"), is_account)

            await here.send(quote(1, Side.BUY, 29_000, 10, here.exchange.chain.height + 10))
            await here.send(quote(2, Side.BUY, 29_000, 10, here.exchange.chain.height + 10))
            await until(lambda: here.events.of(OrderUpdated))

            assert {e.client_id for e in here.events.of(OrderUpdated)} == {2}
            assert here.events.of(SourceDown) == []

    asyncio.run(main())


def first_session_error(tamper: Tamper, **changes: Any) -> type[AthanorError]:
    """Return what run raises when the first session meets a fault."""

    async def main() -> None:
        async with relayed() as (here, middle):
            middle.tamper = tamper
            await here.connect(ws_url=middle.url, **changes)

    with pytest.raises(AthanorError) as caught:
        asyncio.run(main())
    return type(caught.value)


def test_run__snapshot_refused_at_start__venue_unavailable() -> None:
    refusal = once(
        replaced(type="error", message="could not fetch data for subscription"),
        lambda m: m.get("channel") == "v4_orderbook",
    )

    assert first_session_error(refusal) is VenueUnavailable


def test_run__subscription_never_confirmed__venue_unavailable_at_the_deadline() -> None:
    held: list[Message] = []

    def hold_back(message: Message) -> list[Message | str]:
        if message["type"] == "connected":
            return [message]
        held.append(message)
        return []

    assert first_session_error(hold_back, query_deadline_ms=400) is VenueUnavailable
    assert held


def test_run__endpoint_comes_back_late__waits_longer_each_time_and_reports_once() -> None:
    async def main() -> None:
        async with relayed() as (here, middle):
            await here.connect(ws_url=middle.url, reconnect_max_ms=40)

            def refuse(message: Message) -> list[Message | str]:
                if middle.connections == 1:
                    return ["garbage"]
                if middle.connections < 6 and message["type"] == "subscribed":
                    return [message | {"type": "error", "message": "try later"}]
                return [message]

            middle.tamper = refuse
            here.exchange.make_block()
            await here.came_up(2)

            assert middle.connections == 6
            assert len(here.events.of(SourceDown)) == 1

    asyncio.run(main())


def test_run__indexer_behind_the_chain__waits_for_it() -> None:
    async def main() -> None:
        async with world() as here:
            here.start()
            assert here.venue is not None
            indexer = here.venue._feed.links.indexer
            heights = iter([1, 1])
            true_height = indexer.height

            async def lagging() -> int:
                return next(heights, None) or await true_height()

            indexer.height = lagging  # type: ignore[method-assign]
            await here.came_up(1)

            assert next(heights, "all asked") == "all asked"

    asyncio.run(main())


def test_run__indexer_stays_behind__venue_unavailable() -> None:
    async def main() -> None:
        async with world() as here:
            here.start(query_deadline_ms=300)
            assert here.venue is not None

            async def stuck() -> int:
                return 1

            here.venue._feed.links.indexer.height = stuck  # type: ignore[method-assign]
            await here.came_up(1)

    with pytest.raises(VenueUnavailable, match="did not reach height"):
        asyncio.run(main())


def with_open_order(change: Callable[[wire.Order], wire.Order]) -> None:
    """Connect while the indexer lists one open order, changed."""

    async def main() -> None:
        async with world() as here:
            here.start()
            assert here.venue is not None
            listed = wire.Order(
                id="o",
                ticker="ETH-USD",
                status="OPEN",
                order_flags="0",
                client_id="1",
                side="BUY",
                size="0.1",
                price="3000",
                good_til_block="1",
            )

            async def orders() -> list[wire.Order]:
                return [change(listed)]

            here.venue._feed.links.indexer.open_orders = orders  # type: ignore[method-assign]
            await here.came_up(1)
            (reconciled,) = here.events.of(Reconciled)
            assert reconciled.open_orders == ()

    asyncio.run(main())


def test_run__order_that_expired_unnoticed_is_listed_open__left_out() -> None:
    with_open_order(lambda order: order)


def test_run__long_term_order_open_at_start__config_error() -> None:
    with pytest.raises(ConfigError, match="another kind"):
        with_open_order(lambda order: replace(order, order_flags="64"))


def test_run__node_lost_while_up__source_down_until_it_is_back() -> None:
    async def main() -> None:
        async with world() as here:
            await here.connect(query_deadline_ms=300, observe_interval_ms=50)
            await here.exchange._grpc.stop(None)
            here.exchange.make_block()

            await until(lambda: here.events.of(SourceDown))

            detail = here.events.of(SourceDown)[0].detail
            assert str(here.exchange.ports.grpc) in detail
            assert here.task is not None
            await asyncio.sleep(0.1)
            assert not here.task.done()

    asyncio.run(main())


def test_run__market_changes_while_away__listed_again_on_return() -> None:
    async def main() -> None:
        async with relayed() as (here, middle):
            await here.connect(ws_url=middle.url)
            middle.tamper = lambda _: ["garbage"]
            here.exchange.chain.set_status(0, 4)
            here.exchange.make_block()
            await until(lambda: here.events.of(SourceDown))
            middle.tamper = lambda message: [message]

            await here.came_up(2)

            assert [e.market.status for e in here.events.of(MarketListed)][2:] == ["POST_ONLY"]

    asyncio.run(main())


def test_run__subaccount_that_was_never_funded__reconciled_empty() -> None:
    async def main() -> None:
        async with world() as here:
            await here.connect(subaccount=9)

            (reconciled,) = here.events.of(Reconciled)
            assert reconciled.subaccount.usdc_quote_quantums == 0
            assert reconciled.subaccount.positions == ()

    asyncio.run(main())
