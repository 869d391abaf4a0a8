"""Integer arithmetic with the rounding direction in the name, and the units money is counted in."""

from typing import Final

__all__ = [
    "BPS",
    "NS_PER_MS",
    "NS_PER_SECOND",
    "PPM",
    "div_down",
    "div_up",
    "mul_div_down",
    "mul_div_up",
]

PPM: Final = 1_000_000
BPS: Final = 10_000
NS_PER_MS: Final = 1_000_000
NS_PER_SECOND: Final = 1_000_000_000


def div_down(numerator: int, denominator: int) -> int:
    """Divide towards minus infinity. Raises ZeroDivisionError."""
    return numerator // denominator


def div_up(numerator: int, denominator: int) -> int:
    """Divide towards plus infinity. Raises ZeroDivisionError."""
    return -(-numerator // denominator)


def mul_div_down(a: int, b: int, denominator: int) -> int:
    """Compute a*b/denominator towards minus infinity. Raises ZeroDivisionError."""
    return a * b // denominator


def mul_div_up(a: int, b: int, denominator: int) -> int:
    """Compute a*b/denominator towards plus infinity. Raises ZeroDivisionError."""
    return -(-(a * b) // denominator)
