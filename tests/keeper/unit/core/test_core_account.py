"""The folded account: first snapshot, flows before and after it, memory and its end."""

from keeper.core.account import (
    MEMORY_BLOCKS,
    add_fill,
    add_funding,
    add_transfer,
    observe,
    prune,
)
from keeper.core.state import Account
from keeper.domain.events import FillReceived, FundingPaid, VenueTransfer
from keeper.domain.orders import Liquidity, Side
from tests.keeper.builders import USDC, subaccount


def _fill(number: int, height: int) -> FillReceived:
    return FillReceived(
        fill_id=f"f{number}",
        market="ETH-USD",
        client_id=None,
        side=Side.BUY,
        quantums=10,
        subticks=1,
        quote_quantums=100,
        fee_quote_quantums=1,
        liquidity=Liquidity.TAKER,
        kind="LIQUIDATED",
        height=height,
    )


def _transfer(number: int, height: int, amount: int = 7) -> VenueTransfer:
    return VenueTransfer(
        transfer_id=f"t{number}", quote_quantums=amount, counterparty="w", height=height
    )


def test_add_fill__new_then_again__booked_once() -> None:
    account = Account()

    assert add_fill(account, _fill(1, 5))
    assert not add_fill(account, _fill(1, 5))
    assert account.usdc == -101
    assert account.positions["ETH-USD"].quantums == 10


def test_add_transfer__before_the_first_snapshot__part_of_the_opening_balance() -> None:
    early, late = Account(), Account()
    for account, first in ((early, True), (late, False)):
        if first:
            add_transfer(account, _transfer(1, 5))
        observe(account, subaccount(height=9, usdc=50))
        if not first:
            add_transfer(account, _transfer(1, 5))
        add_transfer(account, _transfer(2, 11, -3))

    assert early.transferred_in == late.transferred_in == 0
    assert early.transferred_out == late.transferred_out == 3
    assert early.usdc == late.usdc == 47


def test_observe__transfers_seen_above_the_first_snapshot__are_flows() -> None:
    account = Account()
    add_transfer(account, _transfer(1, 12))

    observe(account, subaccount(height=9, usdc=50))

    assert (account.usdc, account.transferred_in) == (57, 7)


def test_observe__older_or_equal_height__refused() -> None:
    account = Account()

    assert observe(account, subaccount(height=9, usdc=50))
    assert not observe(account, subaccount(height=9, usdc=60))
    assert not observe(account, subaccount(height=8, usdc=60))
    assert account.usdc == 50


def test_prune__changes_no_snapshot_holds__moved_into_the_base() -> None:
    account = Account()
    observe(account, subaccount(height=10, usdc=1_000 * USDC))
    add_fill(account, _fill(1, 11))
    add_funding(account, FundingPaid(market="ETH-USD", height=12, quote_quantums=-5))
    before = account.usdc

    prune(account, 12 + MEMORY_BLOCKS + 1)
    prune(account, 12 + MEMORY_BLOCKS)

    assert account.deltas == {}
    assert account.usdc == before
    assert account.positions["ETH-USD"].quantums == 10
    assert not add_fill(account, _fill(1, 11))
    assert not observe(account, subaccount(height=11, usdc=0))
    assert observe(account, subaccount(height=12 + MEMORY_BLOCKS, usdc=3, ETH=4))
    assert (account.usdc, account.positions["ETH-USD"].quantums) == (3, 4)


def test_prune__bookings_after_it__keep_what_was_moved() -> None:
    account = Account()
    observe(account, subaccount(height=10, usdc=1_000))
    add_fill(account, _fill(1, 11))
    prune(account, 11 + MEMORY_BLOCKS + 1)

    add_fill(account, _fill(2, 12 + MEMORY_BLOCKS))

    assert account.usdc == 1_000 - 202
    assert account.positions["ETH-USD"].quantums == 20
