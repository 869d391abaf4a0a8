"""Weighted average, distance, microprice and basis in integers, against values worked by hand."""

import pytest

from keeper.markets.reference import (
    PPB,
    composite,
    drifted_basis,
    microprice,
    without_basis,
)


def test_composite__weights__average_down_and_farthest_distance_up() -> None:
    # (3000 * 4 + 3010 * 6) / 10 = 3006; the farthest source is 6 / 3006 = 1996.007... ppm away
    assert composite([(3_000, 400_000), (3_010, 600_000)]) == (3_006, 1_997)


def test_composite__one_source__is_it() -> None:
    assert composite([(3_000, 7)]) == (3_000, 0)


def test_composite__weights_do_not_add_up_to_a_million__relative_to_their_sum() -> None:
    assert composite([(100, 1), (103, 2)]).price == 102


def test_composite__no_weight__raises() -> None:
    with pytest.raises(ZeroDivisionError):
        composite([(3_000, 0)])


def test_microprice__more_to_buy__leans_to_the_ask() -> None:
    # (100 * 1 + 104 * 3) / 4 = 103
    assert microprice(100, 3, 104, 1) == 103


def test_drifted_basis__half_a_constant__a_third_of_the_way() -> None:
    assert drifted_basis(0, 900, 50, 100) == 300


def test_drifted_basis__no_time__unchanged() -> None:
    assert drifted_basis(123, 999_999, 0, 100) == 123


def test_drifted_basis__constant_sample__is_approached_and_never_passed() -> None:
    basis = 0
    for _ in range(200):
        former, basis = basis, drifted_basis(basis, 500_000, 1, 10)
        assert former <= basis <= 500_000

    assert basis > 499_900


def test_without_basis__premium_of_a_thousandth__taken_out() -> None:
    assert without_basis(300_300_000, PPB // 1_000) == 300_000_000
