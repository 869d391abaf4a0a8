"""The real vault with real legs: transfers in flight, manipulation, hedging, the keeper's reach."""

import random
from collections import Counter
from dataclasses import replace
from typing import Any

import ape
import pytest

from tests.contracts.rpc import Reverted, Rpc
from tests.contracts.system import Leg, System

USDC = 10**6
ETHER = 10**18
PRICE_E8 = 3_000 * 10**8
FOREVER = 2**64
MAX_UINT = 2**256 - 1
OPERATIONS = ("allocate", "deallocate", "mint", "burn", "exit", "swap", "sync")
STEPS = 120
SEED = 1_000_000 * USDC


def cut_at(live: System, market: Any, price_e8: int = PRICE_E8) -> Any:
    """Take the cut a day later, a fresh round just before it."""
    live.wait_for_cut()
    market.push(price_e8)
    live.vault.closeEpoch(sender=live.deployer)
    return live.vault.cut()


def gross(live: System, **changes: Any) -> int:
    """Return the gross NAV that an honest report of the open cut gives."""
    return int(live.nav.previewReport(live.report(**changes).as_tuple()).gross)


# --- V-19


def test_cut__transfer_out_in_flight__changes_no_nav(live: System, market: Any) -> None:
    """V-19, A6: 300,000 of 1,000,000 under way to the venue are not a loss of 30 %."""
    live.vault.allocate(live.clob, 300_000 * USDC, sender=live.keeper)
    cut = cut_at(live, market)
    assert cut.idle == SEED - 300_000 * USDC

    in_flight = live.report()
    leg = Leg(equity=0, credited=0, debited=0, height=in_flight.legs[0].height)
    arrived = gross(live)

    assert (
        live.nav.previewReport(replace(in_flight, legs=(leg,), pnl=(0,) * 5).as_tuple()).gross
        == arrived
        == SEED
    )


def test_cut__transfer_home_in_flight__changes_no_nav(live: System, market: Any) -> None:
    """V-19: debited at the venue, not yet here, then here but not yet seen, then seen."""
    live.vault.allocate(live.clob, 300_000 * USDC, sender=live.keeper)
    cut_at(live, market)
    live.submit(live.report())
    receipt = live.vault.deallocate(live.clob, 100_000 * USDC, sender=live.keeper)
    request = next(iter(receipt.decode_logs(live.clob.ReturnRequested)))
    assert (request.id, request.assets) == (1, 100_000 * USDC)

    cut_at(live, market)
    report = live.report()
    last = Leg(*live.nav.lastLegs()[0])
    debited = Leg(200_000 * USDC, 300_000 * USDC, 100_000 * USDC, last.height + 1)
    assert report.legs[0].debited == 0
    live.submit(replace(report, legs=(debited,), pnl=(0,) * 5))
    assert live.vault.acceptedNav() == SEED

    live.token.transfer(live.clob, 100_000 * USDC, sender=live.venue)
    cut = cut_at(live, market)
    assert (live.clob.returned(), cut.idle) == (100_000 * USDC, SEED - 200_000 * USDC)
    live.submit(live.report())
    assert live.vault.acceptedNav() == SEED


# --- V-04


@pytest.mark.parametrize("target", ["vault", "pool", "clob"])
def test_cut__donation__changes_no_nav(invested_live: System, market: Any, target: str) -> None:
    """V-04: to the order-book adapter it raises idle and returned alike, elsewhere nothing."""
    live = invested_live
    with live.chain.isolate():
        cut_at(live, market)
        before = gross(live)

    live.token.mint(getattr(live, target), 77_777 * USDC, sender=live.deployer)
    cut_at(live, market)

    honest = live.report()
    nothing_moved = Leg(equity=0, credited=0, debited=0, height=honest.legs[0].height)
    report = replace(honest, legs=(nothing_moved,), pnl=(0,) * 5)
    assert live.nav.previewReport(report.as_tuple()).gross == before


