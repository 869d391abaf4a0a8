"""Gueant, Lehalle and Fernandez-Tapia, "Dealing with the inventory risk" (2013).

Closed form for a horizon far away, with q orders of inventory:
    R    = sqrt(sigma^2*gamma/(2kA) * (1 + gamma/k)^(1 + k/gamma))
    bid  = s - [(1/gamma)*ln(1 + gamma/k) + xi/2 + ((2q + 1)/2 - mu/(gamma*sigma^2))*e^(k*xi/4)*R]
    ask  = s + [(1/gamma)*ln(1 + gamma/k) + xi/2 - ((2q - 1)/2 - mu/(gamma*sigma^2))*e^(k*xi/4)*R]
with drift mu and impact xi (their section 5; both 0: their formulas 4.6 and 4.7).
A finite horizon is solved exactly in `glft_table`. `closed_form` is the pure formula in the
paper's units; `quote` turns parameters into it with the ppm of the reference price as the unit of
price, one order as that of inventory and a day as that of time.
"""

from fractions import Fraction
from functools import lru_cache
from typing import Final, NamedTuple

from keeper.domain.strategies import GlftParams
from keeper.markets.fixed import MAX_EXPONENT, exp_down, power_near, sqrt_down
from keeper.strategies.avellaneda_stoikov import (
    SECONDS_PER_DAY,
    horizon_left,
    interpolated,
    premium,
)
from keeper.strategies.glft_table import (
    MAX_TABLE_INVENTORY,
    ROWS,
    Model,
    TableUnresolved,
    distance_table,
)
from keeper.strategies.ladder import (
    PPM_E18,
    Distances,
    around,
    common_problems,
    layered,
)
from keeper.strategies.snapshot import MarketSnapshot, Quotes

__all__ = ["ClosedForm", "closed_form", "half_spread_ppm", "problems", "quote"]

E9: Final = 10**9
MAX_INVENTORY_ORDERS: Final = 1_000
_ROOT: Final = 10**36


class ClosedForm(NamedTuple):
    """The closed form's constants in 1/unit of the price unit: the bid's distance at q orders is
    `edge + ((2q + 1)*slope)/2 - drift`, the ask's that of -q with the drift's sign changed."""

    edge: int
    slope: int
    drift: int


def quote(params: GlftParams, snapshot: MarketSnapshot) -> Quotes:
    """Quote the paper's distances around the reference price; layers stand farther by the step.

    Refused as `ladder.basis` says; nothing where one order is less than the step.
    """

    def distances(quantums: int) -> Distances:
        ask, bid = _front(params, snapshot, quantums)
        return layered(ask, bid, params.layers, params.layer_step_ppm)

    return around(snapshot, params.order_size_quote_quantums, distances)


