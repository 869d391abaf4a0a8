"""Profit of a pool leg between observations: value, flows, fees, reverted blocks."""

import msgspec

from keeper.accounting.pool_leg import PoolLegs, PoolPeriod
from keeper.domain.events import (
    AdapterState,
    BlockReverted,
    BlockSeen,
    Event,
    PoolObserved,
    RangeState,
    VaultObserved,
)
from keeper.domain.settings import PoolSettings, StepSettings
from keeper.markets.ranges import holdings
from tests.keeper.fakes import risk_limits, run_started

ADAPTER = "0xadapter"
POOL = PoolSettings(
    adapter=ADAPTER,
    pool="0xpool",
    hedge_market="ETH-USD",
    asset_is_token0=True,
    asset_decimals=6,
    base_decimals=18,
    half_width_ticks=600,
    recentre_ticks=300,
    max_slippage_ppm=5_000,
    snapshot_max_age_ms=10_000,
    cooldown_seconds=60,
)
STARTED = run_started(
    StepSettings(markets=(), pools=(POOL,), allocation=None, limits=risk_limits())
)
ETHER = 10**18
RANGE = RangeState(tick_lower=195_000, tick_upper=197_400, liquidity=10**16)
SQRT = 1_466_000_000_000_000_000_000_000_000_000_000


def pool(block: int, amount0: int, amount1: int, dollars: int = 3_000) -> PoolObserved:
    return PoolObserved(
        adapter=ADAPTER,
        pool="0xpool",
        block_number=block,
        block_hash=f"0x{block}",
        block_timestamp=block,
        sqrt_price_x96=SQRT,
        tick=196_500,
        twap_tick=196_500,
        tick_spacing=60,
        fee_ppm=3_000,
        liquidity=1,
        amount0=amount0,
        amount1=amount1,
        ranges=(),
        mark_price=dollars * 10**8,
        mark_decimals=8,
        mark_updated_at=block,
        last_operation_at=0,
    )


def vault(block: int, sent: int, returned: int = 0) -> VaultObserved:
    adapter = AdapterState(
        adapter=ADAPTER, attested=False, sent=sent, returned=returned, value_bid=0, value_ask=0
    )
    return VaultObserved(
        block_number=block,
        block_hash=f"0x{block}",
        block_timestamp=block,
        state="OPEN",
        epoch=1,
        next_cut_at=0,
        idle=0,
        accepted_nav=0,
        owed_assets=0,
        venue_cap_bps=0,
        min_on_chain_bps=0,
        adapters=(adapter,),
    )


def legs_of(*events: Event) -> PoolLegs:
    legs = PoolLegs()
    for event in (STARTED, *events):
        legs.apply(event)
    return legs


def periods(*events: Event) -> list[PoolPeriod]:
    return list(legs_of(*events).periods(ADAPTER))


def test_periods__mark_rises__profit_is_inventory_and_balances() -> None:
    legs = legs_of(
        vault(1, 9_000_000_000),
        pool(1, 3_000_000_000, 2 * ETHER),
        vault(2, 9_000_000_000),
        pool(2, 3_000_000_000, 2 * ETHER, dollars=3_100),
    )

    (period,) = legs.periods(ADAPTER)

    assert (period.opening_value, period.closing_value) == (9_000_000_000, 9_200_000_000)
    assert (period.fees, period.inventory, period.flow) == (0, 200_000_000, 0)
    assert [entry.kind for entry in legs.entries()] == ["pool_inventory"]


def test_periods__capital_arrives_and_leaves__is_flow_and_no_profit() -> None:
    first, second = periods(
        vault(1, 0),
        pool(1, 0, 0),
        vault(2, 500),
        pool(2, 500, 0),
        vault(3, 500, 200),
        pool(3, 300, 0),
    )

    assert (first.flow, first.profit) == (500, 0)
    assert (second.flow, second.profit) == (-200, 0)


def test_periods__amounts_grow_beyond_the_ranges__are_fees() -> None:
    inside = holdings((RANGE,), SQRT)
    before = msgspec.structs.replace(pool(1, inside[0] + 5, inside[1]), ranges=(RANGE,))
    after = msgspec.structs.replace(
        pool(2, inside[0] + 1_000_005, inside[1] + ETHER // 1_000), ranges=(RANGE,)
    )

    (period,) = periods(vault(1, 0), before, vault(2, 0), after)

    assert period.fees == 1_000_000 + 3_000_000
    assert period.profit == period.fees + period.inventory


def test_periods__ranges_changed_by_an_operation__all_is_inventory() -> None:
    after = msgspec.structs.replace(pool(2, 1_500, 0), last_operation_at=2)

    (period,) = periods(vault(1, 0), pool(1, 1_000, 0), vault(2, 0), after)

    assert (period.fees, period.inventory) == (0, 500)


def test_periods__reverted_block__does_not_count_until_it_is_seen_again() -> None:
    events = (
        vault(1, 0),
        pool(1, 1_000, 0),
        vault(2, 0),
        pool(2, 9_999, 0),
        vault(3, 0),
        pool(3, 1_100, 0),
    )
    reverted = BlockReverted(number=2, hash="0x2")

    assert [p.to_block for p in periods(*events, reverted)] == [3]
    seen_again = BlockSeen(number=2, hash="0x2", timestamp=2)
    assert [p.to_block for p in periods(*events, reverted, seen_again)] == [2, 3]


def test_periods__block_without_the_vaults_flows__is_left_out() -> None:
    assert periods(vault(1, 0), pool(1, 1, 0), pool(2, 2, 0)) == []


def test_periods__adapter_without_settings__has_none() -> None:
    legs = PoolLegs()
    for event in (vault(1, 0), pool(1, 1, 0), vault(2, 0), pool(2, 2, 0)):
        legs.apply(event)

    assert list(legs.periods(ADAPTER)) == []
