"""A project's token without a feed: valued by the pool's own means over 30 minutes and 24 hours."""

from dataclasses import dataclass, replace
from typing import Any

import ape
import pytest

from keeper.markets import univ3
from tests.contracts.adapters.conftest import CAP, FOREVER, LIMITS, MAX_UINT, USDC, Market
from tests.contracts.adapters.creation import Factory, Plan
from tests.contracts.adapters.test_univ3_adapter_value import mirror_value
from tests.contracts.attacks.moves import DUST, claim_assets
from tests.contracts.conftest import SIGNERS
from tests.contracts.invariants.machine import selector
from tests.contracts.rpc import Rpc
from tests.contracts.system import DAY, System, vault_params

ETHER = 10**18
HOUR = 3_600
HALF_HOUR = 1_800
NOT_COVERED = selector("TwapNotCovered(uint256,uint256)")
ZERO = "0x" + "00" * 20
FEEDLESS_LIMITS = (0, *LIMITS[1:])
LIQUIDITY = 10**16
NEAR = 30
"""Half an hour is a 48th of a day; of a range's worth, which is concave, less than a 30th."""


@dataclass(slots=True)
class Ticks:
    """Every tick that the pool stood at, and since when: its oracle, kept by the test."""

    market: Market
    history: list[tuple[int, int]]

    @classmethod
    def since_now(cls, market: Market) -> "Ticks":
        """The pool has stood at its tick for longer than any window."""
        return cls(market, [(0, market.tick())])

    def note(self) -> None:
        self.history.append((self.market.chain.blocks.head.timestamp, self.market.tick()))

    def mean(self, window: int) -> int:
        """Mean tick of the last seconds, rounded down."""
        end = self.market.chain.blocks.head.timestamp
        since = [max(time, end - window) for time, _ in self.history] + [end]
        parts = zip(since, since[1:], self.history, strict=False)
        return sum(tick * (until - start) for start, until, (_, tick) in parts) // window

    def value(self, adapter: Any) -> tuple[int, int]:
        """Bid and ask by the keeper's own arithmetic."""
        marks = [univ3.sqrt_price_at_tick(self.mean(window)) for window in (HALF_HOUR, DAY)]
        low, high = sorted(mirror_value(adapter, self.market, mark) for mark in marks)
        return low, high


