"""The integer double-entry ledger, folded from the same events in a live run and in a replay.

Entries are kept by natural key and ordered only when read, so that neither a second delivery nor
the interleaving of independent sources changes a byte of it.

Accounts of the venue: `venue:cash` (quote), `venue:position` (base quantums per market),
`trade:M`, `fees:M`, `funding:M`, `transfers`, `opening`, `rounding`, `unexplained`.
Gas is the keeper's own cost: `keeper:wei` against `gas`.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from keeper.accounting.entries import CASH, POSITION, QUOTE, WEI, Entry, Posting, balances
from keeper.accounting.pool_leg import PoolLegs
from keeper.accounting.prices import PriceHistory
from keeper.accounting.reconciling import reconcile
from keeper.domain import events as ev
from keeper.domain.instruments import PerpetualMarket

__all__ = ["Books", "Ledger"]


class Books(msgspec.Struct, frozen=True, kw_only=True):
    """The ledger read at one moment: every entry in order, and what they add up to."""

    entries: tuple[Entry, ...]
    balances: dict[str, dict[str, int]]

    def to_bytes(self) -> bytes:
        """Return the canonical bytes: JSON in field order, equal books give equal bytes."""
        return msgspec.json.encode(self)


class Ledger:
    """Takes every event; what is no matter of money passes it by."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}
        self._observed: dict[int, ev.SubaccountObserved] = {}
        self.markets: dict[str, PerpetualMarket] = {}
        self.prices: dict[str, PriceHistory] = {}
        self.fills: dict[str, ev.FillReceived] = {}
        self.pools = PoolLegs()

    def apply(self, event: ev.Event) -> None:
        """Fold one event; a second delivery changes nothing."""
        handler = _HANDLERS.get(type(event))
        if handler is not None:
            handler(self, event)
        self.pools.apply(event)

    def venue_entries(self) -> list[Entry]:
        """Return the venue's entries by height, reconciled with what the venue said it holds.

        Each observed height gets an entry for what the entries up to it leave open: `opening` at
        the first, then `rounding` within a quantum per entry, else `unexplained`.
        """
        booked = [entry for entry in self._entries.values() if entry.kind != "gas"]
        observed = [self._observed[height] for height in sorted(self._observed)]
        return sorted(reconcile(booked, observed), key=_order)

    def observed_heights(self) -> list[int]:
        """Return the heights at which the venue's word on the subaccount is known."""
        return sorted(self._observed)

    def gas_entries(self) -> list[Entry]:
        """Return what final transactions burnt, by block."""
        return sorted((e for e in self._entries.values() if e.kind == "gas"), key=_order)

    def books(self) -> Books:
        """Return the whole ledger as it stands."""
        entries = (*self.venue_entries(), *self.pools.entries(), *self.gas_entries())
        return Books(entries=entries, balances=balances(entries))

    def _book(self, entry: Entry) -> None:
        self._entries.setdefault(f"{entry.kind}:{entry.key}", entry)

    def _fill(self, fill: ev.FillReceived) -> None:
        self.fills.setdefault(fill.fill_id, fill)
        base = fill.side.sign * fill.quantums
        paid = fill.side.sign * fill.quote_quantums
        trade, fee = f"trade:{fill.market}", fill.fee_quote_quantums
        self._book(
            Entry(
                kind="fill",
                key=fill.fill_id,
                height=fill.height,
                postings=(
                    Posting(POSITION, fill.market, base),
                    Posting(trade, fill.market, -base),
                    Posting(CASH, QUOTE, -paid - fee),
                    Posting(trade, QUOTE, paid),
                    Posting(f"fees:{fill.market}", QUOTE, fee),
                ),
            )
        )

    def _funding(self, paid: ev.FundingPaid) -> None:
        self._book(
            Entry(
                kind="funding",
                key=f"{paid.market}:{paid.height}",
                height=paid.height,
                postings=_cash(f"funding:{paid.market}", QUOTE, paid.quote_quantums),
            )
        )

    def _transfer(self, transfer: ev.VenueTransfer) -> None:
        self._book(
            Entry(
                kind="transfer",
                key=transfer.transfer_id,
                height=transfer.height,
                postings=_cash("transfers", QUOTE, transfer.quote_quantums),
            )
        )

    def _mined(self, mined: ev.TransactionMined) -> None:
        if not mined.final:
            return
        wei = mined.gas_used * mined.effective_gas_price
        self._book(
            Entry(
                kind="gas",
                key=mined.tx_hash,
                height=mined.block_number,
                postings=(Posting("keeper:wei", WEI, -wei), Posting("gas", WEI, wei)),
            )
        )

    def _observe(self, seen: ev.SubaccountObserved) -> None:
        self._observed.setdefault(seen.height, seen)

    def _reconciled(self, word: ev.Reconciled) -> None:
        self._observe(word.subaccount)

    def _listed(self, listed: ev.MarketListed) -> None:
        self.markets[listed.market.ticker] = listed.market

    def _priced(self, priced: ev.OraclePriced) -> None:
        self.prices.setdefault(priced.market, PriceHistory()).add(priced.height, priced.price)


_HANDLERS: Final[dict[type, Callable[[Ledger, Any], None]]] = {
    ev.FillReceived: Ledger._fill,
    ev.FundingPaid: Ledger._funding,
    ev.VenueTransfer: Ledger._transfer,
    ev.TransactionMined: Ledger._mined,
    ev.SubaccountObserved: Ledger._observe,
    ev.Reconciled: Ledger._reconciled,
    ev.MarketListed: Ledger._listed,
    ev.OraclePriced: Ledger._priced,
}


def _cash(counter: str, unit: str, amount: int) -> tuple[Posting, ...]:
    return Posting(CASH, unit, amount), Posting(counter, unit, -amount)


def _order(entry: Entry) -> tuple[int, str, str]:
    return entry.height, entry.kind, entry.key
