"""Every rule refuses what cannot be quoted on, each with its code and both numbers."""

from typing import Any

import pytest

from keeper.domain.orders import Side
from keeper.domain.strategies import Strategy
from keeper.strategies import rules
from tests.keeper.unit.strategies.examples import EXAMPLES
from tests.keeper.unit.strategies.scenes import ETHER, USDC, prices, quotes_of, refusal, snapshot

ABSURD_HIGH = (1 << 64) * 10
BAD: list[tuple[dict[str, Any], str, int, int]] = [
    ({"oracle_price": 0}, "ZERO_ORACLE", 1, 0),
    ({"oracle_price": -5}, "ZERO_ORACLE", 1, -5),
    ({"reference_price": 0}, "ZERO_REFERENCE", 1, 0),
    ({"reference_price": -1}, "ZERO_REFERENCE", 1, -1),
    ({"oracle_price": 999}, "PRICE_ABSURD", 1_000, 999),
    ({"reference_price": ABSURD_HIGH}, "PRICE_ABSURD", (1 << 64) - 1, ABSURD_HIGH),
    ({"equity": 0}, "NO_EQUITY", 1, 0),
    ({"equity": -7}, "NO_EQUITY", 1, -7),
]


@pytest.mark.parametrize("rule", EXAMPLES, ids=lambda rule: type(rule).__name__)
@pytest.mark.parametrize(("changes", "code", "limit", "value"), BAD)
def test_quote__no_basis__refused_with_code_and_numbers(
    rule: Strategy, changes: dict[str, Any], code: str, limit: int, value: int
) -> None:
    found = refusal(rules.quote(rule, snapshot(**changes)))

    assert (found.code, found.subject, found.limit, found.value) == (code, "ETH-USD", limit, value)


@pytest.mark.parametrize("rule", EXAMPLES, ids=lambda rule: type(rule).__name__)
def test_quote__examples__two_sides_around_the_reference(rule: Strategy) -> None:
    answer = rules.quote(rule, snapshot(now_s=1_000))

    asks, bids = prices(answer, Side.SELL), prices(answer, Side.BUY)
    assert len(asks) == len(bids) == rule.layers
    assert max(bids) < 3_000 * USDC < min(asks)
    assert asks == sorted(asks)
    assert bids == sorted(bids, reverse=True)
    assert rules.problems(rule) == ()
    nearest = min(asks[0] - 3_000 * USDC, 3_000 * USDC - bids[0])
    assert nearest >= rules.half_spread_ppm(rule, 50) * 3_000


@pytest.mark.parametrize("rule", EXAMPLES, ids=lambda rule: type(rule).__name__)
def test_quote__closing__the_reducing_side_and_no_more_than_the_inventory(rule: Strategy) -> None:
    answer = rules.quote(rule, snapshot(inventory=ETHER // 10, close_only=True))

    assert {quote.side for quote in quotes_of(answer)} == {Side.SELL}
    assert sum(quote.quantums for quote in quotes_of(answer)) <= ETHER // 10
