"""Working short-term orders: each version the venue may hold, fills, what can still happen."""

import msgspec

from keeper.domain.orders import Side, TimeInForce

__all__ = ["Orders", "Pending", "Slot", "Version", "WorkingOrder", "slot_key"]


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
    """One client id: its live versions, fills and cancel. `layer` is -1 for a hedge or an orphan.

    `filled` is the larger of the venue's word (`total_filled`) and the fills seen (`fill_sum`),
    so that either may arrive first. `cancel_gtb` is -1 until a cancel was sent. `ended` means the
    venue said the id rests no more: it takes no replacement, yet counts until the height passes.
    """

    client_id: int
    market: str
    side: Side
    layer: int
    time_in_force: TimeInForce
    reduce_only: bool
    versions: list[Version]
    highest_gtb: int
    sent_height: int
    fill_sum: int = 0
    total_filled: int = 0
    cancel_gtb: int = -1
    cancel_height: int = -1
    ended: bool = False

    @property
    def filled(self) -> int:
        """Base quantums known to be filled."""
        return self.fill_sum if self.fill_sum > self.total_filled else self.total_filled

    @property
    def exposure(self) -> int:
        """Most base quantums that may still fill: the largest live version minus the fills."""
        largest = 0
        for version in self.versions:
            if version.quantums > largest:
                largest = version.quantums
        return max(0, largest - self.filled)

    @property
    def worst_subticks(self) -> int:
        """Worst price among live versions: the highest for a buy, the lowest for a sell."""
        prices = [version.subticks for version in self.versions]
        return max(prices) if self.side is Side.BUY else min(prices)

    @property
    def remaining(self) -> int:
        """What the newest version has left, in base quantums."""
        return max(0, self.versions[-1].quantums - self.filled)


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
    issued_ids: int = 0


def slot_key(market: str, side: Side, layer: int) -> str:
    """Name a slot; the only place where its form is known."""
    return f"{market}/{side.value}/{layer}"
