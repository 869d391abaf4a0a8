"""Each guard of the pool adapter by its error, each event by its fields, what may move assets."""

from typing import Any

import ape
import pytest
from eth_utils import keccak

from tests.contracts.rpc import Rpc

USDC = 10**6
ETHER = 10**18
PRICE_E8 = 3_000 * 10**8
FOREVER = 2**64
MAX_UINT = 2**256 - 1
LIMITS = (4_500, 300, 60, 30, 151)
LIQUIDITY = 10**16
ZERO = "0x" + "0" * 40


def events(receipt: Any, name: str) -> list[Any]:
    return [log for log in receipt.events if log.event_name == name]


def mint(adapter: Any, sender: Any, ticks: tuple[int, int], **changes: int) -> Any:
    args = {"liquidity": LIQUIDITY, "max0": MAX_UINT, "max1": MAX_UINT, "deadline": FOREVER}
    return adapter.mintRange(*ticks, *(args | changes).values(), sender=sender)


# --- construction


@pytest.mark.parametrize(
    ("index", "wrong"),
    [(0, 0), (0, 172_801), (1, 0), (1, 1_001), (2, 59), (3, 0), (3, 31), (4, 1)],
)
def test_constructor__limit_beyond_its_hard_bound__reverts(
    project: Any, host: Any, market: Any, issuer: Any, index: int, wrong: int
) -> None:
    limits = [*LIMITS[:index], wrong, *LIMITS[index + 1 :]]

    with ape.reverts(project.UniswapV3Adapter.LimitOutOfBounds):
        issuer.deploy(project.UniswapV3Adapter, host, market.pool, market.world.feed, tuple(limits))


def test_constructor__asset_not_in_pool__reverts(
    project: Any, market: Any, issuer: Any, keeper: Any, guardian: Any
) -> None:
    other = issuer.deploy(project.TestUSDC, 6)
    host = issuer.deploy(project.AdapterHost, other, keeper, guardian)

    with ape.reverts(project.UniswapV3Adapter.AssetNotInPool, asset=other.address):
        issuer.deploy(project.UniswapV3Adapter, host, market.pool, market.world.feed, LIMITS)


def test_views__fresh__tell_what_it_was_built_with(
    young_adapter: Any, host: Any, market: Any
) -> None:
    world = market.world

    assert young_adapter.vault() == host.address
    assert young_adapter.asset() == world.usdc.address
    assert young_adapter.pool() == world.pool.address
    assert young_adapter.feed() == world.feed.address
    assert {young_adapter.token0(), young_adapter.token1()} == {
        world.weth.address,
        world.usdc.address,
    }
    assert tuple(young_adapter.limits()) == LIMITS
    assert not young_adapter.isAttested()
    assert young_adapter.ranges() == []


# --- vault


def test_allocate__twap_not_covered__reverts(
    project: Any, young_adapter: Any, host: Any, market: Any, issuer: Any, chain: Any
) -> None:
    world = market.world
    world.factory.createPool(world.weth, world.usdc, 10_000, sender=issuer)
    pool = market.pool.__class__(
        world.factory.getPool(world.weth, world.usdc, 10_000), market.pool.contract_type
    )
    pool.initialize(market.pool.slot0().sqrtPriceX96, sender=issuer)
    pool.increaseObservationCardinalityNext(151, sender=issuer)
    fresh = issuer.deploy(project.UniswapV3Adapter, host, pool, world.feed, LIMITS)
    assert not fresh.isReady()

    with ape.reverts():
        host.allocate(fresh, USDC, sender=issuer)

    chain.mine(deltatime=1_801)
    assert fresh.isReady()
    host.allocate(fresh, USDC, sender=issuer)


def test_allocate__too_few_observations__reverts(
    project: Any, host: Any, market: Any, issuer: Any, adapter: Any
) -> None:
    limits = (*LIMITS[:4], 152)
    deep = issuer.deploy(project.UniswapV3Adapter, host, market.pool, market.world.feed, limits)

    with ape.reverts(deep.TooFewObservations, observations=151, required=152):
        host.allocate(deep, USDC, sender=issuer)


