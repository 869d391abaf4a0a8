"""Real legs at a vault's end: positions left without a trade, everything sent, all of it shared."""

from typing import Any

import ape
import pytest

from tests.contracts.adapters.conftest import FOREVER, MAX_UINT, PRICE_E8, USDC
from tests.contracts.rpc import Rpc
from tests.contracts.system import DAY, System

ETHER = 10**18
WEEK = 7 * DAY
WINDDOWN = 2
UNBOUNDED = 2**128 - 1


def balances(market: Any, account: Any) -> tuple[int, int]:
    """USDC and WETH units of an account."""
    world = market.world
    return world.usdc.balanceOf(account), world.weth.balanceOf(account)


def booked(market: Any, adapter: Any) -> tuple[int, int]:
    """USDC and WETH units in an adapter's books."""
    amounts = adapter.balances()
    return (amounts[1], amounts[0]) if market.weth_is_0 else (amounts[0], amounts[1])


@pytest.fixture
def ended(invested: Any, host: Any, operate: Any, stranger: Any) -> Any:
    """The adapter with two ranges; `stranger` plays the wind-down from here on."""
    operate.mint(operate.around(500, shift=2_000), 10**15)
    host.endTrading(stranger, sender=stranger)
    return invested


# --- unwind


def test_unwind__spot_near_the_mean__leaves_every_range_without_a_trade_and_takes_fees(
    ended: Any, market: Any, stranger: Any
) -> None:
    market.buy_weth(40_000 * USDC)
    market.sell_weth(13 * ETHER)
    price = market.pool.slot0().sqrtPriceX96
    with ended.provider.chain_manager.isolate():
        receipt = ended.sync(sender=stranger)
        fees = list(receipt.decode_logs(ended.CollectFees))
    held = [(low, high, amount) for low, high, amount in ended.ranges()]

    receipt = ended.unwind(False, sender=stranger)

    burnt = list(receipt.decode_logs(ended.BurnRange))
    assert sorted((log.tickLower, log.tickUpper, log.liquidity) for log in burnt) == sorted(held)
    taken = [(log.amount0, log.amount1) for log in receipt.decode_logs(ended.CollectFees)]
    assert taken == [(log.amount0, log.amount1) for log in fees]
    assert taken[0][0] > 0
    assert taken[0][1] > 0
    assert market.pool.slot0().sqrtPriceX96 == price
    assert ended.ranges() == []
    assert booked(market, ended) == balances(market, ended)


def test_unwind__spot_off_the_mean__waits(ended: Any, market: Any, stranger: Any) -> None:
    market.buy_weth(1_000_000 * USDC)

    with ape.reverts(ended.SpotOffTwap):
        ended.unwind(False, sender=stranger)

    assert len(ended.ranges()) == 2


def test_unwind__at_any_price__leaves_with_spot_off_the_mean_and_a_dead_feed(
    ended: Any, market: Any, stranger: Any
) -> None:
    market.pass_time(30 * DAY)
    market.buy_weth(1_000_000 * USDC)

    ended.unwind(True, sender=stranger)

    assert ended.ranges() == []


def test_unwind__nothing_held__does_nothing(ended: Any, market: Any, stranger: Any) -> None:
    ended.unwind(False, sender=stranger)
    before = balances(market, ended)

    ended.unwind(False, sender=stranger)

    assert balances(market, ended) == before


# --- release


def test_release__booked_and_donated_tokens__both_kinds_leave(
    ended: Any, market: Any, stranger: Any, issuer: Any, trader: Any
) -> None:
    world = market.world
    ended.unwind(False, sender=stranger)
    world.usdc.mint(ended, 123 * USDC, sender=issuer)
    world.weth.transfer(ended, 7 * ETHER, sender=trader)
    had, there = balances(market, stranger), balances(market, ended)
    own = booked(market, ended)
    assert there == (own[0] + 123 * USDC, own[1] + 7 * ETHER)

    for token in (world.usdc, world.weth):
        ended.release(token, sender=stranger)

    now = balances(market, stranger)
    assert (now[0] - had[0], now[1] - had[1]) == there
    assert balances(market, ended) == booked(market, ended) == (0, 0)


def test_release__foreign_token__leaves_as_well(
    project: Any, ended: Any, market: Any, stranger: Any, issuer: Any
) -> None:
    other = issuer.deploy(project.TestUSDC, 18)
    other.mint(ended, 5, sender=issuer)
    before = booked(market, ended)

    ended.release(other, sender=stranger)

    assert other.balanceOf(stranger) == 5
    assert booked(market, ended) == before


# --- who may


def test_wind_down_of_a_leg__anybody_else__reverts(
    ended: Any, clob: Any, market: Any, keeper: Any, guardian: Any, issuer: Any
) -> None:
    for leg in (ended, clob):
        for who in (keeper, guardian, issuer):
            with ape.reverts(leg.NotWindDown, caller=who.address):
                leg.unwind(True, sender=who)
            with ape.reverts(leg.NotWindDown, caller=who.address):
                leg.release(market.world.usdc, sender=who)


def test_keeper_operations__winding_down__revert(
    ended: Any, operate: Any, keeper: Any, market: Any
) -> None:
    operate.ready()
    low, high, _ = ended.ranges()[0]
    for call in (
        lambda: ended.mintRange(low, high, 1, MAX_UINT, MAX_UINT, FOREVER, sender=keeper),
        lambda: ended.burnRange(low, high, 1, 0, 0, FOREVER, sender=keeper),
        lambda: ended.swapExactIn(not market.weth_is_0, USDC, 0, FOREVER, sender=keeper),
    ):
        with ape.reverts(ended.WindingDown):
            call()


