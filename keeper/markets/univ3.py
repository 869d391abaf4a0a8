"""Exact integer maths of Uniswap v3: ticks, square root prices, amounts, liquidity, one swap step.

A `sqrt_price` is the square root of token1 units per token0 unit, times 2**96. Every result equals
the contracts' to the unit; the direction of rounding is in the name.
"""

from math import isqrt
from typing import NamedTuple

__all__ = [
    "BPS",
    "FEE_DENOMINATOR",
    "MAX_SQRT_PRICE",
    "MAX_TICK",
    "MIN_SQRT_PRICE",
    "MIN_TICK",
    "Q96",
    "Q128",
    "PriceOutOfRange",
    "SwapStep",
    "TickOutOfRange",
    "amount0_down",
    "amount0_up",
    "amount1_down",
    "amount1_up",
    "amounts_down",
    "amounts_up",
    "ceil_div",
    "deviates",
    "liquidity_for_amount0_down",
    "liquidity_for_amount1_down",
    "liquidity_for_amounts_down",
    "mean_tick_down",
    "next_sqrt_price_from_input",
    "next_sqrt_price_from_output",
    "quote0_in_1_down",
    "quote1_in_0_down",
    "sqrt_price_at_tick",
    "sqrt_price_down",
    "swap_step",
    "tick_at_sqrt_price",
]

Q96 = 1 << 96
Q128 = 1 << 128
MIN_TICK = -887272
MAX_TICK = 887272
MIN_SQRT_PRICE = 4295128739
MAX_SQRT_PRICE = 1461446703485210103287273052203988822378723970342
FEE_DENOMINATOR = 1_000_000  # a pool's fee is in millionths
BPS = 10_000

_UINT256_MAX = (1 << 256) - 1
# 2**128 / sqrt(1.0001)**(2**i), rounded, for i = 0..19.
_ROOT_POWERS = (
    0xFFFCB933BD6FAD37AA2D162D1A594001,
    0xFFF97272373D413259A46990580E213A,
    0xFFF2E50F5F656932EF12357CF3C7FDCC,
    0xFFE5CACA7E10E4E61C3624EAA0941CD0,
    0xFFCB9843D60F6159C9DB58835C926644,
    0xFF973B41FA98C081472E6896DFB254C0,
    0xFF2EA16466C96A3843EC78B326B52861,
    0xFE5DEE046A99A2A811C461F1969C3053,
    0xFCBE86C7900A88AEDCFFC83B479AA3A4,
    0xF987A7253AC413176F2B074CF7815E54,
    0xF3392B0822B70005940C7A398E4B70F3,
    0xE7159475A2C29B7443B29C7FA6E889D9,
    0xD097F3BDFD2022B8845AD8F792AA5825,
    0xA9F746462D870FDF8A65DC1F90E061E5,
    0x70D869A156D2A1B890BB3DF62BAF32F7,
    0x31BE135F97D08FD981231505542FCFA6,
    0x9AA508B5B7A84E1C677DE54F3E99BC9,
    0x5D6AF8DEDB81196699C329225EE604,
    0x2216E584F5FA1EA926041BEDFE98,
    0x48A170391F7DC42444E8FA2,
)
_LOG_BITS = 20  # fractional bits of the base-2 logarithm that seeds the search for a tick
_LOG2_OF_ROOT_E30 = 72_131_145_547_277_089_195_535_450  # log2(sqrt(1.0001)) * 1e30, rounded


class TickOutOfRange(ValueError):
    """A tick beyond the pool's bounds; raised to the caller, who chose it."""


class PriceOutOfRange(ValueError):
    """A square root price beyond the pool's bounds; raised to the caller, who chose it."""


class SwapStep(NamedTuple):
    """A swap within one range of constant liquidity; amounts in token units."""

    sqrt_price: int
    amount_in: int
    amount_out: int
    fee: int


