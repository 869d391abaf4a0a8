"""The trading subaccount folded from snapshots and single changes, whichever comes first.

Position and cash are the newest committed snapshot plus every change above its height. Changes are
kept by natural key, so their order against the snapshot, and a second delivery, do not matter.
"""

from keeper.core.state import Account, Delta, Position
from keeper.domain.events import (
    FillReceived,
    FundingPaid,
    SubaccountObserved,
    VenueTransfer,
)

__all__ = ["MEMORY_BLOCKS", "add_fill", "add_funding", "add_transfer", "observe", "prune"]

MEMORY_BLOCKS = 1_000
"""How far below the head a change is remembered; an older one that arrives late is refused."""


def add_fill(account: Account, fill: FillReceived) -> bool:
    """Book a fill; tell whether it is new."""
    sign = fill.side.sign
    return _add(
        account,
        f"fill:{fill.fill_id}",
        Delta(
            height=fill.height,
            market=fill.market,
            quantums=sign * fill.quantums,
            quote=-sign * fill.quote_quantums - fill.fee_quote_quantums,
        ),
    )


def add_funding(account: Account, paid: FundingPaid) -> bool:
    """Book a funding payment; tell whether it is new."""
    key = f"funding:{paid.market}:{paid.height}"
    delta = Delta(height=paid.height, market="", quantums=0, quote=paid.quote_quantums)
    return _add(account, key, delta)


def add_transfer(account: Account, transfer: VenueTransfer) -> bool:
    """Book a deposit or withdrawal; tell whether it is new.

    What happened up to the first snapshot is part of the opening balance, not a flow.
    """
    key = f"transfer:{transfer.transfer_id}"
    delta = Delta(height=transfer.height, market="", quantums=0, quote=transfer.quote_quantums)
    if not _add(account, key, delta):
        return False
    if transfer.height > account.start_height:
        _count_flow(account, transfer.quote_quantums)
    return True


def observe(account: Account, seen: SubaccountObserved) -> bool:
    """Take a committed snapshot unless an equal or later height is known; tell whether taken."""
    if seen.height <= account.base_height or seen.height < account.floor_height:
        return False
    if not account.known:
        account.known = True
        account.start_height = seen.height
        account.transferred_in = account.transferred_out = 0
        for key, delta in account.deltas.items():
            if key.startswith("transfer:") and delta.height > seen.height:
                _count_flow(account, delta.quote)
    account.base_height = seen.height
    account.base_usdc = seen.usdc_quote_quantums
    account.base_positions = {
        position.market: Position(quantums=position.quantums, quote_balance=position.quote_balance)
        for position in seen.positions
    }
    _recompute(account)
    return True


def prune(account: Account, height: int) -> None:
    """Forget keys far below `height`; what no snapshot holds yet moves into the base."""
    floor = height - MEMORY_BLOCKS
    if floor <= account.floor_height:
        return
    account.floor_height = floor
    old = [key for key, delta in account.deltas.items() if delta.height < floor]
    for key in old:
        delta = account.deltas.pop(key)
        if delta.height > account.base_height:
            account.base_usdc += delta.quote
            if delta.market:
                base = account.base_positions.setdefault(delta.market, Position())
                base.quantums += delta.quantums


def _add(account: Account, key: str, delta: Delta) -> bool:
    if key in account.deltas or delta.height < account.floor_height:
        return False
    account.deltas[key] = delta
    if delta.height > account.base_height:
        _apply(account, delta)
    return True


def _apply(account: Account, delta: Delta) -> None:
    account.usdc += delta.quote
    if delta.market:
        account.positions.setdefault(delta.market, Position()).quantums += delta.quantums


def _recompute(account: Account) -> None:
    account.usdc = account.base_usdc
    account.positions = {
        market: Position(quantums=base.quantums, quote_balance=base.quote_balance)
        for market, base in account.base_positions.items()
    }
    for delta in account.deltas.values():
        if delta.height > account.base_height:
            _apply(account, delta)


def _count_flow(account: Account, quote_quantums: int) -> None:
    if quote_quantums >= 0:
        account.transferred_in += quote_quantums
    else:
        account.transferred_out -= quote_quantums
