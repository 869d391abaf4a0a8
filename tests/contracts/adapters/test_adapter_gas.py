"""What the real adapters cost, and the stages in which the factory creates a vault."""

from typing import Any

import pytest

from tests.contracts.adapters.creation import Factory, Plan
from tests.contracts.gas.meter import Meter, by_make_gas_alone
from tests.contracts.system import MAX_UINT, System

USDC = 10**6
FOREVER = 2**64
PRICE_E8 = 3_000 * 10**8


@pytest.fixture
def metered(live: System, gas: Meter) -> Meter:
    """Knows the vault and both its adapters."""
    gas.knows_system(live)
    gas.knows(UniswapV3Adapter=live.pool, ClobAdapter=live.clob)
    return gas


def around(market: Any, number: int = 0) -> tuple[int, int]:
    """Ticks around the current one, a little wider for each number."""
    tick = market.tick() // 10 * 10
    return tick - 1_000 - 10 * number, tick + 1_000 + 10 * number


def invest(live: System, market: Any, ranges: int) -> None:
    """300,000 in the pool adapter, a fifth of it WETH, and so many ranges."""
    live.vault.allocate(live.pool, 300_000 * USDC, sender=live.keeper)
    live.pool.swapExactIn(not market.weth_is_0, 60_000 * USDC, 0, FOREVER, sender=live.keeper)
    for number in range(ranges):
        market.pass_time(61)
        terms = (10**15, MAX_UINT, MAX_UINT, FOREVER)
        live.pool.mintRange(*around(market, number), *terms, sender=live.keeper)


def test_uniswap__every_operation__costs_what_the_page_says(
    live: System, market: Any, metered: Meter
) -> None:
    pool, keeper = live.pool, live.keeper
    metered(live.vault.allocate(pool, 300_000 * USDC, sender=keeper), "to Uniswap v3")
    metered(pool.swapExactIn(not market.weth_is_0, 60_000 * USDC, 0, FOREVER, sender=keeper))
    market.pass_time(61)
    ticks = around(market)
    terms = (10**15, MAX_UINT, MAX_UINT, FOREVER)
    metered(pool.mintRange(*ticks, *terms, sender=keeper), "first of a range")
    market.pass_time(61)
    metered(pool.mintRange(*ticks, *terms, sender=keeper), "more of a range")
    metered(pool.sync(sender=live.deployer), "one range")
    market.pass_time(61)
    metered(pool.burnRange(*ticks, 10**14, 0, 0, FOREVER, sender=keeper), "a part")
    metered(pool.exitRange(*ticks, 0, sender=live.guardian))
    metered(live.vault.deallocate(pool, 100_000 * USDC, sender=keeper), "from Uniswap v3")
    metered(pool.raiseObservations(160, sender=live.deployer), "by nine")

    assert metered.away() == {}


@by_make_gas_alone
@pytest.mark.parametrize("ranges", [0, 1, 8])
def test_close_epoch__real_adapters__costs_what_the_page_says(
    live: System, market: Any, metered: Meter, ranges: int
) -> None:
    invest(live, market, ranges)
    live.wait_for_cut()
    market.push(PRICE_E8)

    used = metered(live.vault.closeEpoch(sender=live.deployer), f"Uniswap v3 with {ranges} ranges")

    what = f"`closeEpoch`, an order book and Uniswap v3, ranges: {ranges}"
    metered.special("Cuts", what, used)
    assert metered.away() == {}


@by_make_gas_alone
def test_burn__losing_a_unit_to_rounding__costs_what_the_page_says(
    live: System, market: Any, metered: Meter
) -> None:
    """How the pool rounds depends on the amount: the first of some that loses is filed."""
    invest(live, market, 1)
    market.move_to(PRICE_E8)  # off the mark a burn gains more than it loses by rounding
    (low, high, _), *_ = live.pool.ranges()
    for part in range(1, 40):
        market.pass_time(61)
        terms = (10**11 * part + part, 0, 0, FOREVER)
        receipt = live.pool.burnRange(low, high, *terms, sender=live.keeper)
        if list(receipt.decode_logs(live.mandate.ChargeLoss)):
            metered(receipt, "a part, losing a unit to rounding")
            break

    assert metered.rows
    assert metered.away() == {}


@by_make_gas_alone
def test_order_book__every_call__costs_what_the_page_says(
    live: System, market: Any, metered: Meter
) -> None:
    clob, keeper = live.clob, live.keeper
    metered(live.vault.allocate(clob, 200_000 * USDC, sender=keeper), "to an order book")
    metered(live.vault.deallocate(clob, 50_000 * USDC, sender=keeper), "from an order book")
    metered(clob.sync(sender=live.deployer), "nothing came")
    live.token.transfer(clob, 50_000 * USDC, sender=live.venue)
    metered(clob.sync(sender=live.deployer), "assets came home")

    assert metered.away() == {}


@by_make_gas_alone
def test_wind_down__real_adapters__costs_what_the_page_says(
    live: System, market: Any, metered: Meter
) -> None:
    invest(live, market, 1)
    live.vault.allocate(live.clob, 200_000 * USDC, sender=live.keeper)
    live.end.startImpaired(sender=live.guardian)
    anybody, world = live.deployer, market.world

    metered(live.end.unwind(live.pool, sender=anybody), "Uniswap v3 with one range")
    metered(live.end.unwind(live.clob, sender=anybody), "an order book")
    for token, name in ((world.usdc, "the asset"), (world.weth, "the other token")):
        metered(live.end.collect(live.pool, token, sender=anybody), f"{name} from Uniswap v3")
    live.token.transfer(live.clob, 200_000 * USDC, sender=live.venue)
    metered(live.end.collect(live.clob, world.usdc, sender=anybody), "from an order book")

    assert metered.away() == {}


@by_make_gas_alone
def test_factory__every_stage__costs_what_the_page_says(
    factory: Factory, plan: Plan, project: Any, gas: Meter
) -> None:
    gas.knows(VaultFactory=factory.contract)
    for receipt in factory.run(plan, last=-1):
        gas(receipt)
    made = factory.made(plan)
    vault = project.MarketMakingVault.at(made.vault)
    gas.knows(MarketMakingVault=vault, Legs=vault.legs(), VaultTimelock=made.timelock)

    (receipt,) = factory.run(plan, first=len(factory.stages(plan)) - 1)
    gas(receipt, "two adapters")

    assert vault.state() == 0
    assert gas.away() == {}
