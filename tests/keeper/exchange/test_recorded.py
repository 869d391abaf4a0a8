"""Recorded flow in the books: levels less what was taken, trades in order, the end of the tape."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from keeper.devnet.exchange.chain import Chain
from keeper.devnet.exchange.config import ExchangeConfig, RecordedConfig
from keeper.devnet.exchange.dump import canonical_bytes
from keeper.devnet.exchange.events import Event, FillCommitted
from keeper.devnet.exchange.ledger import total_usdc
from keeper.devnet.exchange.model import MarketStatus, Side, SubaccountId
from keeper.devnet.exchange.recorded import LIFE, RecordedFlow, Unfunded
from keeper.devnet.exchange.tape import TapeReader
from tests.keeper.exchange.conftest import BLOCK_NS, GENESIS_NS, fund
from tests.keeper.exchange.wallets import (
    BTC,
    BUY,
    ETH,
    ETH_STEP,
    ETH_TICK,
    IOC,
    POST_ONLY,
    SELL,
    Trader,
    order,
    place,
)

RICH = 10**15
MAKER, TAKER = Trader(8), Trader(9)
SECOND = 10**9

Line = dict[str, Any]


def levels(*pairs: tuple[int, int]) -> list[list[int]]:
    """Levels given in ticks and steps."""
    return [[ticks * ETH_TICK, steps * ETH_STEP] for ticks, steps in pairs]


def book(at: int, bids: list[list[int]], asks: list[list[int]], market: int = ETH) -> Line:
    return {"t": at * SECOND, "m": market, "b": bids, "a": asks}


def trade(at: int, side: int, ticks: int, steps: int, market: int = ETH) -> Line:
    shape = {"s": side, "p": ticks * ETH_TICK, "q": steps * ETH_STEP}
    return {"t": at * SECOND, "m": market, **shape}


def write_tape(folder: Path, lines: list[Line]) -> Path:
    path = folder / "tape.jsonl"
    path.write_text("\n".join(json.dumps(line) for line in [{"tape": 1}, *lines]) + "\n")
    return path


class Played:
    """A chain, a tape played into it, and two traders who are not in the recording."""

    def __init__(
        self, folder: Path, lines: list[Line], *, money: int = RICH, from_second: int = 0
    ) -> None:
        self.chain = Chain(ExchangeConfig(), GENESIS_NS)
        for account in (MAKER, TAKER):
            fund(self.chain, account, deposit=money)
        self.alice, self.bob = (fund(self.chain, Trader(seed)) for seed in (1, 2))
        config = RecordedConfig(
            tape_path=str(write_tape(folder, lines)),
            from_ns=from_second * SECOND,
            clock_path="unused",
            maker=MAKER.address,
            taker=TAKER.address,
        )
        self.flow = RecordedFlow(config, self.chain)
        self.fills: list[FillCommitted] = []
        self.events: list[Event] = []

    def block(self, at: int) -> None:
        """Make the block whose tape time is so many seconds."""
        self.events = self.flow.play(at * SECOND)
        committed = self.chain.commit(self.chain.block.time_ns + BLOCK_NS)
        self.fills += [event for event in committed if isinstance(event, FillCommitted)]

    def send(self, who: Trader, side: int, ticks: int, steps: int, tif: int) -> int:
        gtb = self.chain.height + 1 + 15
        raw = order(who, gtb=gtb, side=side, price=ticks, size=steps, tif=tif)
        return self.chain.check_tx(place(who, raw)).result.code

    def side(self, side: Side, market: int = ETH) -> list[tuple[int, int]]:
        """A side of the book in ticks and steps, best first."""
        found = self.chain.clob.books[market].levels(side)
        return [(subticks // ETH_TICK, quantums // ETH_STEP) for subticks, quantums in found]

    def position(self, who: Trader) -> int:
        account = self.chain.state.subaccounts.get(SubaccountId(who.address, 0))
        held = account.positions.get(ETH) if account else None
        return held.quantums // ETH_STEP if held else 0


@pytest.fixture
def played(tmp_path: Path) -> Callable[..., Played]:
    return lambda *lines, **how: Played(tmp_path, list(lines), **how)


NARROW = (levels((30_000, 50), (29_999, 70)), levels((30_001, 40), (30_002, 60)))


def test_play__frames_up_to_the_time__shows_the_newest(played: Callable[..., Played]) -> None:
    world = played(
        book(1, *NARROW), book(2, levels((29_990, 5)), levels((30_003, 6))), book(9, *NARROW)
    )

    world.block(1)
    assert world.side(Side.BUY) == [(30_000, 50), (29_999, 70)]
    assert world.side(Side.SELL) == [(30_001, 40), (30_002, 60)]

    world.block(8)
    assert world.side(Side.BUY) == [(29_990, 5)]
    assert world.side(Side.SELL) == [(30_003, 6)]


def test_play__before_the_first_frame__shows_nothing(played: Callable[..., Played]) -> None:
    world = played(book(5, *NARROW))
    world.block(4)
    assert world.side(Side.BUY) == world.side(Side.SELL) == []


def test_play__what_others_took__stays_missing_from_the_level(
    played: Callable[..., Played],
) -> None:
    world = played(book(1, *NARROW), book(3, NARROW[0], levels((30_001, 45), (30_002, 60))))
    world.block(1)

    assert world.send(world.alice, BUY, 30_001, 15, IOC) == 0
    world.block(2)
    assert world.side(Side.SELL) == [(30_001, 25), (30_002, 60)]

    world.block(3)
    assert world.side(Side.SELL) == [(30_001, 30), (30_002, 60)]
    assert world.position(world.alice) == 15


def test_play__a_level_that_left_the_recording__comes_back_whole(
    played: Callable[..., Played],
) -> None:
    gone = book(2, NARROW[0], levels((30_002, 60)))
    world = played(book(1, *NARROW), gone, book(3, *NARROW))
    world.block(1)
    world.send(world.alice, BUY, 30_001, 15, IOC)

    world.block(2)
    world.block(3)

    assert world.side(Side.SELL) == [(30_001, 40), (30_002, 60)]


def test_play__a_level_that_shrank_below_what_was_taken__grows_by_what_is_new(
    played: Callable[..., Played],
) -> None:
    thin = book(2, NARROW[0], levels((30_001, 10), (30_002, 60)))
    world = played(book(1, *NARROW), thin, book(3, *NARROW))
    world.block(1)
    world.send(world.alice, BUY, 30_001, 15, IOC)

    world.block(2)
    assert world.side(Side.SELL) == [(30_002, 60)]
    world.block(3)

    assert world.side(Side.SELL) == [(30_001, 30), (30_002, 60)]


def test_play__recorded_trades__take_in_recorded_order(played: Callable[..., Played]) -> None:
    world = played(
        book(1, *NARROW),
        trade(2, BUY, 30_001, 7),
        trade(2, SELL, 30_000, 3),
        trade(3, BUY, 30_001, 2),
    )
    world.block(1)

    world.block(3)

    taken = [(fill.taker.side, fill.quantums // ETH_STEP) for fill in world.fills]
    assert taken == [(Side.BUY, 7), (Side.SELL, 3), (Side.BUY, 2)]
    assert {fill.taker.id.subaccount.owner for fill in world.fills} == {TAKER.address}


def test_play__recorded_trade__takes_no_worse_price_than_it_had(
    played: Callable[..., Played],
) -> None:
    world = played(book(1, *NARROW), trade(2, BUY, 30_001, 100))
    world.block(1)

    world.block(2)

    assert sum(fill.quantums for fill in world.fills) == 40 * ETH_STEP
    assert world.position(TAKER) == 40


def test_play__a_better_resting_order__is_taken_before_the_recorded_book(
    played: Callable[..., Played],
) -> None:
    wide = (levels((30_000, 50)), levels((30_010, 40)))
    world = played(book(1, *wide), trade(2, BUY, 30_010, 12))
    world.block(1)

    assert world.send(world.bob, SELL, 30_005, 10, POST_ONLY) == 0
    world.block(2)

    made = [(fill.maker.id.subaccount.owner, fill.subticks // ETH_TICK) for fill in world.fills]
    assert made == [(world.bob.address, 30_005), (MAKER.address, 30_010)]
    assert world.position(world.bob) == -10


def test_play__an_order_behind_at_the_same_price__waits_for_the_recorded_size(
    played: Callable[..., Played],
) -> None:
    """A level that grows adds behind, one that shrinks loses its newest: nobody jumps the queue."""
    grown = book(2, NARROW[0], levels((30_001, 90), (30_002, 60)))
    shrunk = book(3, NARROW[0], levels((30_001, 40), (30_002, 60)))
    world = played(book(1, *NARROW), grown, shrunk, trade(4, BUY, 30_001, 45))
    world.block(1)
    world.send(world.bob, SELL, 30_001, 10, POST_ONLY)

    for second in (2, 3, 4):
        world.block(second)

    assert world.position(world.bob) == -5
    assert [fill.quantums // ETH_STEP for fill in world.fills] == [40, 5]


def test_place__post_only_into_the_recorded_book__answers_2003(
    played: Callable[..., Played],
) -> None:
    world = played(book(1, *NARROW))
    world.block(1)

    assert world.send(world.bob, BUY, 30_001, 5, POST_ONLY) == 2003
    assert world.send(world.bob, BUY, 30_000, 5, POST_ONLY) == 0
    assert world.side(Side.SELL) == [(30_001, 40), (30_002, 60)]


def test_play__a_recorded_level_that_reaches_an_order__trades_with_it(
    played: Callable[..., Played],
) -> None:
    fallen = book(2, levels((29_980, 50)), levels((29_990, 40)))
    world = played(book(1, *NARROW), fallen, book(3, *fallen_levels(fallen)))
    world.block(1)
    assert world.send(world.bob, BUY, 29_995, 10, POST_ONLY) == 0

    world.block(2)
    assert world.position(world.bob) == 10
    assert world.fills[0].maker.id.subaccount.owner == world.bob.address
    assert world.fills[0].subticks == 29_995 * ETH_TICK
    assert world.side(Side.SELL) == [(29_990, 30)]

    world.block(3)
    assert world.side(Side.SELL) == [(29_990, 30)]


def fallen_levels(line: Line) -> tuple[list[list[int]], list[list[int]]]:
    return line["b"], line["a"]


def test_play__at_the_tapes_end__holds_the_last_book_and_trades_no_more(
    played: Callable[..., Played],
) -> None:
    world = played(book(1, *NARROW), trade(2, BUY, 30_001, 5), book(3, *NARROW))
    for second in range(1, 4):
        world.block(second)
    traded = len(world.fills)

    for second in range(100, 100 + 3 * LIFE):
        world.block(second)
        assert world.side(Side.SELL) == [(30_001, 40), (30_002, 60)]
        assert world.side(Side.BUY) == [(30_000, 50), (29_999, 70)]

    assert len(world.fills) == traded == 1


def test_play__from_a_mark__passes_over_the_trades_before_it(
    played: Callable[..., Played],
) -> None:
    before, after = trade(2, BUY, 30_001, 5), trade(3, BUY, 30_001, 2)
    world = played(book(1, *NARROW), before, after, from_second=3)
    assert world.send(world.bob, SELL, 30_001, 9, POST_ONLY) == 0

    world.block(3)

    assert world.position(world.bob) == -2
    assert world.side(Side.SELL) == [(30_001, 7 + 40), (30_002, 60)]


def test_play__two_markets__keep_apart(played: Callable[..., Played]) -> None:
    other = [[650_000 * ETH_TICK, 9 * ETH_STEP]], [[650_010 * ETH_TICK, 8 * ETH_STEP]]
    world = played(book(1, *NARROW), book(1, *other, market=BTC), book(2, *NARROW))
    world.block(1)
    world.block(2)
    assert world.side(Side.SELL, BTC) == [(650_010, 8)]
    assert world.side(Side.SELL) == [(30_001, 40), (30_002, 60)]


def test_play__in_a_paused_market__does_nothing(played: Callable[..., Played]) -> None:
    world = played(book(1, *NARROW), trade(3, BUY, 30_001, 5))
    world.block(1)
    world.chain.set_status(ETH, MarketStatus.PAUSED)
    world.block(2)

    world.block(3)

    assert world.fills == []


def test_play__accounts_without_money__ends_loudly(played: Callable[..., Played]) -> None:
    world = played(book(1, *NARROW), trade(2, BUY, 30_001, 5), money=0)
    world.block(1)
    with pytest.raises(Unfunded, match=MAKER.address):
        world.block(2)


def crowded(folder: Path) -> Played:
    """A tape that moves, with two others trading into it."""
    lines: list[Line] = []
    for second in range(1, 30):
        middle = 30_000 + (second * 7919) % 11
        near = levels((middle, 5 + second % 4), (middle - 1, 9))
        lines.append(book(second, near, levels((middle + 1, 4 + second % 5), (middle + 3, 8))))
        lines.append(trade(second, 1 + second % 2, middle + second % 3, 3))
    world = Played(folder, lines)
    for second in range(1, 32):
        ticks = 30_000 + (second * 31) % 13
        world.send(world.alice, BUY, ticks, 2, IOC)
        world.send(world.bob, SELL, ticks, 3, POST_ONLY)
        world.block(second)
    return world


def test_play__same_tape_and_inputs__gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = (crowded(folder) for folder in (tmp_path, tmp_path))
    assert len(first.fills) > 20
    assert canonical_bytes(first.chain) == canonical_bytes(second.chain)


def test_play__against_others__conserves_every_unit(tmp_path: Path) -> None:
    world = crowded(tmp_path)
    state = world.chain.state
    brought = (state.totals.get("bridged_in") or 0) + (state.totals.get("faucet_in") or 0)
    assert total_usdc(state) == brought
    held = [world.position(who) for who in (MAKER, TAKER, world.alice, world.bob)]
    assert sum(held) == 0
    assert any(held)


def test_until__read_to_the_end__says_so(tmp_path: Path) -> None:
    reader = TapeReader(write_tape(tmp_path, [book(1, *NARROW), book(2, *NARROW)]))
    assert [moment.time_ns for moment in reader.until(SECOND)] == [SECOND]
    assert not reader.is_at_end
    assert [moment.time_ns for moment in reader.until(10 * SECOND)] == [2 * SECOND]
    assert reader.is_at_end


START = '{"tape": 1}'
LATER = '{"t": 2, "m": 1, "b": [], "a": []}'


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([], "is not a tape"),
        (["{}"], "is not a tape"),
        ([LATER], "is not a tape"),
        ([START, LATER, '{"t": 1, "m": 1, "b": [], "a": []}'], "line 3: time goes back"),
        ([START, LATER, '{"t": 3, "m": 1, "s": 1}'], "line 3: malformed"),
        ([START, "[]"], "line 2: malformed"),
        ([START, "nonsense"], "line 2: malformed"),
    ],
)
def test_tape__malformed__is_refused(tmp_path: Path, lines: list[str], reason: str) -> None:
    path = tmp_path / "tape.jsonl"
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(ValueError, match=reason):
        list(TapeReader(path).until(10))
