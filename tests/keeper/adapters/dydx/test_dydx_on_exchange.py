"""The adapter against the local exchange over its real ports: gRPC, REST and websocket."""

import asyncio
from typing import Any

import pytest
from dydx_world import (
    ADDRESS,
    DEPOSIT,
    HOT,
    OWNER,
    STEP,
    TICK,
    ExchangeClock,
    World,
    cancel,
    quote,
    until,
    world,
)

from keeper.domain.errors import ConfigError, VenueUnavailable
from keeper.domain.events import (
    BookLevel,
    BookUpdated,
    CommandResult,
    FillReceived,
    MarketFacts,
    MarketListed,
    OraclePriced,
    OrderUpdated,
    Reconciled,
    SourceDown,
    SourceUp,
    VenueBlock,
)
from keeper.domain.orders import Liquidity, Side
from keeper.venues.dydx.venue import DydxVenue
from tests.keeper.exchange.wallets import BUY, SELL


def ours(here: World, height: int | None = None) -> list[FillReceived]:
    fills: list[FillReceived] = here.events.of(FillReceived)
    return [fill for fill in fills if height is None or fill.height == height]


def assert_state_is_the_exchanges(here: World, state: Any) -> None:
    truth = here.truth()
    assert state.usdc_quote_quantums == truth["usdc"]
    markets = {"0": "BTC-USD", "1": "ETH-USD"}
    assert {p.market: (p.quantums, p.funding_index, p.quote_balance) for p in state.positions} == {
        markets[key]: (held["quantums"], held["funding_index"], held["quote_balance"])
        for key, held in truth["positions"].items()
    }


def test_run__funded_subaccount__markets_reconciled_and_feeds_in_order() -> None:
    async def main() -> None:
        async with world() as here:
            await here.connect()

            kinds = [type(event) for event in here.events]
            assert kinds[:3] == [MarketListed, MarketListed, Reconciled]
            assert {OraclePriced, BookUpdated, VenueBlock} <= set(kinds[3:-1])
            assert kinds[-1] is SourceUp
            listed = {e.market.ticker: e.market for e in here.events.of(MarketListed)}
            eth = listed["ETH-USD"]
            assert (eth.clob_pair_id, eth.oracle_exponent) == (1, -6)
            assert (eth.initial_margin_ppm, eth.maintenance_margin_ppm) == (50_000, 30_000)
            (reconciled,) = here.events.of(Reconciled)
            assert reconciled.height == here.exchange.chain.height
            assert reconciled.subaccount.usdc_quote_quantums == DEPOSIT
            assert_state_is_the_exchanges(here, reconciled.subaccount)
            prices = {e.market: (e.price, e.height) for e in here.events.of(OraclePriced)}
            assert prices == {
                "ETH-USD": (3_000_000_000, reconciled.height),
                "BTC-USD": (6_500_000_000, reconciled.height),
            }

    asyncio.run(main())


def test_run__oracle_moves__priced_at_the_block() -> None:
    async def main() -> None:
        async with world() as here:
            await here.connect()
            here.exchange.chain.set_oracle(1, 3_010_500_000)

            height = await here.block()

            await until(lambda: here.events.of(OraclePriced)[-1].height == height)
            latest = here.events.of(OraclePriced)[-1]
            assert (latest.market, latest.price) == ("ETH-USD", 3_010_500_000)

    asyncio.run(main())


def test_run__market_status_changes__listed_again() -> None:
    async def main() -> None:
        async with world() as here:
            await here.connect()
            here.exchange.chain.set_status(1, 3)

            await here.block()

            await until(lambda: here.events.of(MarketListed)[-1].market.status == "CANCEL_ONLY")
            assert here.events.of(MarketListed)[-1].market.ticker == "ETH-USD"

    asyncio.run(main())


def test_run__size_and_funding_of_a_market__told_at_the_start() -> None:
    async def main() -> None:
        async with world() as here:
            await here.connect()

            await until(lambda: len(here.events.of(MarketFacts)) >= 2)

            told = {facts.market: facts for facts in here.events.of(MarketFacts)}
            assert set(told) == {"ETH-USD", "BTC-USD"}
            assert all(facts.source == "dydx" for facts in told.values())

    asyncio.run(main())


