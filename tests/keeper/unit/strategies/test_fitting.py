"""Fitted parameters: sound for every rule, near 1/k, and out of inventory at the most orders."""

import pytest
from msgspec.structs import replace

from keeper.domain.approval import Refused
from keeper.domain.orders import Side
from keeper.domain.strategies import Overlays
from keeper.strategies import overlays, rules
from keeper.strategies.fitting import MOST_ORDERS, Measured, fitted_overlays, fitted_rules
from keeper.strategies.snapshot import MarketSnapshot
from tests.keeper.builders import ONE_ETH, USDC
from tests.keeper.markets import ETH

OF = Measured(
    volatility_ppm=17_422,
    k_e9=15_852_235,
    arrivals_per_day=60_460,
    order=3_000 * USDC,
    equity=100_000 * USDC,
    maker_fee_ppm=100,
)
FITTED = fitted_rules(OF)
INFINITE = "avellaneda_stoikov_infinite"
PRICE = 3_000 * USDC
FINE = replace(ETH, subticks_per_tick=100, min_price_change_ppm=0)


def distance_ppm(name: str, side: Side, orders: int) -> int:
    """Of the front quote from the reference, towards the market below 0; halfway in a horizon."""
    snapshot = MarketSnapshot(
        market=FINE,
        oracle_price=PRICE,
        usdc=OF.equity - orders * OF.order,
        equity=OF.equity,
        inventory=orders * ONE_ETH,
        close_only=False,
        now_s=150,
    )
    answer = rules.quote(FITTED[name], snapshot)
    assert not isinstance(answer, Refused)
    price = next(quote.subticks for quote in answer if quote.side is side)
    return (PRICE - price) * side.sign * 10**6 // PRICE


@pytest.mark.parametrize("name", FITTED)
def test_fitted_rules__each__can_be_quoted(name: str) -> None:
    assert rules.problems(FITTED[name]) == ()


@pytest.mark.parametrize("name", FITTED)
@pytest.mark.parametrize("side", [Side.BUY, Side.SELL])
def test_fitted_rules__no_inventory__stand_near_one_over_k(name: str, side: Side) -> None:
    assert 0.8 * OF.distance_ppm <= distance_ppm(name, side, 0) <= 1.2 * OF.distance_ppm


@pytest.mark.parametrize("name", sorted(set(FITTED) - {"fixed_spread", INFINITE}))
def test_fitted_rules__most_inventory__reducing_side_at_the_reference(name: str) -> None:
    assert abs(distance_ppm(name, Side.SELL, MOST_ORDERS)) <= OF.distance_ppm / 4


def test_fitted_rules__infinite_horizon__first_order_leans_as_the_others_do() -> None:
    """Near its bound it leans harder by its own formula."""
    leaned = distance_ppm(INFINITE, Side.SELL, 0) - distance_ppm(INFINITE, Side.SELL, 1)

    assert leaned == pytest.approx(OF.distance_ppm / MOST_ORDERS, abs=1)


def test_fitted_overlays__each_alone__sound_and_below_the_half_spread() -> None:
    base = FITTED["fixed_spread"]

    fitted = fitted_overlays(OF, base, 1_750_000_000)

    assert list(fitted) == list(Overlays.__struct_fields__)
    for name, overlay in fitted.items():
        assert [n for n in fitted if getattr(overlay, n) is not None] == [name]
        assert overlays.problems(overlay) == ()
        assert overlays.greatest_shift_ppm(overlay) < rules.half_spread_ppm(base, 0)


def test_fitted_rules__little_to_go_by__still_sound() -> None:
    still = Measured(0, 10**9, 1, USDC, 100 * USDC, 0)

    assert all(params is not None for params in fitted_rules(still).values())
    assert rules.problems(fitted_rules(still)["fixed_spread"]) == ()
