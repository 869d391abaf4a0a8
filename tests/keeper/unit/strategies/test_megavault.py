"""The MegaVault rule against published integer cases and hand-written ones."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from keeper.domain.approval import Refused
from keeper.domain.instruments import PerpetualMarket
from keeper.domain.orders import Quote, Side, TimeInForce
from keeper.domain.settings import MegaVaultParams
from keeper.markets.perpetual import value_trunc
from keeper.strategies import megavault
from keeper.strategies.snapshot import MarketSnapshot

REPOSITORY = Path(__file__).resolve().parents[4]


def _cases(kind: str) -> list[dict[str, Any]]:
    default = REPOSITORY.parent / "shared" / "conformance"
    file = Path(os.environ.get("CONFORMANCE_DIR", default)) / "megavault.json"
    if not file.is_file():
        pytest.skip(f"no conformance cases at {file} (set CONFORMANCE_DIR)")
    cases: list[dict[str, Any]] = json.loads(file.read_text())[kind]
    assert cases
    return cases


def _eth(**changes: int) -> PerpetualMarket:
    fields: dict[str, Any] = {
        "ticker": "ETH-USD",
        "clob_pair_id": 1,
        "atomic_resolution": -9,
        "quantum_conversion_exponent": -9,
        "step_base_quantums": 1000,
        "subticks_per_tick": 1000,
        "oracle_exponent": -6,
        "min_price_change_ppm": 50,
        "initial_margin_ppm": 200_000,
        "maintenance_margin_ppm": 100_000,
        "status": "ACTIVE",
    }
    return PerpetualMarket(**{**fields, **changes})


def _params(**changes: int) -> MegaVaultParams:
    fields = {
        "layers": 3,
        "spread_min_ppm": 7654,
        "spread_buffer_ppm": 2900,
        "skew_factor_ppm": 1_234_000,
        "order_size_pct_ppm": 100_000,
        "activation_threshold_quote_quantums": 1_000_000_000,
    }
    return MegaVaultParams(**{**fields, **changes})


def _snapshot(market: PerpetualMarket, inventory: int, **changes: Any) -> MarketSnapshot:
    oracle = changes.get("oracle_price", 3_000_000_000)
    usdc = changes.get("usdc", 2_000_000_000)
    return MarketSnapshot(
        market=market,
        oracle_price=oracle,
        usdc=usdc,
        equity=changes.get("equity", usdc + value_trunc(market, inventory, oracle)),
        inventory=inventory,
        close_only=changes.get("close_only", False),
    )


def _quotes(result: tuple[Quote, ...] | Refused) -> tuple[Quote, ...]:
    assert isinstance(result, tuple)
    return result


def test_quote__published_cases__equal_to_the_unit() -> None:
    for case in _cases("quoting"):
        pair, feed = case["clob_pair"], case["market"]
        market = _eth(
            clob_pair_id=pair["clob_pair_id"],
            atomic_resolution=case["atomic_resolution"],
            quantum_conversion_exponent=pair["quantum_conversion_exponent"],
            step_base_quantums=pair["step_base_quantums"],
            subticks_per_tick=pair["subticks_per_tick"],
            oracle_exponent=feed["exponent"],
            min_price_change_ppm=feed["min_price_change_ppm"],
        )
        given = {k: v for k, v in case["quoting_params"].items() if "expiration" not in k}
        snapshot = _snapshot(
            market,
            case["inventory_base_quantums"],
            oracle_price=feed["price"],
            usdc=case["usdc_quote_quantums"],
            close_only=case["status"] == "CLOSE_ONLY",
        )

        result = megavault.quote(MegaVaultParams(**given), snapshot)

        if "expected_error" in case:
            assert case["expected_error"] == "ErrNonPositiveEquity"
            assert result == Refused(code="NO_EQUITY", subject="ETH-USD", limit=1, value=0)
            continue
        actual = [
            {
                "layer": quote.layer,
                "side": quote.side.value,
                "subticks": quote.subticks,
                "quantums": quote.quantums,
                "time_in_force": "POST_ONLY"
                if quote.time_in_force is TimeInForce.POST_ONLY
                else "UNSPECIFIED",
                "client_id": megavault.client_id(quote.side, quote.layer),
            }
            for quote in _quotes(result)
        ]
        assert actual == case["expected_orders"], case["name"]


def test_withdrawal_slippage__published_cases__equal_fractions() -> None:
    for case in _cases("withdrawal_slippage"):
        params = _params(
            skew_factor_ppm=case["skew_factor_ppm"],
            spread_min_ppm=case["spread_min_ppm"],
            spread_buffer_ppm=case["spread_buffer_ppm"],
        )
        market = _eth(
            min_price_change_ppm=case["min_price_change_ppm"],
            initial_margin_ppm=case["initial_margin_ppm"],
        )

        slippage = megavault.withdrawal_slippage(
            params,
            market,
            tuple(case["leverage"]),
            (case["shares_to_withdraw"], case["total_shares"]),
        )

        expected = case["expected_slippage"]
        assert slippage[0] * expected[1] == expected[0] * slippage[1], case["name"]


def test_refreshed_client_id__published_cases__canonical_until_refreshed() -> None:
    for case in _cases("refresh"):
        ids = [megavault.client_id(side, layer) for layer in (0, 1) for side in Side]

        after = [
            megavault.refreshed_client_id(current, refreshed)
            for current, refreshed in zip(ids, case["refreshed"], strict=True)
        ]

        canonical = [new == old for new, old in zip(after, ids, strict=True)]
        assert canonical == case["canonical"], case["name"]


def test_quote__specification_example__exact_ladder() -> None:
    result = _quotes(megavault.quote(_params(), _snapshot(_eth(), -250_000_000)))

    asks = [q.subticks for q in result if q.side is Side.SELL]
    bids = [q.subticks for q in result if q.side is Side.BUY]
    assert asks == [3_069_552_000, 3_079_765_000, 3_090_677_000]
    assert bids == [2_994_039_000, 2_991_205_000, 2_988_372_000]
    assert {q.quantums for q in result} == {41_666_000}
    assert {q.time_in_force for q in result if q.side is Side.SELL} == {TimeInForce.POST_ONLY}
    assert {q.time_in_force for q in result if q.side is Side.BUY} == {TimeInForce.GTT}


def test_quote__long_instead_of_short__mirrors_the_skew() -> None:
    # L = 750/2750 up to ppm = 272728; ask x = ceil(272728*1.234) = 336547, ask skew -336547;
    # 3000*(1 + 0.663453*0.007654) = 3015.2342..., up to the tick of 0.001.
    result = _quotes(megavault.quote(_params(layers=1), _snapshot(_eth(), 250_000_000)))

    assert result[0].subticks == 3_015_235_000
    assert result[0].time_in_force is TimeInForce.GTT
    # bid skew -(ceil(1336547^2/1e6)-1e6) = -786358; 3000*(1 - 1.786358*0.007654) = 2958.9816...
    assert result[1].subticks == 2_958_981_000
    assert result[1].time_in_force is TimeInForce.POST_ONLY


def test_quote__close_only__reducing_side_within_inventory_front_first() -> None:
    # 10 % of 1760 USDC at 3000 is 0.058666: 0.08 takes one whole layer and 0.021334 of the next.
    snapshot = _snapshot(_eth(), -80_000_000, close_only=True)

    result = _quotes(megavault.quote(_params(), snapshot))

    assert [(q.side, q.layer, q.quantums) for q in result] == [
        (Side.BUY, 0, 58_666_000),
        (Side.BUY, 1, 21_334_000),
    ]


def test_quote__close_only_and_flat__nothing() -> None:
    assert megavault.quote(_params(), _snapshot(_eth(), 0, close_only=True)) == ()


def test_quote__below_activation_and_flat__refused_with_both_numbers() -> None:
    snapshot = _snapshot(_eth(), 0, usdc=999_999_999)

    result = megavault.quote(_params(), snapshot)

    assert result == Refused(
        code="NOT_ACTIVATED", subject="ETH-USD", limit=1_000_000_000, value=999_999_999
    )


def test_quote__below_activation_with_position__quotes() -> None:
    assert _quotes(megavault.quote(_params(), _snapshot(_eth(), 1_000_000, usdc=999_999_999)))


def test_quote__zero_oracle__refused() -> None:
    snapshot = _snapshot(_eth(), 0, oracle_price=0, equity=1_000_000_000)

    result = megavault.quote(_params(), snapshot)

    assert isinstance(result, Refused)
    assert result.code == "ZERO_ORACLE"


def test_quote__size_below_one_step__nothing_rather_than_enlarged() -> None:
    assert megavault.quote(_params(order_size_pct_ppm=1), _snapshot(_eth(), 0)) == ()


def test_quote__huge_numbers__no_overflow() -> None:
    market = _eth(step_base_quantums=1)
    snapshot = _snapshot(market, 10**19, usdc=10**19)

    result = _quotes(megavault.quote(_params(skew_factor_ppm=10**15), snapshot))

    # The bid's skew is beyond -10**18 spreads and the ask's below: both at the ends of the range.
    most = (2**64 - 1) // market.subticks_per_tick * market.subticks_per_tick
    assert {q.subticks for q in result if q.side is Side.BUY} == {market.subticks_per_tick}
    assert all(0 < q.subticks <= most for q in result)
    short = _quotes(
        megavault.quote(_params(skew_factor_ppm=10**15), replace(snapshot, inventory=-(10**18)))
    )
    assert {q.subticks for q in short if q.side is Side.SELL} == {most}


def test_quote__size_beyond_the_wire__refused_with_both_numbers() -> None:
    snapshot = _snapshot(_eth(step_base_quantums=1), 0, usdc=10**30)

    result = megavault.quote(_params(), snapshot)

    # 10 % of 1e24 USDC at 3,000 in 1e-9 ETH.
    assert result == Refused(
        code="ORDER_BEYOND_WIRE", subject="ETH-USD", limit=2**64 - 1, value=10**30 // 30
    )


def test_order_quantums__share_of_equity_below_a_quantum__kept_until_the_step() -> None:
    """1.5 % of 1,000.000001 USDC is 15,000,000.015 quote quantums: at 1e-9 USDC a base unit, what
    is after the point still buys 15 units."""
    market = _eth(atomic_resolution=0, oracle_exponent=-9, step_base_quantums=1)
    snapshot = _snapshot(market, 0, oracle_price=1, equity=1_000_000_001)

    quantums = megavault.order_quantums(_params(order_size_pct_ppm=15_000), snapshot)

    assert quantums == 15_000_000_015


def test_quote__size_rounds_to_nothing_below_activation__no_orders_rather_than_refused() -> None:
    """The venue computes the ladder before it asks for activation."""
    snapshot = _snapshot(_eth(), 0, usdc=1_000_000)

    assert megavault.quote(_params(order_size_pct_ppm=1_000), snapshot) == ()


@pytest.mark.parametrize(("price", "value"), [(1, 1), (10**20, 10**20)])
def test_quote__price_no_order_can_carry__refused(price: int, value: int) -> None:
    snapshot = _snapshot(_eth(), 0, oracle_price=price, equity=10**9)

    result = megavault.quote(_params(), snapshot)

    assert isinstance(result, Refused)
    assert (result.code, result.value) == ("PRICE_ABSURD", value)


def test_problems__each_broken_field__named() -> None:
    broken = _params(
        layers=256,
        spread_min_ppm=0,
        spread_buffer_ppm=-1,
        skew_factor_ppm=-1,
        order_size_pct_ppm=0,
        activation_threshold_quote_quantums=-1,
    )

    assert len(megavault.problems(broken)) == 6
    assert megavault.problems(_params()) == ()


def test_withdrawal_slippage__small_part__uses_the_average_skew() -> None:
    # leverage 2, half withdrawn -> leverage path 2..4, k = 1: average skew
    # (4^2 + 4^3/3 - 2^2 - 2^3/3) / 2 = 46/3; spread .001: .001 * (1 + 46/3) * 2 = 98/3000.
    params = _params(skew_factor_ppm=1_000_000, spread_min_ppm=1000, spread_buffer_ppm=0)

    slippage = megavault.withdrawal_slippage(params, _eth(), (2, 1), (1, 2))

    assert slippage == (49, 1500)


def test_withdrawal_slippage__short__that_of_the_long_of_its_size() -> None:
    params = _params(skew_factor_ppm=1_000_000, spread_min_ppm=1000, spread_buffer_ppm=0)

    assert megavault.withdrawal_slippage(params, _eth(), (-2, 1), (1, 2)) == (49, 1500)


def test_withdrawal_slippage__whole_vault__leverage_times_initial_margin() -> None:
    assert megavault.withdrawal_slippage(_params(), _eth(), (1, 2), (7, 7)) == (1, 10)


@pytest.mark.parametrize("shares", [(0, 10), (-1, 10), (11, 10)])
def test_withdrawal_slippage__impossible_part__raises(shares: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="shares"):
        megavault.withdrawal_slippage(_params(), _eth(), (1, 1), shares)


def test_quote__reference_given__ladder_stands_around_it_and_sizes_stay() -> None:
    snapshot = replace(_snapshot(_eth(), -250_000_000), reference_price=3_030_000_000)

    result = _quotes(megavault.quote(_params(), snapshot))

    # The specification's ladder with 3030 for 3000, the skew still the oracle's: e.g. the front ask
    # 3030 * (1 + 3.028993 * 0.007654) = 3100.24725..., up to the tick of 0.001.
    asks = [q.subticks for q in result if q.side is Side.SELL]
    assert asks == [3_100_248_000, 3_110_562_000, 3_121_583_000]
    assert {q.quantums for q in result} == {41_666_000}
