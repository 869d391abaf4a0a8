"""The exact finite-horizon quotes of Gueant, Lehalle and Fernandez-Tapia (2013), as a table.

With alpha = k*gamma*sigma^2/2, beta = k*mu, eta = A*(1 + gamma/k)^-(1 + k/gamma) * e^(-k*xi/2):
    dv_q/dt = (alpha*q^2 - beta*q)*v_q - eta*(v_{q-1} + v_{q+1}),  v_q(T) = e^(-k*xi*q^2/2)
for q from -Q to Q, terms beyond them left out. That is v(t) = exp(-M*(T - t))*v(T), and
    bid distance at q < Q    (1/k)*ln(v_q/v_{q+1}) + (1/gamma)*ln(1 + gamma/k) + xi/2
    ask distance at q > -Q   (1/k)*ln(v_q/v_{q-1}) + (1/gamma)*ln(1 + gamma/k) + xi/2
A multiple of the identity is added to -M, which changes no ratio and leaves a matrix without
negative entries: its exponential (Taylor series, then squarings) and the products are then sums of
what is never negative, in fixed point of 384 bits, where nothing cancels. Every v stays above
2^-192 of the greatest or the table is refused, so that a distance is exact to the unit but for a
relative error of v below 2^-150.
"""

from collections.abc import Sequence
from fractions import Fraction
from operator import add, mul
from typing import Final, NamedTuple

from keeper.markets.fixed import exp_down, ln_up, power_near
from keeper.strategies.avellaneda_stoikov import premium

__all__ = ["MAX_TABLE_INVENTORY", "ROWS", "Model", "TableUnresolved", "distance_table"]

ROWS: Final = 60
"""Moments a horizon is divided into; a table has one more row, the first being its end."""

MAX_TABLE_INVENTORY: Final = 20

_BITS: Final = 384
_ONE: Final = 1 << _BITS
_LEAST: Final = 1 << _BITS // 2
_MAX_DOUBLINGS: Final = 40

Vector = list[int]
Matrix = list[Vector]


class TableUnresolved(ValueError):
    """Raised to the one who set the parameters: the values differ by more than a table resolves."""


class Model(NamedTuple):
    """The paper's parameters, in any units as long as they are the same throughout.

    `variance` is sigma squared per unit of time, `arrivals` is A, `drift` mu and `impact` xi.
    """

    gamma: Fraction
    k: Fraction
    arrivals: Fraction
    variance: Fraction
    drift: Fraction = Fraction(0)
    impact: Fraction = Fraction(0)


def distance_table(
    model: Model, most: int, horizon: Fraction, unit: int
) -> tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]:
    """Return (asks, bids) for each of ROWS + 1 times left: 0, horizon/ROWS, ..., horizon.

    Bids are the distances at q = -most..most-1, asks those at -q, in 1/unit of the price unit,
    rounded up. Raises TableUnresolved, and ValueError where a power cannot be computed.
    """
    values = _terminal(model, most)
    step = _step_matrix(model, most, horizon / ROWS)
    half_impact = model.impact / 2 * unit
    edge = premium(model.gamma, model.k, unit) - (-half_impact.numerator // half_impact.denominator)
    rows = [_distances(values, model.k, edge, unit)]
    for _ in range(ROWS):
        values = _advanced(step, values)
        rows.append(_distances(values, model.k, edge, unit))
    return tuple(rows)


def _distances(
    values: Vector, k: Fraction, edge: int, unit: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    bids = tuple(
        edge + _scaled_ln(values[i], values[i + 1], k, unit) for i in range(len(values) - 1)
    )
    asks = tuple(
        edge + _scaled_ln(values[i], values[i - 1], k, unit) for i in range(len(values) - 1, 0, -1)
    )
    return asks, bids


def _scaled_ln(numerator: int, denominator: int, k: Fraction, unit: int) -> int:
    scaled = unit / k
    return -(-ln_up(numerator, denominator, scaled.numerator) // scaled.denominator)


def _terminal(model: Model, most: int) -> Vector:
    """v at the end of the horizon."""
    penalties = (model.k * model.impact * q * q / 2 for q in range(-most, most + 1))
    return _checked([exp_down(-p.numerator, p.denominator, _ONE) for p in penalties])


def _step_matrix(model: Model, most: int, step: Fraction) -> Matrix:
    """exp(-M*step) times a constant, without a negative entry."""
    alpha = model.k * model.gamma * model.variance / 2
    beta = model.k * model.drift
    ratio, steepness = 1 + model.gamma / model.k, 1 + model.k / model.gamma
    power = power_near(ratio.as_integer_ratio(), (-steepness).as_integer_ratio(), _ONE)
    swollen = model.k * model.impact / 2
    damping = exp_down(-swollen.numerator, swollen.denominator, _ONE)
    eta = _bits(model.arrivals * step * Fraction(power * damping, _ONE * _ONE))
    diagonal = [_bits((alpha * q * q - beta * q) * step) for q in range(-most, most + 1)]
    greatest = max(diagonal)
    doublings = max(0, (greatest - min(diagonal) + 2 * eta).bit_length() - _BITS + 4)
    if doublings > _MAX_DOUBLINGS:
        raise TableUnresolved("the horizon is too long for the volatility and the arrivals")
    shifted = [(greatest - entry) >> doublings for entry in diagonal]
    matrix = _exponential(shifted, eta >> doublings)
    for _ in range(doublings):
        matrix = _normalised(_square(matrix))
    return matrix


def _exponential(diagonal: Vector, beside: int) -> Matrix:
    """exp of a small tridiagonal matrix by its series."""
    size = len(diagonal)
    term = [[_ONE if row == column else 0 for column in range(size)] for row in range(size)]
    total = [list(row) for row in term]
    count = 1
    while any(any(row) for row in term):
        term = [[entry // count for entry in _times(row, diagonal, beside)] for row in term]
        total = [list(map(add, *rows)) for rows in zip(total, term, strict=True)]
        count += 1
    return total


def _times(row: Vector, diagonal: Vector, beside: int) -> Vector:
    """A row times the symmetric tridiagonal matrix."""
    padded = [0, *row, 0]
    return [
        (padded[i + 1] * diagonal[i] + (padded[i] + padded[i + 2]) * beside) >> _BITS
        for i in range(len(row))
    ]


def _square(matrix: Matrix) -> Matrix:
    """The square of a symmetric matrix: rows are columns, and half of it mirrors the other."""
    size = len(matrix)
    squared = [[0] * size for _ in range(size)]
    for i, row in enumerate(matrix):
        for j in range(i, size):
            squared[i][j] = squared[j][i] = _dot(row, matrix[j]) >> _BITS
    return squared


def _advanced(step: Matrix, values: Vector) -> Vector:
    moved = [_dot(row, values) >> _BITS for row in step]
    greatest = max(moved)
    return _checked([(entry << _BITS) // greatest for entry in moved])


def _normalised(matrix: Matrix) -> Matrix:
    greatest = max(max(row) for row in matrix)
    return [[(entry << _BITS) // greatest for entry in row] for row in matrix]


def _dot(left: Sequence[int], right: Sequence[int]) -> int:
    return sum(map(mul, left, right))


def _checked(values: Vector) -> Vector:
    if min(values) < _LEAST:
        raise TableUnresolved("at the most inventory quotes would be absurdly far away")
    return values


def _bits(value: Fraction) -> int:
    return (value.numerator << _BITS) // value.denominator
