"""Width, place and worth of moving a range: figures computed beside in decimals."""

from decimal import ROUND_CEILING, Decimal, localcontext

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from keeper.domain.approval import Refused
from keeper.domain.settings import PoolEconomics
from keeper.markets.univ3 import amounts_down, sqrt_price_at_tick, sqrt_price_down
from keeper.strategies.range_economics import (
    MoveCosts,
    expected_fees,
    expected_loss,
    half_width_ticks,
    move_verdict,
    reservation_shift,
    virtual_reserve,
)
from tests.keeper.builders import USDC, pool_settings

ECONOMICS = PoolEconomics(
    standing_seconds=21_600,
    volume_assets_per_day=10**8 * USDC,
    volatility_ppm=30_000,
    width_ppm=2_000_000,
    gas_assets=5 * USDC,
    skew_ticks=400,
)
POOL = pool_settings(economics=ECONOMICS)


def test_half_width_ticks__two_deviations_and_the_fee__in_ticks() -> None:
    """3 % a day is 1.5 % in a quarter of it; twice that and 0.05 % is 3.05 %."""
    with localcontext() as context:
        context.prec = 50
        exact = Decimal("1.0305").ln() / Decimal("1.0001").ln()

    assert half_width_ticks(POOL, 500) == int(exact.to_integral_value(ROUND_CEILING)) == 301


@pytest.mark.parametrize("economics", [None, replace(ECONOMICS, width_ppm=0)])
def test_half_width_ticks__no_width_of_its_own__as_configured(
    economics: PoolEconomics | None,
) -> None:
    assert half_width_ticks(pool_settings(economics=economics), 500) == 1_200


@settings(deadline=None)
@given(fee=st.integers(0, 10_000), more=st.integers(0, 10_000), volatility=st.integers(0, 10**5))
def test_half_width_ticks__dearer_or_wilder__never_narrower(
    fee: int, more: int, volatility: int
) -> None:
    wild = replace(POOL, economics=replace(ECONOMICS, volatility_ppm=30_000 + volatility))

    assert half_width_ticks(wild, fee + more) >= half_width_ticks(POOL, fee)


@pytest.mark.parametrize(
    ("net", "token0", "token1"), [(50, 200, -200), (-500, -400, 400), (0, 0, 0)]
)
def test_reservation_shift__inventory__share_of_the_skew_towards_selling_it(
    net: int, token0: int, token1: int
) -> None:
    assert reservation_shift(POOL, net, 100) == token0
    assert reservation_shift(replace(POOL, asset_is_token0=False), net, 100) == token1
    assert reservation_shift(pool_settings(), net, 100) == 0


def test_expected_loss__constant_product__an_eighth_of_the_variance() -> None:
    """100,000 in either reserve at 3 % a day for six hours: 200,000 * 0.0009/4 / 8 = 5.625."""
    assert expected_loss(ECONOMICS, 100_000 * USDC) == 5_625_000


@pytest.mark.parametrize("asset_is_token0", [True, False])
def test_virtual_reserve__full_range__what_the_pool_holds(asset_is_token0: bool) -> None:
    """Over all prices the virtual reserves are the real ones."""
    price = sqrt_price_down(3_000, 1) if asset_is_token0 else sqrt_price_down(1, 3_000)
    ends = (sqrt_price_at_tick(-887_270), sqrt_price_at_tick(887_270))
    liquidity = 10**20

    held = amounts_down(price, *ends, liquidity)

    found = virtual_reserve(replace(POOL, asset_is_token0=asset_is_token0), liquidity, price)
    assert found == pytest.approx(held[0 if asset_is_token0 else 1], rel=1e-12)


def test_expected_fees__a_tenth_of_the_liquidity__a_tenth_of_the_fees() -> None:
    """A quarter of 100 million at 0.05 % is 12,500."""
    assert expected_fees(ECONOMICS, 500, 1, 9) == 1_250 * USDC
    assert expected_fees(ECONOMICS, 500, 0, 0) == 0


@pytest.mark.parametrize(("fees", "moves"), [(60, False), (61, True)])
def test_move_verdict__fees_against_all_costs__strictly_more(fees: int, moves: bool) -> None:
    verdict = move_verdict("pool", fees, 30, MoveCosts(gas=10, slippage=20))

    if moves:
        assert verdict is None
    else:
        assert verdict == Refused(code="MOVE_NOT_WORTH", subject="pool", limit=60, value=60)
