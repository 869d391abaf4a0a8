"""The simulation of Avellaneda and Stoikov (2008), section 3.3, with the rule's own distances.

s = 100, T = 1, sigma = 2, dt = 0.005, k = 1.5, A = 140, gamma = 0.1, 0.01 and 0.5: the price steps
by sigma*sqrt(dt) up or down, an order at a distance d fills in a step with min(A*exp(-k*d)*dt, 1).
The paper drew a thousand paths; as fills do not depend on the price, their mean and deviation can
also be had exactly, from the moments of what was earned at each inventory.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import pairwise
from math import exp, sqrt
from random import Random
from statistics import fmean, pstdev

import pytest

from keeper.strategies.avellaneda_stoikov import finite_distance, premium

K, SIGMA = Fraction(3, 2), 2
STEPS, ARRIVALS = 200, 140
UNIT = 10**9
MOST = 60
NOTHING = 1e-12  # of all paths; it keeps inventories within MOST
PATHS = 1_000
GAMMAS = (Fraction(1, 100), Fraction(1, 10), Fraction(1, 2))
Distance = Callable[[int, int], float]
"""Of a side from the middle, by steps gone and the inventory that a fill of it adds to."""

Rows = list[list[tuple[float, float]]]
"""(distance, chance of a fill) by step and inventory from -MOST on."""


@dataclass(frozen=True)
class Outcome:
    """Over all paths: mean spread, profit and inventory at the end, in the paper's units."""

    spread: float
    profit: float
    profit_deviation: float
    inventory: float
    inventory_deviation: float


@dataclass
class Moments:
    """Of what fills earned against the middle, over the paths that are at one inventory."""

    chance: float = 0.0
    first: float = 0.0
    second: float = 0.0

    def add(self, other: "Moments", share: float, earned: float) -> None:
        """Take in `share` of another inventory's paths, which just earned so much."""
        self.chance += share * other.chance
        self.first += share * (other.first + earned * other.chance)
        self.second += share * (other.second + 2 * earned * other.first + earned**2 * other.chance)


@cache
def by_inventory(gamma: Fraction) -> Distance:
    @cache
    def distance(step: int, inventory: int) -> float:
        risk = gamma * SIGMA**2 * Fraction(STEPS - step, STEPS)
        return finite_distance(risk, premium(gamma, K, UNIT), Fraction(inventory), UNIT) / UNIT

    return distance


@cache
def symmetric(gamma: Fraction) -> Distance:
    distance = by_inventory(gamma)
    return lambda step, _inventory: distance(step, 0)


def tabled(distance: Distance) -> Rows:
    return [
        [
            (d, min(ARRIVALS * exp(-float(K) * d) / STEPS, 1.0))
            for d in (distance(step, q) for q in range(-MOST, MOST + 1))
        ]
        for step in range(STEPS)
    ]


@cache
def exact(distance: Distance) -> Outcome:
    """What infinitely many paths come to.

    Profit is what fills earned plus inventory times the price's steps, which are independent of
    both and of each other: its variance is that of the first plus the mean square of the second.
    """
    rows = tabled(distance)
    paths, carried = {0: Moments(chance=1.0)}, 0.0
    for row in rows:
        paths = _after_fills(paths, row)
        carried += SIGMA**2 / STEPS * sum(q * q * m.chance for q, m in paths.items())
    mean = sum(m.first for m in paths.values())
    earned = sum(m.second for m in paths.values()) - mean**2
    middle = sum(q * m.chance for q, m in paths.items())
    square = sum(q * q * m.chance for q, m in paths.items())
    return Outcome(_spread(rows), mean, sqrt(earned + carried), middle, sqrt(square - middle**2))


