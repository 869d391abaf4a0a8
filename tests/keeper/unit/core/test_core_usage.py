"""How full each limit is: the numbers of the gates and stops, row by row."""

import pytest
from msgspec.structs import replace

from keeper.cli.codes import CODES
from keeper.core.state import State
from keeper.core.usage import VAULT, Usage, fullest_first, usage
from keeper.domain.commands import NoteRefusal
from keeper.domain.units import PPM
from keeper.risk.phase import Phase
from tests.keeper.builders import (
    ALLOCATION,
    CLOB,
    ETH_PRICE,
    LIMITS,
    MS,
    ONE_ETH,
    POOL,
    SECOND,
    USDC,
    Keeper,
    market_settings,
    of,
    pool_seen,
    pool_settings,
    settings,
    subaccount,
    vault,
)

PARTS_OF_A_LIMIT = {
    *("stress_shock_ppm", "stress_loss_multiple", "hedge_shock_ppm", "depth_band_ppm"),
    *("max_market_facts_age_ms", "loss_window_minutes", "max_asset_price_age_seconds"),
    *(name for name in LIMITS.__struct_fields__ if getattr(LIMITS, name) == 0),
}
"""What a limit is made of, and limits that are off."""


def rows_of(state: State) -> dict[tuple[str, str], Usage]:
    assert state.settings is not None
    return {(row.scope, row.code): row for row in usage(state, state.settings)}


def quoting(**positions: int) -> Keeper:
    keeper = Keeper()
    keeper.start(**positions)
    keeper.answer()
    return keeper


def test_usage__every_limit_of_a_quoting_keeper__has_a_row_that_explain_knows() -> None:
    keeper = Keeper(settings(pools=(pool_settings(),), allocation=ALLOCATION))
    keeper.start()
    keeper.feed(vault(1))
    keeper.feed(pool_seen(1))

    rows = rows_of(keeper.state)

    assert len(rows) == len(usage(keeper.state, keeper.state.settings or settings()))
    assert {code for _, code in rows} <= set(CODES)
    assert {scope for scope, _ in rows} == {VAULT, CLOB, "ETH-USD", POOL}
    limits = {row.limit for row in rows.values()}
    compared = set(LIMITS.__struct_fields__) - PARTS_OF_A_LIMIT
    assert {getattr(LIMITS, name) for name in compared} <= limits


def test_usage__position_and_orders__worst_side_against_the_position_limit() -> None:
    keeper = quoting(ETH=2 * ONE_ETH)

    row = rows_of(keeper.state)["ETH-USD", "MAX_POSITION"]

    buys = sum(o.exposure for o in keeper.state.orders.working.values() if o.side.sign > 0)
    assert buys > 0
    assert row.value == (2 * ONE_ETH + buys) * ETH_PRICE // ONE_ETH
    assert row.limit == market_settings().max_position_quote_quantums


def test_usage__ages__are_as_of_the_last_event() -> None:
    keeper = quoting()
    keeper.now += 3 * SECOND + 5 * MS
    keeper.state.t_ns = keeper.now

    rows = rows_of(keeper.state)

    for where in (("ETH-USD", "STALE_ORACLE"), ("ETH-USD", "STALE_BOOK"), (VAULT, "STALE_HEIGHT")):
        assert rows[where].value == 3_005, where


def test_usage__never_seen__is_unknown_and_last() -> None:
    keeper = Keeper(settings(pools=(pool_settings(),), allocation=ALLOCATION))

    rows = fullest_first(usage(keeper.state, settings(pools=(pool_settings(),))))

    unknown = [row.value is None for row in rows]
    assert any(unknown)
    assert unknown == sorted(unknown)
    assert all(row.used_ppm is None for row in rows if row.value is None)


@pytest.mark.parametrize("lost", [LIMITS.daily_loss_quote_quantums, 0])
def test_usage__daily_loss__is_beyond_its_limit_just_when_the_stop_refuses(lost: int) -> None:
    for more in (0, 1):
        keeper = quoting()
        for number in range(3):
            keeper.block()
            usdc = 100_000 * USDC - (lost + more if number else 0)
            keeper.feed(subaccount(keeper.height, usdc=usdc))
        keeper.block()
        row = rows_of(keeper.state)[VAULT, "DAILY_LOSS"]
        assert row.value == lost + more
        assert row.used_ppm is not None
        assert (row.used_ppm > PPM) is ("DAILY_LOSS" in keeper.state.guard.loss.breaches)


def test_usage__drawdown__says_the_number_that_the_stop_pages_with() -> None:
    loose = replace(LIMITS, daily_loss_quote_quantums=10**15, drawdown_ppm=50_000)
    keeper = Keeper(settings(limits=loose))
    keeper.start()
    for usdc in (100_000, 100_000, 100_000, 90_000, 90_000, 90_000):
        keeper.feed(subaccount(keeper.height + 1, usdc=usdc * USDC))
        keeper.block()

    row = rows_of(keeper.state)[VAULT, "DRAWDOWN"]

    assert keeper.state.guard.phase is Phase.EXITING
    assert (row.value, row.limit) == (100_000, 50_000)
    assert row.used_ppm == 2 * PPM


def test_usage__venue_holds_more_than_its_cap__is_beyond() -> None:
    keeper = Keeper(settings(allocation=ALLOCATION))
    keeper.start()
    keeper.feed(vault(1, accepted_nav=150_000 * USDC))

    row = rows_of(keeper.state)[CLOB, "VENUE_CAP"]

    assert (row.limit, row.value) == (75_000 * USDC, 100_000 * USDC)
    assert row.used_ppm is not None
    assert row.used_ppm > PPM


def test_usage__pool_off_its_mark__shows_the_gap_that_refuses() -> None:
    keeper = Keeper(settings(pools=(pool_settings(),), allocation=ALLOCATION))
    keeper.start()
    seen = pool_seen(1, mark_price=3_100 * 10**8, amount0=200_000 * USDC)
    notes = of(keeper.feed(seen), NoteRefusal)

    row = rows_of(keeper.state)[POOL, "POOL_OFF_MARK"]

    assert [(n.limit, n.value) for n in notes if n.code == row.code] == [(row.limit, row.value)]


def test_fullest_first__limit_of_nothing__counts_as_far_beyond() -> None:
    rows = (
        Usage(code="A", scope=VAULT, limit=100, value=99, unit="ppm"),
        Usage(code="B", scope=VAULT, limit=0, value=1, unit="ppm"),
        Usage(code="C", scope=VAULT, limit=0, value=0, unit="ppm"),
    )

    assert [row.code for row in fullest_first(rows)] == ["B", "A", "C"]
