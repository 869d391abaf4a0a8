"""Stress, net delta anywhere in a pool's range, and the equity that a hedge takes."""

import random
from typing import Any

import pytest
from msgspec.structs import replace

from keeper.domain.approval import Approved, Refused
from keeper.domain.commands import MintRange, SwapExactIn
from keeper.domain.events import RangeState
from keeper.domain.orders import Quote, Side, TimeInForce
from keeper.markets.ranges import cost_up, mark_sqrt_price, most_base_up
from keeper.risk.exposure import MarketExposure
from keeper.risk.fitting import filled
from keeper.risk.orders import OrderView, approve_place
from keeper.risk.phase import Phase
from keeper.risk.pools import PoolRisk, change_of, check_change
from keeper.risk.stress import (
    StressLosses,
    fit_stress,
    hedge_need,
    ladder_losses,
    stress_loss,
)
from tests.keeper.builders import (
    LIMITS,
    ONE_ETH,
    POOL,
    USDC,
    market_settings,
    pool_seen,
    pool_settings,
)
from tests.keeper.markets import ETH
from tests.keeper.unit.risk.scene import FLAT, LADDER, place

STRESSED = replace(LIMITS, daily_loss_quote_quantums=1_000 * USDC)


def _view(before: MarketExposure, after: MarketExposure, **changes: Any) -> OrderView:
    base = OrderView(
        phase=Phase.ACTIVE,
        limits=STRESSED,
        settings=market_settings(),
        before=before,
        after=after,
        other_gross=0,
        other_margin=0,
        other_fall=0,
        other_rise=0,
        equity=10**15,
        messages=0,
        filled=0,
    )
    return replace(base, **changes)


@pytest.mark.parametrize(
    ("side", "loss"), [(Side.BUY, 5 * 600 * USDC + 7), (Side.SELL, -1 * 600 * USDC + 5)]
)
def test_stress_loss__orders_and_pool__counted_at_the_worse_end(side: Side, loss: int) -> None:
    held = replace(
        FLAT,
        position=ONE_ETH,
        buys=2 * ONE_ETH,
        sells=ONE_ETH,
        buy_loss=7,
        sell_loss=5,
        pool=int(1.5 * ONE_ETH),
        pool_low=ONE_ETH,
        pool_high=2 * ONE_ETH,
    )

    assert stress_loss(held, side, 200_000) == loss


@pytest.mark.parametrize("side", [Side.BUY, Side.SELL])
def test_approve_place__stress_beyond_its_multiple__refused_with_both_numbers(side: Side) -> None:
    name = "buys" if side is Side.BUY else "sells"
    before = replace(FLAT, **{name: 4 * ONE_ETH})
    after = replace(FLAT, **{name: 5 * ONE_ETH})
    fits = _view(before, after)

    over = replace(fits, other_fall=1, other_rise=1)

    assert isinstance(approve_place(place(side), fits), Approved)
    assert approve_place(place(side), over) == Refused(
        code="STRESS", subject=f"ETH-USD/{side.value}", limit=3_000 * USDC, value=3_000 * USDC + 1
    )


def test_approve_place__stress_beyond_but_not_raised__passes() -> None:
    beyond = replace(FLAT, position=10 * ONE_ETH)
    lowered = replace(beyond, sells=ONE_ETH)

    verdict = approve_place(place(Side.SELL), _view(beyond, lowered))

    assert isinstance(verdict, Approved)


def test_approve_place__others_gain_in_the_same_move__is_set_against() -> None:
    after = replace(FLAT, buys=6 * ONE_ETH)
    view = _view(replace(FLAT, buys=5 * ONE_ETH), after, other_fall=-600 * USDC)

    assert isinstance(approve_place(place(Side.BUY), view), Approved)


def test_approve_place__no_shock_configured__stress_is_not_judged() -> None:
    limits = replace(STRESSED, stress_shock_ppm=0)
    after = replace(FLAT, buys=19 * ONE_ETH)
    view = _view(replace(FLAT, buys=18 * ONE_ETH), after, limits=limits)

    assert isinstance(approve_place(place(Side.BUY), view), Approved)


