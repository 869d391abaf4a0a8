"""What an open position cost, through growing, reducing, closing and turning."""

import pytest

from keeper.accounting.holding import Holding

Fills = list[tuple[int, int]]


@pytest.mark.parametrize(
    ("fills", "quantums", "cost"),
    [
        ([(10, 1_000)], 10, 1_000),
        ([(10, 1_000), (10, 1_200)], 20, 2_200),
        ([(10, 1_000), (10, 1_200), (-5, -700)], 15, 1_650),
        ([(10, 1_000), (-10, -1_300)], 0, 0),
        ([(10, 1_000), (-15, -1_800)], -5, -600),
        ([(-10, -1_000), (4, 380)], -6, -600),
        ([(-10, -1_000), (10, 380), (3, 330)], 3, 330),
        ([(3, 100), (-1, -50)], 2, 67),
    ],
)
def test_add__fills_in_turn__keeps_the_average_of_what_is_open(
    fills: Fills, quantums: int, cost: int
) -> None:
    holding = Holding()

    for base, quote in fills:
        holding.add(base, quote)

    assert (holding.quantums, holding.cost) == (quantums, cost)