def test_allocate__not_vault__reverts(adapter: Any, keeper: Any) -> None:
    with ape.reverts(adapter.NotVault, caller=keeper.address):
        adapter.allocate(1, sender=keeper)


def test_allocate__zero__reverts(adapter: Any, host: Any, issuer: Any) -> None:
    with ape.reverts(adapter.ZeroAmount):
        host.allocate(adapter, 0, sender=issuer)


def test_allocate__by_vault__books_and_tells(
    adapter: Any, host: Any, market: Any, issuer: Any
) -> None:
    assert (adapter.sent(), adapter.returned()) == (300_000 * USDC, 0)

    receipt = host.allocate(adapter, 7 * USDC, sender=issuer)

    assert [log.assets for log in events(receipt, "Allocate")] == [7 * USDC]
    assert sorted(adapter.balances()) == [0, 300_007 * USDC]
    assert (adapter.sent(), adapter.returned()) == (300_007 * USDC, 0)


def test_deallocate__not_vault__reverts(adapter: Any, keeper: Any) -> None:
    with ape.reverts(adapter.NotVault, caller=keeper.address):
        adapter.deallocate(1, sender=keeper)


def test_deallocate__zero__reverts(adapter: Any, host: Any, issuer: Any) -> None:
    with ape.reverts(adapter.ZeroAmount):
        host.deallocate(adapter, 0, sender=issuer)


def test_deallocate__more_than_booked__reverts(
    adapter: Any, host: Any, market: Any, issuer: Any
) -> None:
    """A donation does not stretch the books."""
    market.world.usdc.mint(adapter, USDC, sender=issuer)

    with ape.reverts(adapter.BookedBalanceTooLow, booked=300_000 * USDC):
        host.deallocate(adapter, 300_000 * USDC + 1, sender=issuer)


def test_deallocate__by_vault__returns_idle_assets_and_leaves_no_approval(
    adapter: Any, host: Any, market: Any, issuer: Any
) -> None:
    idle = host.idle()

    receipt = host.deallocate(adapter, 100_000 * USDC, sender=issuer)

    log = events(receipt, "Deallocate")[0]
    assert (log.assets, log.assetsReturned) == (100_000 * USDC, 100_000 * USDC)
    assert host.idle() == idle + 100_000 * USDC
    assert adapter.value() == (200_000 * USDC, 200_000 * USDC)
    assert market.world.usdc.allowance(adapter, host) == 0
    assert (adapter.sent(), adapter.returned()) == (300_000 * USDC, 100_000 * USDC)


def test_flows__swap_range_donation_and_sync__change_nothing(
    invested: Any, market: Any, issuer: Any
) -> None:
    market.world.usdc.mint(invested, USDC, sender=issuer)
    invested.sync(sender=issuer)

    assert (invested.sent(), invested.returned()) == (300_000 * USDC, 0)


# --- guards common to the keeper's operations


@pytest.mark.parametrize("operation", ["mint", "burn", "swap"])
@pytest.mark.parametrize("role", ["guardian", "stranger"])
def test_operation__not_keeper__reverts(
    adapter: Any, request: pytest.FixtureRequest, operation: str, role: str
) -> None:
    sender = request.getfixturevalue(role)
    calls = {
        "mint": lambda: mint(adapter, sender, (0, 10)),
        "burn": lambda: adapter.burnRange(0, 10, 1, 0, 0, FOREVER, sender=sender),
        "swap": lambda: adapter.swapExactIn(True, 1, 0, FOREVER, sender=sender),
    }

    with ape.reverts(adapter.NotKeeper, caller=sender.address):
        calls[operation]()


def test_operation__deadline_passed__reverts(
    adapter: Any, keeper: Any, operate: Any, chain: Any
) -> None:
    deadline = chain.pending_timestamp - 1

    with ape.reverts(adapter.DeadlinePassed, deadline=deadline):
        mint(adapter, keeper, operate.around(1_000), deadline=deadline)