def _front(
    params: GlftParams, snapshot: MarketSnapshot, quantums: int
) -> tuple[int | None, int | None]:
    """Distances of the front layer's ask and bid."""
    if params.horizon_seconds:
        left = horizon_left(snapshot.now_s, params.horizon_seconds)
        asks, bids = _table(params)[left * ROWS // params.horizon_seconds]
        ask = interpolated(asks, -snapshot.inventory, quantums)
        bid = interpolated(bids, snapshot.inventory, quantums)
    else:
        ask = _closed(params, -snapshot.inventory, quantums, -1)
        bid = _closed(params, snapshot.inventory, quantums, 1)
    return ask, bid


def closed_form(model: Model, unit: int) -> ClosedForm:
    """Return the constants of the closed form: edge rounded up, slope and drift down.

    The slope is exact to the unit but for an error of the power and of the exponential below
    1e-30 of itself. Raises ValueError when a power leaves what can be computed.
    """
    ratio, steepness = 1 + model.gamma / model.k, 1 + model.k / model.gamma
    power = power_near(ratio.as_integer_ratio(), steepness.as_integer_ratio(), _ROOT)
    square = model.variance * model.gamma / (2 * model.k * model.arrivals) * Fraction(power, _ROOT)
    if model.impact:
        swollen = model.k * model.impact / 2
        square *= Fraction(exp_down(*swollen.as_integer_ratio(), _ROOT), _ROOT)
    half_impact = model.impact / 2 * unit
    edge = premium(model.gamma, model.k, unit) - (-half_impact.numerator // half_impact.denominator)
    slope = sqrt_down(*square.as_integer_ratio(), unit)
    pull = model.drift / (model.gamma * model.variance) * slope
    return ClosedForm(edge, slope, abs(pull.numerator) // pull.denominator * _sign(pull))


def half_spread_ppm(params: GlftParams) -> int:
    """Distance of the front layer without inventory or drift at its least, in ppm, down."""
    found = _constants(params)
    if params.horizon_seconds:
        return premium_ppm(params)
    return (found.edge + found.slope // 2) // PPM_E18


def premium_ppm(params: GlftParams) -> int:
    """(1/gamma)*ln(1 + gamma/k) in ppm, rounded down."""
    return premium(Fraction(params.gamma_e9, E9), Fraction(params.k_e9, E9), PPM_E18) // PPM_E18


def problems(params: GlftParams) -> tuple[str, ...]:
    """List what is wrong with the parameters; empty when they can be quoted."""
    found = common_problems(params.layers, params.layer_step_ppm, params.order_size_quote_quantums)
    found += _model_problems(params)
    if found:
        return tuple(found)
    try:
        if half_spread_ppm(params) == 0:
            found.append("the half spread is less than one ppm: raise gamma_e9 or lower k_e9")
        if params.horizon_seconds:
            _table(params)
    except (ValueError, TableUnresolved) as error:
        found.append(f"the formula cannot be computed with them: {error}")
    return tuple(found)


def _model_problems(params: GlftParams) -> list[str]:
    most = MAX_TABLE_INVENTORY if params.horizon_seconds else MAX_INVENTORY_ORDERS
    checks = (
        (params.gamma_e9 <= 0, "gamma_e9 must be positive"),
        (params.k_e9 <= 0, "k_e9 must be positive"),
        (params.arrivals_per_day <= 0, "arrivals_per_day must be positive"),
        (params.volatility_ppm <= 0, "volatility_ppm must be positive"),
        (params.impact_ppm < 0, "impact_ppm must not be negative"),
        (params.horizon_seconds < 0, "horizon_seconds must not be negative"),
        (
            not 0 < params.max_inventory_orders <= most,
            f"max_inventory_orders must lie between 1 and {most}",
        ),
        (
            params.gamma_e9 > 0 and params.k_e9 > MAX_EXPONENT * params.gamma_e9,
            f"k_e9 must be at most {MAX_EXPONENT} times gamma_e9",
        ),
    )
    return [text for broken, text in checks if broken]


def _closed(params: GlftParams, inventory: int, order: int, sign: int) -> int | None:
    """Distance of the side that adds to an inventory in 1e-18; None beyond the most."""
    if inventory > (params.max_inventory_orders - 1) * order:
        return None
    found = _constants(params)
    tilt = (2 * inventory + order) * found.slope
    return found.edge - sign * found.drift - (-tilt // (2 * order))


@lru_cache(maxsize=64)
def _constants(params: GlftParams) -> ClosedForm:
    return closed_form(_model(params), PPM_E18)


@lru_cache(maxsize=16)
def _table(params: GlftParams) -> tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]:
    horizon = Fraction(params.horizon_seconds, SECONDS_PER_DAY)
    return distance_table(_model(params), params.max_inventory_orders, horizon, PPM_E18)


def _model(params: GlftParams) -> Model:
    return Model(
        gamma=Fraction(params.gamma_e9, E9),
        k=Fraction(params.k_e9, E9),
        arrivals=Fraction(params.arrivals_per_day),
        variance=Fraction(params.volatility_ppm**2),
        drift=Fraction(params.drift_ppm),
        impact=Fraction(params.impact_ppm),
    )


def _sign(value: Fraction) -> int:
    return (value > 0) - (value < 0)
