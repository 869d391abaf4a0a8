"""Charts from a journal: units of the market, own quotes, fills once, inventory."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from keeper.domain import events as ev
from keeper.domain.commands import CancelOrders, Command, NoteRefusal, PlaceOrder
from keeper.domain.orders import Liquidity, Side, TimeInForce
from keeper.journal import JournalOptions, JournalWriter
from keeper.pages.journal_parts import build_report_data_from_journal
from keeper.pages.report_data import FillSummary, JournalParts, Markout
from tests.keeper.builders import (
    LEADER,
    leader,
    market_settings,
    pool_seen,
    pool_settings,
    run_started,
    settings,
)
from tests.keeper.markets import ETH

SECOND_NS = 1_000_000_000


def order(client_id: int, side: Side, subticks: int, good_til_block: int = 100) -> PlaceOrder:
    return PlaceOrder(
        market="ETH-USD",
        client_id=client_id,
        side=side,
        quantums=1_000_000_000,
        subticks=subticks,
        good_til_block=good_til_block,
        time_in_force=TimeInForce.POST_ONLY,
        reduce_only=False,
    )


def fill(fill_id: str, side: Side, height: int) -> ev.FillReceived:
    return ev.FillReceived(
        fill_id=fill_id,
        market="ETH-USD",
        client_id=1,
        side=side,
        quantums=500_000_000,
        subticks=2_990_000_000,
        quote_quantums=1_495_000_000,
        fee_quote_quantums=149_500,
        liquidity=Liquidity.MAKER,
        kind="LIMIT",
        height=height,
    )


def block(height: int) -> ev.VenueBlock:
    return ev.VenueBlock(height=height, time_ns=height * SECOND_NS)


def written(folder: Path, steps: list[tuple[ev.Event, list[Command]]]) -> JournalParts:
    """Write a journal with one step a second from 1000 s on, and read it back."""
    writer = JournalWriter.open(folder, JournalOptions())
    assert list(writer.recover()) == []
    for number, (event, commands) in enumerate(steps):
        writer.append((1_000 + number) * SECOND_NS, event, commands)
    writer.close()
    return build_report_data_from_journal(folder)


@pytest.fixture
def listed() -> tuple[ev.Event, list[Command]]:
    return ev.MarketListed(market=ETH), []


def test_build__oracle_and_quotes__are_in_millionths_of_a_dollar(
    tmp_path: Path, listed: tuple[ev.Event, list[Command]]
) -> None:
    oracle = ev.OraclePriced(market="ETH-USD", source="dydx", price=3_000_000_000, height=1)
    quotes: list[Command] = [order(1, Side.BUY, 2_990_000_000), order(2, Side.SELL, 3_010_000_000)]

    parts = written(tmp_path, [listed, (oracle, quotes)])

    (chart,) = parts.markets
    assert chart.oracle == ((1_001_000, 3_000_000_000),)
    assert chart.bid == ((1_000_000, None), (1_001_000, 2_990_000_000))
    assert chart.ask == ((1_000_000, None), (1_001_000, 3_010_000_000))


def test_build__best_quote__is_the_nearest_of_the_layers(
    tmp_path: Path, listed: tuple[ev.Event, list[Command]]
) -> None:
    layers: list[Command] = [order(n, Side.BUY, 2_990_000_000 - n * 100_000) for n in range(3)]

    parts = written(tmp_path, [listed, (block(1), layers)])

    assert parts.markets[0].bid[-1] == (1_001_000, 2_990_000_000)


@pytest.mark.parametrize(
    "ending",
    [
        (block(11), []),
        (
            block(2),
            [CancelOrders(market="ETH-USD", client_ids=(1,), good_til_block=20)],
        ),
    ],
)
def test_build__quote_expired_or_cancelled__leaves_the_chart(
    tmp_path: Path,
    listed: tuple[ev.Event, list[Command]],
    ending: tuple[ev.Event, list[Command]],
) -> None:
    quoted = (block(1), [order(1, Side.BUY, 2_990_000_000, good_til_block=10)])

    parts = written(tmp_path, [listed, quoted, ending])

    assert parts.markets[0].bid[-1] == (1_002_000, None)


def test_build__same_fill_twice__counts_once(
    tmp_path: Path, listed: tuple[ev.Event, list[Command]]
) -> None:
    twice = [(fill("a", Side.BUY, 5), []), (fill("a", Side.BUY, 5), [])]

    parts = written(tmp_path, [listed, *twice])

    assert parts.fills == (
        FillSummary(
            market="ETH-USD",
            side="BUY",
            liquidity="MAKER",
            count=1,
            base_e9=500_000_000,
            quote_usdc_e6=1_495_000_000,
            fee_usdc_e6=149_500,
        ),
    )


def test_build__position__starts_from_the_venues_word_and_adds_later_fills(
    tmp_path: Path, listed: tuple[ev.Event, list[Command]]
) -> None:
    held = ev.PerpetualPosition(
        market="ETH-USD", quantums=100_000_000, funding_index=0, quote_balance=0
    )
    seen = ev.SubaccountObserved(height=5, usdc_quote_quantums=0, positions=(held,))
    fills = [(fill("old", Side.BUY, 5), []), (fill("new", Side.SELL, 6), [])]

    parts = written(tmp_path, [listed, (seen, []), *fills])

    assert parts.markets[0].position == (
        (1_001_000, 100_000_000),
        (1_003_000, -400_000_000),
        (1_003_000, -400_000_000),
    )


def test_build__refusals__are_counted_by_code(
    tmp_path: Path, listed: tuple[ev.Event, list[Command]]
) -> None:
    refusal = NoteRefusal(code="STALE_BOOK", subject="ETH-USD", limit=1, value=2)

    parts = written(tmp_path, [listed, (block(1), [refusal]), (block(2), [refusal])])

    assert parts.refusals == (("STALE_BOOK", 2),)


def test_build__many_points__are_thinned_but_keep_first_and_last(
    tmp_path: Path, listed: tuple[ev.Event, list[Command]]
) -> None:
    prices = [
        (ev.OraclePriced(market="ETH-USD", source="dydx", price=10**9 + n, height=n), [])
        for n in range(3_000)
    ]

    (chart,) = written(tmp_path, [listed, *prices]).markets

    assert len(chart.oracle) <= 1_200
    assert chart.oracle[0] == (1_001_000, 10**9)
    assert chart.oracle[-1] == (4_000_000, 10**9 + 2_999)


def test_build__quality__weighs_both_sides_by_time_and_skips_a_stopped_world(
    tmp_path: Path,
) -> None:
    writer = JournalWriter.open(tmp_path, JournalOptions())
    assert list(writer.recover()) == []
    both: list[Command] = [order(1, Side.BUY, 2_990_000_000), order(2, Side.SELL, 3_010_000_000)]
    cancel: list[Command] = [CancelOrders(market="ETH-USD", client_ids=(1, 2), good_til_block=200)]
    steps: list[tuple[int, ev.Event, list[Command]]] = [
        (0, ev.MarketListed(market=ETH), []),
        (10, block(1), both),
        (40, block(2), cancel),
        (50, block(3), []),
        (50 + 3_600, block(4), []),
    ]
    for second, event, commands in steps:
        writer.append((1_000 + second) * SECOND_NS, event, commands)
    writer.close()

    quality = build_report_data_from_journal(tmp_path).markets[0].quality

    assert quality is not None
    assert quality.observed_ms == 50_000
    assert quality.two_sided_ppm == 600_000
    assert quality.spread_ppm == 20_000_000 // 3_000


def test_build__parameters__name_every_setting_with_its_unit(tmp_path: Path) -> None:
    started = run_started(settings(markets=(market_settings(leader=LEADER),)))

    parts = written(tmp_path, [(started, [])])

    rows = {(row.scope, row.name): row.value for row in parts.parameters}
    assert len(rows) == len(parts.parameters)
    assert rows[("limits of the vault", "price band")] == "10 %"
    assert rows[("limits of the vault", "max intent age")] == "2 s"
    assert rows[("ETH-USD, its leader", "on missing")] == LEADER.on_missing
    assert not any(value.endswith("ppm") for value in rows.values())


def test_build__the_leader__is_the_middle_of_its_book_per_unit_of_ours(
    tmp_path: Path, listed: tuple[ev.Event, list[Command]]
) -> None:
    leading = replace(LEADER, base_units=10)
    started = run_started(settings(markets=(market_settings(leader=leading),)))

    parts = written(tmp_path, [(started, []), listed, (leader(1, 29_900, 30_100), [])])

    assert parts.markets[0].reference == ((1_002_000, 30),)


def test_build__pool_and_perpetual__net_to_what_is_left_open(
    tmp_path: Path, listed: tuple[ev.Event, list[Command]]
) -> None:
    started = run_started(settings(pools=(pool_settings(),)))
    held = ev.PerpetualPosition(
        market="ETH-USD", quantums=-300_000_000, funding_index=0, quote_balance=0
    )
    seen = ev.SubaccountObserved(height=5, usdc_quote_quantums=0, positions=(held,))
    pool = pool_seen(1, amount0=0, amount1=10**18, ranges=())

    (chart,) = written(tmp_path, [(started, []), listed, (seen, []), (pool, [])]).markets

    assert chart.pool[-1][1] == 1_000_000_000
    assert chart.net[-1][1] == 700_000_000


def test_build__fill_and_the_price_after_it__markout_against_the_oracle(
    tmp_path: Path, listed: tuple[ev.Event, list[Command]]
) -> None:
    steps: list[tuple[ev.Event, list[Command]]] = [
        listed,
        (ev.OraclePriced(market="ETH-USD", source="o", price=3_000_000_000, height=1), []),
        (fill("a", Side.BUY, 5), []),
        (ev.OraclePriced(market="ETH-USD", source="o", price=2_960_000_000, height=6), []),
        *((block(number), []) for number in range(6, 10)),
    ]

    parts = written(tmp_path, steps)

    # Half an ETH bought at 2990, at 2960 a second later.
    assert parts.markouts == (
        Markout(
            market="ETH-USD",
            reference="oracle",
            side="BUY",
            liquidity="MAKER",
            horizon_s=1,
            count=1,
            usdc_e6=-15_000_000,
            ppm=-10_034,
        ),
    )
