"""What a European call is worth (Black-Scholes without interest), in exact integers.

Fractions of one are integers times `ONE`. Every step is rounded down at 192 bits or more, so that
the value is right to the last of its 18 decimals but one.
"""

from typing import Final

from keeper.markets.fixed import exp_down, ln_down, sqrt_down

__all__ = ["ONE", "call_value", "normal_cdf"]

ONE: Final = 10**18
_WORK: Final = 1 << 192
_TAIL: Final = 9
"""Beyond so many standard deviations less than 1e-18 is left."""
_DAY_YEAR: Final = 365 * 86_400
_BPS: Final = 10_000


def call_value(spot: int, strike: int, volatility_bps: int, seconds: int) -> int:
    """Value a call on one token, as part of the token's price [1e-18].

    `spot` and `strike` in the same unit, `volatility_bps` a year, `seconds` until it expires.
    Raises ValueError for what is not positive.
    """
    if min(spot, strike, volatility_bps, seconds) <= 0:
        raise ValueError("price, strike, volatility and term must be above zero")
    deviation = volatility_bps * sqrt_down(seconds, _DAY_YEAR, _WORK) // _BPS
    moneyness = ln_down(spot, strike, _WORK)
    upper = moneyness * _WORK // deviation + deviation // 2
    lower = upper - deviation
    value = _cdf(upper) - strike * _cdf(lower) // spot
    return max(0, value * ONE // _WORK)


def normal_cdf(numerator: int, denominator: int) -> int:
    """Probability that a standard normal number is below a fraction [1e-18]."""
    return _cdf(numerator * _WORK // denominator) * ONE // _WORK


def _cdf(x: int) -> int:
    """The same of `x / _WORK`, times `_WORK`: the density times x + x^3/3 + x^5/15 + ..."""
    if abs(x) >= _TAIL * _WORK:
        return _WORK if x > 0 else 0
    total = term = x
    square, odd = x * x // _WORK, 3
    while term not in (0, -1):
        term = term * square // _WORK // odd
        total += term
        odd += 2
    density = exp_down(-square, 2 * _WORK, _WORK) * _WORK // _root_of_two_pi()
    return _WORK // 2 + density * total // _WORK


def _root_of_two_pi() -> int:
    """By Machin: pi = 16 atan(1/5) - 4 atan(1/239)."""
    pi = 16 * _atan_of_inverse(5) - 4 * _atan_of_inverse(239)
    return sqrt_down(2 * pi, _WORK, _WORK)


def _atan_of_inverse(number: int) -> int:
    term = total = _WORK // number
    odd, sign = 3, -1
    while term:
        term //= number * number
        total += sign * (term // odd)
        odd, sign = odd + 2, -sign
    return total
