"""Profit by cause: each by its definition, all of them to the unit."""

import msgspec
import pytest

from keeper.accounting.attribution import (
    Causes,
    MissingPrice,
    VenueProfit,
    attribute,
    price_moves_down,
)
from keeper.accounting.ledger import Ledger
from keeper.domain.events import Event, FundingPaid, MarketListed, OraclePriced, VenueTransfer
from keeper.domain.orders import Side
from tests.keeper.markets import ETH
from tests.keeper.samples import (
    fill,
    observed,
)

LISTED = MarketListed(market=ETH)
ETH_1 = 1_000_000_000
"""One ETH in base quantums."""


def oracle(height: int, dollars: int) -> OraclePriced:
    return OraclePriced(market="ETH-USD", source="a", price=dollars * 10**6, height=height)


def trade(side: Side, dollars: int, height: int, fee: int = 0) -> Event:
    return msgspec.structs.replace(
        fill(height),
        side=side,
        quantums=ETH_1,
        subticks=dollars * 10**6,
        quote_quantums=dollars * 10**6,
        fee_quote_quantums=fee,
    )


def ledger_of(*events: Event) -> Ledger:
    ledger = Ledger()
    for event in events:
        ledger.apply(event)
    return ledger


def test_attribute__bought_below_sold_above__is_spread() -> None:
    ledger = ledger_of(
        LISTED,
        oracle(1, 3_000),
        observed(1, 10**10),
        trade(Side.BUY, 2_999, 2),
        trade(Side.SELL, 3_002, 3),
    )

    profit = attribute(ledger, 1, 3)

    assert isinstance(profit, VenueProfit)
    assert profit.causes == Causes(
        spread=3 * 10**6, inventory=0, funding=0, fees_and_rebates=0, incentives=0
    )
    assert profit.closing_equity - profit.opening_equity == 3 * 10**6


def test_attribute__price_moves_while_holding__is_inventory() -> None:
    ledger = ledger_of(
        LISTED,
        oracle(1, 3_000),
        observed(1, 10**10),
        trade(Side.BUY, 3_000, 2),
        oracle(3, 3_010),
        oracle(5, 2_990),
    )

    profit = attribute(ledger, 1, 6)

    assert isinstance(profit, VenueProfit)
    assert profit.causes.inventory == -10 * 10**6
    assert profit.causes.inventory == price_moves_down(ledger, 1, 6)
    assert profit.causes.spread == 0


def test_attribute__fill_in_the_block_of_a_new_price__edge_is_to_the_new_one() -> None:
    ledger = ledger_of(
        LISTED, oracle(1, 3_000), observed(1, 10**10), oracle(2, 2_980), trade(Side.BUY, 2_990, 2)
    )

    profit = attribute(ledger, 1, 2)

    assert isinstance(profit, VenueProfit)
    assert profit.causes.spread == -10 * 10**6
    assert profit.causes.inventory == 0


def test_attribute__every_cause_at_once__sums_to_equity_net_of_transfers() -> None:
    ledger = ledger_of(
        LISTED,
        oracle(1, 3_000),
        observed(1, 10**10),
        VenueTransfer(transfer_id="t", quote_quantums=-4_000, counterparty="w", height=2),
        trade(Side.SELL, 3_001, 3, fee=777),
        FundingPaid(market="ETH-USD", height=4, quote_quantums=55),
        oracle(4, 2_995),
        observed(5, 10**10 - 4_000 - 777 + 55 - 1, -ETH_1, 3_001 * 10**6),
    )

    profit = attribute(ledger, 1, 5)

    assert isinstance(profit, VenueProfit)
    assert profit.causes == Causes(
        spread=10**6, inventory=5 * 10**6 - 1, funding=55, fees_and_rebates=-777, incentives=0
    )
    assert profit.transfers == -4_000
    assert profit.unexplained_entries == 0
    change = profit.closing_equity - profit.opening_equity
    assert profit.causes.total == change - profit.transfers


def test_attribute__no_price_at_the_fill__says_which_is_missing() -> None:
    ledger = ledger_of(LISTED, observed(1, 10**10), trade(Side.BUY, 3_000, 2), oracle(3, 3_000))

    assert attribute(ledger, 1, 3) == MissingPrice("ETH-USD", 2)


def test_attribute__market_never_listed__says_so() -> None:
    ledger = ledger_of(observed(1, 10**10), oracle(1, 3_000), trade(Side.BUY, 3_000, 2))

    assert attribute(ledger, 1, 3) == MissingPrice("ETH-USD", 2)


def test_attribute__venue_holds_what_nobody_booked__is_counted_as_unexplained() -> None:
    ledger = ledger_of(LISTED, oracle(1, 3_000), observed(1, 10**10), observed(2, 10**10 + 5))

    profit = attribute(ledger, 1, 2)

    assert isinstance(profit, VenueProfit)
    assert profit.unexplained_entries == 1


@pytest.mark.parametrize(("start", "end"), [(0, 5), (3, 2)])
def test_attribute__span_outside_what_was_observed__is_refused(start: int, end: int) -> None:
    ledger = ledger_of(LISTED, oracle(1, 3_000), observed(1, 10**10))

    with pytest.raises(ValueError, match="not within"):
        attribute(ledger, start, end)
