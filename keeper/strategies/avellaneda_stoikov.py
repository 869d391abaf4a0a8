"""Avellaneda and Stoikov, "High-frequency trading in a limit order book" (2008).

Finite horizon, with q orders of inventory and tau of the horizon left:
    reservation  r = s - q*gamma*sigma^2*tau
    spread       gamma*sigma^2*tau + (2/gamma)*ln(1 + gamma/k)
    quotes       r +- spread/2
Infinite horizon (their section 2.3), with omega = gamma^2*sigma^2*(q_max + 1)^2 / 2:
    r_ask = s + (1/gamma)*ln(1 + (1 - 2q)*gamma^2*sigma^2 / (2*omega - gamma^2*q^2*sigma^2))
    r_bid = s + (1/gamma)*ln(1 + (-1 - 2q)*gamma^2*sigma^2 / (2*omega - gamma^2*q^2*sigma^2))
    ask   = r_ask + (1/gamma)*ln(1 + gamma/k),  bid = r_bid - (1/gamma)*ln(1 + gamma/k)
`distances` is the pure formula in the paper's units; `quote` turns parameters into it with the ppm
of the reference price as the unit of price, one order as that of inventory and a day as that of
time. Logarithms depend on parameters alone and are computed once for each set of them.
"""

from fractions import Fraction
from functools import lru_cache

from keeper.domain.strategies import AvellanedaStoikovParams
from keeper.markets.fixed import ln_up
from keeper.strategies.ladder import (
    PPM_E18,
    Distances,
    around,
    common_problems,
    layered,
)
from keeper.strategies.snapshot import MarketSnapshot, Quotes

__all__ = [
    "MAX_INVENTORY_ORDERS",
    "SECONDS_PER_DAY",
    "finite_distance",
    "half_spread_ppm",
    "horizon_left",
    "infinite_distances",
    "interpolated",
    "model_problems",
    "premium",
    "problems",
    "quote",
]

SECONDS_PER_DAY = 86_400
E9 = 10**9
MAX_INVENTORY_ORDERS = 1_000


def quote(params: AvellanedaStoikovParams, snapshot: MarketSnapshot) -> Quotes:
    """Quote the paper's distances around the reference price; layers stand farther by the step.

    Refused as `ladder.basis` says; nothing where one order is less than the step.
    """

    def distances(quantums: int) -> Distances:
        ask, bid = _front(params, snapshot, quantums)
        return layered(ask, bid, params.layers, params.layer_step_ppm)

    return around(snapshot, params.order_size_quote_quantums, distances)


def _front(
    params: AvellanedaStoikovParams, snapshot: MarketSnapshot, quantums: int
) -> tuple[int | None, int | None]:
    """Distances of the front layer's ask and bid."""
    if params.horizon_seconds:
        ask = _finite(params, snapshot.now_s, -snapshot.inventory, quantums)
        bid = _finite(params, snapshot.now_s, snapshot.inventory, quantums)
    else:
        ask_rows, bid_rows = _infinite_rows(params)
        ask = interpolated(ask_rows, -snapshot.inventory, quantums)
        bid = interpolated(bid_rows, snapshot.inventory, quantums)
    return ask, bid


def premium(gamma: Fraction, k: Fraction, unit: int) -> int:
    """Return (1/gamma)*ln(1 + gamma/k) in 1/unit of the price unit, rounded up; both positive."""
    return _log_over(gamma, 1 + gamma / k, unit)


