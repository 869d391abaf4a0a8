"""The ledger: balanced entries, natural keys, what the venue rounds, canonical bytes."""

import pytest

from keeper.accounting.entries import Entry, Posting
from keeper.accounting.ledger import Ledger
from keeper.domain.commands import CommandId
from keeper.domain.events import (
    Event,
    FillReceived,
    FundingPaid,
    Reconciled,
    SubaccountObserved,
    TransactionMined,
    VenueTransfer,
)
from keeper.domain.orders import Liquidity, Side
from tests.keeper.samples import observed

TRANSFER = VenueTransfer(transfer_id="t1", quote_quantums=5_000_000, counterparty="w", height=8)
FUNDING = FundingPaid(market="ETH-USD", height=9, quote_quantums=-7)


def fill(side: Side, height: int, *, fee: int = 300) -> FillReceived:
    return FillReceived(
        fill_id=f"f{height}",
        market="ETH-USD",
        client_id=1,
        side=side,
        quantums=1_000_000,
        subticks=3_000_000_000,
        quote_quantums=3_000_000,
        fee_quote_quantums=fee,
        liquidity=Liquidity.MAKER,
        kind="LIMIT",
        height=height,
    )


def mined(tx_hash: str, *, final: bool) -> TransactionMined:
    return TransactionMined(
        command=CommandId(1, 2, 0),
        tx_hash=tx_hash,
        block_number=3,
        block_hash="0xb",
        succeeded=True,
        gas_used=21_000,
        effective_gas_price=10**9,
        final=final,
    )


def ledger_of(*events: Event) -> Ledger:
    ledger = Ledger()
    for event in events:
        ledger.apply(event)
    return ledger


def test_entry__postings_that_do_not_balance__are_refused() -> None:
    with pytest.raises(ValueError, match="does not balance"):
        Entry(kind="fill", key="1", height=1, postings=(Posting("venue:cash", "quote", 1),))


def test_books__buy_with_fee__moves_position_and_cash() -> None:
    balances = ledger_of(fill(Side.BUY, 9)).books().balances

    assert balances == {
        "fees:ETH-USD": {"quote": 300},
        "trade:ETH-USD": {"ETH-USD": -1_000_000, "quote": 3_000_000},
        "venue:cash": {"quote": -3_000_300},
        "venue:position": {"ETH-USD": 1_000_000},
    }


def test_books__sell_with_rebate__earns_the_fee() -> None:
    balances = ledger_of(fill(Side.SELL, 9, fee=-100)).books().balances

    assert balances["venue:cash"] == {"quote": 3_000_100}
    assert balances["fees:ETH-USD"] == {"quote": -100}
    assert balances["venue:position"] == {"ETH-USD": -1_000_000}


def test_books__transfer_and_funding__are_booked_against_their_accounts() -> None:
    balances = ledger_of(TRANSFER, FUNDING).books().balances

    assert balances == {
        "funding:ETH-USD": {"quote": 7},
        "transfers": {"quote": -5_000_000},
        "venue:cash": {"quote": 4_999_993},
    }


def test_apply__second_delivery__changes_nothing() -> None:
    once = ledger_of(TRANSFER, FUNDING, fill(Side.BUY, 9), mined("0x1", final=True))
    twice = ledger_of(
        TRANSFER,
        FUNDING,
        fill(Side.BUY, 9),
        fill(Side.BUY, 9),
        FUNDING,
        TRANSFER,
        mined("0x1", final=True),
        mined("0x1", final=True),
    )

    assert once.books().to_bytes() == twice.books().to_bytes()


def test_books__gas__counts_final_receipts_only() -> None:
    ledger = ledger_of(
        mined("0x1", final=False), mined("0x1", final=True), mined("0x2", final=False)
    )

    assert ledger.books().balances == {
        "gas": {"wei": 21_000 * 10**9},
        "keeper:wei": {"wei": -21_000 * 10**9},
    }


def test_books__first_observation__opens_the_account_without_earlier_fills() -> None:
    start = Reconciled(height=10, subaccount=observed(10, 1_000, 500, -40), open_orders=())
    ledger = ledger_of(start, fill(Side.BUY, 9))

    assert ledger.books().balances["venue:cash"] == {"quote": 960}
    assert ledger.books().balances["venue:position"] == {"ETH-USD": 500}
    assert [entry.kind for entry in ledger.venue_entries()] == ["fill", "opening"]


def test_books__venue_agrees__nothing_is_settled() -> None:
    ledger = ledger_of(
        observed(10, 5_000_000),
        fill(Side.BUY, 11),
        observed(11, 5_000_000 - 300, 1_000_000, -3_000_000),
    )

    assert [entry.kind for entry in ledger.venue_entries()] == ["opening", "fill"]


def test_books__venue_rounds_a_quantum__is_rounding() -> None:
    ledger = ledger_of(
        observed(10, 5_000_000),
        fill(Side.BUY, 11),
        observed(11, 5_000_000 - 301, 1_000_000, -3_000_000),
    )

    assert ledger.books().balances["rounding"] == {"quote": 1}


@pytest.mark.parametrize(
    "after",
    [observed(11, 4_999_698, 1_000_000, -3_000_000), observed(11, 4_999_700, 999_999, -3_000_000)],
    ids=["cash", "position"],
)
def test_books__more_than_rounding__is_unexplained(after: SubaccountObserved) -> None:
    ledger = ledger_of(observed(10, 5_000_000), fill(Side.BUY, 11), after)

    assert [entry.kind for entry in ledger.venue_entries()][-1] == "unexplained"


def test_books__late_fill_of_an_observed_height__explains_it_again() -> None:
    before = (observed(10, 5_000_000), observed(11, 4_999_700, 1_000_000, -3_000_000))
    ledger = ledger_of(*before)
    assert "unexplained" in ledger.books().balances

    ledger.apply(fill(Side.BUY, 11))

    assert "unexplained" not in ledger.books().balances
