"""Profit of a pool leg between observations: value, flows, causes, reverted blocks.

The adapter is played on the simulated pool, and observed as the chain answers: booked tokens and
ranges apart, cumulative flows.
"""

from dataclasses import dataclass, field
from typing import Any

import pytest

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
from keeper.markets.univ3 import (
    quote0_in_1_down,
    quote1_in_0_down,
    sqrt_price_down,
    tick_at_sqrt_price,
)
from keeper.markets.univ3_pool import Pool, PositionKey
from tests.keeper.fakes import risk_limits, run_started

ADAPTER = "0xadapter"
USDC = 10**6
ETHER = 10**18
LIQUIDITY = 10**15
ROUNDING = 4
"""Units that a mint may lose: both costs rounded up, two amounts and a quote rounded down."""


def settings(asset_is_token0: bool) -> PoolSettings:
    return PoolSettings(
        adapter=ADAPTER,
        pool="0xpool",
        hedge_market="ETH-USD",
        asset_is_token0=asset_is_token0,
        asset_decimals=6,
        base_decimals=18,
        half_width_ticks=600,
        recentre_ticks=300,
        max_slippage_ppm=5_000,
        snapshot_max_age_ms=10_000,
        cooldown_seconds=60,
    )


def price(asset_is_token0: bool, dollars: int) -> int:
    amounts = (dollars * USDC, ETHER)
    return sqrt_price_down(*(amounts if asset_is_token0 else amounts[::-1]))


@dataclass
class Desk:
    """An adapter's books on a simulated 5 bp pool with deep liquidity of others."""

    asset_is_token0: bool
    pool: Pool = field(init=False)
    booked: list[int] = field(default_factory=lambda: [0, 0])
    ranges: dict[tuple[int, int], int] = field(default_factory=dict)
    sent: int = 0
    returned: int = 0
    operated_at: int = 0
    dollars: int = 3_000
    block: int = 0
    events: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        start = price(self.asset_is_token0, self.dollars)
        self.pool = Pool(500, 10, start, tick_at_sqrt_price(start))
        self.pool.mint(PositionKey("others", -880_000, 880_000), 10**18)
        self.observe()

    @property
    def asset(self) -> int:
        return 0 if self.asset_is_token0 else 1

    @property
    def mark(self) -> int:
        return price(self.asset_is_token0, self.dollars)

    def worth(self, base: int) -> int:
        """Base units at the mark in asset units."""
        quote = quote1_in_0_down if self.asset_is_token0 else quote0_in_1_down
        return quote(base, self.mark)

    def allocate(self, assets: int) -> None:
        self.sent += assets
        self.booked[self.asset] += assets

    def deallocate(self, assets: int) -> None:
        self.returned += assets
        self.booked[self.asset] -= assets

    def buy_base(self, assets: int) -> int:
        """Swap as the keeper; return the base units got."""
        amounts = self.pool.swap(self.asset_is_token0, assets)
        for i in (0, 1):
            self.booked[i] -= amounts[i]
        self._operated()
        return -amounts[1 - self.asset]

    def mint(self, half_width: int = 1_000) -> tuple[int, int]:
        centre = self.pool.tick // 10 * 10
        ticks = (centre - half_width, centre + half_width)
        paid = self.pool.mint(PositionKey(ADAPTER, *ticks), LIQUIDITY)
        for i in (0, 1):
            self.booked[i] -= paid[i]
        self.ranges[ticks] = LIQUIDITY
        self._operated()
        return ticks

    def burn(self, ticks: tuple[int, int]) -> None:
        self.pool.burn(PositionKey(ADAPTER, *ticks), self.ranges.pop(ticks))
        self._collect(ticks)
        self._operated()

    def sync(self) -> list[int]:
        """Collect the fees of every range; return the token units collected."""
        before = tuple(self.booked)
        for ticks in self.ranges:
            self.pool.burn(PositionKey(ADAPTER, *ticks), 0)
            self._collect(ticks)
        return [now - then for now, then in zip(self.booked, before, strict=True)]

    def strangers_trade(self, assets: int) -> None:
        """Others buy base and sell it again; the price comes back near where it was."""
        got = self.pool.swap(self.asset_is_token0, assets)
        self.pool.swap(not self.asset_is_token0, -got[1 - self.asset])

    def observe(self) -> None:
        """A block passes, read as `keeper.chain` reads it."""
        self.block += 1
        self.events += [self.vault_seen(), self.pool_seen()]

    def pool_seen(self) -> PoolObserved:
        return PoolObserved(
            adapter=ADAPTER,
            pool="0xpool",
            block_number=self.block,
            block_hash=f"0x{self.block}",
            block_timestamp=self.block,
            sqrt_price_x96=self.pool.sqrt_price,
            tick=self.pool.tick,
            twap_tick=self.pool.tick,
            tick_spacing=10,
            fee_ppm=500,
            liquidity=self.pool.liquidity,
            amount0=self.booked[0],
            amount1=self.booked[1],
            ranges=tuple(
                RangeState(tick_lower=ticks[0], tick_upper=ticks[1], liquidity=held)
                for ticks, held in self.ranges.items()
            ),
            mark_price=self.dollars * 10**8,
            mark_decimals=8,
            mark_updated_at=self.block,
            last_operation_at=self.operated_at,
        )

    def vault_seen(self) -> VaultObserved:
        adapter = AdapterState(
            adapter=ADAPTER,
            attested=False,
            sent=self.sent,
            returned=self.returned,
            requested=0,
            value_bid=0,
            value_ask=0,
        )
        return VaultObserved(
            block_number=self.block,
            block_hash=f"0x{self.block}",
            block_timestamp=self.block,
            state="OPEN",
            epoch=1,
            next_cut_at=0,
            cut_at=0,
            last_settled_at=0,
            supply=0,
            deposits_waiting=0,
            idle=0,
            accepted_nav=0,
            owed_assets=0,
            venue_cap_bps=0,
            min_on_chain_bps=0,
            adapters=(adapter,),
        )

    def legs(self, *more: Event) -> PoolLegs:
        legs = PoolLegs()
        step = StepSettings(
            markets=(),
            pools=(settings(self.asset_is_token0),),
            allocation=None,
            limits=risk_limits(),
        )
        for event in (run_started(step), *self.events, *more):
            legs.apply(event)
        return legs

    def periods(self, *more: Event) -> list[PoolPeriod]:
        return list(self.legs(*more).periods(ADAPTER))

    def last(self) -> PoolPeriod:
        """Observe, and return the period that this ended."""
        self.observe()
        return self.periods()[-1]

    def _collect(self, ticks: tuple[int, int]) -> None:
        got = self.pool.collect(PositionKey(ADAPTER, *ticks))
        for i in (0, 1):
            self.booked[i] += got[i]

    def _operated(self) -> None:
        self.operated_at = self.block + 1