@pytest.mark.parametrize(
    ("side", "spare"), [(Side.BUY, "pool_high"), (Side.SELL, "pool_low")], ids=["buy", "sell"]
)
def test_approve_place__pool_at_the_worse_end__counts_against_the_position(
    side: Side, spare: str
) -> None:
    """Hedged now, 18 ether from it at either end of the range; the limit is 20 ether."""
    hedged = replace(
        FLAT, position=-18 * ONE_ETH, pool=18 * ONE_ETH, pool_low=0, pool_high=36 * ONE_ETH
    )
    name = "buys" if side is Side.BUY else "sells"
    limits = replace(LIMITS, stress_shock_ppm=0)
    before, after = (replace(hedged, **{name: n * ONE_ETH}) for n in (2, 3))

    verdict = approve_place(place(side), _view(before, after, limits=limits))
    narrow = [replace(each, **{spare: each.pool}) for each in (before, after)]
    fits = approve_place(place(side), _view(*narrow, limits=limits))

    limit, value = 60_000 * USDC, 63_000 * USDC
    subject = f"ETH-USD/{side.value}"
    assert verdict == Refused(code="MAX_POSITION", subject=subject, limit=limit, value=value)
    assert isinstance(fits, Approved)


def test_approve_place__reduce_only__passes_whatever_the_pool_may_become() -> None:
    """What closes a position in an exit is not held up by a range that has not been left yet."""
    held = replace(FLAT, position=-ONE_ETH, pool_high=90 * ONE_ETH)
    order = place(Side.BUY, time_in_force=TimeInForce.IOC, reduce_only=True)
    view = _view(held, replace(held, buys=ONE_ETH), phase=Phase.EXITING)

    assert isinstance(approve_place(order, view), Approved)


HELD = RangeState(tick_lower=194_000, tick_upper=198_000, liquidity=10**15)
SEEN = pool_seen(0, amount0=100_000 * USDC, amount1=40 * 10**18)
MARK = mark_sqrt_price(pool_settings(), SEEN)
MINT = MintRange(
    adapter=POOL,
    tick_lower=HELD.tick_lower,
    tick_upper=HELD.tick_upper,
    liquidity=HELD.liquidity,
    amount0_max=1,
    amount1_max=1,
    deadline=1,
)
BUY_BASE = SwapExactIn(
    adapter=POOL, zero_for_one=True, amount_in=3_000 * USDC, amount_out_min=1, deadline=1
)


def _risk(**changes: Any) -> PoolRisk:
    fields: dict[str, Any] = {
        "limits": replace(LIMITS, daily_loss_quote_quantums=10**15),
        "ranges_value": 0,
        "is_hedged": True,
        "hedge": FLAT,
        "max_position": 10**15,
        "fall": 0,
        "rise": 0,
        "hedge_needs": 0,
        "equity": 10**15,
    }
    return PoolRisk(**{**fields, **changes})


def _verdict(command: MintRange | SwapExactIn, risk: PoolRisk) -> Refused | None:
    change = change_of(command, pool_settings(), SEEN, MARK)
    return check_change(POOL, change, pool_settings(), MARK, risk)


def test_change_of__mint__adds_what_the_range_may_become_and_takes_what_it_costs() -> None:
    change = change_of(MINT, pool_settings(), SEEN, MARK)

    paid = cost_up(HELD, SEEN.sqrt_price_x96)
    assert change.going == paid[1]
    assert change.coming == most_base_up(pool_settings(), HELD) - (paid[1] - 1)
    assert change.now == 0
    assert paid[0] < change.value < 3 * paid[0]


def test_check_change__mint_beyond_the_liquidity_cap__refused_with_both_numbers() -> None:
    value = change_of(MINT, pool_settings(), SEEN, MARK).value
    limits = replace(_risk().limits, max_lp_quote_quantums=1_000 * USDC + value)

    fits = _verdict(MINT, _risk(limits=limits, ranges_value=1_000 * USDC))
    over = _verdict(MINT, _risk(limits=limits, ranges_value=1_000 * USDC + 1))

    assert fits is None
    assert over == Refused(
        code="MAX_LP",
        subject=POOL,
        limit=1_000 * USDC + value,
        value=1_000 * USDC + value + 1,
    )