def _move(market: Market, usdc: int) -> None:
    """Buy WETH for an amount, or sell so much worth of it."""
    market.buy_weth(usdc * USDC) if usdc > 0 else market.sell_weth(-usdc * ETHER // 3_000)


@pytest.fixture
def feedless(project: Any, host: Any, market: Market, issuer: Any, keeper: Any) -> Any:
    """An adapter with a fifth in WETH and a range, a day and an hour after its last trade."""
    made = issuer.deploy(project.UniswapV3Adapter, host, market.world.pool, ZERO, FEEDLESS_LIMITS)
    market.pass_time(DAY)
    host.allocate(made, 300_000 * USDC, sender=issuer)
    _invest(made, market, keeper)
    return made


def _invest(adapter: Any, market: Market, keeper: Any) -> None:
    adapter.swapExactIn(not market.weth_is_0, 60_000 * USDC, 0, FOREVER, sender=keeper)
    market.pass_time(HOUR)
    tick = market.tick() // 10 * 10
    ticks = (tick - 1_000, tick + 1_000)
    adapter.mintRange(*ticks, LIQUIDITY, MAX_UINT, MAX_UINT, FOREVER, sender=keeper)
    market.pass_time(DAY + HOUR)


@pytest.mark.parametrize("step", [200_000, -200_000], ids=["up", "down"])
def test_value__price_moving_for_a_day__is_the_lower_and_higher_of_both_means(
    feedless: Any, market: Market, step: int
) -> None:
    ticks = Ticks.since_now(market)
    seen = set()
    for _ in range(10):
        _move(market, step)
        ticks.note()
        market.pass_time(2 * HOUR + 600)
        feedless.sync(sender=market.trader)
        bid, ask = feedless.value()
        assert (bid, ask) == ticks.value(feedless)
        half_hour = mirror_value(feedless, market, feedless.markSqrtPriceX96())
        seen.add((bid < ask, half_hour == (ask if step > 0 else bid)))
    assert seen == {(True, True)}


def test_value__price_at_rest_for_a_day__has_one_side(feedless: Any, market: Market) -> None:
    bid, ask = feedless.value()

    assert bid == ask == Ticks.since_now(market).value(feedless)[0]


@pytest.mark.parametrize("usdc", [1_000_000, -1_000_000])
def test_value__spot_moved_within_one_block__moves_neither_side(
    feedless: Any, market: Market, usdc: int
) -> None:
    before, tick = feedless.value(), market.tick()

    _move(market, usdc)

    assert abs(market.tick() - tick) > 500
    assert feedless.value() == before


@pytest.mark.parametrize("usdc", [500_000, -500_000])
def test_value__spot_held_away_for_half_an_hour__moves_one_side(
    feedless: Any, market: Market, usdc: int
) -> None:
    (before, _), tick = feedless.value(), market.tick()
    _move(market, usdc)
    market.pass_time(HALF_HOUR)

    bid, ask = feedless.value()

    moved, kept = (ask - before, bid - before) if usdc > 0 else (before - bid, before - ask)
    held = mirror_value(feedless, market, univ3.sqrt_price_at_tick(market.tick()))
    assert held == (ask if usdc > 0 else bid)
    assert abs(market.tick() - tick) > 200
    assert moved > before // 200
    assert 0 <= kept < moved // NEAR


def test_swap_home__no_feed_to_say_what_is_fair__is_a_trade_as_any_other(
    project: Any, feedless: Any, host: Any, market: Market, issuer: Any, keeper: Any
) -> None:
    lost, exits = host.lost(), host.lostByExits()
    home = (market.weth_is_0, ETHER // 100, 0, FOREVER)

    feedless.swapExactIn(*home, sender=keeper)
    charged = (host.lost() > lost, host.lostByExits() > exits)
    host.pause(FOREVER, sender=issuer)
    market.pass_time(61)

    assert charged == (True, False)
    with ape.reverts(project.Mandate.Paused, until=FOREVER):
        feedless.swapExactIn(*home, sender=keeper)


@pytest.fixture
def young_pool(market: Market, issuer: Any) -> tuple[Any, int]:
    """A pool opened this second, and that second."""
    world = market.world
    world.factory.createPool(world.weth, world.usdc, 3_000, sender=issuer)
    address = world.factory.getPool(world.weth, world.usdc, 3_000)
    pool = ape.Contract(address, contract_type=world.pool.contract_type)
    opened = pool.initialize(world.pool.slot0().sqrtPriceX96, sender=issuer)
    return pool, opened.timestamp


def test_is_ready__a_second_before_a_day__not_and_then_it_is(
    young_pool: tuple[Any, int], project: Any, host: Any, issuer: Any, chain: Any
) -> None:
    pool, opened = young_pool
    made = issuer.deploy(project.UniswapV3Adapter, host, pool, ZERO, FEEDLESS_LIMITS)
    made.raiseObservations(LIMITS[4], sender=issuer)
    rpc = Rpc(chain)

    rpc.wait(opened + DAY - 1 - rpc.now())
    early = made.isReady()
    refused = rpc.refused(host.allocate, made, USDC, sender=issuer)
    rpc.wait(opened + DAY - rpc.now())

    assert refused == NOT_COVERED
    assert (early, made.isReady()) == (False, True)
    host.allocate(made, USDC, sender=issuer)
    assert made.value() == (USDC, USDC)


def test_value__day_not_remembered__reverts(
    young_pool: tuple[Any, int], market: Market, project: Any, host: Any, keeper: Any
) -> None:
    """A short memory is no price: of a pool that keeps two moves, two moves later."""
    pool, issuer = young_pool[0], market.issuer
    made = issuer.deploy(project.UniswapV3Adapter, host, pool, ZERO, (*FEEDLESS_LIMITS[:4], 2))
    made.raiseObservations(2, sender=issuer)
    _add_liquidity(market, pool)
    market.pass_time(DAY + HOUR)
    host.allocate(made, 10_000 * USDC, sender=issuer)
    made.swapExactIn(not market.weth_is_0, 1_000 * USDC, 0, FOREVER, sender=keeper)
    bid, ask = made.value()
    assert bid <= ask

    market.pass_time(60)
    replace(market, world=replace(market.world, pool=pool)).buy_weth(10_000 * USDC)

    refused = Rpc(market.chain).refused(made.value, sender=issuer)
    assert refused == NOT_COVERED
    assert not made.isReady()


def _add_liquidity(market: Market, pool: Any) -> None:
    """100 ether and their worth, over all prices."""
    world, issuer = market.world, market.issuer
    world.weth.deposit(value=100 * ETHER, sender=issuer)
    world.usdc.mint(issuer, 300_000 * USDC, sender=issuer)
    for token in (world.weth, world.usdc):
        token.approve(world.positions, MAX_UINT, sender=issuer)
    key = (pool.token0(), pool.token1(), pool.fee(), -887_220, 887_220)
    amounts = world.sorted_amounts(100 * ETHER, 300_000 * USDC)
    world.positions.mint((*key, *amounts, 0, 0, issuer, FOREVER), sender=issuer)


def test_mark__without_a_feed__is_the_half_hour_mean(feedless: Any, market: Market) -> None:
    _move(market, 300_000)
    market.pass_time(HALF_HOUR // 2)

    assert feedless.feed() == ZERO
    assert feedless.markSqrtPriceX96() == univ3.sqrt_price_at_tick(feedless.twapTick())


def test_swap__spot_off_the_half_hour_mean__is_refused(
    feedless: Any, market: Market, keeper: Any
) -> None:
    _move(market, 500_000)

    with ape.reverts(feedless.SpotOffTwap):
        feedless.swapExactIn(not market.weth_is_0, USDC, 0, FOREVER, sender=keeper)


def test_exit__least_worth_above_that_of_the_half_hour_mean__is_refused(
    feedless: Any, market: Market, guardian: Any
) -> None:
    _move(market, 300_000)
    market.pass_time(HALF_HOUR)
    low, high, liquidity = feedless.ranges()[0]
    bounds = univ3.sqrt_price_at_tick(low), univ3.sqrt_price_at_tick(high)
    amounts = univ3.amounts_down(market.pool.slot0().sqrtPriceX96, *bounds, liquidity)
    usdc, weth = amounts[:: -1 if market.weth_is_0 else 1]
    mark = feedless.markSqrtPriceX96()
    quote = univ3.quote0_in_1_down if market.weth_is_0 else univ3.quote1_in_0_down
    worth = usdc + quote(weth, mark)

    with ape.reverts(feedless.ExitValueTooLow):
        feedless.exitRange(low, high, worth + 1, sender=guardian)
    feedless.exitRange(low, high, worth, sender=guardian)


@pytest.mark.parametrize(
    ("feed", "age"), [(False, 4_500), (True, 0)], ids=["age_without_feed", "feed_without_age"]
)
def test_constructor__age_and_feed_do_not_match__reverts(
    project: Any, host: Any, market: Market, issuer: Any, feed: bool, age: int
) -> None:
    world = market.world

    with ape.reverts(project.UniswapV3Adapter.LimitOutOfBounds):
        issuer.deploy(
            project.UniswapV3Adapter,
            host,
            world.pool,
            world.feed if feed else ZERO,
            (age, *LIMITS[1:]),
        )


# --- factory and lens


@pytest.fixture(scope="session")
def own_plan(plan: Plan) -> Plan:
    """A project's own vault: one pool, nothing else, no feed."""
    (pool,) = plan.markets[1]
    return replace(
        plan,
        salt=b"\x21" * 32,
        markets=((), ((*pool[:3], ZERO),)),
        pool_limits=(FEEDLESS_LIMITS,),
        routes=(),
    )


def test_factory__one_pool_alone__may_be_without_a_feed(
    factory: Factory, own_plan: Plan, plan: Plan, project: Any, accounts: Any
) -> None:
    factory.run(own_plan)
    with_feed = replace(plan, salt=b"\x22" * 32)
    factory.run(with_feed)
    lens = accounts[0].deploy(project.VaultLens, factory.contract)

    own, other = (lens.show(factory.made(given).vault) for given in (own_plan, with_feed))

    (adapter,) = factory.made(own_plan).adapters
    assert project.UniswapV3Adapter.at(adapter).feed() == ZERO
    assert factory.contract.isVault(factory.made(own_plan).vault)
    assert own.flags.feedless
    assert [leg.feedless for leg in own.legs] == [True]
    assert not other.flags.feedless
    assert [leg.feedless for leg in other.legs] == [False, False]


def test_factory__feedless_pool_beside_anything_else__is_refused(
    factory: Factory, own_plan: Plan, plan: Plan, young_pool: tuple[Any, int]
) -> None:
    (feedless,) = own_plan.markets[1]
    (sound,) = plan.markets[1]
    second = (young_pool[0].address, sound[1], 3_000, sound[3])
    beside = (
        {"markets": (plan.markets[0], (feedless,)), "routes": plan.routes},
        {"markets": ((), (feedless, second)), "pool_limits": (FEEDLESS_LIMITS, LIMITS)},
        {"markets": ((), (second, feedless)), "pool_limits": (LIMITS, FEEDLESS_LIMITS)},
    )

    for change in beside:
        with ape.reverts(factory.contract.FeedMissing, token=sound[1]):
            factory.run(replace(own_plan, salt=b"\x23" * 32, **change), last=1)
    two = {"markets": ((), (sound, second)), "pool_limits": (LIMITS, LIMITS)}
    factory.run(replace(own_plan, salt=b"\x23" * 32, **two), last=1)


# --- attacks


@pytest.fixture
def own_vault(project: Any, accounts: Any, chain: Any, market: Market, route: Any) -> System:
    """A vault with a feedless leg of 300,000 of 1,000,000, at rest for a day."""
    deployer, world = accounts[0], market.world
    roles = (accounts[6], accounts[1], accounts[2], accounts[7])
    limits = (CAP * 10**6, 5_000, 3_000, 0, 0)
    vault = deployer.deploy(project.MarketMakingVault, vault_params(world.usdc, roles, limits))
    signers = SIGNERS[:3]
    nav = deployer.deploy(project.NavReporter, vault, [key.address for key in signers], 2)
    clob = deployer.deploy(project.ClobAdapter, vault, route)
    pool = deployer.deploy(project.UniswapV3Adapter, vault, world.pool, ZERO, FEEDLESS_LIMITS)
    vault.wire(nav, [clob, pool], sender=deployer)
    made = System(
        chain=chain,
        token=world.usdc,
        vault=vault,
        nav=nav,
        silo=vault.silo(),
        clob=clob,
        pool=pool,
        venue=route,
        mandate=project.Mandate.at(vault.mandate()),
        end=project.WindDown.at(vault.windDown()),
        legs=project.Legs.at(vault.legs()),
        deployer=deployer,
        owner=accounts[6],
        keeper=accounts[1],
        guardian=accounts[2],
        users=[accounts[8], accounts[9]],
        signers=signers,
    )
    made.seed(made.users[0], 1_000_000 * USDC)
    market.pass_time(DAY)
    vault.allocate(pool, 300_000 * USDC, sender=made.keeper)
    _invest(pool, market, made.keeper)
    made.settle()
    return made


def _held_away_at_the_cut(system: System, market: Market, usdc: int) -> int:
    """Hold the spot away for half an hour before the cut; return the leg's worth at the old price.

    Fees that the manipulation paid are in it.
    """
    fair = univ3.sqrt_price_at_tick(market.tick())
    system.wait_for_cut()
    _move(market, usdc)
    system.pool.sync(sender=market.trader)
    system.wait(HALF_HOUR + 60)
    system.vault.closeEpoch(sender=system.deployer)
    return mirror_value(system.pool, market, fair)


def test_attack_a18__feedless_pool_pumped_for_half_an_hour__leaver_takes_nothing(
    own_vault: System, market: Market
) -> None:
    """A leaver is paid by the bid: the 24-hour mean, which half an hour hardly moves."""
    live = own_vault
    holder, leaver = live.users
    live.vault.transfer(leaver, live.vault.balanceOf(holder) // 10, sender=holder)
    live.request_redeem(leaver, live.vault.balanceOf(leaver))

    fair = _held_away_at_the_cut(live, market, 500_000)
    cut = live.vault.cut()
    live.submit(live.report())

    paid = claim_assets(live, leaver)
    gap = cut.legAsk - cut.legBid
    assert gap * 200 > fair  # the attack moved the leg's worth by half a per cent
    assert paid <= (cut.idle + fair + gap // NEAR) // 10 + DUST


def test_attack_a18__feedless_pool_dumped_for_half_an_hour__newcomer_buys_nothing_cheap(
    own_vault: System, market: Market
) -> None:
    """A newcomer pays by the ask: again the 24-hour mean."""
    live = own_vault
    _, newcomer = live.users
    live.request_deposit(newcomer, 500_000 * USDC)

    fair = _held_away_at_the_cut(live, market, -500_000)
    cut = live.vault.cut()
    live.submit(live.report())

    shares = live.vault.maxMint(newcomer)
    total = cut.idle + 500_000 * USDC + fair
    gap = cut.legAsk - cut.legBid
    assert gap * 200 > fair
    assert shares > 0
    worth = total * shares // live.vault.totalSupply()
    assert worth <= 500_000 * USDC + gap // NEAR + DUST
