"""The simulation of Avellaneda and Stoikov (2008), section 3.3, with the rule's own distances.

s = 100, T = 1, sigma = 2, dt = 0.005, k = 1.5, A = 140, gamma = 0.1: the price steps by
sigma*sqrt(dt) up or down, an order at a distance d fills in a step with min(A*exp(-k*d)*dt, 1).
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import exp, sqrt
from random import Random
from statistics import fmean, pstdev

import pytest

from keeper.strategies.avellaneda_stoikov import finite_distance, premium

GAMMA, K, SIGMA = Fraction(1, 10), Fraction(3, 2), 2
STEPS, ARRIVALS = 200, 140
UNIT = 10**9
MOST = 60
PATHS = 1_000
Distance = Callable[[int, int], float]
"""Of a side from the middle, by steps gone and the inventory that a fill of it adds to."""


@dataclass(frozen=True)
class Outcome:
    """Over all paths: mean spread, profit and inventory at the end, in the paper's units."""

    spread: float
    profit: float
    profit_deviation: float
    inventory: float
    inventory_deviation: float


def inventory_distance(step: int, inventory: int) -> float:
    risk = GAMMA * SIGMA**2 * Fraction(STEPS - step, STEPS)
    return finite_distance(risk, premium(GAMMA, K, UNIT), Fraction(inventory), UNIT) / UNIT


def symmetric_distance(step: int, _inventory: int) -> float:
    return inventory_distance(step, 0)


def tabled(distance: Distance) -> list[list[tuple[float, float]]]:
    """(distance, chance of a fill) by step and inventory from -MOST on."""
    return [
        [
            (d, min(ARRIVALS * exp(-float(K) * d) / STEPS, 1.0))
            for d in (distance(step, q) for q in range(-MOST, MOST + 1))
        ]
        for step in range(STEPS)
    ]


def simulated(distance: Distance, seed: int) -> Outcome:
    rows, random = tabled(distance), Random(seed)
    ends = [_path(rows, random) for _ in range(PATHS)]
    profits, inventories = [e[0] for e in ends], [float(e[1]) for e in ends]
    return Outcome(
        spread=fmean(2 * row[MOST][0] for row in rows),
        profit=fmean(profits),
        profit_deviation=pstdev(profits),
        inventory=fmean(inventories),
        inventory_deviation=pstdev(inventories),
    )


def _path(rows: list[list[tuple[float, float]]], random: Random) -> tuple[float, int]:
    price, cash, held = 100.0, 0.0, 0
    move = SIGMA * sqrt(1 / STEPS)
    for row in rows:
        (bid, bought), (ask, sold) = row[MOST + held], row[MOST - held]
        change = 0
        if random.random() < bought:
            cash -= price - bid
            change += 1
        if random.random() < sold:
            cash += price + ask
            change -= 1
        held += change
        price += move if random.random() < 0.5 else -move
    return cash + held * price, held


@pytest.mark.parametrize(
    ("distance", "table"),
    [
        (inventory_distance, Outcome(1.49, 65.0, 6.6, 0.08, 2.9)),
        (symmetric_distance, Outcome(1.49, 68.4, 12.7, 0.26, 8.4)),
    ],
    ids=["inventory", "symmetric"],
)
def test_simulation__the_papers_market__gives_its_table(distance: Distance, table: Outcome) -> None:
    """Means of a thousand paths differ by three standard errors of both, deviations by a tenth."""
    found = simulated(distance, seed=1)
    error = 3 * sqrt(2 / PATHS)

    assert found.spread == pytest.approx(table.spread, abs=0.005)
    assert found.profit == pytest.approx(table.profit, abs=error * table.profit_deviation)
    assert found.inventory == pytest.approx(table.inventory, abs=error * table.inventory_deviation)
    assert found.profit_deviation == pytest.approx(table.profit_deviation, rel=0.1)
    assert found.inventory_deviation == pytest.approx(table.inventory_deviation, rel=0.1)
