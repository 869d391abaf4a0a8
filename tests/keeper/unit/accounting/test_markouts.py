"""Markouts against sums worked by hand: sides, weights, missing references, a journal's series."""

from msgspec.structs import replace

from keeper.accounting.markouts import HORIZONS_NS, JournalMarkouts, Markout, Markouts
from keeper.domain.events import Event, MarketListed, SourceDown
from keeper.domain.orders import Liquidity, Side
from tests.keeper.builders import (
    LEADER,
    SECOND,
    fill,
    leader,
    market_settings,
    oracle,
    run_started,
    settings,
)
from tests.keeper.markets import ETH
from tests.keeper.samples import order

BUY, SELL = (Side.BUY, Liquidity.MAKER), (Side.SELL, Liquidity.MAKER)


def of(found: tuple[Markout, ...], horizon: int, as_what: tuple[Side, Liquidity]) -> Markout:
    return next(
        m for m in found if (m.horizon_ns, m.side, m.liquidity) == (horizon * SECOND, *as_what)
    )


def test_results__nothing_filled__every_horizon_and_side_without_a_number() -> None:
    found = Markouts().results()

    assert [(m.horizon_ns, m.side, m.liquidity) for m in found] == [
        (horizon, side, liquidity)
        for horizon in HORIZONS_NS
        for side in Side
        for liquidity in Liquidity
    ]
    assert {(m.fills, m.missing, m.ppm, m.drift_ppm) for m in found} == {(0, 0, None, None)}


def test_results__price_falls_after_a_buy__loss_and_its_parts() -> None:
    marks = Markouts()
    marks.priced(0, 1_000_000)
    marks.filled(0, BUY, 999_000, 5)
    marks.priced(SECOND // 2, 998_000)
    marks.passed(2 * SECOND)

    # (998000 - 999000) / 999000 = -1001.001 ppm; of it the reference moved by -2002.002.
    assert of(marks.results(), 1, BUY) == Markout(
        horizon_ns=SECOND,
        side=Side.BUY,
        liquidity=Liquidity.MAKER,
        fills=1,
        missing=0,
        gain=-5_000,
        drift=-10_000,
        ppm=-1_002,
        drift_ppm=-2_003,
    )


def test_results__price_falls_after_a_sell__gain() -> None:
    marks = Markouts()
    marks.priced(0, 1_000_000)
    marks.filled(0, SELL, 1_001_000, 5)
    marks.priced(SECOND // 2, 998_000)
    marks.passed(2 * SECOND)

    # (1001000 - 998000) / 1001000 = 2997.002...
    assert of(marks.results(), 1, SELL).ppm == 2_997
    assert of(marks.results(), 1, BUY).fills == 0


def test_results__two_fills__weighted_by_what_was_exchanged() -> None:
    marks = Markouts()
    marks.priced(0, 100)
    marks.filled(0, BUY, 100, 1)
    marks.filled(0, BUY, 50, 6)
    marks.passed(2 * SECOND)

    # (0 * 1 + 50 * 6) / (100 + 300)
    assert of(marks.results(), 1, BUY).ppm == 750_000


def test_results__price_at_the_horizon_itself__counts() -> None:
    marks = Markouts([SECOND])
    marks.priced(0, 100)
    marks.filled(0, BUY, 100, 1)
    marks.priced(SECOND, 101)
    marks.priced(SECOND + 1, 200)

    assert of(marks.results(), 1, BUY).ppm == 10_000


def test_results__horizon_not_reached__missing() -> None:
    marks = Markouts()
    marks.priced(0, 100)
    marks.filled(0, BUY, 100, 1)
    marks.passed(5 * SECOND)

    found = marks.results()
    assert [of(found, horizon, BUY).fills for horizon in (1, 5, 30)] == [1, 0, 0]
    assert [of(found, horizon, BUY).missing for horizon in (1, 5, 30)] == [0, 1, 1]


def test_results__reference_lost_at_fill_or_horizon__missing() -> None:
    marks = Markouts([SECOND])
    marks.filled(0, BUY, 100, 1)
    marks.priced(1, 100)
    marks.filled(2, BUY, 100, 1)
    marks.priced(3, None)
    marks.passed(5 * SECOND)

    found = of(marks.results(), 1, BUY)
    assert (found.fills, found.missing, found.ppm) == (0, 2, None)


def test_take__journal__fills_against_oracle_and_leader_in_one_unit() -> None:
    chosen = settings(markets=(market_settings(leader=LEADER),))
    filled = fill(1, replace(order(7), market="ETH-USD", subticks=3_003_000_000), 10**9, 1_001)
    steps: list[tuple[int, Event]] = [
        (0, run_started(chosen)),
        (0, MarketListed(market=ETH)),
        (1, oracle(1_000)),
        (2, leader(1, 300_299_000_000, 300_301_000_000)),
        (3, filled),
        (4, oracle(1_001, 3_006_000_000)),
        (5, leader(2, 300_599_000_000, 300_601_000_000)),
    ]
    journal = JournalMarkouts()
    for t_ns, event in steps:
        journal.take(t_ns, event)
    journal.finish(2 * SECOND)

    # Sold at 3003: the oracle went from 3000 to 3006, the leader (0.1 % dearer) from 3003 to 3006.
    against_oracle = of(journal.oracle["ETH-USD"].results(), 1, SELL)
    assert (against_oracle.ppm, against_oracle.drift_ppm) == (-1_000, -1_999)
    against_leader = of(journal.leader["ETH-USD"].results(), 1, SELL)
    assert against_leader.drift_ppm == -1_000


def test_take__leader_lost__its_horizons_are_missing_and_the_oracles_are_not() -> None:
    journal = JournalMarkouts([SECOND])
    filled = fill(1, replace(order(7), market="ETH-USD"), 10**9, 1_001)
    down = SourceDown(source="leader:test", detail="")
    steps: list[tuple[int, Event]] = [
        (0, MarketListed(market=ETH)),
        (0, oracle(1_000)),
        (0, leader(1)),
        (1, filled),
        (2, down),
    ]
    for t_ns, event in steps:
        journal.take(t_ns, event)
    journal.finish(2 * SECOND)

    assert of(journal.oracle["ETH-USD"].results(), 1, SELL).fills == 1
    assert of(journal.leader["ETH-USD"].results(), 1, SELL).missing == 1


def test_rows__journal__what_has_fills_in_quote_quantums() -> None:
    filled = fill(1, replace(order(7), market="ETH-USD", subticks=3_003_000_000), 10**9, 1_001)
    steps: list[tuple[int, Event]] = [
        (0, MarketListed(market=ETH)),
        (0, oracle(1_000)),
        (0, leader(1)),
        (1, filled),
        (1, filled),
        (2, leader(2, 299_799_000_000, 299_801_000_000)),
    ]
    journal = JournalMarkouts([SECOND])
    for t_ns, event in steps:
        journal.take(t_ns, event)
    journal.finish(2 * SECOND)

    # One ETH sold at 3003, once: 3 USDC above the oracle; the leader then fell by 2 USDC.
    found = {row.reference: row for row in journal.rows()}
    assert [(row.market, row.markout.side) for row in found.values()] == 2 * [
        ("ETH-USD", Side.SELL)
    ]
    assert (found["oracle"].quote_quantums, found["oracle"].ppm) == (3_000_000, 999)
    assert (found["leader"].quote_quantums, found["leader"].ppm) == (2_000_000, 666)