@pytest.mark.parametrize(
    ("command", "code", "changes"),
    [
        (MINT, "STRESS", {"limits": replace(LIMITS, daily_loss_quote_quantums=1)}),
        (MINT, "STRESS", {"is_hedged": False, "hedge": None, "limits": STRESSED, "fall": 10**10}),
        (BUY_BASE, "STRESS", {"limits": replace(LIMITS, daily_loss_quote_quantums=1)}),
        (MINT, "MAX_POSITION", {"max_position": 1}),
        (BUY_BASE, "MAX_POSITION", {"max_position": 3_000 * USDC - 100 * USDC}),
        (MINT, "MARKET_UNKNOWN", {"hedge": None}),
        (MINT, "HEDGE_MARGIN", {"hedge_needs": 11, "equity": 10}),
        (BUY_BASE, "HEDGE_MARGIN", {"equity": 10}),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_check_change__beyond_a_limit__refused(
    command: MintRange | SwapExactIn, code: str, changes: dict[str, Any]
) -> None:
    verdict = _verdict(command, _risk(**changes))

    assert verdict is not None
    assert verdict.code == code
    assert _verdict(command, _risk()) is None


def test_check_change__base_sold__is_never_refused() -> None:
    sell = replace(BUY_BASE, zero_for_one=False)

    assert _verdict(sell, _risk(hedge=None, equity=0, max_position=0)) is None


def test_hedge_need__pool_not_hedged_yet__counts_the_short_it_calls_for() -> None:
    """10 ether at 3,000: a quarter of them, and the margin of 3 % at a quarter more."""
    margin = 30_000 * 5 // 4 * ETH.maintenance_margin_ppm // 1_000_000
    called_for = replace(FLAT, pool=10 * ONE_ETH)
    held = replace(FLAT, position=-10 * ONE_ETH)

    assert hedge_need(called_for, 250_000) == hedge_need(held, 250_000) == (7_500 + margin) * USDC
    assert hedge_need(replace(FLAT, position=10 * ONE_ETH), 250_000) == 0


# --- ladders


SHOCK_PPM = 200_000


def _losses(quotes: tuple[Quote, ...], held: MarketExposure) -> StressLosses:
    return ladder_losses(quotes, held, SHOCK_PPM)


def test_fit_stress__a_unit_short_on_one_side__its_last_layer_shrinks_alone() -> None:
    losses = _losses(LADDER, FLAT)
    assert fit_stress(LADDER, FLAT, losses, SHOCK_PPM) == (LADDER, ())

    spare = StressLosses(losses.fall - 1, losses.rise)
    kept, refused = fit_stress(LADDER, FLAT, spare, SHOCK_PPM)

    (note,) = refused
    assert (note.code, note.subject) == ("STRESS", "ETH-USD/BUY")
    assert (note.limit, note.value) == (spare.fall, losses.fall)
    assert [q.quantums for q in kept if q.side is Side.SELL] == [ONE_ETH, ONE_ETH]
    assert [q.quantums for q in kept if q.side is Side.BUY] == [
        *(ONE_ETH, ONE_ETH - ETH.step_base_quantums),
    ]


@pytest.mark.parametrize("position", [5 * ONE_ETH, -5 * ONE_ETH])
def test_fit_stress__position_beyond_the_limit__only_what_brings_it_back(position: int) -> None:
    held = replace(FLAT, position=position)

    kept, _ = fit_stress(LADDER, held, StressLosses(0, 0), SHOCK_PPM)

    assert {quote.side for quote in kept} == {Side.SELL if position > 0 else Side.BUY}


def test_fit_stress__random_ladders__fit_or_are_no_worse_than_the_position() -> None:
    rng, cut = random.Random(7), 0
    step = ETH.step_base_quantums
    for _ in range(300):
        held = replace(FLAT, position=step * rng.randint(-3_000, 3_000))
        ladder = tuple(replace(q, quantums=step * rng.randint(1, 2_000)) for q in LADDER)
        spare = StressLosses(rng.randint(0, 3_000) * USDC, rng.randint(0, 3_000) * USDC)

        kept, refused = fit_stress(ladder, held, spare, SHOCK_PPM)

        bare, losses = _losses((), held), _losses(kept, held)
        assert losses.fall <= max(spare.fall, bare.fall)
        assert losses.rise <= max(spare.rise, bare.rise)
        assert bool(refused) == (kept != ladder)
        cut += kept != ladder
    assert 50 < cut < 290


def test_ladder_losses__random_ladders__those_of_filling_quote_after_quote() -> None:
    rng, step = random.Random(11), ETH.step_base_quantums
    for _ in range(200):
        held = replace(
            FLAT,
            position=step * rng.randint(-3_000, 3_000),
            buy_loss=rng.randint(0, 9),
            sell_loss=rng.randint(0, 9),
            pool_low=step * rng.randint(-900, 0),
            pool_high=step * rng.randint(0, 900),
        )
        ladder = tuple(
            replace(
                q,
                quantums=step * rng.randint(1, 2_000),
                subticks=q.subticks + rng.choice((-(10**7), 0, 10**7)),
            )
            for q in LADDER
        )

        full = held
        for quote in ladder:
            full = filled(full, quote, quote.quantums)

        one_by_one = StressLosses(
            stress_loss(full, Side.BUY, SHOCK_PPM), stress_loss(full, Side.SELL, SHOCK_PPM)
        )
        assert _losses(ladder, held) == one_by_one
