"""Caps by the market's size, stops on raising, the band to other venues, the loss window."""

from typing import Any

import pytest
from msgspec.structs import replace

from keeper.domain.approval import Approved, Refused
from keeper.domain.commands import PlaceOrder
from keeper.domain.orders import Quote, Side, TimeInForce
from keeper.risk.bounds import (
    UNBOUNDED,
    Bounds,
    Cap,
    Stop,
    depeg_ppm,
    depeg_stop,
    depth_cap,
    funding_stop,
    interest_cap,
    smallest,
    stale_stop,
    volume_cap,
)
from keeper.risk.chain import Allowance
from keeper.risk.exposure import MarketExposure
from keeper.risk.losses import window_loss
from keeper.risk.orders import OrderView, approve_place
from keeper.risk.phase import Phase
from keeper.risk.sizing import fit_ladder
from tests.keeper.builders import ETH_PRICE, LIMITS, ONE_ETH, USDC, market_settings
from tests.keeper.markets import ETH
from tests.keeper.unit.risk.scene import FLAT, place

SIDES = {Side.BUY: "buys", Side.SELL: "sells"}


def _verdict(
    side: Side, bounds: Bounds, held: MarketExposure = FLAT, **changes: Any
) -> Approved[PlaceOrder] | Refused:
    """One ether more on a side that has one already."""
    name = SIDES[side]
    view = OrderView(
        phase=Phase.ACTIVE,
        limits=replace(LIMITS, other_venue_band_ppm=10_000),
        settings=market_settings(),
        before=replace(held, **{name: ONE_ETH}),
        after=replace(held, **{name: 2 * ONE_ETH}),
        other_gross=0,
        other_margin=0,
        other_fall=0,
        other_rise=0,
        equity=10**15,
        messages=0,
        filled=0,
        bounds=bounds,
    )
    return approve_place(place(side), replace(view, **changes))


@pytest.mark.parametrize("side", SIDES)
def test_approve_place__position_beyond_the_markets_cap__refused(side: Side) -> None:
    fits = Bounds(buy_cap=Cap("VOLUME", 2 * ONE_ETH), sell_cap=Cap("VOLUME", 2 * ONE_ETH))
    tight = Bounds(buy_cap=Cap("DEPTH", 2 * ONE_ETH - 1), sell_cap=Cap("DEPTH", 2 * ONE_ETH - 1))

    verdict = _verdict(side, tight)

    assert isinstance(_verdict(side, fits), Approved)
    subject = f"ETH-USD/{side.value}"
    assert verdict == Refused(
        code="DEPTH", subject=subject, limit=2 * ONE_ETH - 1, value=2 * ONE_ETH
    )


def test_approve_place__beyond_the_cap_and_not_raised__passes() -> None:
    held = replace(FLAT, position=9 * ONE_ETH)
    bounds = Bounds(buy_cap=Cap("DEPTH", 0), sell_cap=Cap("DEPTH", 0))

    assert isinstance(_verdict(Side.SELL, bounds, held), Approved)
    assert isinstance(_verdict(Side.BUY, bounds, held), Refused)


def test_approve_place__stop__lets_net_delta_come_to_zero_and_no_farther() -> None:
    stop = Stop("FUNDING", 100, 101)
    both = Bounds(buy_stop=stop, sell_stop=stop)

    hedges = _verdict(Side.SELL, both, replace(FLAT, pool=2 * ONE_ETH, pool_high=2 * ONE_ETH))
    beyond = _verdict(Side.SELL, both, replace(FLAT, pool=ONE_ETH, pool_high=ONE_ETH))

    assert isinstance(hedges, Approved)
    assert beyond == Refused(code="FUNDING", subject="ETH-USD/SELL", limit=100, value=101)
    assert isinstance(_verdict(Side.BUY, Bounds(sell_stop=stop)), Approved)


@pytest.mark.parametrize(("price", "fits"), [(3_030_000_000, True), (3_031_000_000, False)])
def test_approve_place__price_far_from_another_venue__refused(price: int, fits: bool) -> None:
    verdict = _verdict(Side.BUY, Bounds(elsewhere=(3_000_000_000, price)))

    if fits:
        assert isinstance(verdict, Approved)
    else:
        assert verdict == Refused(
            code="VENUE_BAND", subject="ETH-USD/BUY", limit=10_000, value=10_227
        )