def _after_fills(paths: dict[int, Moments], row: list[tuple[float, float]]) -> dict[int, Moments]:
    after: dict[int, Moments] = {}
    for q, moments in paths.items():
        if moments.chance < NOTHING:
            continue
        (bid, bought), (ask, sold) = row[MOST + q], row[MOST - q]
        for change, share, earned in (
            (0, (1 - bought) * (1 - sold), 0.0),
            (1, bought * (1 - sold), bid),
            (-1, (1 - bought) * sold, ask),
            (0, bought * sold, bid + ask),
        ):
            after.setdefault(q + change, Moments()).add(moments, share, earned)
    return after


def simulated(distance: Distance, seed: int) -> Outcome:
    rows, random = tabled(distance), Random(seed)
    ends = [_path(rows, random) for _ in range(PATHS)]
    profits, inventories = [e[0] for e in ends], [float(e[1]) for e in ends]
    return Outcome(
        _spread(rows),
        profit=fmean(profits),
        profit_deviation=pstdev(profits),
        inventory=fmean(inventories),
        inventory_deviation=pstdev(inventories),
    )


def _path(rows: Rows, random: Random) -> tuple[float, int]:
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


def _spread(rows: Rows) -> float:
    return fmean(2 * row[MOST][0] for row in rows)


@pytest.mark.parametrize(
    ("quotes", "table"),
    [
        (by_inventory, Outcome(1.49, 65.0, 6.6, 0.08, 2.9)),
        (symmetric, Outcome(1.49, 68.4, 12.7, 0.26, 8.4)),
    ],
    ids=["inventory", "symmetric"],
)
def test_exact__the_papers_market__gives_its_table(
    quotes: Callable[[Fraction], Distance], table: Outcome
) -> None:
    """The paper's means lie within three of their standard errors, its deviations within 7 %."""
    found = exact(quotes(Fraction(1, 10)))
    error = 3 / sqrt(PATHS)

    assert found.spread == pytest.approx(table.spread, abs=0.005)
    assert found.profit == pytest.approx(table.profit, abs=error * found.profit_deviation)
    assert found.inventory == pytest.approx(table.inventory, abs=error * found.inventory_deviation)
    assert found.profit_deviation == pytest.approx(table.profit_deviation, rel=0.07)
    assert found.inventory_deviation == pytest.approx(table.inventory_deviation, rel=0.07)


@pytest.mark.parametrize("quotes", [by_inventory, symmetric])
@pytest.mark.parametrize("gamma", GAMMAS)
def test_simulation__a_thousand_paths__near_the_exact_figures(
    gamma: Fraction, quotes: Callable[[Fraction], Distance]
) -> None:
    found, expected = simulated(quotes(gamma), seed=1), exact(quotes(gamma))
    error = 3 / sqrt(PATHS)

    assert found.spread == expected.spread
    assert found.profit == pytest.approx(expected.profit, abs=error * expected.profit_deviation)
    assert found.inventory == pytest.approx(0.0, abs=error * expected.inventory_deviation)
    assert found.profit_deviation == pytest.approx(expected.profit_deviation, rel=0.07)
    assert found.inventory_deviation == pytest.approx(expected.inventory_deviation, rel=0.07)


@pytest.mark.parametrize(("gamma", "spread"), zip(GAMMAS, (1.35, 1.49, 2.16), strict=True), ids=str)
def test_exact__spread__mean_of_both_terms_over_the_horizon(gamma: Fraction, spread: float) -> None:
    """2/gamma*ln(1 + gamma/k), and gamma*sigma^2*(T - t) from the first step to the last."""
    assert exact(by_inventory(gamma)).spread == pytest.approx(spread, abs=0.005)


def test_exact__more_risk_aversion__less_inventory_and_less_profit() -> None:
    found = [exact(by_inventory(gamma)) for gamma in GAMMAS]

    for careless, careful in pairwise(found):
        assert careful.profit_deviation < careless.profit_deviation
        assert careful.inventory_deviation < careless.inventory_deviation
        assert careful.profit < careless.profit
    for outcome, gamma in zip(found, GAMMAS, strict=True):
        plain = exact(symmetric(gamma))
        assert outcome.profit_deviation < plain.profit_deviation
        assert outcome.profit < plain.profit