def test_operation__within_cooldown__reverts_until_it_ends(
    invested: Any, keeper: Any, operate: Any, chain: Any
) -> None:
    ready_at = invested.lastOperationAt() + 60

    with ape.reverts(invested.CooldownActive, readyAt=ready_at):
        invested.burnRange(*operate.around(1_000), 1, 0, 0, FOREVER, sender=keeper)

    chain.pending_timestamp = ready_at
    receipt = invested.burnRange(
        *invested.ranges()[0][:2], LIQUIDITY // 2, 0, 0, FOREVER, sender=keeper
    )
    assert receipt.timestamp == ready_at


def test_operation__paused__refuses_what_may_lose_and_lets_ranges_go(
    project: Any, invested: Any, host: Any, keeper: Any, guardian: Any, issuer: Any, market: Any
) -> None:
    """V-25: a pause keeps the keeper from buying risk, never from leaving it."""
    held = invested.ranges()[0][:2]
    until = market.chain.pending_timestamp + 86_400
    host.pause(until, sender=issuer)
    market.chain.mine(deltatime=61)

    with ape.reverts(project.Mandate.Paused, until=until):
        invested.mintRange(*held, 1, MAX_UINT, MAX_UINT, FOREVER, sender=keeper)
    with ape.reverts(project.Mandate.Paused, until=until):
        invested.swapExactIn(not market.weth_is_0, USDC, 0, FOREVER, sender=keeper)
    invested.burnRange(*held, LIQUIDITY // 2, 0, 0, FOREVER, sender=keeper)
    invested.exitRange(*held, 1, sender=guardian)

    assert invested.ranges() == []


@pytest.mark.parametrize("usdc", [250_000, -250_000])
def test_operation__spot_off_twap__reverts_until_the_twap_follows(
    invested: Any, operate: Any, market: Any, usdc: int
) -> None:
    """A pool pushed away refuses every operation for as long as its mean remembers."""
    market.buy_weth(usdc * USDC) if usdc > 0 else market.sell_weth(-usdc * ETHER // 3_000)

    with ape.reverts(invested.SpotOffTwap):
        operate.burn(invested.ranges()[0][:2], LIQUIDITY // 2)

    market.pass_time(1_800)
    sqrt_price = market.pool.slot0().sqrtPriceX96
    spot = (
        sqrt_price**2 * 10**20 // 2**192 if market.weth_is_0 else 2**192 * 10**20 // sqrt_price**2
    )
    market.push(spot)
    operate.burn(invested.ranges()[0][:2], LIQUIDITY // 2)


def test_operation__day_without_a_trade__works(invested: Any, operate: Any, market: Any) -> None:
    """After a jump in time the pool's oracle extends its last tick: nothing has to warm up."""
    market.pass_time(86_400, PRICE_E8)

    operate.burn(invested.ranges()[0][:2], LIQUIDITY // 2)

    assert invested.ranges()[0][2] == LIQUIDITY // 2


@pytest.mark.parametrize("price", [2_920 * 10**8, 3_150 * 10**8])
def test_mint__spot_far_from_mark__reverts(
    adapter: Any, operate: Any, market: Any, price: int
) -> None:
    """Narrow liquidity put where the mark is not would be worth less at once."""
    operate.buy_weth(60_000 * USDC)
    market.push(price)

    with ape.reverts(adapter.ValueChangeExceeded):
        operate.mint(operate.around(200), 9 * LIQUIDITY)


def test_swap__gain_beyond_the_limit__reverts(adapter: Any, operate: Any, market: Any) -> None:
    market.push(3_090 * 10**8)

    with ape.reverts(adapter.ValueChangeExceeded):
        operate.buy_weth(60_000 * USDC)


def test_swap__loss_beyond_the_limit__reverts(adapter: Any, operate: Any) -> None:
    """Slippage of 30 bps of the leg's value: the price of a careless or hostile keeper."""
    with ape.reverts(adapter.ValueChangeExceeded):
        operate.buy_weth(100_000 * USDC)


def test_swap__moves_spot_off_twap__reverts(adapter: Any, operate: Any) -> None:
    with ape.reverts(adapter.SpotOffTwap):
        operate.buy_weth(250_000 * USDC)


# --- mint


def test_mint__by_keeper__pays_from_the_books_and_tells(
    adapter: Any, operate: Any, market: Any, keeper: Any
) -> None:
    operate.buy_weth(60_000 * USDC)
    before = adapter.balances()
    ticks = operate.around(1_000)

    receipt = operate.mint(ticks, LIQUIDITY)

    log = events(receipt, "MintRange")[0]
    assert (log.tickLower, log.tickUpper, log.liquidity) == (*ticks, LIQUIDITY)
    after = adapter.balances()
    assert (log.amount0, log.amount1) == (before[0] - after[0], before[1] - after[1])
    assert min(log.amount0, log.amount1) > 0
    assert [tuple(item) for item in adapter.ranges()] == [(*ticks, LIQUIDITY)]
    assert adapter.lastOperationAt() == receipt.timestamp


def test_mint__same_ticks_again__adds_to_the_range_and_collects_its_fees(
    invested: Any, operate: Any, market: Any
) -> None:
    ticks = tuple(invested.ranges()[0][:2])
    market.buy_weth(20_000 * USDC)

    receipt = operate.mint(ticks, LIQUIDITY // 10)

    assert [tuple(item) for item in invested.ranges()] == [(*ticks, LIQUIDITY * 11 // 10)]
    assert len(events(receipt, "CollectFees")) == 1


def test_mint__zero_liquidity__reverts(adapter: Any, operate: Any) -> None:
    with ape.reverts(adapter.ZeroAmount):
        operate.mint(operate.around(1_000), 0)


@pytest.mark.parametrize("limit", ["max0", "max1"])
def test_mint__cost_above_maximum__reverts(
    invested: Any, operate: Any, keeper: Any, limit: str
) -> None:
    operate.ready()

    with ape.reverts(invested.CostAboveMaximum):
        mint(invested, keeper, operate.around(1_000), liquidity=LIQUIDITY // 10, **{limit: 1})


def test_mint__more_than_booked__reverts(
    invested: Any, operate: Any, market: Any, issuer: Any
) -> None:
    """Donated tokens cannot be spent either."""
    market.world.weth.deposit(value=1_000 * ETHER, sender=issuer)
    market.world.weth.transfer(invested, 1_000 * ETHER, sender=issuer)

    with ape.reverts(invested.BookedBalanceTooLow):
        operate.mint(operate.around(1_000), 10 * LIQUIDITY)


@pytest.mark.parametrize("ticks", [(10, 0), (0, 0), (5, 15), (-887_280, 0), (0, 887_280)])
def test_mint__ticks_impossible__reverts(
    adapter: Any, operate: Any, keeper: Any, chain: Any, ticks: tuple[int, int]
) -> None:
    operate.ready()
    arguments = (*ticks, LIQUIDITY, MAX_UINT, MAX_UINT, FOREVER)

    Rpc(chain).refused(adapter.mintRange, *arguments, sender=keeper)


def test_mint__ninth_range__reverts(adapter: Any, operate: Any, market: Any, stranger: Any) -> None:
    """Eight ranges with fees stay cheap to collect and to value in one cut."""
    operate.buy_weth(60_000 * USDC)
    for width in range(1_000, 1_080, 10):
        operate.mint(operate.around(width), LIQUIDITY // 100)

    with ape.reverts(adapter.TooManyRanges, maximum=8):
        operate.mint(operate.around(1_080), LIQUIDITY // 100)

    operate.mint(operate.around(1_070), LIQUIDITY // 100)
    market.buy_weth(20_000 * USDC)
    market.sell_weth(6 * ETHER)
    assert adapter.sync(sender=stranger).gas_used < 900_000
    assert adapter.value.estimate_gas_cost() < 200_000


# --- burn


def test_burn__part__books_what_it_frees_and_tells(
    invested: Any, operate: Any, market: Any
) -> None:
    ticks = tuple(invested.ranges()[0][:2])
    market.buy_weth(20_000 * USDC)
    before = invested.balances()

    receipt = operate.burn(ticks, LIQUIDITY // 4)

    log, fees = events(receipt, "BurnRange")[0], events(receipt, "CollectFees")[0]
    assert (log.tickLower, log.tickUpper, log.liquidity) == (*ticks, LIQUIDITY // 4)
    after = invested.balances()
    assert after[0] == before[0] + log.amount0 + fees.amount0
    assert after[1] == before[1] + log.amount1 + fees.amount1
    assert invested.ranges()[0][2] == LIQUIDITY - LIQUIDITY // 4


def test_burn__whole__forgets_the_range(invested: Any, operate: Any) -> None:
    operate.mint(operate.around(500), LIQUIDITY // 10)
    first = tuple(invested.ranges()[0][:2])

    operate.burn(first, LIQUIDITY)

    assert len(invested.ranges()) == 1
    assert tuple(invested.ranges()[0][:2]) != first


@pytest.mark.parametrize("extra", [1, 10**20])
def test_burn__more_than_held__reverts(invested: Any, operate: Any, extra: int) -> None:
    with ape.reverts(invested.LiquidityNotHeld, held=LIQUIDITY):
        operate.burn(tuple(invested.ranges()[0][:2]), LIQUIDITY + extra)


def test_burn__range_not_held__reverts(invested: Any, operate: Any) -> None:
    with ape.reverts(invested.LiquidityNotHeld, held=0):
        operate.burn((0, 10), 1)


def test_burn__zero__reverts(invested: Any, operate: Any) -> None:
    with ape.reverts(invested.ZeroAmount):
        operate.burn(tuple(invested.ranges()[0][:2]), 0)


@pytest.mark.parametrize("minima", [(MAX_UINT, 0), (0, MAX_UINT)])
def test_burn__proceeds_below_minimum__reverts(
    invested: Any, operate: Any, keeper: Any, minima: tuple[int, int]
) -> None:
    operate.ready()

    with ape.reverts(invested.ProceedsBelowMinimum):
        invested.burnRange(*invested.ranges()[0][:2], LIQUIDITY, *minima, FOREVER, sender=keeper)


# --- swap


def test_swap__both_ways__moves_the_books_and_tells(
    adapter: Any, operate: Any, market: Any
) -> None:
    buy_is_0_for_1 = not market.weth_is_0
    bought = events(operate.buy_weth(30_000 * USDC), "SwapExactIn")[0]
    assert (bought.zeroForOne, bought.amountIn) == (buy_is_0_for_1, 30_000 * USDC)

    sold = events(operate.swap(market.weth_is_0, bought.amountOut), "SwapExactIn")[0]

    assert (sold.zeroForOne, sold.amountIn) == (market.weth_is_0, bought.amountOut)
    left = market.world.sorted_amounts(0, 270_000 * USDC + sold.amountOut)
    assert tuple(adapter.balances()) == left
    assert 29_960 * USDC < sold.amountOut < 30_000 * USDC


def test_swap__zero__reverts(adapter: Any, operate: Any) -> None:
    with ape.reverts(adapter.ZeroAmount):
        operate.buy_weth(0)


def test_swap__less_out_than_demanded__reverts(
    adapter: Any, operate: Any, keeper: Any, market: Any
) -> None:
    operate.ready()

    with ape.reverts(adapter.ProceedsBelowMinimum):
        adapter.swapExactIn(not market.weth_is_0, 30_000 * USDC, 10 * ETHER, FOREVER, sender=keeper)


def test_swap__more_than_booked__reverts(adapter: Any, operate: Any) -> None:
    with ape.reverts(adapter.BookedBalanceTooLow, booked=300_000 * USDC):
        operate.buy_weth(300_000 * USDC + 1)


def test_swap__pool_runs_dry__reverts(
    project: Any, host: Any, market: Any, issuer: Any, keeper: Any, chain: Any
) -> None:
    """The pool takes what it can; half a swap is refused."""
    world = market.world
    world.factory.createPool(world.weth, world.usdc, 3_000, sender=issuer)
    pool = market.pool.__class__(
        world.factory.getPool(world.weth, world.usdc, 3_000), market.pool.contract_type
    )
    pool.initialize(market.pool.slot0().sqrtPriceX96, sender=issuer)
    pool.increaseObservationCardinalityNext(151, sender=issuer)
    thin = issuer.deploy(project.UniswapV3Adapter, host, pool, world.feed, LIMITS)
    chain.mine(deltatime=1_801)
    host.allocate(thin, 10_000 * USDC, sender=issuer)
    market.push(PRICE_E8)

    with ape.reverts(thin.SwapNotFilled, amountIn=USDC, amountFilled=0):
        thin.swapExactIn(not market.weth_is_0, USDC, 0, FOREVER, sender=keeper)


# --- exit


def test_exit__neither_keeper_nor_guardian__reverts(invested: Any, stranger: Any) -> None:
    with ape.reverts(invested.NotKeeperOrGuardian, caller=stranger.address):
        invested.exitRange(*invested.ranges()[0][:2], 0, sender=stranger)


@pytest.mark.parametrize("role", ["keeper", "guardian"])
def test_exit__within_cooldown__works_and_starts_none(
    invested: Any, request: pytest.FixtureRequest, role: str
) -> None:
    started = invested.lastOperationAt()

    receipt = invested.exitRange(*invested.ranges()[0][:2], 1, sender=request.getfixturevalue(role))

    assert events(receipt, "BurnRange")[0].liquidity == LIQUIDITY
    assert invested.ranges() == []
    assert invested.lastOperationAt() == started


@pytest.mark.parametrize("usdc", [-1_000_000, -200_000, 200_000, 1_000_000])
def test_exit__pool_pushed_anywhere__loses_nothing_at_the_mark(
    invested: Any, market: Any, guardian: Any, usdc: int
) -> None:
    """Leaving needs no TWAP test: whoever moves the spot pays for it, not the range."""
    market.buy_weth(usdc * USDC) if usdc > 0 else market.sell_weth(-usdc * ETHER // 3_000)
    invested.sync(sender=guardian)
    before = invested.value()[0]

    invested.exitRange(*invested.ranges()[0][:2], 1, sender=guardian)

    assert invested.value()[0] >= before


def test_exit__dead_feed_and_no_minimum__works(invested: Any, market: Any, guardian: Any) -> None:
    market.pass_time(10 * 86_400)

    invested.exitRange(*invested.ranges()[0][:2], 0, sender=guardian)

    assert invested.ranges() == []


def test_exit__dead_feed_and_a_minimum__reverts(invested: Any, market: Any, guardian: Any) -> None:
    market.pass_time(10 * 86_400)

    with ape.reverts(invested.FeedTooOld):
        invested.exitRange(*invested.ranges()[0][:2], 1, sender=guardian)


def test_exit__worth_less_than_demanded__reverts(invested: Any, market: Any, guardian: Any) -> None:
    with ape.reverts(invested.ExitValueTooLow, minValueAtMark=300_000 * USDC):
        invested.exitRange(*invested.ranges()[0][:2], 300_000 * USDC, sender=guardian)


def test_exit__range_not_held__reverts(invested: Any, guardian: Any) -> None:
    with ape.reverts(invested.LiquidityNotHeld, held=0):
        invested.exitRange(0, 10, 0, sender=guardian)


# --- anyone


def test_raise_observations__by_anyone__stops_at_the_limit(
    project: Any, host: Any, market: Any, issuer: Any, stranger: Any
) -> None:
    limits = (*LIMITS[:4], 200)
    deep = issuer.deploy(project.UniswapV3Adapter, host, market.pool, market.world.feed, limits)

    receipt = deep.raiseObservations(5_000, sender=stranger)

    assert events(receipt, "RaiseObservations")[0].observations == 200
    assert market.pool.slot0().observationCardinalityNext == 200


def test_callbacks__from_anyone__revert(
    adapter: Any, stranger: Any, market: Any, accounts: Any
) -> None:
    """Outside an operation even the pool itself is refused."""
    pool = accounts[market.pool.address]
    pool.balance += 10**18
    for sender in (stranger, pool):
        with ape.reverts(adapter.NotPoolCallback, caller=sender.address):
            adapter.uniswapV3MintCallback(1, 1, b"", sender=sender)
        with ape.reverts(adapter.NotPoolCallback, caller=sender.address):
            adapter.uniswapV3SwapCallback(1, 1, b"", sender=sender)


def test_swap__token_calls_back__cannot_reenter(
    project: Any, host: Any, market: Any, issuer: Any, keeper: Any, chain: Any
) -> None:
    """A12: state-changing calls and `value` refuse while an operation runs."""
    world = market.world
    hook = issuer.deploy(project.HookToken)
    pool = _hook_pool(market, hook, issuer)
    leg = issuer.deploy(project.UniswapV3Adapter, host, pool, world.feed, LIMITS)
    chain.mine(deltatime=1_801)
    host.allocate(leg, 10_000 * USDC, sender=issuer)
    market.push(10**8)
    usdc_is_0 = pool.token0() == world.usdc.address

    for call in (leg.sync, leg.value):
        hook.setHook(leg, call.encode_input(), sender=issuer)
        leg.swapExactIn(usdc_is_0, 50 * USDC, 0, FOREVER, sender=keeper)
        assert not hook.lastSuccess()
        assert hook.lastAnswer() == keccak(text="ReentrancyGuardReentrantCall()")[:4]
        chain.mine(deltatime=61)


def _hook_pool(market: Any, hook: Any, issuer: Any) -> Any:
    """Open a pool of 1:1 between a token that calls back and USDC, with 100,000 on each side."""
    world = market.world
    world.factory.createPool(hook, world.usdc, 3_000, sender=issuer)
    address = world.factory.getPool(hook, world.usdc, 3_000)
    pool = market.pool.__class__(address, market.pool.contract_type)
    hook_is_0 = pool.token0() == hook.address
    pool.initialize((2**96 // 10**6) if hook_is_0 else 2**96 * 10**6, sender=issuer)
    pool.increaseObservationCardinalityNext(151, sender=issuer)
    world.usdc.mint(issuer, 100_000 * USDC, sender=issuer)
    for token in (hook, world.usdc):
        token.approve(world.positions, MAX_UINT, sender=issuer)
    amounts = (100_000 * ETHER, 100_000 * USDC)
    edge = 887_220
    key = (pool.token0(), pool.token1(), 3_000, -edge, edge)
    ordered = amounts if hook_is_0 else amounts[::-1]
    world.positions.mint((*key, *ordered, 0, 0, issuer, FOREVER), sender=issuer)
    return pool


# --- oracle


def test_raise_observations__fewer_than_wanted__asks_the_pool_for_those(
    young_adapter: Any, stranger: Any
) -> None:
    receipt = young_adapter.raiseObservations(LIMITS[4] - 1, sender=stranger)

    assert [log.observations for log in events(receipt, "RaiseObservations")] == [LIMITS[4] - 1]


def test_is_ready__more_observations_wanted_than_kept__is_not(
    project: Any, adapter: Any, host: Any, market: Any, issuer: Any
) -> None:
    greedy = (*LIMITS[:4], 10_000)
    args = (host, market.pool, market.world.feed, greedy)

    assert adapter.isReady()
    assert not issuer.deploy(project.UniswapV3Adapter, *args).isReady()


def test_mark__feed_dated_in_the_future__reverts(
    project: Any, adapter: Any, market: Any, chain: Any
) -> None:
    feed, later = market.world.feed, chain.blocks.head.timestamp + 3_600
    number = feed.latestRoundData()[0]
    slot = int.from_bytes(keccak((1).to_bytes(32, "big"))) + 2 * (number - 1) + 1
    word = "0x" + later.to_bytes(32, "big").hex()
    chain.provider.make_request("anvil_setStorageAt", [feed.address, hex(slot), word])
    assert feed.latestRoundData()[3] == later

    with ape.reverts(project.UniswapV3Adapter.FeedInvalid, updatedAt=later):
        adapter.markSqrtPriceX96()
