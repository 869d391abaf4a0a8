"""Prices, parts and the drawn price path, as a person reads them."""

import pytest

from keeper.cli.bond.figures import chart, discount_text, part_text, price_text
from keeper.markets.bonds import PRICE_ONE, Point


@pytest.mark.parametrize(
    ("price", "text"),
    [
        (5 * PRICE_ONE, "5.00"),
        (4930555555555555555555555555555555556, "4.93055"),
        (1234567 * PRICE_ONE + 1, "1,234,567"),
        (PRICE_ONE // 10**6 * 1234567, "1.23456"),
        (1234567 * 10**20, "0.000000000123456"),
        (1, "0." + "0" * 35 + "1"),
        (0, "0.00"),
    ],
)
def test_price_text__any_price__has_six_digits_that_count(price: int, text: str) -> None:
    assert price_text(price) == text


@pytest.mark.parametrize(
    ("part", "whole", "text"), [(1, 3, "33.33 %"), (0, 5, "0.00 %"), (1, 0, "0.00 %")]
)
def test_part_text__part__is_in_percent_rounded_down(part: int, whole: int, text: str) -> None:
    assert part_text(part, whole) == text


def test_discount_text__both_signs__say_which_side() -> None:
    assert discount_text(1_050) == "10.50 % below the market"
    assert discount_text(-50) == "0.50 % above the market"


def test_chart__falling_price__falls_from_the_top_to_the_floor() -> None:
    path = [Point(n * 3_600, price * PRICE_ONE) for n, price in enumerate([8, 6, 4, 2, 2])]

    rows = chart(path, reference=3 * PRICE_ONE, floor=2 * PRICE_ONE)

    assert rows == [
        "8.00 |*",
        "     |",
        "     | *",
        "     |",
        "4.00 |  *",
        "     |=====",
        "     |___**",
        "     |",
        "     +-----",
        "      now4 h",
    ]


def test_chart__price_above_all_else__is_never_outside() -> None:
    path = [Point(0, 10 * PRICE_ONE), Point(60, 10 * PRICE_ONE)]

    rows = chart(path, reference=0, floor=PRICE_ONE)

    assert sum(row.count("*") for row in rows) == 2
    assert "=" not in "".join(rows)
