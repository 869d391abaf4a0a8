"""Logarithm, exponential, power and root of fractions, as integers rounded as their names say.

Integers alone, so that every machine gets the same answer. A result is the true value times
`unit`. `..._down` is its floor and `..._up` its ceiling, exactly: an approximation with a proven
error of less than two units in the last of its bits is refined until both ends of that interval
round alike, which ends because logarithm and exponential of a fraction are irrational (but at 1
and 0, which are answered apart). `power_near` is the nearest integer, off by no more than
`1/2 + 2**-60`, and exact where the true value is an integer: a power may be rational, so that no
refinement would ever end.
"""

from collections.abc import Callable
from functools import lru_cache
from math import isqrt
from typing import Final

__all__ = ["MAX_EXPONENT", "exp_down", "ln_down", "ln_up", "power_near", "sqrt_down"]

MAX_EXPONENT: Final = 100_000
"""Greatest exponent of `exp_down` and logarithm of `power_near`, in natural units."""

_GUARD_BITS = 64
_FIRST_BITS = 96


def sqrt_down(numerator: int, denominator: int, unit: int) -> int:
    """Return the floor of the square root of a fraction, times `unit`.

    Raises ValueError for a negative fraction, ZeroDivisionError.
    """
    return isqrt(numerator * unit * unit // denominator)


def ln_down(numerator: int, denominator: int, unit: int) -> int:
    """Return the floor of the natural logarithm of a fraction of two positive integers, times
    `unit`. Raises ValueError when either is not positive."""
    if numerator <= 0 or denominator <= 0:
        raise ValueError(f"no logarithm of {numerator}/{denominator}")
    if numerator == denominator:
        return 0
    return _floor(lambda bits: _ln(numerator, denominator, bits), unit)


def ln_up(numerator: int, denominator: int, unit: int) -> int:
    """Return the ceiling of the natural logarithm of a fraction, times `unit`.

    Raises ValueError as `ln_down` does.
    """
    return -ln_down(denominator, numerator, unit)


def exp_down(numerator: int, denominator: int, unit: int) -> int:
    """Return the floor of e to a fraction (denominator positive), times `unit`.

    Raises ValueError when the exponent is beyond MAX_EXPONENT either way.
    """
    if abs(numerator) > MAX_EXPONENT * denominator:
        raise ValueError(f"no exponential of {numerator}/{denominator}")
    if numerator == 0:
        return unit
    return _floor(lambda bits: _exp(numerator, denominator, bits), unit)


def power_near(base: tuple[int, int], exponent: tuple[int, int], unit: int) -> int:
    """Return the integer nearest to a positive fraction to the power of a fraction, times `unit`.

    The error is at most 1/2 + 2**-60. Raises ValueError when the base is not positive or the
    power is beyond e to MAX_EXPONENT either way.
    """
    if base[0] <= 0 or base[1] <= 0 or exponent[1] <= 0:
        raise ValueError(f"no power {exponent[0]}/{exponent[1]} of {base[0]}/{base[1]}")
    rough = ln_down(*base, 1 << 32) * exponent[0] // exponent[1]
    if abs(rough) > MAX_EXPONENT << 32:
        raise ValueError(f"power {exponent[0]}/{exponent[1]} of {base[0]}/{base[1]} is too large")
    spare = max(0, 2 * (rough >> 32)) + abs(exponent[0]).bit_length() + 4
    bits = unit.bit_length() + _GUARD_BITS + spare
    power = _exp(_ln(*base, bits) * exponent[0], exponent[1] << bits, bits - spare)
    return (2 * power * unit + (1 << bits - spare)) >> (bits - spare + 1)


def _floor(approximate: Callable[[int], int], unit: int) -> int:
    """Floor of an irrational value times `unit`, given approximations less than 2 off."""
    bits = _FIRST_BITS + unit.bit_length()
    while True:
        value = approximate(bits)
        low, high = (value - 2) * unit >> bits, (value + 2) * unit >> bits
        if low == high:
            return low
        bits *= 2


def _ln(numerator: int, denominator: int, bits: int) -> int:
    """ln(n/d) * 2**bits, less than 2 off: 2 atanh((m-1)/(m+1)) after powers of two are taken out.

    Each of the fewer than `work` terms of a series is off by less than 2 in units of 2**-work, and
    the logarithm of two counts as often as there are powers of two: all that is below 2**_GUARD.
    """
    work = bits + _GUARD_BITS
    twos = numerator.bit_length() - denominator.bit_length()
    top, bottom = (
        (numerator, denominator << twos) if twos >= 0 else (numerator << -twos, denominator)
    )
    rest = 2 * _atanh(top - bottom, top + bottom, work)
    return (rest + twos * _ln2(work)) >> _GUARD_BITS


def _exp(numerator: int, denominator: int, bits: int) -> int:
    """e**(n/d) * 2**bits, less than 2 off: a power of two times a series below e**(ln 2)."""
    rough = _twos_in(numerator, denominator)
    work = bits + _GUARD_BITS + max(0, rough) + abs(rough).bit_length()
    rest = (numerator << work) // denominator - rough * _ln2(work)
    total = term = 1 << work
    count = 1
    while term not in (0, -1):
        term = (term * rest >> work) // count
        total += term
        count += 1
    return total >> (work - bits - rough)


def _twos_in(numerator: int, denominator: int) -> int:
    """How often ln 2 goes into a fraction, down to within one."""
    return (numerator << 64) // (denominator * _ln2(64))


def _atanh(numerator: int, denominator: int, work: int) -> int:
    """Inverse hyperbolic tangent of a fraction within +-1/2, times 2**work."""
    term = (numerator << work) // denominator
    square = term * term >> work
    total, count = term, 3
    while term not in (0, -1):
        term = term * square >> work
        total += term // count
        count += 2
    return total


@lru_cache(maxsize=64)
def _ln2(bits: int) -> int:
    return 2 * _atanh(1, 3, bits + 16) >> 16