def finite_distance(risk: Fraction, edge: int, inventory: Fraction, unit: int) -> int:
    """Distance of the bid from s in 1/unit, rounded up, given risk = gamma*sigma^2*tau and the
    premium `edge`; the ask's is that of the opposite inventory."""
    exact = risk * (1 + 2 * inventory) / 2 * unit
    return edge - (-exact.numerator // exact.denominator)


def infinite_distances(
    gamma: Fraction, k: Fraction, most: int, inventory: int, unit: int
) -> tuple[int, int | None]:
    """Distances (ask, bid) at a whole inventory with -most < inventory <= most, in 1/unit, up.

    As printed in the paper; its omega makes gamma^2*sigma^2 cancel out of both fractions. Each is
    one logarithm, of the premium's ratio times the reservation price's, and so rounded once. At
    `most` there is no bid: its logarithm is that of nothing. The two sides mirror each other up to
    second order only, since the printed ask is ln(1 - x) where the bid is ln(1 + x).
    """
    below = (most + 1) ** 2 - inventory**2
    ratio = 1 + gamma / k
    ask = _log_over(gamma, ratio * Fraction(below + 1 - 2 * inventory, below), unit)
    if inventory == most:
        return ask, None
    return ask, _log_over(gamma, ratio / Fraction(below - 1 - 2 * inventory, below), unit)


def interpolated(rows: tuple[int, ...], inventory: int, order: int) -> int | None:
    """Distance of the side that adds to an inventory, between two whole ones, rounded up.

    `rows[q + most]` are distances at q = -most..most-1; below them the first one holds, above the
    last one there is none: the quote could lead beyond the most.
    """
    whole, rest = divmod(inventory, order)
    index = whole + len(rows) // 2
    if index < 0:
        return rows[0]
    if index >= len(rows) or (index == len(rows) - 1 and rest > 0):
        return None
    here = rows[index]
    return here if rest == 0 else here - (-(rows[index + 1] - here) * rest // order)


def horizon_left(now_s: int, horizon_seconds: int) -> int:
    """Seconds left of the horizon: horizons follow each other from unix time 0 on."""
    return horizon_seconds - now_s % horizon_seconds


def half_spread_ppm(params: AvellanedaStoikovParams) -> int:
    """Distance of the front layer without inventory at its least, in ppm, rounded down."""
    if params.horizon_seconds:
        return _edge(params) // PPM_E18
    return _infinite_rows(params)[0][params.max_inventory_orders] // PPM_E18


def problems(params: AvellanedaStoikovParams) -> tuple[str, ...]:
    """List what is wrong with the parameters; empty when they can be quoted."""
    found = common_problems(params.layers, params.layer_step_ppm, params.order_size_quote_quantums)
    found += model_problems(params)
    if not found and half_spread_ppm(params) == 0:
        found.append("the half spread is less than one ppm: raise gamma_e9 or lower k_e9")
    return tuple(found)


def model_problems(params: AvellanedaStoikovParams) -> list[str]:
    """Name parameters outside the domain of the paper."""
    checks = (
        (params.gamma_e9 <= 0, "gamma_e9 must be positive"),
        (params.k_e9 <= 0, "k_e9 must be positive"),
        (params.volatility_ppm <= 0, "volatility_ppm must be positive"),
        (params.horizon_seconds < 0, "horizon_seconds must not be negative"),
        (
            not 0 < params.max_inventory_orders <= MAX_INVENTORY_ORDERS,
            f"max_inventory_orders must lie between 1 and {MAX_INVENTORY_ORDERS}",
        ),
    )
    return [text for broken, text in checks if broken]


def _finite(params: AvellanedaStoikovParams, now_s: int, inventory: int, order: int) -> int | None:
    """Distance of the side that adds to an inventory in 1e-18 of the price; None beyond the most.

    gamma*sigma^2*tau*(1/2 + q), as `finite_distance` has it, in integers for the tick path.
    """
    if inventory > (params.max_inventory_orders - 1) * order:
        return None
    left = horizon_left(now_s, params.horizon_seconds)
    risk = params.gamma_e9 * params.volatility_ppm**2 * left * PPM_E18 * (order + 2 * inventory)
    return _edge(params) - (-risk // (E9 * SECONDS_PER_DAY * 2 * order))


def _log_over(gamma: Fraction, ratio: Fraction, unit: int) -> int:
    """(1/gamma)*ln(ratio) in 1/unit, rounded up: ceiling of a ceiling, for the denominator of
    unit/gamma divides what its numerator has scaled."""
    scaled = unit / gamma
    return -(-ln_up(ratio.numerator, ratio.denominator, scaled.numerator) // scaled.denominator)


@lru_cache(maxsize=64)
def _edge(params: AvellanedaStoikovParams) -> int:
    return premium(Fraction(params.gamma_e9, E9), Fraction(params.k_e9, E9), PPM_E18)


@lru_cache(maxsize=64)
def _infinite_rows(params: AvellanedaStoikovParams) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Distances by inventory in 1e-18: asks of -q, bids of q, for q from -most to most - 1."""
    gamma, k = Fraction(params.gamma_e9, E9), Fraction(params.k_e9, E9)
    most = params.max_inventory_orders
    found = [
        infinite_distances(gamma, k, most, inventory, PPM_E18)
        for inventory in range(-most, most + 1)
    ]
    asks = tuple(ask for ask, _ in reversed(found[1:]))
    return asks, tuple(bid for _, bid in found if bid is not None)