@pytest.mark.parametrize("role", ["keeper", "guardian"])
def test_exit__winding_down__works(ended: Any, role: str, request: pytest.FixtureRequest) -> None:
    low, high, _ = ended.ranges()[0]

    ended.exitRange(low, high, 1, sender=request.getfixturevalue(role))

    assert len(ended.ranges()) == 1


# --- order book


def test_unwind__order_book__asks_for_all_the_venue_owes(
    host: Any, clob: Any, issuer: Any, stranger: Any
) -> None:
    host.allocate(clob, 40 * USDC, sender=issuer)
    host.endTrading(stranger, sender=stranger)

    receipt = clob.unwind(False, sender=stranger)

    asked = [(log.id, log.assets) for log in receipt.decode_logs(clob.ReturnRequested)]
    assert asked == [(1, UNBOUNDED)]
    assert clob.returnRequested() == UNBOUNDED
    assert clob.returned() == 0


def test_release__order_book__counts_what_came_home(
    host: Any, clob: Any, market: Any, issuer: Any, stranger: Any
) -> None:
    host.endTrading(stranger, sender=stranger)
    market.world.usdc.mint(clob, 55 * USDC, sender=issuer)
    before = market.world.usdc.balanceOf(stranger)

    clob.release(market.world.usdc, sender=stranger)

    assert market.world.usdc.balanceOf(stranger) - before == 55 * USDC
    assert clob.returned() == 55 * USDC


# --- the whole


def start(live: System, market: Any) -> None:
    """Nobody reports for a week; a stranger ends the vault."""
    live.wait(WEEK + 1)
    live.end.start(sender=live.deployer)
    assert live.vault.state() == WINDDOWN


def bring_home(live: System, market: Any) -> None:
    """Every transaction that anybody may send to bring the on-chain part home."""
    anybody = live.deployer
    for leg in (live.pool, live.clob):
        live.end.unwind(leg, sender=anybody)
        for token in (market.world.usdc, market.world.weth):
            live.end.collect(leg, token, sender=anybody)
    live.end.collect(live.vault, market.world.usdc, sender=anybody)


@pytest.fixture
def shared(invested_live: System, market: Any) -> System:
    """Two depositors, three quarters and one quarter; 300,000 in the pool, 200,000 on the venue."""
    live = invested_live
    live.vault.allocate(live.clob, 200_000 * USDC, sender=live.keeper)
    first, second = live.users
    live.vault.transfer(second, live.vault.balanceOf(first) // 4, sender=first)
    return live


def test_wind_down__everybody_dead__depositors_get_the_chain_part_in_kind_within_the_bound(
    shared: System, market: Any
) -> None:
    """V-15: the worst case from a request on, with both real legs; the venue pays weeks later."""
    live, world, (first, second) = shared, market.world, shared.users
    rpc = Rpc(live.chain)
    asked_at = live.chain.pending_timestamp
    live.request_redeem(first, 1_000 * live.share)
    live.wait_for_cut()
    rpc.send(world.feed.push, PRICE_E8, sender=market.issuer)
    rpc.send(live.vault.closeEpoch, sender=live.deployer)
    held = {user.address: balances(market, user) for user in live.users}
    start(live, market)
    live.cancel_redeem(first)
    bring_home(live, market)

    recovered = [live.end.recovered(token) for token in (world.usdc, world.weth)]
    assert live.pool.ranges() == []
    for place in (live.vault, live.pool, live.clob):
        assert balances(market, place) == (0, 0)
    assert recovered[0] > 600_000 * USDC
    assert recovered[1] > 10 * ETHER
    supply = live.end.supplyAtStart()
    parts = {user.address: live.vault.balanceOf(user) for user in live.users}
    assert sum(parts.values()) == supply
    for user in live.users:
        live.end.exit(parts[user.address], sender=user)
        for token in (world.usdc, world.weth):
            live.end.claim(token, sender=user)
    for user in live.users:
        usdc, weth = balances(market, user)
        due = tuple(amount * parts[user.address] // supply for amount in recovered)
        assert (usdc - held[user.address][0], weth - held[user.address][1]) == due
    assert live.chain.blocks.head.timestamp - asked_at < live.end.exitBound()

    live.wait(30 * DAY)
    live.token.transfer(live.clob, 190_000 * USDC, sender=live.venue)
    live.end.collect(live.clob, live.token, sender=second)
    for user in live.users:
        before = live.token.balanceOf(user)
        live.end.claim(live.token, sender=user)
        whole = (recovered[0] + 190_000 * USDC) * parts[user.address] // supply
        already = recovered[0] * parts[user.address] // supply
        assert live.token.balanceOf(user) - before == whole - already


def test_unwind__spot_kept_away__is_refused_for_three_days_and_then_not(
    shared: System, market: Any
) -> None:
    live = shared
    live.wait(WEEK + 1)
    live.end.start(sender=live.deployer)
    market.buy_weth(1_000_000 * USDC)

    with ape.reverts(live.pool.SpotOffTwap):
        live.end.unwind(live.pool, sender=live.deployer)

    left = live.end.startedAt() + 3 * DAY - live.chain.pending_timestamp
    live.wait(left - 1)
    market.sell_weth(2_000 * ETHER)
    with ape.reverts(live.pool.SpotOffTwap):
        live.end.unwind(live.pool, sender=live.deployer)
    live.wait(10)
    live.end.unwind(live.pool, sender=live.deployer)

    assert live.pool.ranges() == []