@pytest.mark.parametrize("usdc", [200_000, -200_000])
def test_cut__pool_swapped_just_before__bids_no_more_than_fees(
    invested_live: System, market: Any, usdc: int
) -> None:
    """V-04, A18: what a manipulator leaves in the leg is the fee it paid, to the unit."""
    live = invested_live
    live.wait_for_cut()
    market.push(PRICE_E8)
    before = live.pool.value()[0]
    market.buy_weth(usdc * USDC) if usdc > 0 else market.sell_weth(-usdc * ETHER // 3_000)

    receipt = live.vault.closeEpoch(sender=live.deployer)

    fees = next(iter(receipt.decode_logs(live.pool.CollectFees)))
    fee_usdc, fee_weth = fees.amount1, fees.amount0
    if not market.weth_is_0:
        fee_usdc, fee_weth = fee_weth, fee_usdc
    earned = fee_usdc + fee_weth * 3_000 // 10**12
    assert 0 <= live.vault.cut().legBid - before <= earned + 2


# --- V-08


@pytest.mark.parametrize("move_bps", [250, -250])
def test_report__hedged_book__keeps_its_nav_when_the_price_moves(
    invested_live: System, market: Any, move_bps: int
) -> None:
    """V-08: the pool leg's gain and the short perpetual's loss count with opposite signs."""
    live = invested_live
    live.vault.allocate(live.clob, 200_000 * USDC, sender=live.keeper)
    cut_at(live, market)
    live.submit(live.report())
    leg_before, nav_before = live.vault.cut().legBid, live.vault.acceptedNav()

    cut = cut_at(live, market, PRICE_E8 * (10_000 + move_bps) // 10_000)

    gained = cut.legBid - leg_before
    assert (gained > 0) == (move_bps > 0)
    assert abs(gained) > 500 * USDC
    assert gross(live, equity=200_000 * USDC - gained) == nav_before


# --- V-23


def test_keeper__random_sequence__moves_assets_nowhere_else(live: System, market: Any) -> None:
    """V-23: whatever the keeper calls, assets stay among vault, legs, pool and route."""
    random_, rpc = random.Random(23), Rpc(live.chain)
    places = (live.vault, live.clob, live.pool, market.pool, live.venue)
    inside = {live.silo, *(str(place.address) for place in places)}
    ours = {str(place.address) for place in places[:3]}
    done: Counter[str] = Counter()
    start = live.chain.blocks.head.number

    for _ in range(STEPS):
        name, method, *args = _random_operation(random_, live, market)
        rpc.wait(61)
        rpc.send(market.world.feed.push, PRICE_E8, sender=market.issuer)
        try:
            rpc.send(method, *args, sender=live.keeper)
        except Reverted:
            name = f"{name} refused"
        done[name] += 1

    for token in (market.world.usdc, market.world.weth):
        moves = list(token.Transfer.range(start + 1, live.chain.blocks.head.number + 1))
        assert any(log["from"] in ours for log in moves)
        assert {log["to"] for log in moves if log["from"] in ours} <= inside
        assert token.balanceOf(live.keeper) == 0
        _assert_no_approvals(token, ours, inside | {live.keeper.address})
    assert min(done[name] for name in OPERATIONS) >= 2, done


def _assert_no_approvals(token: Any, owners: set[str], spenders: set[str]) -> None:
    for owner in owners:
        for spender in spenders:
            assert token.allowance(owner, spender) == 0


def _random_operation(random_: random.Random, live: System, market: Any) -> tuple[Any, ...]:
    """Return a name, a method and its arguments; some are refused, most are not."""
    pool = live.pool
    name = random_.choice(OPERATIONS)
    leg = random_.choice((live.pool, live.pool, live.clob))
    if name in ("allocate", "deallocate"):
        method = live.vault.allocate if name == "allocate" else live.vault.deallocate
        return name, method, leg, random_.randrange(1, 40_000) * USDC
    if name == "sync":
        return name, leg.sync
    if name == "swap":
        zero_for_one = random_.random() < 0.5
        amount0, amount1 = pool.balances()
        part = (amount0 if zero_for_one else amount1) * random_.randrange(1, 60) // 100
        return name, pool.swapExactIn, zero_for_one, part, 0, FOREVER
    tick, width = market.tick() // 10 * 10, random_.randrange(20, 300) * 10
    liquidity = random_.randrange(10**12, 10**14)
    if name == "mint":
        ticks = (tick - width, tick + width)
        return name, pool.mintRange, *ticks, liquidity, MAX_UINT, MAX_UINT, FOREVER
    held = pool.ranges() or [(tick, tick + width, 0)]
    lower, upper, most = random_.choice(held)
    if name == "exit":
        return name, pool.exitRange, lower, upper, 0
    return name, pool.burnRange, lower, upper, max(1, min(most, liquidity)), 0, 0, FOREVER


@pytest.mark.parametrize("name", ["UniswapV3Adapter", "ClobAdapter"])
def test_keeper_functions__arguments__name_no_address(project: Any, name: str) -> None:
    """V-23, A21: no state-changing function of a leg takes an address or bytes from its caller.

    But `release`, which names a token and pays nobody but its caller, the wind-down.
    """
    methods = getattr(project, name).contract_type.mutable_methods

    named = {
        (method.name, argument.name)
        for method in methods
        for argument in method.inputs
        if argument.type in ("address", "bytes", "address[]")
        and not method.name.endswith("Callback")
    }
    assert named == {("release", "token")}


def test_allocate__keeper_alone__may(live: System, stranger: Any) -> None:
    with ape.reverts(live.vault.NotKeeper, caller=stranger.address):
        live.vault.allocate(live.pool, 1, sender=stranger)
