"""Parameters that make no sense at a price, a step, a fee or an equity are named with both numbers.

ETH at 3,000 USDC: a tick is 0.1 USDC (33 ppm), a step 0.001 ETH (3 USDC).
"""

import msgspec
import pytest
from msgspec.structs import replace

from keeper.config.presets import OVERLAYS, RULES
from keeper.config.settings import RULES as PARAMS
from keeper.core.plausible import REFUSED, Surroundings, implausible
from keeper.domain.settings import MarketSettings
from keeper.domain.strategies import FeeOverlay, ImbalanceOverlay, Overlays, TrendOverlay
from tests.keeper.builders import (
    ETH_PRICE,
    FIXED,
    LIMITS,
    MEGAVAULT,
    USDC,
    market_settings,
)
from tests.keeper.markets import ETH

SEEN = Surroundings(listing=ETH, oracle_price=ETH_PRICE, equity=100_000 * USDC, maker_fee_ppm=100)
MODEST = market_settings(max_position_quote_quantums=20_000 * USDC)


def flaws(settings: MarketSettings, seen: Surroundings = SEEN) -> list[tuple[str, int, int]]:
    return [(flaw.code, flaw.limit, flaw.value) for flaw in implausible(settings, LIMITS, seen)]


def test_implausible__sound_parameters__nothing() -> None:
    assert flaws(MODEST) == []
    assert flaws(replace(MODEST, strategy=FIXED)) == []


@pytest.mark.parametrize(("half_spread_ppm", "found"), [(33, [99_000]), (34, [])])
def test_implausible__spread_and_tick__compared_in_subticks(
    half_spread_ppm: int, found: list[int]
) -> None:
    settings = replace(MODEST, strategy=replace(FIXED, half_spread_ppm=half_spread_ppm))
    free = replace(SEEN, maker_fee_ppm=None)

    expected = [("SPREAD_BELOW_TICK", 100_000, value) for value in found]
    assert flaws(settings, free) == expected


@pytest.mark.parametrize(("fee_ppm", "count"), [(2_000, 1), (1_999, 0), (None, 0), (-110, 0)])
def test_implausible__spread_and_fee__only_warns(fee_ppm: int | None, count: int) -> None:
    settings = replace(MODEST, strategy=FIXED)

    found = flaws(settings, replace(SEEN, maker_fee_ppm=fee_ppm))

    assert found == [("SPREAD_BELOW_FEE", fee_ppm, 2_000)] * count
    assert "SPREAD_BELOW_FEE" not in REFUSED


@pytest.mark.parametrize(("size", "found"), [(2_999_999, True), (3_000_000, False)])
def test_implausible__order_and_step__compared_by_value(size: int, found: bool) -> None:
    rule = replace(FIXED, order_size_quote_quantums=size)

    expected = [("ORDER_BELOW_STEP", 3 * USDC, size)] if found else []
    assert flaws(replace(MODEST, strategy=rule)) == expected


def test_implausible__order_is_a_share_of_equity__follows_it() -> None:
    poor = replace(SEEN, equity=59 * USDC)
    settings = replace(MODEST, max_position_quote_quantums=USDC)

    assert flaws(settings, poor) == [("ORDER_BELOW_STEP", 3 * USDC, 2_950_000)]


def test_implausible__layer_outside_the_band__named() -> None:
    rule = replace(FIXED, layers=3, layer_step_ppm=50_000)

    ((code, limit, value),) = flaws(replace(MODEST, strategy=rule))

    assert (code, limit) == ("LAYER_BEYOND_BAND", LIMITS.price_band_ppm)
    assert 102_000 <= value <= 102_100


def test_implausible__skew_beyond_the_hedges_price__named() -> None:
    """At 60 % leverage a factor of 5 skews by 3: two spreads of 4,500 ppm below the reference."""
    rule = replace(MEGAVAULT, skew_factor_ppm=5_000_000, layers=1, spread_min_ppm=4_500)
    settings = market_settings(
        strategy=rule,
        max_position_quote_quantums=60_000 * USDC,
        inventory_band_quote_quantums=60_000 * USDC,
    )

    ((code, limit, value),) = flaws(settings)

    assert (code, limit) == ("QUOTES_GIVE_AWAY", 5_000)
    assert value == pytest.approx(9_000, abs=40)
    assert code in REFUSED


def test_implausible__skew_beyond_the_hedges_price_where_inventory_is_hedged__is_none() -> None:
    """Beyond the band immediate orders bring it back, however large a position is allowed."""
    rule = replace(MEGAVAULT, skew_factor_ppm=5_000_000, layers=1, spread_min_ppm=4_500)
    settings = market_settings(
        strategy=rule,
        max_position_quote_quantums=60_000 * USDC,
        inventory_band_quote_quantums=5_000 * USDC,
    )

    assert flaws(settings) == []


@pytest.mark.parametrize("seen", [replace(SEEN, oracle_price=0), replace(SEEN, equity=0)])
def test_implausible__price_or_equity_unknown__says_nothing_of_it(seen: Surroundings) -> None:
    rule = replace(MEGAVAULT, skew_factor_ppm=50_000_000)

    assert flaws(market_settings(strategy=rule), seen) == []


TREND = TrendOverlay(fast_seconds=1, slow_seconds=5, gain_ppm=1, max_shift_ppm=1_990)
IMBALANCE = ImbalanceOverlay(seconds=1, shift_ppm=10)


@pytest.mark.parametrize(("overlays", "found"), [(Overlays(trend=TREND), False), (None, False)])
def test_implausible__shifts_within_the_spread__nothing(
    overlays: Overlays | None, found: bool
) -> None:
    assert bool(flaws(replace(MODEST, strategy=FIXED, overlays=overlays))) is found


def test_implausible__shifts_together_beyond_the_spread__refused() -> None:
    both = Overlays(trend=TREND, imbalance=IMBALANCE)

    assert flaws(replace(MODEST, strategy=FIXED, overlays=both)) == [
        ("SHIFT_BEYOND_SPREAD", 2_000, 2_000)
    ]
    assert "SHIFT_BEYOND_SPREAD" in REFUSED


def test_implausible__rebate_that_uses_up_the_spread__below_a_tick() -> None:
    rebate = Overlays(fee=FeeOverlay(maker_fee_ppm=-1_990))

    found = flaws(
        replace(MODEST, strategy=FIXED, overlays=rebate), replace(SEEN, maker_fee_ppm=None)
    )

    assert found == [("SPREAD_BELOW_TICK", 100_000, 30_000)]


@pytest.mark.parametrize("kind", sorted(RULES))
def test_implausible__example_rule_with_every_example_overlay__usable(kind: str) -> None:
    """At the position limit, slippage and price band that the presets have."""
    rule = PARAMS[kind](**RULES[kind])
    bends = msgspec.convert(OVERLAYS, Overlays)
    modest = replace(MODEST, strategy=rule, hedge_max_slippage_ppm=3_000)

    found = flaws(modest) + flaws(replace(modest, overlays=bends))

    assert [code for code, _, _ in found if code in REFUSED] == []