def test_submit__quote_filled_by_another__one_fill_and_the_committed_state() -> None:
    async def main() -> None:
        async with world() as here:
            await here.connect()
            until_block = here.exchange.chain.height + 10

            (placed,) = await here.send(quote(11, Side.BUY, 30_000, 100, until_block))
            await here.take(SELL, 30_000, 40)
            height = await here.block()
            state = await here.observed(height)

            assert (placed.outcome, placed.code) == ("ACK", 0)
            (fill,) = ours(here)
            assert (fill.client_id, fill.side, fill.liquidity) == (11, Side.BUY, Liquidity.MAKER)
            assert (fill.quantums, fill.subticks) == (40 * STEP, 30_000 * TICK)
            assert (fill.quote_quantums, fill.fee_quote_quantums) == (120_000_000, 12_000)
            assert fill.height == height
            assert_state_is_the_exchanges(here, state)
            updates = [e for e in here.events.of(OrderUpdated) if e.client_id == 11]
            assert [(e.status, e.total_filled_quantums) for e in updates] == [
                ("BEST_EFFORT_OPENED", 0),
                ("OPEN", 40 * STEP),
            ]
            books = [e for e in here.events.of(BookUpdated) if not e.snapshot]
            assert BookLevel(30_000 * TICK, 100 * STEP) in books[0].bids
            assert BookLevel(30_000 * TICK, 60 * STEP) in books[-1].bids

    asyncio.run(main())


def test_submit__same_client_id_later_block__replaces_and_earlier_fills_count() -> None:
    async def main() -> None:
        async with world() as here:
            await here.connect()
            until_block = here.exchange.chain.height + 5
            await here.send(quote(11, Side.SELL, 30_100, 100, until_block))
            await here.take(BUY, 30_100, 30)
            await here.block()

            (replaced,) = await here.send(quote(11, Side.SELL, 30_200, 100, until_block + 1))
            (late,) = await here.send(quote(11, Side.SELL, 30_300, 100, until_block))
            await here.take(BUY, 30_200, 200)
            height = await here.block()
            await here.observed(height)

            assert replaced.outcome == "ACK"
            assert (late.outcome, late.codespace, late.code) == ("REJECTED", "clob", 20)
            assert late.detail
            assert [(f.quantums, f.subticks) for f in ours(here)] == [
                (30 * STEP, 30_100 * TICK),
                (70 * STEP, 30_200 * TICK),
            ]

    asyncio.run(main())


def test_submit__post_only_that_would_cross__rejected_with_the_venues_word() -> None:
    async def main() -> None:
        async with world() as here:
            await here.connect()
            await here.take(SELL, 30_000, 10)

            (result,) = await here.send(
                quote(12, Side.BUY, 30_000, 10, here.exchange.chain.height + 5)
            )

            assert (result.outcome, result.codespace, result.code) == ("REJECTED", "clob", 2003)
            assert result.tx_hash

    asyncio.run(main())


def test_submit__single_cancel__order_is_gone() -> None:
    async def main() -> None:
        async with world() as here:
            await here.connect()
            until_block = here.exchange.chain.height + 5
            await here.send(quote(13, Side.BUY, 29_900, 10, until_block))

            (result,) = await here.send(cancel(until_block, 13))

            assert result.outcome == "ACK"
            await until(lambda: here.events.of(OrderUpdated)[-1].status == "BEST_EFFORT_CANCELED")
            assert here.events.of(OrderUpdated)[-1].client_id == 13
            (again,) = await here.send(cancel(until_block, 13))
            assert (again.outcome, again.code) == ("REJECTED", 19)

    asyncio.run(main())


def test_submit__burst_and_batch_cancel__each_one_result_and_book_empty() -> None:
    async def main() -> None:
        async with world() as here:
            await here.connect()
            until_block = here.exchange.chain.height + 5
            burst = [quote(20 + n, Side.BUY, 29_900 - n, 10, until_block) for n in range(10)]

            placed = await here.send(*burst)
            (result,) = await here.send(cancel(until_block, *range(20, 30)))

            assert [r.outcome for r in placed] == ["ACK"] * 10
            assert len({r.tx_hash for r in placed}) == 10
            assert result.outcome == "ACK"
            await until(
                lambda: (
                    {
                        e.client_id
                        for e in here.events.of(OrderUpdated)
                        if e.status == "BEST_EFFORT_CANCELED"
                    }
                    == set(range(20, 30))
                )
            )
            assert len(here.events.of(CommandResult)) == 11

    asyncio.run(main())


