"""What operations of the real pool adapter lose at the mark, and what a hostile keeper gets."""

import sys
from typing import Any

import ape
import pytest
from eth_utils import keccak

from tests.contracts.rpc import Reverted, Rpc
from tests.contracts.system import System

USDC = 10**6
PRICE_E8 = 3_000 * 10**8
FOREVER = 2**64
DAY = 86_400
NAV = 1_000_000 * USDC
BPS = 10**14
HOME = 35 * BPS  # the pool's fee and 30 bps, of all that is sold
LIQUIDITY = 10**16
LOSSES_SPENT = "0x" + keccak(text="LossesSpent(uint256)")[:4].hex()


def worth(market: Any, usdc: int, weth: int) -> int:
    """USDC units of both at the mark."""
    return usdc + weth * PRICE_E8 * USDC // (10**8 * 10**18)


def test_swap__loss_at_the_mark__is_charged(
    adapter: Any, host: Any, operate: Any, market: Any
) -> None:
    before = adapter.value()[0]

    operate.buy_weth(60_000 * USDC)

    assert host.lost() == before - adapter.value()[0] > 0
    assert host.lostByExits() == 0


def test_mint__off_the_mark__is_charged(adapter: Any, host: Any, operate: Any, market: Any) -> None:
    operate.buy_weth(60_000 * USDC)
    market.push(PRICE_E8 * 1_005 // 1_000)
    lost, before = host.lost(), adapter.value()[0]

    operate.mint(operate.around(200), LIQUIDITY)

    assert host.lost() - lost == before - adapter.value()[0] > 0


def test_swap__gain_at_the_mark__refunds_nothing(
    adapter: Any, host: Any, operate: Any, market: Any
) -> None:
    market.push(PRICE_E8 * 1_010 // 1_000)
    before = adapter.value()[0]

    operate.buy_weth(30_000 * USDC)

    assert adapter.value()[0] > before
    assert host.lost() == 0


def test_burn__rounding__is_charged_as_an_exit(invested: Any, host: Any, operate: Any) -> None:
    lost, before = host.lost(), invested.value()[0]

    operate.burn(tuple(invested.ranges()[0][:2]), LIQUIDITY // 3)

    assert host.lost() == lost
    assert host.lostByExits() == max(0, before - invested.value()[0]) <= 2


def weth_of(adapter: Any, market: Any) -> int:
    return int(adapter.balances()[0 if market.weth_is_0 else 1])


def test_swap_home__risk_refused__sells_at_a_fair_price_as_an_exit(
    invested: Any, host: Any, operate: Any, market: Any
) -> None:
    market.move_to(PRICE_E8)
    host.pause(FOREVER, sender=market.issuer)
    held, lost = weth_of(invested, market), host.lost()
    before, exits = invested.value()[0], host.lostByExits()

    operate.swap(market.weth_is_0, held // 2)

    assert weth_of(invested, market) == held - held // 2
    assert host.lostByExits() - exits == before - invested.value()[0] > 0
    assert host.lost() == lost


def test_swap_away__risk_refused__reverts(
    project: Any, invested: Any, host: Any, operate: Any, market: Any
) -> None:
    host.pause(FOREVER, sender=market.issuer)

    with ape.reverts(project.Mandate.Paused, until=FOREVER):
        operate.swap(not market.weth_is_0, USDC)


@pytest.mark.parametrize(("mark_ppm", "is_fair"), [(1_002_700, True), (1_003_300, False)])
def test_swap_home__price_within_30_bps_and_fee_of_the_mark__alone_is_an_exit(
    project: Any, invested: Any, host: Any, operate: Any, market: Any, mark_ppm: int, is_fair: bool
) -> None:
    """A hundredth of an ETH moves nothing: what it loses is the distance and the fee of 5 bps."""
    market.move_to(PRICE_E8)
    market.push(PRICE_E8 * mark_ppm // 1_000_000)
    lost, exits = host.lost(), host.lostByExits()

    operate.swap(market.weth_is_0, 10**16)
    charged = (host.lost() > lost, host.lostByExits() > exits)
    host.pause(FOREVER, sender=market.issuer)

    assert charged == (not is_fair, is_fair)
    if is_fair:
        operate.swap(market.weth_is_0, 10**16)
        return
    with ape.reverts(project.Mandate.Paused, until=FOREVER):
        operate.swap(market.weth_is_0, 10**16)


def test_buckets_spent__base_token__still_comes_home(invested_live: System, market: Any) -> None:
    live, held = invested_live, weth_of(invested_live.pool, market)
    market.move_to(PRICE_E8)
    live.mandate.chargeExit(NAV // 50, sender=live.acting(live.pool))
    live.wait(61)
    with ape.reverts(live.mandate.LossesSpent, refilledAt=live.mandate.refilledAt()):
        live.pool.swapExactIn(not market.weth_is_0, USDC, 0, FOREVER, sender=live.keeper)
    opens = live.mandate.refilledAt()

    live.pool.swapExactIn(market.weth_is_0, held // 2, 0, FOREVER, sender=live.keeper)

    assert weth_of(live.pool, market) == held - held // 2
    assert live.mandate.refilledAt() > opens, "what it cost is owed first"


def test_keeper__trading_with_a_confederate_for_a_day__takes_no_more_than_the_buckets_a19(
    live: System, market: Any, record_property: Any
) -> None:
    """A19, V-24: all of NAV in the pool, each trade at the worst price its guards allow.

    When its losses are spent, the keeper still sells at the worst price that counts as coming
    home: what that costs beyond the buckets is owed. The confederate moves the pool away from
    the mark just before, and back just after.
    """
    live.vault.allocate(live.pool, NAV, sender=live.keeper)
    market.push(PRICE_E8)
    robber = Robber(live, market)
    start, before, rich = robber.now(), robber.vault_worth(), robber.worth()

    while robber.now() < start + DAY:
        robber.act()

    took, lost = robber.worth() - rich, before - robber.vault_worth()
    elapsed = robber.now() - start
    figures = (
        f"{robber.trades} trades in {elapsed} s lost {lost * 10_000 / NAV:.1f} bps of NAV, "
        f"the confederate gained {took * 10_000 / NAV:.1f}; stopped {robber.stopped} times"
    )
    record_property("a19", figures)
    sys.stdout.write(f"A19: {figures}\n")
    assert robber.homecomings > 0, figures
    assert lost * 10**18 // NAV <= HOME + 100 * BPS + 100 * BPS * elapsed // DAY
    assert lost > NAV * 150 // 10_000, figures
    assert robber.stopped >= 2, figures


class Robber:
    """A keeper and a confederate: the one trades badly, the other is the better side of it."""

    def __init__(self, live: System, market: Any) -> None:
        self.live, self.market, self.rpc = live, market, Rpc(live.chain)
        self.trades = self.stopped = self.homecomings = 0

    def now(self) -> int:
        return self.rpc.now()

    def worth(self) -> int:
        """What the confederate has, in USDC units at the mark."""
        world = self.market.world
        usdc, weth = (token.balanceOf(self.market.trader) for token in (world.usdc, world.weth))
        return usdc + weth * PRICE_E8 * USDC // (10**8 * 10**18)

    def vault_worth(self) -> int:
        """What the pool leg is worth at the mark, in USDC units."""
        self.market.push(PRICE_E8)
        return self.live.pool.value()[0]

    def act(self) -> None:
        """One round: wait until a trade is allowed, then trade as badly as the guards let it."""
        opens = self.live.mandate.refilledAt()
        if opens > self.now():
            swap, away = self.live.pool.swapExactIn, not self.market.weth_is_0
            refusal = self.rpc.refused(swap, away, USDC, 0, FOREVER, sender=self.live.keeper)
            assert refusal == LOSSES_SPENT
            self.stopped += 1
            self._go_home()
            opens = self.live.mandate.refilledAt()
        self.rpc.wait(max(61, opens - self.now()))
        self.rpc.send(self.market.world.feed.push, PRICE_E8, sender=self.market.issuer)

        usdc_is = 1 if self.market.weth_is_0 else 0
        buys = self.live.pool.balances()[usdc_is] > NAV // 2
        self._move(PRICE_E8 * (102 if buys else 98) // 100)
        zero_for_one = buys is not self.market.weth_is_0
        held = self.live.pool.balances()[0 if zero_for_one else 1]
        passed = any(self._trade(zero_for_one, held * part // 100) for part in (25, 15, 10, 6, 3))
        self._move(PRICE_E8)
        assert passed, "the guards let no such trade pass: a weaker robber proves nothing"

    def _go_home(self) -> None:
        """Sell what there is of the other token, just dearly enough to need no bucket."""
        self.rpc.wait(61)
        self.rpc.send(self.market.world.feed.push, PRICE_E8, sender=self.market.issuer)
        self._move(PRICE_E8 * 9_990 // 10_000)
        held = weth_of(self.live.pool, self.market)
        passed = held and any(
            self._trade(self.market.weth_is_0, held * part // 100) for part in (50, 25, 10, 5, 3, 1)
        )
        self.homecomings += bool(passed)
        self._move(PRICE_E8)

    def _trade(self, zero_for_one: bool, amount: int) -> bool:
        swap = self.live.pool.swapExactIn
        try:
            self.rpc.send(swap, zero_for_one, amount, 0, FOREVER, sender=self.live.keeper)
        except Reverted:
            return False
        self.trades += 1
        return True

    def _move(self, price_e8: int) -> None:
        """Trade in the pool until it stands at a price."""
        market = self.market
        target = market.sqrt_price(price_e8)
        zero_for_one = target < market.pool.slot0().sqrtPriceX96
        tokens = (market.pool.token0(), market.pool.token1())[:: 1 if zero_for_one else -1]
        order = (*tokens, market.pool.fee(), market.trader, FOREVER, 10**24, 0, target)
        self.rpc.send(market.world.router.exactInputSingle, order, sender=market.trader)
