"""`keeper bond compare` without a chain: three costs and every input."""

import json
from collections.abc import Callable
from typing import Any

import pytest

Keeper = Callable[..., Any]
WORDS = ("bond", "compare", "--tokens", "5,000,000", "--price", "1.15", "--discount-bps", "1000")
UNIT = 10**18


def test_compare__typed_figures__have_the_three_costs(keeper: Keeper) -> None:
    shell = keeper(*WORDS, "--retainer", "5000", "--json")

    data = json.loads(shell.out)
    assert data["bond"]["cost"] == 575_000 * UNIT
    assert data["bond"]["liquidity_that_stays"] == 5_175_000 * UNIT
    assert data["loan"]["cost"] // UNIT == 1_516_525
    assert data["loan"]["strike_e36"] == 1_725 * 10**33
    assert data["retainer"]["cost"] == 60_000 * UNIT


def test_compare__loans_own_terms__are_taken(keeper: Keeper) -> None:
    own = ("--loan", "1000", "--strike-bps", "0", "--months", "24", "--volatility-bps", "5000")
    shell = keeper(*WORDS, *own, "--loan-fee", "7", "--retainer", "1", "--json")

    loan = json.loads(shell.out)["loan"]
    assert (loan["tokens"], loan["months"], loan["fee"]) == (1_000 * UNIT, 24, 7 * UNIT)
    # At the money over two years at 50 %: 2 N(0.35355) - 1.
    assert loan["option_e18"] // 10**14 == 2_763
    assert loan["cost"] == loan["option"] + 7 * UNIT


def test_compare__for_a_person__states_every_input(keeper: Keeper) -> None:
    out = keeper(*WORDS, "--retainer", "5000").out

    for words in ("26.37 % of the loan", "1.725 USD", "100.00 % a year, a guess", "10.00 %"):
        assert words in out


@pytest.mark.parametrize(
    "words",
    [
        ("--tokens", "5"),
        ("--market", "1", "--tokens", "5"),
        (),
    ],
)
def test_compare__figures_missing_or_twice__is_refused(
    keeper: Keeper, words: tuple[str, ...]
) -> None:
    shell = keeper("bond", "compare", *words, "--retainer", "5000", "--json")

    assert json.loads(shell.out)["error"]["code"] == "ARGUMENT_INVALID"