def test_submit__more_cancels_than_a_batch_takes__still_one_result() -> None:
    async def main() -> None:
        async with world() as here:
            await here.connect()

            (result,) = await here.send(cancel(here.exchange.chain.height + 5, *range(250)))

            assert result.outcome == "ACK"
            assert len(here.events.of(CommandResult)) == 1

    asyncio.run(main())


def test_submit__market_not_configured__rejected_here() -> None:
    async def main() -> None:
        async with world() as here:
            await here.connect(markets=("BTC-USD",))

            (result,) = await here.send(quote(1, Side.BUY, 30_000, 1, 10))

            assert (result.outcome, result.codespace, result.code) == ("REJECTED", "keeper", 1)
            assert result.tx_hash == ""

    asyncio.run(main())


def test_run__websocket_restart_during_fills__repaired_each_once_and_reconciled() -> None:
    async def main() -> None:
        async with world() as here:
            await here.connect()
            until_block = here.exchange.chain.height + 15
            await here.send(quote(31, Side.BUY, 30_000, 100, until_block))
            await here.take(SELL, 30_000, 10)
            await here.block()
            await until(lambda: len(ours(here)) == 1)

            await cut_stream(here)
            await here.take(SELL, 30_000, 20)
            here.exchange.make_block()
            await here.take(SELL, 30_000, 30)
            missed = here.exchange.make_block()
            await here.came_up(2)
            await here.take(SELL, 30_000, 5)
            height = await here.block()
            state = await here.observed(height)

            fills = ours(here)
            assert [f.quantums // STEP for f in fills] == [10, 20, 30, 5]
            assert len({f.fill_id for f in fills}) == 4
            assert {f.client_id for f in fills} == {31}
            (down,) = here.events.of(SourceDown)
            assert "1012" in down.detail
            second = here.events.of(Reconciled)[1]
            assert second.height == missed
            (order,) = second.open_orders
            assert (order.client_id, order.filled_quantums) == (31, 60 * STEP)
            assert (order.quantums, order.subticks) == (100 * STEP, 30_000 * TICK)
            assert order.good_til_block == until_block
            assert_state_is_the_exchanges(here, state)

    asyncio.run(main())


async def cut_stream(here: World) -> None:
    """Close every websocket as an indexer restart does; its server goes on listening."""
    for connection in list(here.exchange._streams._connections.values()):
        await connection.socket.close(1012, "service restart")


def test_run__stream_reconnects__sequence_never_goes_back() -> None:
    async def main() -> None:
        async with world() as here:
            await here.connect()
            await cut_stream(here)
            await here.came_up(2)
            await here.send(quote(1, Side.BUY, 29_000, 1, here.exchange.chain.height + 5))
            await until(lambda: not here.events.of(BookUpdated)[-1].snapshot)

            sequences = [e.source_seq for e in here.events.of(BookUpdated)]

            assert sequences == sorted(set(sequences))
            assert [e.snapshot for e in here.events.of(BookUpdated)] == [True] * 4 + [False]

    asyncio.run(main())


def test_run__restarted_keeper__takes_up_where_its_journal_ends() -> None:
    async def main() -> None:
        async with world() as here:
            await here.connect()
            known = here.events.of(Reconciled)[0].height
            until_block = here.exchange.chain.height + 15
            await here.send(quote(41, Side.BUY, 30_000, 100, until_block))
            await here.disconnect()
            here.events.clear()
            await here.take(SELL, 30_000, 25)
            here.exchange.make_block()

            await here.connect(resume_height=known)

            kinds = [type(event) for event in here.events]
            assert kinds.index(FillReceived) < kinds.index(Reconciled)
            (fill,) = ours(here)
            assert (fill.client_id, fill.quantums) == (41, 25 * STEP)
            (reconciled,) = here.events.of(Reconciled)
            assert [o.client_id for o in reconciled.open_orders] == [41]
            assert_state_is_the_exchanges(here, reconciled.subaccount)

    asyncio.run(main())


def test_run__died_with_a_fill_under_way__told_although_its_height_was_observed() -> None:
    async def main() -> None:
        async with world() as here:
            await here.connect()
            await here.send(quote(41, Side.BUY, 30_000, 100, here.exchange.chain.height + 15))
            await here.disconnect()
            here.events.clear()
            await here.take(SELL, 30_000, 25)
            observed = here.exchange.make_block()

            await here.connect(resume_height=observed)

            assert [(f.client_id, f.height) for f in ours(here)] == [(41, observed)]

    asyncio.run(main())


def test_run__restarted_after_the_node_pruned_its_height__still_takes_up() -> None:
    async def main() -> None:
        async with world(history_blocks=3) as here:
            await here.connect()
            known = here.events.of(Reconciled)[0].height
            await here.send(quote(41, Side.BUY, 30_000, 100, here.exchange.chain.height + 15))
            await here.disconnect()
            here.events.clear()
            await here.take(SELL, 30_000, 25)
            for _ in range(6):
                here.exchange.make_block()

            await here.connect(resume_height=known)

            assert [f.quantums for f in ours(here)] == [25 * STEP]
            assert_state_is_the_exchanges(here, here.events.of(Reconciled)[0].subaccount)

    asyncio.run(main())


def test_run__lost_twice__comes_up_each_time() -> None:
    async def main() -> None:
        async with world() as here:
            await here.connect()
            for times in (2, 3):
                await cut_stream(here)
                await here.came_up(times)

            assert len(here.events.of(SourceDown)) == 2
            assert len(here.events.of(Reconciled)) == 3

    asyncio.run(main())


def test_run__fresh_start_after_trades__old_fills_are_in_the_state_alone() -> None:
    async def main() -> None:
        async with world() as here:
            await here.connect()
            await here.send(quote(42, Side.BUY, 30_000, 100, here.exchange.chain.height + 15))
            await here.take(SELL, 30_000, 25)
            await here.block()
            await here.disconnect()
            here.events.clear()

            await here.connect()

            assert ours(here) == []
            (reconciled,) = here.events.of(Reconciled)
            assert reconciled.subaccount.positions[0].quantums == 25 * STEP

    asyncio.run(main())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"chain_id": "dydx-mainnet-1"}, "on chain localdydxprotocol"),
        ({"markets": ("ETH-USD", "DOGE-USD")}, "DOGE-USD"),
        ({"max_messages_per_block": 801}, "4000 order messages in 5 blocks"),
        ({"authenticator_ids": (5,)}, "no authenticator 5"),
        ({"address": "dydx199tqg4wdlnu4qjlxchpd7seg454937hjrknju4"}, "does not exist"),
    ],
)
def test_run__configuration_does_not_fit_the_venue__config_error(
    changes: dict[str, Any], message: str
) -> None:
    async def main() -> None:
        async with world() as here:
            await here.connect(**changes)

    with pytest.raises(ConfigError, match=message):
        asyncio.run(main())


