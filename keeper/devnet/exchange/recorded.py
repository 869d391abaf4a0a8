"""Owns recorded flow: a recording's book as one maker, its takers' trades as another account.

Once a block, up to the tape's time of that block: the recorded trades are taken in recorded order,
each an immediate order at the price and size it had, from whatever rests, first come first served;
then the maker shows the recorded book of that time, less what others have taken from it since a
level appeared. A recorded level that reaches somebody's resting order trades with it: in the
recorded market that order would have been hit.

Both accounts are accounts like any other: the world funds them over the bridge, matches move their
money, short-term orders of theirs expire and are renewed.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from .chain import Chain
from .config import RecordedConfig
from .events import Event, OrderRemoved
from .model import Order, OrderId, Removal, Side, SubaccountId, TimeInForce
from .tape import Frame, TapeReader, Trade

__all__ = ["RecordedFlow", "Unfunded"]

LIFE = 10  # blocks a level's order lives before it is renewed
SHORT_TERM = 0

Level = tuple[int, Side, int]  # market id, side, subticks


class Unfunded(Exception):
    """An account of the recorded flow cannot carry a match: the world gave it too little money.

    Ends the exchange: a book that silently thins out would be another market.
    """


class RecordedFlow:
    """Plays a tape into a chain's books; `play` is to be called right before each commit."""

    def __init__(self, config: RecordedConfig, chain: Chain) -> None:
        self._chain = chain
        self._reader = TapeReader(Path(config.tape_path))
        self._from_ns = config.from_ns
        self._maker = SubaccountId(config.maker, 0)
        self._taker = SubaccountId(config.taker, 0)
        self._frames: dict[int, Frame] = {}
        self._shown: dict[Level, list[OrderId]] = {}  # oldest first
        self._taken: dict[Level, int] = {}
        self._client_id = 0

    def play(self, tape_ns: int) -> list[Event]:
        """Trade and show what was recorded up to a time of the tape. Raises Unfunded."""
        self._note_taken()
        events: list[Event] = []
        for moment in self._reader.until(tape_ns):
            if isinstance(moment, Frame):
                self._frames[moment.market_id] = moment
            elif moment.time_ns >= self._from_ns:
                events += self._trade(moment)
        for _, frame in sorted(self._frames.items()):
            events += self._show(frame)
        return events

    def _note_taken(self) -> None:
        """Remember what others took from the maker since the last block."""
        for match in self._chain.clob.pending:
            if match.maker.id.subaccount == self._maker:
                level = (match.market_id, match.maker.side, match.maker.subticks)
                self._taken[level] = self._taken.get(level, 0) + match.quantums

    def _trade(self, trade: Trade) -> Iterable[Event]:
        level = (trade.market_id, trade.side, trade.subticks)
        return self._place(self._order(self._taker, level, trade.quantums, TimeInForce.IOC))

    def _show(self, frame: Frame) -> list[Event]:
        """Bring the maker's orders to a frame: what goes is cancelled before anything is placed."""
        wanted = self._wanted(frame)
        events: list[Event] = []
        for level in [level for level in self._shown if level[0] == frame.market_id]:
            events += self._shrink(level, wanted.get(level, 0))
        for level, quantums in wanted.items():
            events += self._grow(level, quantums)
        return events

    def _wanted(self, frame: Frame) -> dict[Level, int]:
        """The frame's levels less what others took; nobody takes more than is there."""
        wanted: dict[Level, int] = {}
        taken: dict[Level, int] = {}
        for side, levels in ((Side.BUY, frame.bids), (Side.SELL, frame.asks)):
            for subticks, quantums in levels:
                level = (frame.market_id, side, subticks)
                taken[level] = min(self._taken.get(level, 0), quantums)
                wanted[level] = quantums - taken[level]
        others = {k: v for k, v in self._taken.items() if k[0] != frame.market_id}
        self._taken = others | {level: size for level, size in taken.items() if size}
        return wanted

    def _shrink(self, level: Level, wanted: int) -> Iterable[Event]:
        """Cancel the newest orders of a level while it shows too much, and those that end."""
        events: list[Event] = []
        kept = [order for order in map(self._resting, self._shown.pop(level)) if order is not None]
        shown = sum(map(self._remaining, kept))
        for order in reversed(list(kept)):
            if shown > wanted or order.good_til_block <= self._chain.height + 1:
                shown -= self._remaining(order)
                kept.remove(order)
                events += self._chain.cancel(order.id, order.good_til_block).events
        if kept:
            self._shown[level] = [order.id for order in kept]
        return events

    def _grow(self, level: Level, wanted: int) -> Iterable[Event]:
        """Add an order to a level that shows too little, behind those that are there."""
        ids = self._shown.get(level, [])
        missing = wanted - sum(self._remaining_of(key) for key in ids)
        if missing <= 0:
            return []
        order = self._order(self._maker, level, missing, TimeInForce.GTT)
        events = self._place(order)
        left = self._remaining_of(order.id)
        if left:
            self._shown[level] = [*ids, order.id]
        if left < missing:
            self._taken[level] = self._taken.get(level, 0) + missing - left
        return events

    def _order(
        self, owner: SubaccountId, level: Level, quantums: int, time_in_force: TimeInForce
    ) -> Order:
        market_id, side, subticks = level
        self._client_id += 1
        name = f"{owner.owner}/{self._client_id}/{market_id}/{side}/{subticks}/{quantums}"
        return Order(
            id=OrderId(owner, self._client_id, SHORT_TERM, market_id),
            side=side,
            quantums=quantums,
            subticks=subticks,
            good_til_block=self._chain.height + 1 + LIFE,
            time_in_force=time_in_force,
            reduce_only=False,
            client_metadata=0,
            digest=hashlib.sha256(name.encode()).digest(),
        )

    def _place(self, order: Order) -> tuple[Event, ...]:
        """Place by the market's rules; one that is closed takes no order of ours either."""
        events = self._chain.place(order).events
        for event in events:
            if not isinstance(event, OrderRemoved) or event.reason != Removal.UNDERCOLLATERALIZED:
                continue
            if event.order.id.subaccount in (self._maker, self._taker):
                owner = event.order.id.subaccount.owner
                raise Unfunded(f"the recorded flow's account {owner} lacks collateral")
        return events

    def _resting(self, key: OrderId) -> Order | None:
        return self._chain.clob.resting(key)

    def _remaining(self, order: Order) -> int:
        return self._chain.clob.books[order.id.clob_pair_id].remaining(order)

    def _remaining_of(self, key: OrderId) -> int:
        order = self._resting(key)
        return 0 if order is None else self._remaining(order)
