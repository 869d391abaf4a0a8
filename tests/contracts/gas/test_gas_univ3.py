"""What a cut costs with the real Uniswap v3 adapter."""

from typing import Any

import pytest

from tests.contracts.gas.conftest import Record
from tests.contracts.gas.table import gas_of
from tests.contracts.system import MAX_UINT, System

USDC = 10**6
FOREVER = 2**64
PRICE_E8 = 3_000 * 10**8


@pytest.mark.parametrize("ranges", [1, 8])
def test_close_epoch__real_pool__costs_what_the_table_says(
    live: System, market: Any, record: Record, ranges: int
) -> None:
    live.vault.allocate(live.pool, 300_000 * USDC, sender=live.keeper)
    live.pool.swapExactIn(not market.weth_is_0, 60_000 * USDC, 0, FOREVER, sender=live.keeper)
    tick = market.tick() // 10 * 10
    for number in range(ranges):
        market.pass_time(61)
        ticks = (tick - 1_000 - 10 * number, tick + 1_000 + 10 * number)
        live.pool.mintRange(*ticks, 10**15, MAX_UINT, MAX_UINT, FOREVER, sender=live.keeper)
    live.wait_for_cut()
    market.push(PRICE_E8)

    gas = gas_of(live.vault.closeEpoch(sender=live.deployer))

    record("closeEpoch", {f"closeEpoch, Uniswap v3 with {ranges} ranges and an order book": gas})


def test_uniswap__every_operation__costs_what_the_table_says(
    live: System, market: Any, record: Record
) -> None:
    pool, keeper = live.pool, live.keeper
    allocate = gas_of(live.vault.allocate(pool, 300_000 * USDC, sender=keeper))
    swap = gas_of(pool.swapExactIn(not market.weth_is_0, 60_000 * USDC, 0, FOREVER, sender=keeper))
    market.pass_time(61)
    tick = market.tick() // 10 * 10
    ticks = (tick - 1_000, tick + 1_000)
    mint = gas_of(pool.mintRange(*ticks, 10**15, MAX_UINT, MAX_UINT, FOREVER, sender=keeper))
    market.pass_time(61)
    burn = gas_of(pool.burnRange(*ticks, 10**14, 0, 0, FOREVER, sender=keeper))
    leave = gas_of(pool.exitRange(*ticks, 0, sender=live.guardian))
    back = gas_of(live.vault.deallocate(pool, 100_000 * USDC, sender=keeper))
    sync = gas_of(pool.sync(sender=live.deployer))

    record(
        "Uniswap v3 adapter",
        {
            "allocate": allocate,
            "swapExactIn": swap,
            "mintRange, first of a range": mint,
            "burnRange, a part": burn,
            "exitRange": leave,
            "deallocate": back,
            "sync, no range": sync,
        },
    )
