"""Parameters for every rule and overlay from one calibration, so that they can be compared.

One principle for all, since gamma, skew and reserves are the operator's choice: without inventory
the front quote stands at 1/k, the distance at which k*exp(-k*d)*d is largest, and at `MOST_ORDERS`
of inventory the reducing side has come in by that distance, each order by as much (the infinite
horizon of Avellaneda and Stoikov leans harder near its bound). Where a rule's own formula decides
the distance, it is within a fifth of it. One order a side, worth the same.
    gamma of a finite horizon: (1/k)/(MOST * sigma^2 * horizon/2)
    gamma of the infinite one: 2*MOST*k/(MOST + 1)^2
    gamma of GLFT:             2*A/(e * sigma^2 * k * MOST^2), from R = (1/k)/MOST
Rounded to the nearest unit, one at least.
"""

from fractions import Fraction
from typing import Final, NamedTuple

from keeper.domain.strategies import (
    AvellanedaStoikovParams,
    ConstantProductParams,
    FeeOverlay,
    FixedSpreadParams,
    FundingOverlay,
    GlftParams,
    ImbalanceOverlay,
    InventoryTarget,
    MegaVaultParams,
    Overlays,
    RangeOnBookParams,
    ReduceOnlyLadder,
    SessionGate,
    Strategy,
    ToxicityOverlay,
    TrendOverlay,
    VolatilityOverlay,
)
from keeper.domain.units import PPM
from keeper.strategies import rules
from keeper.strategies.overlays import minute_of_week

__all__ = ["HORIZON_SECONDS", "Measured", "fitted_overlays", "fitted_rules"]

HORIZON_SECONDS: Final = 300
MOST_ORDERS: Final = 8
RANGE_WIDTH_PPM: Final = 50_000
E9: Final = 10**9
EULER: Final = Fraction(2_718_281_828, E9)
SECONDS_PER_DAY: Final = 86_400


class Measured(NamedTuple):
    """A calibration, and what the account is: money in quote quantums."""

    volatility_ppm: int
    k_e9: int
    arrivals_per_day: int
    order: int
    equity: int
    maker_fee_ppm: int

    @property
    def distance_ppm(self) -> int:
        """1/k in ppm."""
        return _whole(Fraction(E9, self.k_e9))