@pytest.fixture(params=[True, False], ids=["asset0", "asset1"])
def desk(request: pytest.FixtureRequest) -> Desk:
    return Desk(request.param)


@pytest.fixture
def invested(desk: Desk) -> Desk:
    """Half the money in base, and a range observed in place."""
    desk.allocate(200_000 * USDC)
    desk.buy_base(100_000 * USDC)
    desk.mint()
    desk.observe()
    return desk


def causes(period: PoolPeriod) -> dict[str, Any]:
    names = ("flow", "fees", "execution", "inventory")
    return {name: getattr(period, name) for name in names if getattr(period, name)}


def test_periods__allocated_and_deallocated__is_flow_and_no_profit(desk: Desk) -> None:
    desk.allocate(500 * USDC)
    arrived = desk.last()
    desk.deallocate(200 * USDC)
    left = desk.last()

    assert (arrived.closing_value, causes(arrived)) == (500 * USDC, {"flow": 500 * USDC})
    assert (left.closing_value, causes(left)) == (300 * USDC, {"flow": -200 * USDC})
    assert [(e.kind, e.height) for e in desk.legs().entries()] == [
        ("pool_flow", 2),
        ("pool_flow", 3),
    ]


def test_periods__allocated_beside_a_range__is_flow_and_no_profit(invested: Desk) -> None:
    invested.allocate(7 * USDC)

    assert causes(invested.last()) == {"flow": 7 * USDC}


def test_periods__minted__loses_no_more_than_rounding(desk: Desk) -> None:
    desk.allocate(200_000 * USDC)
    desk.booked[1 - desk.asset] += 40 * ETHER
    desk.observe()
    idle = tuple(desk.booked)

    desk.mint()
    period = desk.last()

    assert all(now < then for now, then in zip(desk.booked, idle, strict=True))
    assert -ROUNDING <= period.profit <= 0
    assert (period.fees, period.inventory, period.flow) == (0, 0, 0)
    assert period.execution == period.profit


def test_periods__burnt_at_the_mark__loses_no_more_than_rounding(desk: Desk) -> None:
    desk.allocate(200_000 * USDC)
    desk.booked[1 - desk.asset] += 40 * ETHER
    ticks = desk.mint()
    desk.observe()

    desk.burn(ticks)
    period = desk.last()

    assert desk.ranges == {}
    assert -ROUNDING <= period.profit <= 0
    assert period.execution == period.profit


def test_periods__burnt_off_the_mark__gain_is_execution(invested: Desk) -> None:
    invested.pool.swap(invested.asset_is_token0, 20_000_000 * USDC)
    invested.sync()
    invested.observe()

    invested.burn(next(iter(invested.ranges)))
    period = invested.last()

    assert set(causes(period)) == {"execution"}
    assert period.execution > 0


