"""Margin: what positions require, how it grows with open interest, which updates pass."""

from dataclasses import replace

import pytest

from keeper.devnet.exchange.chain import Chain
from keeper.devnet.exchange.config import DEFAULT_MARKETS, ExchangeConfig
from keeper.devnet.exchange.margin import (
    initial_margin_ppm,
    notional,
    risk,
    scaled,
    update_is_allowed,
)
from keeper.devnet.exchange.model import Position, Subaccount
from tests.keeper.exchange.conftest import GENESIS_NS
from tests.keeper.exchange.wallets import ETH

ETH_MARKET = DEFAULT_MARKETS[1]
CAPPED = replace(
    ETH_MARKET,
    open_interest_lower_cap=1_000_000_000_000,  # 1M USDC
    open_interest_upper_cap=2_000_000_000_000,
)
PRICE = 3_000_000_000


def holding(usdc: int, quantums: int, quote: int = 0) -> Subaccount:
    return Subaccount(usdc, {ETH: Position(quantums, 0, quote)} if quantums else {})


@pytest.mark.parametrize(
    ("value", "exponent", "expected"),
    [(7, 2, 700), (799, -2, 7), (-799, -2, -7), (0, -3, 0)],
)
def test_scaled__truncates_toward_zero(value: int, exponent: int, expected: int) -> None:
    assert scaled(value, exponent) == expected


@pytest.mark.parametrize(("quantums", "expected"), [(333, 999), (-333, -999), (1, 3)])
def test_notional__eth_quantums_at_3000__is_three_quote_quantums_each(
    quantums: int, expected: int
) -> None:
    assert notional(ETH_MARKET, PRICE, quantums) == expected


@pytest.mark.parametrize(
    ("interest_eth", "expected"),
    [(0, 50_000), (333, 50_000), (500, 525_000), (667, 1_000_000), (5_000, 1_000_000)],
)
def test_initial_margin_ppm__open_interest_between_caps__rises_to_all(
    interest_eth: int, expected: int
) -> None:
    assert initial_margin_ppm(CAPPED, PRICE, interest_eth * 10**9) == expected


def test_initial_margin_ppm__no_caps__stays() -> None:
    assert initial_margin_ppm(ETH_MARKET, PRICE, 10**15) == 50_000


def test_risk__short_position__counts_value_quote_and_both_margins(chain: Chain) -> None:
    found = risk(chain.state, holding(1_000_000_000, -(10**9), quote=3_100_000_000))

    assert found.net_collateral == 1_000_000_000 + 3_100_000_000 - 3_000_000_000
    assert (found.initial, found.maintenance) == (150_000_000, 90_000_000)


def test_risk__open_interest_at_cap__needs_all_initial_and_base_maintenance() -> None:
    chain = Chain(ExchangeConfig(markets=(DEFAULT_MARKETS[0], CAPPED)), GENESIS_NS)
    eth = chain.state.perpetuals.get(ETH)
    assert eth is not None
    chain.state.perpetuals.put(ETH, replace(eth, open_interest=700 * 10**9))

    found = risk(chain.state, holding(0, 10**9))

    assert (found.initial, found.maintenance) == (3_000_000_000, 90_000_000)


@pytest.mark.parametrize(
    ("before", "after", "allowed"),
    [
        ((200_000_000, 0, 0), (200_000_000, 10**9, -3_000_000_000), True),
        ((149_999_999, 0, 0), (149_999_999, 10**9, -3_000_000_000), False),
        # below initial margin already: smaller at the same collateral passes, larger does not
        (
            (100_000_000, 10**9, -3_000_000_000),
            (100_000_000, 9 * 10**8, -2_700_000_000),
            True,
        ),
        (
            (100_000_000, 10**9, -3_000_000_000),
            (100_000_000, 11 * 10**8, -3_300_000_000),
            False,
        ),
        # smaller, but collateral falls faster than the requirement
        (
            (100_000_000, 10**9, -3_000_000_000),
            (40_000_000, 9 * 10**8, -2_700_000_000),
            False,
        ),
        # closing with a debt left
        ((-5, 10**9, -3_000_000_000), (-5, 0, 0), False),
        ((0, 10**9, -3_000_000_000), (0, 0, 0), True),
    ],
)
def test_update_is_allowed__initial_margin_or_less_risk(
    chain: Chain,
    before: tuple[int, int, int],
    after: tuple[int, int, int],
    allowed: bool,
) -> None:
    old, new = holding(*before), holding(*after)

    assert update_is_allowed(chain.state, old, new) is allowed
