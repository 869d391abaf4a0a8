"""The committed account: fills once, funding by index differences, pruned history."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from dydx_peers import ADDRESS, ChainHistory, Events, IndexerHistory, StepClock

from keeper.domain.errors import VenueUnavailable
from keeper.domain.events import FillReceived, FundingPaid, SubaccountObserved, VenueTransfer
from keeper.domain.instruments import PerpetualMarket
from keeper.venues.dydx import wire
from keeper.venues.dydx.directory import Directory, Listing
from keeper.venues.dydx.links import Links
from keeper.venues.dydx.observer import Observer
from keeper.venues.dydx.progress import OrderIndex, Progress, SeenIds
from keeper.venues.dydx.settings import DydxSettings

START = 1_000


def fill(number: int, height: int, order_id: str | None = "order") -> wire.Fill:
    return wire.Fill(
        id=f"fill-{number}",
        side="BUY",
        liquidity="MAKER",
        type="LIMIT",
        price="3000",
        size="0.1",
        fee="0.03",
        created_at_height=str(height),
        order_id=order_id,
        ticker="ETH-USD",
    )


def transfer(number: int, height: int) -> wire.Transfer:
    return wire.Transfer(
        id=f"transfer-{number}",
        sender=wire.Party(address=ADDRESS),
        recipient=wire.Party(address=ADDRESS, subaccount_number=0),
        size="1",
        symbol="USDC",
        type="DEPOSIT",
        created_at_height=str(height),
    )


class Rig:
    """An observer over histories in memory."""

    def __init__(
        self, eth: PerpetualMarket, *, observed: bool = True, interval_ms: int = 5
    ) -> None:
        self.chain, self.indexer, self.events = ChainHistory(), IndexerHistory(), Events()
        self.chain.put(START, 5_000)
        directory = Directory()
        directory.take([Listing(eth, 1, 1)])
        self.orders = OrderIndex()
        self.orders.learn("order", 42, START + 10)
        self.progress = Progress(
            fills=SeenIds(START),
            transfers=SeenIds(START),
            complete=START,
            observed=self.chain.states[START] if observed else None,
        )
        settings = DydxSettings(
            chain_id="c",
            grpc_endpoint="g:1",
            grpc_insecure=True,
            rest_url="http://r",
            ws_url="ws://w",
            address=ADDRESS,
            subaccount=0,
            markets=("ETH-USD",),
            query_deadline_ms=50,
            observe_interval_ms=interval_ms,
            repair_interval_ms=5,
        )
        links: Any = Links(settings, None, self.chain, self.indexer, StepClock())  # type: ignore[arg-type]
        self.observer = Observer(links, directory, self.progress, self.orders)

    async def run_until(self, probe: Callable[[], Any]) -> None:
        """Run the observer's loop until something was emitted."""
        task = asyncio.create_task(self.observer.run(self.events.append))
        try:
            for _ in range(2_000):
                if probe() or task.done():
                    break
                await asyncio.sleep(0.001)
            if task.done():
                task.result()
            assert probe()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def observed_heights(self) -> list[int]:
        return [e.height for e in self.events.of(SubaccountObserved)]


Use = Callable[[Rig], Awaitable[None]]


def run(rig: Rig, use: Use) -> None:
    asyncio.run(_run(rig, use))


async def _run(rig: Rig, use: Use) -> None:
    await use(rig)


def test_fill__delivered_twice__emitted_once(eth: PerpetualMarket) -> None:
    rig = Rig(eth)

    async def use(rig: Rig) -> None:
        await rig.observer.fills(rig.events.append, [fill(1, START + 1)])
        await rig.observer.fills(rig.events.append, [fill(1, START + 1)])

    run(rig, use)

    (event,) = rig.events
    assert isinstance(event, FillReceived)
    assert event.client_id == 42


def test_fill__at_or_below_the_resume_height__not_emitted(eth: PerpetualMarket) -> None:
    rig = Rig(eth)

    run(rig, lambda r: r.observer.fills(r.events.append, [fill(1, START)]))

    assert rig.events == []


def test_fill__order_of_a_former_run__client_id_asked_of_the_indexer(eth: PerpetualMarket) -> None:
    rig = Rig(eth)
    rig.indexer.orders["old"] = wire.Order(
        id="old",
        ticker="ETH-USD",
        status="FILLED",
        order_flags="0",
        client_id="77",
        good_til_block=str(START + 5),
    )

    async def use(rig: Rig) -> None:
        await rig.observer.fills(rig.events.append, [fill(1, START + 1, "old")])
        await rig.observer.fills(rig.events.append, [fill(2, START + 1, "old")])

    run(rig, use)

    assert [e.client_id for e in rig.events.of(FillReceived)] == [77, 77]
    assert rig.indexer.asked == ["old"]


@pytest.mark.parametrize("order_id", [None, "nobody knows"])
def test_fill__unsolicited__no_client_id_and_still_emitted(
    eth: PerpetualMarket, order_id: str | None
) -> None:
    rig = Rig(eth)

    run(rig, lambda r: r.observer.fills(r.events.append, [fill(1, START + 1, order_id)]))

    (event,) = rig.events.of(FillReceived)
    assert event.client_id is None


