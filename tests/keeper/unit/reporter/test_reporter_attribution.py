"""Change by cause on a worked example, its identity, and what is refused."""

import dataclasses
from fractions import Fraction

import pytest

from keeper.reporter.attribution import Causes, History, attribute
from keeper.reporter.equity import Account, Perpetual, Position, Price, Subaccount, equity
from keeper.reporter.indexer import Fill, Funding
from keeper.reporter.model import Refusal

USDC = 1_000_000
ETH = Perpetual("ETH-USD", 1, -9, 0)


def price(usdc: int) -> Price:
    return Price(usdc * 1_000_000, -6)


def account(usdc: int, eth_quantums: int, mark: int) -> Account:
    held = (Position(1, eth_quantums, 0, 0),) if eth_quantums else ()
    return Account(0, [Subaccount(usdc, held)], {1: ETH}, {1: price(mark)})


def fill(size: str, at: int, height: int, fee: int) -> Fill:
    base = Fraction(size)
    return Fill(f"f{height}{size}", "ETH-USD", height, base, abs(base) * at * USDC, Fraction(fee))


ORACLES = {11: 3_000, 12: 3_010}


def oracle(height: int, market_id: int) -> Price | None:
    assert market_id == 1
    return price(ORACLES[height]) if height in ORACLES else None


# Before: 1 ETH long at 3000. Buys 1 at 2990 (oracle 3000), sells 0.5 at 3020 (oracle 3010), then
# the oracle ends at 3040. Fees 0.299 and 0.151 USDC; funding -2 USDC; wallet fees 0.01 USDC.
BEFORE = account(10_000 * USDC, 10**9, 3_000)
FILLS = (fill("1", 2_990, 11, 299_000), fill("-0.5", 3_020, 12, 151_000))
HISTORY = History(FILLS, (Funding("ETH-USD", 12, Fraction(-2 * USDC)),), 10_000)
CASH = 10_000 * USDC - 2_990 * USDC + 1_510 * USDC - 450_000 - 2 * USDC - 10_000
AFTER = account(CASH, 1_500_000_000, 3_040)
CHANGE = equity(AFTER) - equity(BEFORE)


def test_attribute__worked_example__each_cause_by_definition() -> None:
    # spread: 1*(3000-2990) + 0.5*(3020-3010) = 15
    # inventory: 1*(3040-3000) + 1*(3040-3000) - 0.5*(3040-3010) = 65
    found = attribute(CHANGE, BEFORE, AFTER, HISTORY, oracle)

    assert found == Causes(15 * USDC, 65 * USDC, -2 * USDC, -460_000)
    assert sum(found.as_pnl()) == CHANGE


def test_attribute__long_and_short__opposite_signs() -> None:
    mirrored = tuple(dataclasses.replace(f, size=-f.size) for f in FILLS)
    cash = 10_000 * USDC + 2_990 * USDC - 1_510 * USDC
    before, after = account(10_000 * USDC, -(10**9), 3_000), account(cash, -1_500_000_000, 3_040)
    free = tuple(dataclasses.replace(f, fee=Fraction(0)) for f in mirrored)

    found = attribute(equity(after) - equity(before), before, after, History(free, (), 0), oracle)

    assert found == Causes(-15 * USDC, -65 * USDC, 0, 0)


def test_attribute__first_report__starts_from_nothing() -> None:
    after = account(10_000 * USDC - 2_990 * USDC, 10**9, 3_000)
    history = History((fill("1", 2_990, 11, 0),), (), 0)

    found = attribute(equity(after) - 10_000 * USDC, None, after, history, oracle)

    assert found == Causes(10 * USDC, 0, 0, 0)


def test_attribute__rounding_of_a_few_units__goes_to_inventory() -> None:
    found = attribute(CHANGE - 3, BEFORE, AFTER, HISTORY, oracle)

    assert isinstance(found, Causes)
    assert found.inventory == 65 * USDC - 3


@pytest.mark.parametrize("off", [-1_000, 1_000])
def test_attribute__more_than_rounding__unexplained(off: int) -> None:
    found = attribute(CHANGE + off, BEFORE, AFTER, HISTORY, oracle)

    assert found == Refusal(
        code="UNEXPLAINED", subject="inventory", ours=65 * USDC, theirs=65 * USDC + off
    )


def test_attribute__a_fill_missing__positions_do_not_meet() -> None:
    history = dataclasses.replace(HISTORY, fills=FILLS[:1])

    found = attribute(CHANGE, BEFORE, AFTER, history, oracle)

    assert found == Refusal(
        code="FILLS_INCOMPLETE", subject="position ETH-USD", ours="2000000000", theirs=1_500_000_000
    )


def test_attribute__oracle_at_a_fill_missing__refused_with_its_height() -> None:
    found = attribute(CHANGE, BEFORE, AFTER, HISTORY, lambda _height, _market: None)

    assert found == Refusal(code="NO_ORACLE_AT_FILL", subject="ETH-USD", ours="none", theirs=11)


def test_attribute__market_never_listed__refused() -> None:
    history = dataclasses.replace(HISTORY, fills=(dataclasses.replace(FILLS[0], ticker="XX-USD"),))

    found = attribute(CHANGE, BEFORE, AFTER, history, oracle)

    assert isinstance(found, Refusal)
    assert found.code == "UNKNOWN_MARKET"
