"""The equity formula on figures worked out by hand."""

import pytest

from keeper.reporter.equity import Account, Perpetual, Position, Price, Subaccount, equity

ETH = Perpetual(ticker="ETH-USD", market_id=1, atomic_resolution=-9, funding_index=0)
PRICE = Price(price=3_000_000_001, exponent=-6)  # 3000.000001 USDC


def account(
    *subaccounts: Subaccount, bank: int = 0, index: int = 0, price: Price = PRICE
) -> Account:
    eth = Perpetual(ETH.ticker, ETH.market_id, ETH.atomic_resolution, index)
    return Account(bank, subaccounts, {1: eth}, {1: price})


def position(quantums: int, index: int = 0, quote: int = 0) -> Position:
    return Position(1, quantums, index, quote)


def test_equity__cash_only__sum_of_wallet_and_subaccounts() -> None:
    found = account(Subaccount(5, ()), Subaccount(-2, ()), bank=10)

    assert equity(found) == 13


@pytest.mark.parametrize(
    ("quantums", "value"),
    [
        (1_000_000_000, 3_000_000_001),  # 1 ETH
        (1_500_000, 4_500_000),  # 4,500,000.0015 truncated
        (-1_500_000, -4_500_000),  # towards zero, not down
    ],
)
def test_equity__position__truncated_towards_zero(quantums: int, value: int) -> None:
    assert equity(account(Subaccount(100, (position(quantums),)))) == 100 + value


@pytest.mark.parametrize(
    ("quantums", "moved", "funding"),
    [
        (1_000_000, 3, -3),  # a long pays when the index rises
        (-1_000_000, 3, 3),
        (500_000, 3, -2),  # -1.5 down to -2
        (-500_000, 3, 1),  # +1.5 down to 1
    ],
)
def test_equity__unsettled_funding__floored(quantums: int, moved: int, funding: int) -> None:
    still = account(Subaccount(0, (position(quantums, 7),)), index=7)
    later = account(Subaccount(0, (position(quantums, 7),)), index=7 + moved)

    assert equity(later) - equity(still) == funding


def test_equity__funding_of_two_positions__floored_once_per_subaccount() -> None:
    # -1.5 and -1.5 are -3 together; floored apart they would be -4.
    held = (position(500_000, 0), position(500_000, 0))
    still = account(Subaccount(0, held))
    later = account(Subaccount(0, held), index=3)

    assert equity(later) - equity(still) == -3


def test_equity__quote_balance__counts() -> None:
    assert equity(account(Subaccount(1, (position(0, quote=-40),)))) == -39


def test_equity__positive_exponent__multiplied() -> None:
    big = Perpetual("BIG-USD", 1, 0, 0)
    found = Account(0, [Subaccount(0, (position(-2),))], {1: big}, {1: Price(7, -4)})

    assert equity(found) == -2 * 7 * 100


def test_equity__price_missing__no_guess() -> None:
    found = Account(0, [Subaccount(0, (position(1),))], {1: ETH}, {})

    with pytest.raises(KeyError):
        equity(found)
