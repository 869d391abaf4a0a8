"""Working short-term orders: each version the venue may hold, fills, what can still happen."""

from functools import lru_cache
from typing import Final

import msgspec

from keeper.domain.orders import Side, TimeInForce

__all__ = [
    "Exposure",
    "Leg",
    "Orders",
    "Pending",
    "Slot",
    "Version",
    "WorkingOrder",
    "exposure_of",
    "next_client_id",
    "slot_key",
    "spend_client_id",
]

_CLIENT_IDS = 1 << 32

# Looked up once: a member costs three times a name, and these are read for every working order.
_BUY: Final = Side.BUY
_IOC: Final = TimeInForce.IOC

Leg = tuple[Side, int, int]
"""What an id may still fill at worst: side, base quantums, subticks."""


class Version(msgspec.Struct, kw_only=True):
    """One signed message for an id that the venue may still hold; live until the height passes.

    `quantums` is the total size of the id, earlier fills included. `superseded_at` is the height
    at which a later version was acknowledged (-1 while none was).
    """

    quantums: int
    subticks: int
    good_til_block: int
    acknowledged: bool = False
    superseded_at: int = -1


class WorkingOrder(msgspec.Struct, kw_only=True):
    """One client id: its live versions, fills and cancel; `slot` is empty outside a ladder.

    `fill_sum` are fills that reached the position, the last of them at `filled_height` (-1: none);
    `total_filled` is the venue's word, which may run ahead of them. `cancel_gtb` is -1 until a
    cancel was sent, at `cancel_height`. `changed_ns` is when its price or size was last sent anew
    (unix ns; -1: unknown). `ended` means the venue said the id rests no more: it
    takes no replacement, yet its versions count until the height passes.
    """

    client_id: int
    market: str
    side: Side
    slot: str
    time_in_force: TimeInForce
    reduce_only: bool
    versions: list[Version]
    highest_gtb: int
    sent_height: int
    changed_ns: int = -1
    fill_sum: int = 0
    filled_height: int = -1
    total_filled: int = 0
    cancel_gtb: int = -1
    cancel_height: int = -2
    ended: bool = False

    @property
    def filled(self) -> int:
        """Base quantums known to be filled, by whoever said so first."""
        return self.fill_sum if self.fill_sum > self.total_filled else self.total_filled

    @property
    def remaining(self) -> int:
        """What the newest version has left to fill, in base quantums."""
        left = self.versions[-1].quantums - self.filled
        return left if left > 0 else 0

    @property
    def exposure(self) -> int:
        """Most base quantums that may still reach the position.

        The largest live version minus the fills that reached it already: a fill that was only
        announced still counts, because the position does not hold it yet.
        """
        largest = self.fill_sum
        for version in self.versions:
            if version.quantums > largest:
                largest = version.quantums
        return largest - self.fill_sum

    @property
    def worst_subticks(self) -> int:
        """Worst price among live versions: the highest for a buy, the lowest for a sell."""
        is_buy, worst = self.side is _BUY, self.versions[0].subticks
        for version in self.versions:
            if (version.subticks > worst) is is_buy:
                worst = version.subticks
        return worst

    @property
    def leg(self) -> Leg | None:
        """Its `exposure` at its `worst_subticks`; None when nothing is left to fill."""
        side, largest, worst = self.side, self.fill_sum, self.versions[0].subticks
        is_buy = side is _BUY
        for version in self.versions:
            if version.quantums > largest:
                largest = version.quantums
            if (version.subticks > worst) is is_buy:
                worst = version.subticks
        quantums = largest - self.fill_sum
        return (side, quantums, worst) if quantums else None

    def may_rest_at(self, height: int) -> list[int]:
        """Prices at which the id may rest: the newest, and older ones not surely replaced yet.

        Newest first. Who replaced a version replaced all before it no later, so the first one
        that is surely replaced ends the list.
        """
        if self.ended or self.time_in_force is _IOC:
            return []
        prices: list[int] = []
        for version in reversed(self.versions):
            if prices and -1 < version.superseded_at < height:
                break
            prices.append(version.subticks)
        return prices


class Slot(msgspec.Struct, kw_only=True):
    """A place on a side of a market's ladder and the id that fills it (-1 for none)."""

    client_id: int = -1
    sent_height: int = -1


class Pending(msgspec.Struct, kw_only=True):
    """A sent order message whose result has not come: which version of which id."""

    client_id: int
    good_til_block: int


class Orders(msgspec.Struct, kw_only=True):
    """The working set of a subaccount. `pending` is keyed by `seq << 10 | ordinal` of this run."""

    working: dict[int, WorkingOrder] = {}
    slots: dict[str, Slot] = {}
    pending: dict[int, Pending] = {}
    client_id_base: int = 0
    issued_ids: int = 0


class Exposure(msgspec.Struct, frozen=True, kw_only=True):
    """Worst case of one market's orders: base quantums that may still be bought and sold, and the
    notional at worst price of each side as (quantums, subticks) of every id."""

    buys: int
    sells: int
    legs: tuple[Leg, ...]


def exposure_of(orders: Orders, market: str) -> Exposure:
    """Sum the worst case of every id of a market."""
    buys = sells = 0
    legs: list[Leg] = []
    for order in orders.working.values():
        if order.market != market:
            continue
        leg = order.leg
        if leg is None:
            continue
        legs.append(leg)
        if order.side is _BUY:
            buys += leg[1]
        else:
            sells += leg[1]
    return Exposure(buys=buys, sells=sells, legs=tuple(legs))


def next_client_id(orders: Orders) -> int:
    """Return the first id from the counter on that no working order has."""
    candidate = (orders.client_id_base + orders.issued_ids) % _CLIENT_IDS
    while candidate in orders.working:
        candidate = (candidate + 1) % _CLIENT_IDS
    return candidate


def spend_client_id(orders: Orders, client_id: int) -> None:
    """Move the counter past an id that was sent, so that it is not issued again."""
    orders.issued_ids = (client_id - orders.client_id_base) % _CLIENT_IDS + 1


@lru_cache(maxsize=1_024)
def slot_key(market: str, side: Side, layer: int) -> str:
    """Name a slot; the only place where its form is known."""
    return f"{market}/{'BUY' if side is Side.BUY else 'SELL'}/{layer}"