def test_fill__repair_overtakes_the_question__emitted_once(eth: PerpetualMarket) -> None:
    rig = Rig(eth)
    rig.indexer.fills = [fill(1, START + 1, "old")]

    async def use(rig: Rig) -> None:
        await asyncio.gather(
            rig.observer.fills(rig.events.append, [fill(1, START + 1, "old")]),
            rig.observer.catch_up(rig.events.append, START + 1),
        )

    run(rig, use)

    assert len(rig.events.of(FillReceived)) == 1


def test_catch_up__missed_fills_and_transfers__emitted_up_to_the_height(
    eth: PerpetualMarket,
) -> None:
    rig = Rig(eth)
    rig.indexer.fills = [fill(n, START + n) for n in range(6)]
    rig.indexer.transfers = [transfer(n, START + n) for n in range(6)]

    async def use(rig: Rig) -> None:
        await rig.observer.catch_up(rig.events.append, START + 3)
        await rig.observer.catch_up(rig.events.append, START + 4)

    run(rig, use)

    assert [e.height - START for e in rig.events.of(FillReceived)] == [1, 2, 3, 4]
    assert [e.height - START for e in rig.events.of(VenueTransfer)] == [1, 2, 3, 4]
    assert rig.progress.complete == START + 4


def test_catch_up__row_that_appears_late_below_the_complete_height__still_emitted(
    eth: PerpetualMarket,
) -> None:
    rig = Rig(eth)

    async def use(rig: Rig) -> None:
        await rig.observer.catch_up(rig.events.append, START + 5)
        rig.indexer.fills = [fill(1, START + 4)]
        await rig.observer.catch_up(rig.events.append, START + 6)

    run(rig, use)

    assert [e.fill_id for e in rig.events.of(FillReceived)] == ["fill-1"]


def test_run__fill_noted__account_read_as_of_its_block(eth: PerpetualMarket) -> None:
    rig = Rig(eth)
    rig.chain.put(START + 3, 4_000, (1, 100_000_000, 0))

    async def use(rig: Rig) -> None:
        await rig.observer.fills(rig.events.append, [fill(1, START + 3)])
        rig.observer.note_block(START + 3)
        await rig.run_until(lambda: rig.observed_heights())

    run(rig, use)

    (state,) = rig.events.of(SubaccountObserved)
    assert (state.height, state.usdc_quote_quantums) == (START + 3, 4_000)
    assert state.positions[0].quantums == 100_000_000


def test_run__block_not_over__account_read_when_it_is(eth: PerpetualMarket) -> None:
    rig = Rig(eth)
    rig.chain.put(START + 2, 5_000)
    rig.chain.put(START + 3, 4_000)

    async def use(rig: Rig) -> None:
        rig.observer.note_block(START + 2)
        await rig.observer.fills(rig.events.append, [fill(1, START + 3)])
        await rig.run_until(lambda: rig.observed_heights())
        assert rig.observed_heights() == [START + 2]
        rig.observer.note_block(START + 3)
        await rig.run_until(lambda: len(rig.observed_heights()) > 1)

    run(rig, use)

    assert rig.observed_heights() == [START + 2, START + 3]


def test_catch_up__two_fills_of_a_block__no_account_read_between_them(
    eth: PerpetualMarket,
) -> None:
    rig = Rig(eth, interval_ms=60_000)
    rig.chain.put(START + 1, 4_000)
    rig.indexer.fills = [fill(1, START + 1), fill(2, START + 1, "old")]
    rig.indexer.seconds = 0.02

    async def use(rig: Rig) -> None:
        rig.observer.note_block(START + 1)
        repair = asyncio.create_task(rig.observer.catch_up(rig.events.append, START + 1))
        await rig.run_until(lambda: repair.done() and rig.observed_heights())

    run(rig, use)

    assert [type(event) for event in rig.events] == [
        FillReceived,
        FillReceived,
        SubaccountObserved,
    ]


def test_run__nothing_happens__head_read_once_an_interval(eth: PerpetualMarket) -> None:
    rig = Rig(eth)
    rig.chain.put(START + 9, 5_000)

    async def use(rig: Rig) -> None:
        rig.observer.note_block(START + 9)
        await rig.run_until(lambda: rig.observed_heights())

    run(rig, use)

    assert rig.observed_heights() == [START + 9]


def test_run__transfer_noted__read_from_the_history(eth: PerpetualMarket) -> None:
    rig = Rig(eth)
    rig.indexer.transfers = [transfer(1, START + 2)]
    rig.chain.put(START + 2, 6_000)

    async def use(rig: Rig) -> None:
        rig.observer.note_transfer()
        rig.observer.note_block(START + 2)
        await rig.run_until(lambda: rig.observed_heights())

    run(rig, use)

    (moved,) = rig.events.of(VenueTransfer)
    assert (moved.quote_quantums, moved.counterparty) == (1_000_000, ADDRESS)
    assert rig.observed_heights() == [START + 2]


