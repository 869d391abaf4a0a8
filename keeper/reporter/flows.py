"""Collateral that crossed the border of a venue account: bridged, foreign, and paid as tx fees."""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from keeper.reporter.capture import VenueAccount
from keeper.reporter.indexer import Transfer
from keeper.reporter.wire import WalletTx

__all__ = ["Flows", "subaccount_foreign", "wallet_flows"]


@dataclass(frozen=True, slots=True)
class Flows:
    """Cumulative quote quantums: bridged in and out, strangers' net, fees paid by the wallet."""

    bridged_in: int
    bridged_out: int
    foreign: int
    fees: int


def wallet_flows(account: VenueAccount, transactions: Iterable[WalletTx]) -> Flows:
    """Sum a wallet's transactions.

    A send to the bridge counts as home only when its memo names the adapter; everything that
    neither comes from or goes to the bridge nor stays within the account's own places is foreign.
    """
    own = _own_places(account)
    bridged_in = bridged_out = foreign = fees = 0
    for tx in transactions:
        fees += tx.fee if tx.signer == account.address else 0
        for sender, recipient, quantums in tx.sends:
            inward, outward = recipient == account.address, sender == account.address
            if inward and sender == account.bridge:
                bridged_in += quantums
            elif outward and recipient == account.bridge and _names(tx.memo, account.adapter):
                bridged_out += quantums
            elif inward and sender not in own:
                foreign += quantums
            elif outward and recipient not in own:
                foreign -= quantums
    return Flows(bridged_in, bridged_out, foreign, fees)


def subaccount_foreign(account: VenueAccount, transfers: Iterable[Transfer]) -> Fraction:
    """Net quote quantums strangers moved into the account's own subaccounts.

    Transfers with the own wallet are internal; those between own subaccounts are listed by both.
    """
    own = _own_places(account)
    total = Fraction(0)
    for transfer in {t.transfer_id: t for t in transfers}.values():
        if transfer.recipient in own and transfer.sender not in own:
            total += transfer.quantums
        elif transfer.sender in own and transfer.recipient not in own:
            total -= transfer.quantums
    return total


def _own_places(account: VenueAccount) -> frozenset[str]:
    subaccounts = (f"{account.address}/{number}" for number in account.subaccounts)
    return frozenset((account.address, *subaccounts))


def _names(memo: str, adapter: str) -> bool:
    return memo.strip().lower() == adapter.lower()
