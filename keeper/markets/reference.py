"""The price to quote around, from several sources: weighted, with how far they lie apart.

All prices of one call are integers in the same unit; weights are parts per million.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from keeper.domain.units import PPM, div_up

__all__ = ["PPB", "Reference", "composite", "drifted_basis", "microprice", "without_basis"]

PPB: Final = 1_000_000_000


class Reference(NamedTuple):
    """A composite price; no source is farther from it than `confidence_ppm`."""

    price: int
    confidence_ppm: int


def composite(sources: Sequence[tuple[int, int]]) -> Reference:
    """Average (price, weight) pairs, down; weights are taken relative to their sum.

    Raises ZeroDivisionError when all weights are zero or the price is.
    """
    total = weighted = 0
    for each, weight in sources:
        total += weight
        weighted += each * weight
    price = weighted // total
    farthest = max([abs(each - price) for each, _ in sources])
    return Reference(price, div_up(farthest * PPM, price))


def microprice(bid: int, bid_size: int, ask: int, ask_size: int) -> int:
    """Best prices weighted by the size on the other side, down: where the book leans to.

    Raises ZeroDivisionError when both sizes are zero.
    """
    return (bid * ask_size + ask * bid_size) // (bid_size + ask_size)


def drifted_basis(basis_ppb: int, sample_ppb: int, elapsed_ns: int, constant_ns: int) -> int:
    """Move an average towards a sample by elapsed / (constant + elapsed), rounded down.

    The weight of the past halves in about 0.7 time constants; after a long silence the sample
    is nearly all that counts.
    """
    return basis_ppb + (sample_ppb - basis_ppb) * elapsed_ns // (constant_ns + elapsed_ns)


def without_basis(price: int, basis_ppb: int) -> int:
    """Divide a price by 1 + basis, down: what it says about the market without the basis.

    Raises ZeroDivisionError when the basis is -1.
    """
    return price * PPB // (PPB + basis_ppb)
