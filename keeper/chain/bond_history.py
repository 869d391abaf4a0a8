"""Reads what happened in a bond's market: its opening, every purchase, tune and change of floor."""

from dataclasses import dataclass
from typing import Final

from keeper.chain.bonds import MarketView
from keeper.chain.codec import checksum
from keeper.chain.event_logs import Log, Span, block_times, read_logs
from keeper.chain.rpc import JsonRpc
from keeper.markets.bond_path import Change, FloorRaised, Opened, Sold, TunedTo

__all__ = ["BondHistory", "BoughtNote", "read_bond_history"]

_DUTCH: Final = "DutchAuctioneer"
"""Its ABI has every auctioneer's events too."""
_EVENTS: Final = ("Open", "Sell", "ApplyChange", "Tune")


@dataclass(frozen=True, slots=True)
class BoughtNote:
    """One purchase: token units, asset units, price with 36 decimals, unix seconds."""

    time: int
    note_id: int
    buyer: str
    payout: int
    cost: int
    price: int


@dataclass(frozen=True, slots=True)
class BondHistory:
    """A market's past, oldest first."""

    opened: Opened
    changes: tuple[Change, ...]
    purchases: tuple[BoughtNote, ...]


async def read_bond_history(
    rpc: JsonRpc, teller: str, market: MarketView, span: Span
) -> BondHistory | None:
    """Read a market's events; None where it was not opened within the span.

    Raises ChainUnavailable, NodeRefused, WireError.
    """
    number = market.market_id
    logs = await read_logs(rpc, _DUTCH, market.terms.auctioneer, _EVENTS, span)
    own = [log for log in logs if log.values["id"] == number]
    bought = await read_logs(rpc, "BondTeller", teller, ("Purchase",), span)
    notes = [log for log in bought if log.values["marketId"] == number]
    opening = next((log for log in own if log.event == "Open"), None)
    if opening is None:
        return None
    times = await block_times(rpc, {log.block for log in own})
    sales = [log for log in own if log.event == "Sell"]
    changes = [_change(log, times[log.block]) for log in own if log.event != "Open"]
    return BondHistory(
        opened=Opened(*(opening.values[name] for name in ("capacity", "price", "floor"))),
        changes=tuple(changes),
        purchases=tuple(
            _purchase(note, sale, times[sale.block])
            for note, sale in zip(notes, sales, strict=True)
        ),
    )


def _change(log: Log, time: int) -> Change:
    values = log.values
    if log.event == "Sell":
        return Sold(time, values["payout"])
    if log.event == "Tune":
        return TunedTo(time, values["control"], values["target"])
    return FloorRaised(time, values["floor"])


def _purchase(note: Log, sale: Log, time: int) -> BoughtNote:
    return BoughtNote(
        time=time,
        note_id=note.values["noteId"],
        buyer=checksum(note.values["buyer"]),
        payout=note.values["payout"],
        cost=note.values["cost"],
        price=sale.values["price"],
    )
