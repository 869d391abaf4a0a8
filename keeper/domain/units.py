"""Integer arithmetic with the rounding direction in the name, and the units money is counted in."""

from typing import Final, NewType

__all__ = [
    "BPS",
    "NS_PER_MS",
    "NS_PER_SECOND",
    "PPM",
    "BaseQuantums",
    "QuoteQuantums",
    "Subticks",
    "TokenUnits",
    "div_down",
    "div_up",
    "mul_div_down",
    "mul_div_up",
]

PPM: Final = 1_000_000
BPS: Final = 10_000
NS_PER_MS: Final = 1_000_000
NS_PER_SECOND: Final = 1_000_000_000

TokenUnits = NewType("TokenUnits", int)
"""Smallest unit of an ERC-20 token (1e-6 of a 6-decimal asset)."""
QuoteQuantums = NewType("QuoteQuantums", int)
"""Smallest unit of a CLOB venue's quote asset (1e-6 USDC on dYdX)."""
BaseQuantums = NewType("BaseQuantums", int)
"""Smallest size unit of a perpetual: 10^atomic_resolution of the base asset."""
Subticks = NewType("Subticks", int)
"""Smallest price unit of a perpetual: 10^(quantum_conversion_exponent-6-atomic_resolution) USDC."""


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
