"""What moving delta costs on each way: take on the book, swap in the pool, or wait for the quotes.

Costs are in quote quantums against the oracle, rounded up; a negative cost is a gain.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from keeper.domain.events import BookLevel, PoolObserved
from keeper.domain.instruments import PerpetualMarket
from keeper.domain.orders import Side
from keeper.domain.settings import PoolSettings
from keeper.domain.units import PPM, div_up
from keeper.markets.perpetual import multiple_down
from keeper.markets.ranges import base_value_down
from keeper.markets.univ3 import MAX_SQRT_PRICE, MIN_SQRT_PRICE, swap_step

__all__ = [
    "SWAP",
    "TAKE",
    "WAIT",
    "Way",
    "cheapest",
    "pool_way",
    "swap_output",
    "take_way",
    "wait_way",
]

TAKE = "take"
SWAP = "swap"
WAIT = "wait"


@dataclass(frozen=True, slots=True)
class Way:
    """One way of moving delta: `quantums` base quantums worth `value`, for `cost`."""

    kind: str
    quantums: int
    value: int
    cost: int


def take_way(
    market: PerpetualMarket,
    levels: Iterable[BookLevel],
    side: Side,
    quantums: int,
    worst_subticks: int,
    oracle_price: int,
    fee_ppm: int,
) -> Way:
    """Price an immediate order against the book, level by level, up to the worst price."""
    left, paid = multiple_down(quantums, market.step_base_quantums), 0
    taken = 0
    for level in levels:
        beyond = (level.subticks - worst_subticks) * side.sign > 0
        if left == 0 or beyond:
            break
        part = min(left, level.quantums)
        paid += market.quote_quantums_up(part, level.subticks)
        taken += part
        left -= part
    taken = multiple_down(taken, market.step_base_quantums)
    value = market.oracle_value_down(taken, oracle_price)
    cost = (paid - value) * side.sign + div_up(paid * fee_ppm, PPM)
    return Way(kind=TAKE, quantums=taken, value=value, cost=cost)


def swap_output(seen: PoolObserved, zero_for_one: bool, amount_in: int) -> int:
    """Units that a swap pays out if the liquidity at the current price held all the way."""
    if seen.liquidity <= 0:
        return 0
    target = MIN_SQRT_PRICE if zero_for_one else MAX_SQRT_PRICE - 1
    step = swap_step(seen.sqrt_price_x96, target, seen.liquidity, amount_in, seen.fee_ppm)
    return step.amount_out


def pool_way(
    pool: PoolSettings,
    seen: PoolObserved,
    mark_sqrt_price: int,
    zero_for_one: bool,
    amount_in: int,
    quantums: int,
    gas_quote_quantums: int,
) -> Way:
    """Price swapping idle tokens in the pool; our own share of the fee comes back to us."""
    amount_out = swap_output(seen, zero_for_one, amount_in)
    if zero_for_one is pool.asset_is_token0:
        paid = amount_in
        received = base_value_down(pool, amount_out, mark_sqrt_price)
    else:
        paid = base_value_down(pool, amount_in, mark_sqrt_price)
        received = amount_out
    ours = sum(
        entry.liquidity for entry in seen.ranges if entry.tick_lower <= seen.tick < entry.tick_upper
    )
    fee = paid * seen.fee_ppm // PPM
    returned = fee * ours // seen.liquidity if seen.liquidity > 0 else 0
    cost = paid - received - returned + gas_quote_quantums
    return Way(kind=SWAP, quantums=quantums, value=paid, cost=cost)


def wait_way(net_value: int, band_value: int, full_charge_ppm: int) -> Way:
    """Charge for leaving the delta to skewed quotes: nothing at the band's edge, growing linearly
    to `full_charge_ppm` of what lies beyond at twice the band."""
    beyond = max(0, net_value - band_value)
    charge_ppm = full_charge_ppm if band_value <= 0 else full_charge_ppm * beyond // band_value
    return Way(kind=WAIT, quantums=0, value=beyond, cost=div_up(beyond * charge_ppm, PPM))


def cheapest(ways: tuple[Way, ...]) -> Way | None:
    """Return the way with the least cost per value moved; earlier ones win ties."""
    best: Way | None = None
    for way in ways:
        if way.value <= 0:
            continue
        if best is None or way.cost * best.value < best.cost * way.value:
            best = way
    return best