def ceil_div(numerator: int, denominator: int) -> int:
    """Divide rounding towards plus infinity."""
    return -(-numerator // denominator)


def sqrt_price_at_tick(tick: int) -> int:
    """Return the square root price at a tick. Raises TickOutOfRange."""
    magnitude = abs(tick)
    if magnitude > MAX_TICK:
        raise TickOutOfRange(tick)
    ratio = Q128
    for bit, power in enumerate(_ROOT_POWERS):
        if magnitude >> bit & 1:
            ratio = ratio * power >> 128
    if tick > 0:
        ratio = _UINT256_MAX // ratio
    return ceil_div(ratio, 1 << 32)


def tick_at_sqrt_price(sqrt_price: int) -> int:
    """Return the greatest tick whose price is at most `sqrt_price`. Raises PriceOutOfRange."""
    if not MIN_SQRT_PRICE <= sqrt_price < MAX_SQRT_PRICE:
        raise PriceOutOfRange(sqrt_price)
    tick = _log2_down(sqrt_price) * 10**30 // (_LOG2_OF_ROOT_E30 << _LOG_BITS)
    tick = max(tick, MIN_TICK)
    while sqrt_price_at_tick(tick + 1) <= sqrt_price:  # the logarithm errs downwards alone
        tick += 1
    return tick


def _log2_down(sqrt_price: int) -> int:
    """Return log2(sqrt_price / 2**96) times 2**_LOG_BITS, rounded down to within a few units."""
    exponent = sqrt_price.bit_length() - 1
    mantissa = (sqrt_price << 127) >> exponent
    result = exponent - 96
    for _ in range(_LOG_BITS):
        mantissa = mantissa * mantissa >> 127
        carry = mantissa >> 128
        mantissa >>= carry
        result = result << 1 | carry
    return result


def amount0_down(sqrt_a: int, sqrt_b: int, liquidity: int) -> int:
    """Return the token0 units between two prices, rounded down."""
    low, high = sorted((sqrt_a, sqrt_b))
    return (liquidity << 96) * (high - low) // high // low


def amount0_up(sqrt_a: int, sqrt_b: int, liquidity: int) -> int:
    """Return the token0 units between two prices, rounded up."""
    low, high = sorted((sqrt_a, sqrt_b))
    return ceil_div(ceil_div((liquidity << 96) * (high - low), high), low)


def amount1_down(sqrt_a: int, sqrt_b: int, liquidity: int) -> int:
    """Return the token1 units between two prices, rounded down."""
    return liquidity * abs(sqrt_b - sqrt_a) >> 96


def amount1_up(sqrt_a: int, sqrt_b: int, liquidity: int) -> int:
    """Return the token1 units between two prices, rounded up."""
    return ceil_div(liquidity * abs(sqrt_b - sqrt_a), Q96)


def amounts_down(sqrt_price: int, lower: int, upper: int, liquidity: int) -> tuple[int, int]:
    """Return what a range holds at a price (what a burn pays), rounded down; `lower`, `upper` are
    square root prices."""
    price = min(max(sqrt_price, lower), upper)
    return amount0_down(price, upper, liquidity), amount1_down(lower, price, liquidity)


def amounts_up(sqrt_price: int, lower: int, upper: int, liquidity: int) -> tuple[int, int]:
    """Return what a mint costs at a price, rounded up; `lower`, `upper` are square root prices."""
    price = min(max(sqrt_price, lower), upper)
    return amount0_up(price, upper, liquidity), amount1_up(lower, price, liquidity)


def liquidity_for_amount0_down(lower: int, upper: int, amount0: int) -> int:
    """Return the most liquidity that `amount0` pays for between two square root prices."""
    return amount0 * lower * upper // (upper - lower) >> 96


def liquidity_for_amount1_down(lower: int, upper: int, amount1: int) -> int:
    """Return the most liquidity that `amount1` pays for between two square root prices."""
    return (amount1 << 96) // (upper - lower)


def liquidity_for_amounts_down(
    sqrt_price: int, lower: int, upper: int, amount0: int, amount1: int
) -> int:
    """Return the most liquidity whose mint costs at most both amounts."""
    if sqrt_price <= lower:
        return liquidity_for_amount0_down(lower, upper, amount0)
    if sqrt_price >= upper:
        return liquidity_for_amount1_down(lower, upper, amount1)
    return min(
        liquidity_for_amount0_down(sqrt_price, upper, amount0),
        liquidity_for_amount1_down(lower, sqrt_price, amount1),
    )


def next_sqrt_price_from_input(
    sqrt_price: int, liquidity: int, amount_in: int, zero_for_one: bool
) -> int:
    """Return the price after an input without fee, rounded so that the pool never loses."""
    if zero_for_one:
        numerator = liquidity << 96
        denominator = numerator + amount_in * sqrt_price
        if denominator > _UINT256_MAX:  # the contract falls back to a form that cannot overflow
            return ceil_div(numerator, numerator // sqrt_price + amount_in)
        return ceil_div(numerator * sqrt_price, denominator)
    return sqrt_price + (amount_in << 96) // liquidity


def next_sqrt_price_from_output(
    sqrt_price: int, liquidity: int, amount_out: int, zero_for_one: bool
) -> int:
    """Return the price after an output, rounded so that the pool never loses. Raises
    PriceOutOfRange if the liquidity cannot pay it."""
    if zero_for_one:
        after = sqrt_price - ceil_div(amount_out << 96, liquidity)
        if after <= 0:
            raise PriceOutOfRange(after)
        return after
    numerator = liquidity << 96
    product = amount_out * sqrt_price
    denominator = numerator - product
    if denominator <= 0 or product > _UINT256_MAX:
        raise PriceOutOfRange(denominator)
    return ceil_div(numerator * sqrt_price, denominator)


def swap_step(
    sqrt_price: int, sqrt_target: int, liquidity: int, remaining: int, fee_ppm: int
) -> SwapStep:
    """Swap towards a target; `remaining` is input if positive, minus the output if negative."""
    zero_for_one = sqrt_price >= sqrt_target
    price = _step_price(sqrt_price, sqrt_target, liquidity, remaining, fee_ppm)
    if zero_for_one:
        amount_in = amount0_up(price, sqrt_price, liquidity)
        amount_out = amount1_down(price, sqrt_price, liquidity)
    else:
        amount_in = amount1_up(sqrt_price, price, liquidity)
        amount_out = amount0_down(sqrt_price, price, liquidity)
    if remaining < 0:
        amount_out = min(amount_out, -remaining)
    if remaining >= 0 and price != sqrt_target:
        return SwapStep(price, amount_in, amount_out, remaining - amount_in)
    fee = ceil_div(amount_in * fee_ppm, FEE_DENOMINATOR - fee_ppm)
    return SwapStep(price, amount_in, amount_out, fee)


def _step_price(
    sqrt_price: int, sqrt_target: int, liquidity: int, remaining: int, fee_ppm: int
) -> int:
    """Return the price one step ends at: the target where the remaining amount reaches it."""
    zero_for_one = sqrt_price >= sqrt_target
    if remaining >= 0:
        net = remaining * (FEE_DENOMINATOR - fee_ppm) // FEE_DENOMINATOR
        span = amount0_up if zero_for_one else amount1_up
        if net >= span(sqrt_target, sqrt_price, liquidity):
            return sqrt_target
        return next_sqrt_price_from_input(sqrt_price, liquidity, net, zero_for_one)
    span = amount1_down if zero_for_one else amount0_down
    if -remaining >= span(sqrt_target, sqrt_price, liquidity):
        return sqrt_target
    return next_sqrt_price_from_output(sqrt_price, liquidity, -remaining, zero_for_one)


def sqrt_price_down(token0_units: int, token1_units: int) -> int:
    """Return the square root price at which both amounts are worth the same, rounded down."""
    return isqrt((token1_units << 192) // token0_units)


def quote0_in_1_down(amount0: int, sqrt_price: int) -> int:
    """Return the token1 units that `amount0` is worth at a price, as the adapter rounds it."""
    return amount0 * (sqrt_price * sqrt_price >> 64) >> 128


def quote1_in_0_down(amount1: int, sqrt_price: int) -> int:
    """Return the token0 units that `amount1` is worth at a price, as the adapter rounds it."""
    return (amount1 << 128) // ceil_div(sqrt_price * sqrt_price, 1 << 64)


def deviates(sqrt_a: int, sqrt_b: int, limit_bps: int) -> bool:
    """Return whether the higher price exceeds the lower by more than a limit in basis points."""
    low, high = (price * price >> 64 for price in sorted((sqrt_a, sqrt_b)))
    return high - low > low * limit_bps // BPS


def mean_tick_down(cumulative_start: int, cumulative_end: int, window_seconds: int) -> int:
    """Return the mean tick between two cumulative observations, rounded down."""
    return (cumulative_end - cumulative_start) // window_seconds
