"""Fixed spread: distances, sizes, refusals, parameter problems."""

from typing import Any

from keeper.domain.approval import Refused
from keeper.domain.orders import Side, TimeInForce
from keeper.domain.settings import FixedSpreadParams
from keeper.strategies import fixed_spread
from keeper.strategies.snapshot import MarketSnapshot, moved_out
from tests.keeper.markets import ETH

PARAMS = FixedSpreadParams(
    layers=2, half_spread_ppm=1000, layer_step_ppm=500, order_size_quote_quantums=500_000_000
)


def _snapshot(**changes: Any) -> MarketSnapshot:
    fields: dict[str, Any] = {
        "market": ETH,
        "oracle_price": 3_333_330_000,
        "usdc": 10_000_000_000,
        "equity": 10_000_000_000,
        "inventory": 0,
        "close_only": False,
    }
    return MarketSnapshot(**{**fields, **changes})


def test_quote__two_layers__distances_rounded_away_from_the_oracle() -> None:
    result = fixed_spread.quote(PARAMS, _snapshot())

    assert not isinstance(result, Refused)
    assert [(q.side, q.layer, q.subticks) for q in result] == [
        (Side.SELL, 0, 3_336_700_000),  # 3336.66333 up to 0.1
        (Side.BUY, 0, 3_329_900_000),  # 3329.99667 down to 0.1
        (Side.SELL, 1, 3_338_400_000),  # 3338.329995
        (Side.BUY, 1, 3_328_300_000),  # 3328.330005
    ]
    assert {q.quantums for q in result} == {150_000_000}  # 0.15000015 down to 0.001
    assert {q.time_in_force for q in result} == {TimeInForce.POST_ONLY}


def test_quote__close_only__no_more_than_the_inventory() -> None:
    result = fixed_spread.quote(PARAMS, _snapshot(inventory=200_000_000, close_only=True))

    assert not isinstance(result, Refused)
    assert [(q.side, q.quantums) for q in result] == [
        (Side.SELL, 150_000_000),
        (Side.SELL, 50_000_000),
    ]


def test_quote__no_oracle_or_equity__refused_by_name() -> None:
    assert fixed_spread.quote(PARAMS, _snapshot(oracle_price=0)) == Refused(
        code="ZERO_ORACLE", subject="ETH-USD", limit=1, value=0
    )
    assert fixed_spread.quote(PARAMS, _snapshot(equity=-5)) == Refused(
        code="NO_EQUITY", subject="ETH-USD", limit=1, value=-5
    )


def test_quote__size_below_the_step__nothing() -> None:
    small = FixedSpreadParams(
        layers=1, half_spread_ppm=1000, layer_step_ppm=0, order_size_quote_quantums=3_000_000
    )

    assert fixed_spread.quote(small, _snapshot()) == ()


def test_problems__each_broken_field__named() -> None:
    broken = FixedSpreadParams(
        layers=-1, half_spread_ppm=0, layer_step_ppm=-1, order_size_quote_quantums=0
    )
    deep = FixedSpreadParams(
        layers=3, half_spread_ppm=1, layer_step_ppm=500_000, order_size_quote_quantums=1
    )

    assert len(fixed_spread.problems(broken)) == 4
    assert fixed_spread.problems(deep) == ("bids reach zero",)
    assert fixed_spread.problems(PARAMS) == ()


def test_quote__reference_given__prices_around_it_and_sizes_at_the_oracle() -> None:
    result = fixed_spread.quote(PARAMS, _snapshot(reference_price=3_343_330_000))

    assert not isinstance(result, Refused)
    assert [q.subticks for q in result[:2]] == [
        3_346_700_000,  # 3346.67333 up to 0.1
        3_339_900_000,  # 3339.98667 down to 0.1
    ]
    assert {q.quantums for q in result} == {150_000_000}


def test_moved_out__widened__both_sides_by_the_factor_outwards_to_the_tick() -> None:
    snapshot = _snapshot(widen_ppm=797)
    quotes = fixed_spread.quote(PARAMS, snapshot)
    assert not isinstance(quotes, Refused)

    moved = moved_out(quotes, snapshot)

    assert [q.subticks for q in moved[:2]] == [
        3_339_400_000,  # 3336.7 * 1.000797 = 3339.3593... up to 0.1
        3_327_200_000,  # 3329.9 * 0.999203 = 3327.2460... down to 0.1
    ]
    assert [(q.side, q.layer, q.quantums) for q in moved] == [
        (q.side, q.layer, q.quantums) for q in quotes
    ]