def test_run__node_behind_the_indexer__asked_until_it_has_the_block(eth: PerpetualMarket) -> None:
    rig = Rig(eth)

    async def use(rig: Rig) -> None:
        await rig.observer.fills(rig.events.append, [fill(1, START + 1)])
        rig.observer.note_block(START + 1)
        asyncio.get_running_loop().call_later(0.01, rig.chain.put, START + 1, 1)
        await rig.run_until(lambda: rig.observed_heights())

    run(rig, use)

    assert rig.observed_heights() == [START + 1]
    assert len(rig.chain.calls) > 1


def test_run__node_never_has_the_block__venue_unavailable(eth: PerpetualMarket) -> None:
    rig = Rig(eth)

    async def use(rig: Rig) -> None:
        await rig.observer.fills(rig.events.append, [fill(1, START + 1)])
        rig.observer.note_block(START + 1)
        await rig.run_until(lambda: False)

    with pytest.raises(VenueUnavailable, match="no state at 1001"):
        run(rig, use)


def test_run__funding_settled_by_two_fills__each_with_what_was_held_before(
    eth: PerpetualMarket,
) -> None:
    rig = Rig(eth)
    rig.chain.put(START + 1, 0, (1, 3_000_001, 10))
    rig.chain.put(START + 5, 0, (1, 5_000_000, 17))
    rig.chain.put(START + 9, 0, (1, -2_000_000, 14))

    async def use(rig: Rig) -> None:
        for number, height in enumerate((START + 1, START + 5, START + 9)):
            await rig.observer.fills(rig.events.append, [fill(number, height)])
        rig.observer.note_block(START + 9)
        await rig.run_until(lambda: len(rig.observed_heights()) == 3)

    run(rig, use)

    paid = [(e.height - START, e.quote_quantums) for e in rig.events.of(FundingPaid)]
    assert paid == [(5, -22), (9, 15)]


def test_settle__pruned_history__no_funding_is_guessed(eth: PerpetualMarket) -> None:
    rig = Rig(eth)
    rig.chain.put(START, 0, (1, 3_000_000, 10))
    rig.progress.observed = rig.chain.states[START]
    rig.chain.put(START + 9, 0, (1, 5_000_000, 17))

    async def use(rig: Rig) -> None:
        await rig.observer.fills(rig.events.append, [fill(1, START + 2)])
        await rig.observer.settle(rig.events.append, rig.chain.states[START + 9])

    run(rig, use)

    assert rig.events.of(FundingPaid) == []
    assert rig.progress.observed == rig.chain.states[START + 9]


def test_settle__history_kept__every_change_read_in_order(eth: PerpetualMarket) -> None:
    rig = Rig(eth)
    rig.chain.put(START + 2, 0, (1, 1_000_000, 10))
    rig.chain.put(START + 4, 0, (1, 2_000_000, 12))
    rig.chain.put(START + 9, 0)
    rig.chain.indexes[START + 8] = 15

    async def use(rig: Rig) -> None:
        await rig.observer.fills(rig.events.append, [fill(1, START + 4)])
        await rig.observer.fills(rig.events.append, [fill(2, START + 2)])
        await rig.observer.settle(rig.events.append, rig.chain.states[START + 9])

    run(rig, use)

    paid = [(e.height - START, e.quote_quantums) for e in rig.events.of(FundingPaid)]
    assert paid == [(4, -2), (9, -6)]
    assert rig.observed_heights() == [START + 2, START + 4]


def test_run__cancelled_in_the_moment_it_is_woken__ends(eth: PerpetualMarket) -> None:
    rig = Rig(eth)

    async def use(rig: Rig) -> None:
        task = asyncio.create_task(rig.observer.run(rig.events.append))
        await asyncio.sleep(0)
        rig.observer.note_transfer()
        task.cancel()
        done, _ = await asyncio.wait([task], timeout=1)
        assert done == {task}
        assert task.cancelled()

    run(rig, use)


def test_repair__interval_passes__history_compared_again(eth: PerpetualMarket) -> None:
    rig = Rig(eth)
    rig.indexer.fills = [fill(1, START + 1)]

    async def use(rig: Rig) -> None:
        rig.observer.note_block(START + 1)
        task = asyncio.create_task(rig.observer.repair(rig.events.append))
        for _ in range(2_000):
            if rig.events:
                break
            await asyncio.sleep(0.001)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    run(rig, use)

    assert [e.fill_id for e in rig.events.of(FillReceived)] == ["fill-1"]


def test_seen_ids__far_below_the_complete_height__forgotten_and_not_admitted() -> None:
    seen = SeenIds(0)
    seen.add("a", 10)
    seen.add("b", 5_000)

    seen.complete(5_000)

    assert not seen.is_new("a", 10)
    assert not seen.is_new("c", 4_000)
    assert not seen.is_new("b", 5_000)
    assert seen.is_new("c", 4_001)


def test_order_index__long_expired__forgotten() -> None:
    orders = OrderIndex()
    orders.learn("old", 1, 100)
    orders.learn("new", 2, 2_000)

    orders.forget_before(2_000)

    assert len(orders) == 1
    assert (orders.client_id("old"), orders.client_id("new")) == (None, 2)