def fitted_rules(of: Measured) -> dict[str, Strategy]:
    """Every rule, and both horizons where a rule has two, by a name for people and commands."""
    return {
        "fixed_spread": FixedSpreadParams(
            layers=1,
            half_spread_ppm=of.distance_ppm,
            layer_step_ppm=of.distance_ppm,
            order_size_quote_quantums=of.order,
        ),
        "megavault": _megavault(of),
        "avellaneda_stoikov": _avellaneda_stoikov(of, HORIZON_SECONDS),
        "avellaneda_stoikov_infinite": _avellaneda_stoikov(of, 0),
        "glft": _glft(of, 0),
        "glft_horizon": _glft(of, HORIZON_SECONDS),
        "constant_product": ConstantProductParams(
            layers=1,
            order_size_quote_quantums=of.order,
            reserves_quote_quantums=_reserves(of),
            fee_ppm=_fee_ppm(of),
        ),
        "range_on_book": RangeOnBookParams(
            layers=1,
            order_size_quote_quantums=of.order,
            reserves_quote_quantums=max(1, _reserves(of) * RANGE_WIDTH_PPM // (2 * PPM)),
            fee_ppm=_fee_ppm(of),
            width_ppm=RANGE_WIDTH_PPM,
        ),
    }


def fitted_overlays(of: Measured, base: Strategy, middle_s: int) -> dict[str, Overlays]:
    """Each overlay alone on a rule; the session's window ends at `middle_s` (unix seconds)."""
    distance = max(2, rules.half_spread_ppm(base, 0))
    worth = MOST_ORDERS // 2 * of.order
    window = (0, max(1, minute_of_week(middle_s)))
    gain_ppm = max(1, distance * PPM // max(1, of.volatility_ppm))
    return {
        "trend": Overlays(
            trend=TrendOverlay(
                fast_seconds=5, slow_seconds=60, gain_ppm=PPM, max_shift_ppm=distance // 2
            )
        ),
        "imbalance": Overlays(imbalance=ImbalanceOverlay(seconds=5, shift_ppm=distance // 2)),
        "volatility": Overlays(
            volatility=VolatilityOverlay(
                seconds=60,
                floor_ppm=of.volatility_ppm,
                gain_ppm=gain_ppm,
                max_widen_ppm=4 * distance,
            )
        ),
        "funding": Overlays(
            funding=FundingOverlay(holding_seconds=1_800, max_shift_ppm=distance // 2)
        ),
        "toxicity": Overlays(
            toxicity=ToxicityOverlay(
                horizon_seconds=5, fills=10, gain_ppm=PPM // 2, max_widen_ppm=4 * distance
            )
        ),
        "fee": Overlays(fee=FeeOverlay(maker_fee_ppm=of.maker_fee_ppm)),
        "target": Overlays(target=InventoryTarget(quote_quantums=worth)),
        "session": Overlays(session=SessionGate(windows=(window,), outside="reduce")),
        "reduce_only": Overlays(reduce_only=ReduceOnlyLadder(from_quote_quantums=worth)),
    }


def _megavault(of: Measured) -> MegaVaultParams:
    """Skew takes a whole spread off the reducing side at the leverage of the most orders."""
    leverage = Fraction(MOST_ORDERS * of.order, of.equity)
    return MegaVaultParams(
        layers=1,
        spread_min_ppm=of.distance_ppm,
        spread_buffer_ppm=0,
        skew_factor_ppm=_whole(PPM / leverage),
        order_size_pct_ppm=_whole(Fraction(of.order * PPM, of.equity)),
        activation_threshold_quote_quantums=of.order,
    )


def _avellaneda_stoikov(of: Measured, horizon: int) -> AvellanedaStoikovParams:
    most, k = MOST_ORDERS, Fraction(of.k_e9, E9)
    if horizon:
        variance = Fraction(max(1, of.volatility_ppm) ** 2 * horizon, 2 * SECONDS_PER_DAY)
        gamma = 1 / (k * most * variance)
    else:
        gamma = 2 * most * k / (most + 1) ** 2
    return AvellanedaStoikovParams(
        layers=1,
        layer_step_ppm=of.distance_ppm,
        order_size_quote_quantums=of.order,
        gamma_e9=_whole(gamma * E9),
        k_e9=of.k_e9,
        volatility_ppm=max(1, of.volatility_ppm),
        horizon_seconds=horizon,
        max_inventory_orders=most,
    )


def _glft(of: Measured, horizon: int) -> GlftParams:
    volatility = max(1, of.volatility_ppm)
    k, most = Fraction(of.k_e9, E9), MOST_ORDERS
    gamma = 2 * of.arrivals_per_day / (EULER * volatility**2 * k * most**2)
    return GlftParams(
        layers=1,
        layer_step_ppm=of.distance_ppm,
        order_size_quote_quantums=of.order,
        gamma_e9=_whole(gamma * E9),
        k_e9=of.k_e9,
        arrivals_per_day=of.arrivals_per_day,
        volatility_ppm=volatility,
        drift_ppm=0,
        impact_ppm=0,
        horizon_seconds=horizon,
        max_inventory_orders=most,
    )


def _reserves(of: Measured) -> int:
    """An order moves the curve's price by 1/MOST of the distance: 2*order/(reserves/2)."""
    return 4 * MOST_ORDERS * of.order * PPM // max(1, of.distance_ppm)


def _fee_ppm(of: Measured) -> int:
    """The distance less what the curve itself asks of it: half of what an order moves it by."""
    return max(0, of.distance_ppm - _whole(Fraction(of.distance_ppm, 2 * MOST_ORDERS)))


def _whole(exact: Fraction) -> int:
    return max(1, round(exact))