def test_periods__swapped__cost_at_the_mark_is_execution(desk: Desk) -> None:
    desk.allocate(100_000 * USDC)
    desk.observe()

    got = desk.buy_base(60_000 * USDC)
    period = desk.last()

    cost = 60_000 * USDC - desk.worth(got)
    assert cost >= 30 * USDC  # the pool's 5 bp
    assert causes(period) == {"execution": -cost}


def test_periods__strangers_trade__fees_count_once_synced(invested: Desk) -> None:
    invested.strangers_trade(10_000_000 * USDC)
    uncollected = invested.last()
    collected = invested.sync()
    synced = invested.last()

    assert causes(uncollected) == {}
    assert min(collected) >= 0
    assert max(collected) > 0
    expected = collected[invested.asset] + invested.worth(collected[1 - invested.asset])
    assert expected > USDC
    assert set(causes(synced)) == {"fees"}
    assert synced.fees - expected in (0, 1)  # two floors against one


def test_periods__synced_and_allocated_together__fees_and_flow_apart(invested: Desk) -> None:
    invested.strangers_trade(10_000_000 * USDC)
    invested.sync()
    invested.allocate(50_000 * USDC)

    period = invested.last()

    assert set(causes(period)) == {"flow", "fees"}
    assert (period.flow, period.profit) == (50_000 * USDC, period.fees)


def test_periods__fees_collected_by_an_operation__are_execution(invested: Desk) -> None:
    invested.strangers_trade(10_000_000 * USDC)
    collected = invested.sync()
    invested.mint(half_width=500)

    period = invested.last()

    worth = collected[invested.asset] + invested.worth(collected[1 - invested.asset])
    assert set(causes(period)) == {"execution"}
    assert period.execution > worth // 2


def test_periods__spot_moves_without_the_mark__no_profit(invested: Desk) -> None:
    invested.pool.swap(invested.asset_is_token0, 20_000_000 * USDC)

    assert causes(invested.last()) == {}


@pytest.mark.parametrize("dollars", [2_900, 3_100, 4_500])
def test_periods__mark_moves__profit_is_inventory(invested: Desk, dollars: int) -> None:
    opening = invested.periods()[-1].closing_value
    invested.dollars = dollars

    period = invested.last()

    assert set(causes(period)) == {"inventory"}
    assert (period.inventory > 0) == (dollars > 3_000)
    assert period.closing_value == opening + period.inventory


def test_periods__idle_base_and_mark_rises__whole_rise(desk: Desk) -> None:
    desk.booked[1 - desk.asset] = 2 * ETHER
    desk.observe()
    desk.dollars = 3_100

    period = desk.last()

    assert abs(period.inventory - 200 * USDC) <= 1
    assert causes(period) == {"inventory": period.inventory}


def test_periods__everything_at_once__causes_sum_and_entries_balance(invested: Desk) -> None:
    invested.strangers_trade(10_000_000 * USDC)
    invested.sync()
    invested.deallocate(1_000 * USDC)
    invested.buy_base(5_000 * USDC)
    invested.dollars = 3_050
    invested.observe()

    for period in invested.periods():
        assert period.profit == period.fees + period.execution + period.inventory
    entries = invested.legs().entries()
    assert {entry.kind for entry in entries} == {"pool_flow", "pool_execution", "pool_inventory"}
    assert all(sum(p.amount for p in entry.postings) == 0 for entry in entries)
    booked = sum(entry.postings[0].amount for entry in entries)
    assert booked == invested.periods()[-1].closing_value


def test_periods__reverted_block__does_not_count_until_it_is_seen_again(desk: Desk) -> None:
    for assets in (1_000, 9_999, 100):
        desk.allocate(assets)
        desk.observe()
    reverted = BlockReverted(number=2, hash="0x2")

    assert [(p.to_block, p.flow) for p in desk.periods(reverted)] == [(3, 10_999), (4, 100)]
    seen_again = BlockSeen(number=2, hash="0x2", timestamp=2)
    assert [p.to_block for p in desk.periods(reverted, seen_again)] == [2, 3, 4]


def test_periods__block_without_the_vaults_flows__is_left_out(desk: Desk) -> None:
    desk.block += 1
    desk.events.append(desk.pool_seen())

    assert desk.periods() == []


def test_periods__block_without_a_mark__is_left_out(invested: Desk) -> None:
    known = invested.periods()
    invested.dollars = 0
    invested.observe()
    invested.dollars = 3_000

    assert invested.periods() == known
    assert causes(invested.last()) == {}


def test_periods__adapter_without_settings__has_none(desk: Desk) -> None:
    desk.observe()
    legs = PoolLegs()
    for event in desk.events:
        legs.apply(event)

    assert list(legs.periods(ADAPTER)) == []
    assert legs.adapters() == [ADAPTER]
