"""Silence, halts, lagging nodes, failing repairs, lost messages, accounts in doubt."""

import asyncio
from typing import Any

import pytest
from dydx_tamper import once, relay
from dydx_world import World, quote, until, world

from keeper.domain.errors import ConfigError, VenueUnavailable
from keeper.domain.events import BookUpdated, OraclePriced, SourceDown
from keeper.domain.orders import Side
from keeper.ports import Clock
from keeper.venues.dydx.indexer import Indexer
from keeper.venues.dydx.node import Node
from keeper.venues.dydx.observer import Observer
from keeper.venues.dydx.venue import DydxVenue


def downs(here: World) -> list[str]:
    return [event.detail for event in here.events.of(SourceDown)]


def test_run__stream_open_and_silent__is_a_lost_one() -> None:
    async def main() -> None:
        async with world() as here:
            await here.connect(silence_ms=150)

            await here.came_up(2)

            assert "fell silent" in downs(here)[0]

    asyncio.run(main())


def test_run__book_message_lost_before_it_was_numbered__next_snapshot_corrects_it() -> None:
    async def main() -> None:
        async with world() as here:
            url = f"ws://127.0.0.1:{here.exchange.ports.websocket}"
            async with relay(url) as middle:
                shift = 0

                def lose(message: dict[str, Any]) -> list[Any]:
                    nonlocal shift
                    shift = 1
                    return []

                lost = once(lose, lambda m: m.get("channel") == "v4_orderbook")
                await here.connect(ws_url=middle.url, book_refresh_ms=300)
                middle.tamper = lambda m: [
                    found | {"message_id": found["message_id"] - shift}
                    for found in lost(m)
                    if not isinstance(found, str)
                ]

                await here.send(quote(1, Side.BUY, 29_000, 10, here.exchange.chain.height + 10))

                def told() -> Any:
                    books = [b for b in here.events.of(BookUpdated) if b.market == "ETH-USD"]
                    return [b for b in books[1:] if b.snapshot and b.bids]

                (book, *_) = await until(told, "a snapshot with the bid")
                assert book.bids[0].quantums == 10_000_000
                assert shift == 1
                assert downs(here) == []
                await here.disconnect()

    asyncio.run(main())


class LateClock:
    """Some seconds ahead of the exchange's last block: it stands still."""

    def __init__(self, clock: Clock, seconds: int) -> None:
        self._clock = clock
        self.seconds = seconds

    def now_ns(self) -> int:
        return self._clock.now_ns() + self.seconds * 10**9

    async def sleep(self, seconds: float) -> None:
        await self._clock.sleep(seconds)


@pytest.mark.parametrize(("seconds", "trusted"), [(0, True), (31, False)])
def test_run__chain_stands_still__its_oracle_prices_are_not_taken(
    seconds: int, trusted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = DydxVenue.__init__

    def late(self: Any, settings: Any, signer: Any, clock: Clock, **more: Any) -> None:
        opened(self, settings, signer, LateClock(clock, seconds), **more)

    monkeypatch.setattr(DydxVenue, "__init__", late)

    async def main() -> list[Any]:
        async with world() as here:
            await here.connect()
            return here.events.of(OraclePriced)

    assert bool(asyncio.run(main())) is trusted


def test_run__node_far_behind_the_indexer__is_left_for_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    moved: list[str] = []

    def move_on(self: Node) -> bool:
        moved.append(self.endpoint)
        return True

    async def height(_: Indexer) -> int:
        return 100

    async def main() -> None:
        async with world() as here:
            monkeypatch.setattr(Node, "move_on", move_on)
            monkeypatch.setattr(Indexer, "height", height)
            here.start()
            assert here.task is not None
            with pytest.raises(VenueUnavailable, match="stands at height"):
                await here.task
            assert moved == [f"127.0.0.1:{here.exchange.ports.grpc}"]

    asyncio.run(main())


@pytest.mark.parametrize(("failures", "survives"), [(2, True), (3, False)])
def test_repair__indexer_busy__session_lives_through_two_and_not_three(
    failures: int, survives: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = failures
    whole = Observer.catch_up

    async def busy(self: Observer, emit: Any, up_to: int) -> None:
        nonlocal left
        if left > 0 and repairing:
            left -= 1
            raise VenueUnavailable("HTTP 429")
        await whole(self, emit, up_to)

    repairing = False

    async def main() -> list[str]:
        nonlocal repairing
        async with world() as here:
            monkeypatch.setattr(Observer, "catch_up", busy)
            await here.connect(repair_interval_ms=30)
            repairing = True
            await until(lambda: left == 0, "every failure")
            await asyncio.sleep(0.1)
            return downs(here)

    found = asyncio.run(main())
    assert ("HTTP 429" in "".join(found)) is not survives


@pytest.mark.parametrize(
    ("status", "trades"),
    [("COMPLIANT", True), ("FIRST_STRIKE", True), ("CLOSE_ONLY", False), ("BLOCKED", False)],
)
def test_run__standing_with_the_venue__a_restricted_account_does_not_start(
    status: str, trades: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def compliance(_: Indexer) -> str:
        return status

    async def main() -> None:
        async with world() as here:
            monkeypatch.setattr(Indexer, "compliance", compliance)
            if trades:
                await here.connect()
                return
            here.start()
            assert here.task is not None
            with pytest.raises(ConfigError, match=status):
                await here.task

    asyncio.run(main())


def test_compliance__local_exchange__is_asked_over_the_wire() -> None:
    async def main() -> str:
        async with world() as here:
            url = f"http://127.0.0.1:{here.exchange.ports.rest}"
            indexer = Indexer(url, address="dydx1us", subaccount=0, deadline_ms=2_000)
            try:
                return await indexer.compliance()
            finally:
                await indexer.close()

    assert asyncio.run(main()) == "COMPLIANT"
