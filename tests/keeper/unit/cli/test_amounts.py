"""Amounts: exact both ways, never rounded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keeper.cli.amounts import parse_amount, shown
from keeper.cli.failures import ArgumentInvalid


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("1", 1_000_000),
        ("0.000001", 1),
        ("1,000.5", 1_000_500_000),
        ("1_000", 10**9),
        (" 2 ", 2 * 10**6),
    ],
)
def test_parse_amount__plain_decimal__is_exact(text: str, units: int) -> None:
    assert parse_amount(text, 6, "USDC") == units


@pytest.mark.parametrize(
    "text", ["", "-1", "1e3", "1.", ".5", "0", "0.0", "1.1234567", "1,00", "0x10", "NaN", "\uff11"]
)
def test_parse_amount__anything_else__is_refused(text: str) -> None:
    with pytest.raises(ArgumentInvalid):
        parse_amount(text, 6, "USDC")


@given(st.integers(min_value=1, max_value=10**30), st.sampled_from([0, 6, 8, 18]))
def test_parse_amount__what_was_shown__comes_back(amount: int, decimals: int) -> None:
    text = shown(amount, decimals, "X").removesuffix(" X")

    assert parse_amount(text, decimals, "X") == amount


def test_shown__many_decimals__drops_zeros_only() -> None:
    assert shown(1_000_500_000_000_000_000_000, 18, "SHARE") == "1,000.50 SHARE"
    assert shown(1, 18, "SHARE") == "0.000000000000000001 SHARE"