def test_caps__each__is_the_part_named_rounded_down() -> None:
    assert interest_cap(1_001, 20_000) == Cap("OPEN_INTEREST", 20)
    worth = volume_cap(ETH, 60_000 * USDC, 50_000, ETH_PRICE)
    assert worth == Cap("VOLUME", ONE_ETH)
    assert depth_cap(3, 20) == Cap("DEPTH", 60)
    assert depth_cap(-1, 20) == Cap("DEPTH", 0)
    assert smallest([Cap("A", 5), Cap("B", 4), Cap("C", 4)]) == Cap("B", 4)
    assert smallest([]) is None


@pytest.mark.parametrize(("age", "stops"), [(-1, True), (0, False), (10, False), (11, True)])
def test_stale_stop__older_than_allowed_or_never_told__stops(age: int, stops: bool) -> None:
    assert stale_stop("MARKET_FACTS", age, 10) == (Stop("MARKET_FACTS", 10, age) if stops else None)


def test_funding_stop__beyond_the_ceiling__stops_the_side_that_pays() -> None:
    assert funding_stop(Side.BUY, 101, 100) == Stop("FUNDING", 100, 101)
    assert funding_stop(Side.SELL, 101, 100) is None
    assert funding_stop(Side.SELL, -101, 100) == Stop("FUNDING", 100, 101)
    assert funding_stop(Side.BUY, 100, 100) is None


@pytest.mark.parametrize(
    ("loss", "limit", "stops"), [(50, 50, False), (51, 50, True), (9, 0, False)]
)
def test_window_loss__beyond_its_limit__refused(loss: int, limit: int, stops: bool) -> None:
    verdict = window_loss(100, 100 - loss, limit)

    expected = Refused(code="LOSS_WINDOW", subject="vault", limit=limit, value=loss)
    assert verdict == (expected if stops else None)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"base_fee_wei": 11, "max_base_fee_wei": 10}, "GAS_CEILING"),
        ({"report_age": 11, "max_report_age": 10}, "REPORT_AGE"),
        ({"base_fee_wei": 10, "max_base_fee_wei": 10, "report_age": 10, "max_report_age": 10}, ""),
        ({"base_fee_wei": 11, "report_age": 11}, ""),
    ],
)
def test_wait__beyond_a_ceiling__named_with_both_numbers(
    changes: dict[str, int], code: str
) -> None:
    verdict = Allowance(refilled_at=0, paused_until=0, now=1, **changes).wait("vault")

    expected = Refused(code=code, subject="vault", limit=10, value=11)
    assert verdict == (expected if code else None)


def test_fit_ladder__cap_and_stop__sizes_shrink_to_what_is_left() -> None:
    quotes = tuple(
        Quote(
            market="ETH-USD",
            side=side,
            layer=layer,
            quantums=2 * ONE_ETH,
            subticks=3_000_000_000,
            time_in_force=TimeInForce.POST_ONLY,
        )
        for side in Side
        for layer in range(2)
    )
    held = replace(FLAT, position=ONE_ETH)
    bounds = Bounds(buy_cap=Cap("OPEN_INTEREST", 4 * ONE_ETH), sell_stop=Stop("REPORT_AGE", 1, 2))

    kept, noted = fit_ladder(quotes, held, market_settings(), LIMITS, Phase.ACTIVE, bounds)
    free, _ = fit_ladder(quotes, held, market_settings(), LIMITS, Phase.ACTIVE, UNBOUNDED)

    assert [(q.side, q.quantums // ONE_ETH) for q in kept] == [
        (Side.BUY, 2),
        (Side.BUY, 1),
        (Side.SELL, 1),
    ]
    assert {note.code for note in noted} == {"OPEN_INTEREST", "REPORT_AGE"}
    assert [q.quantums // ONE_ETH for q in free] == [2, 2, 2, 2]


@pytest.mark.parametrize(
    ("price", "away"), [(100_000_000, 0), (98_999_999, 10_000), (101_100_000, 11_000), (0, 10**6)]
)
def test_depeg_stop__off_by_more_than_allowed__stops(price: int, away: int) -> None:
    expected = Stop("DEPEG", 10_000, away) if away > 10_000 else None

    assert depeg_ppm(price, 8) == away
    assert depeg_stop(price, 8, 10_000) == expected