@pytest.mark.parametrize(
    "changes",
    [
        {"grpc_endpoint": "127.0.0.1:1", "query_deadline_ms": 300},
        {"rest_url": "http://127.0.0.1:1"},
        {"ws_url": "ws://127.0.0.1:1"},
    ],
)
def test_run__endpoint_unreachable_at_start__venue_unavailable(changes: dict[str, Any]) -> None:
    async def main() -> None:
        async with world() as here:
            await here.connect(**changes)

    with pytest.raises(VenueUnavailable, match=r"127\.0\.0\.1:1"):
        asyncio.run(main())


def test_run__key_of_another_account__config_error() -> None:
    async def main() -> None:
        async with world() as here:
            await here.connect(HOT)

    with pytest.raises(ConfigError, match=ADDRESS):
        asyncio.run(main())


def test_run__another_subaccount_of_the_owner_quotes_a_market__config_error() -> None:
    """Two keepers of one operator would trade with each other: the second does not start."""

    async def main() -> None:
        async with world() as here:
            await here.connect()
            await here.send(quote(11, Side.BUY, 29_000, 10, here.exchange.chain.height + 10))
            await here.block()
            first, here.events = here.venue, type(here.events)()
            assert first is not None
            second = DydxVenue(
                here.settings(subaccount=1, markets=("ETH-USD",)),
                OWNER,
                ExchangeClock(here.exchange),
            )
            elsewhere = DydxVenue(
                here.settings(subaccount=1, markets=("BTC-USD",)),
                OWNER,
                ExchangeClock(here.exchange),
            )
            try:
                with pytest.raises(ConfigError, match=r"subaccount 0 of .* has orders in ETH-USD"):
                    await asyncio.wait_for(second.run(here.emit), 10)
                apart = asyncio.create_task(elsewhere.run(here.emit))
                await until(lambda: here.events.of(SourceUp) != [], "the other market comes up")
                apart.cancel()
                await asyncio.gather(apart, return_exceptions=True)
            finally:
                await second.close()
                await elsewhere.close()

    asyncio.run(main())
